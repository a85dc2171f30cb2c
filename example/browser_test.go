package main

import (
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cloud.google.com/go/firestore"
	"github.com/labstack/echo/v4"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
)

// A browser visits an application of its own over TLS. It keeps cookies, fills in the forms of the page that it shows,
// and follows no redirects. It doesn't send Sec-Fetch-Site, so that forms need their tokens.
type browser struct {
	t         *testing.T
	userAgent string
	clock     *clock // of the application
	firestore *firestoretest.Server
	client    *firestore.Client
	echo      *echo.Echo
	server    *httptest.Server
	http      http.Client
	csrf      string // the token on the page last shown
}

func newBrowser(t *testing.T) *browser {
	t.Helper()
	return newBrowserWith(t, slog.New(slog.DiscardHandler))
}

func newBrowserWith(t *testing.T, logger *slog.Logger) *browser {
	t.Helper()
	b := &browser{t: t, userAgent: firefoxOnLinux, clock: new(clock)}
	b.firestore, b.client = firestoretest.Start(t)
	db, err := openEmulator(t.Context(), b.firestore.Addr(), b.firestore.Project())
	requireNoError(t, err)
	t.Cleanup(db.Close)
	b.echo, err = newApp(config{Client: db.client, Place: "here for tests", Timeout: 10 * time.Second, Logger: logger, Now: b.clock.now})
	requireNoError(t, err)
	b.server = httptest.NewTLSServer(b.echo)
	t.Cleanup(b.server.Close)
	return newBrowserOf(b)
}

// A clock is ahead of the time, or stands still.
type clock struct {
	ahead   atomic.Int64
	stopped atomic.Pointer[time.Time]
}

func (c *clock) now() time.Time {
	if t := c.stopped.Load(); t != nil {
		return *t
	}
	return time.Now().Add(time.Duration(c.ahead.Load()))
}

func (c *clock) advance(d time.Duration) { c.ahead.Add(int64(d)) }
func (c *clock) stop(at time.Time)       { c.stopped.Store(&at) }

// newBrowserOf returns another browser on the application of b.
func newBrowserOf(b *browser) *browser {
	other := *b
	jar, err := cookiejar.New(nil)
	requireNoError(b.t, err)
	other.csrf = ""
	other.http = http.Client{Jar: jar, Transport: b.server.Client().Transport, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
	return &other
}

// A reply is a response that was read to its end.
type reply struct {
	*http.Response
	body string
}

func (b *browser) get(path string) reply {
	b.t.Helper()
	return b.request(http.MethodGet, path, http.NoBody)
}

// submit sends a form that is on the page, filled in with names and values in turn.
func (b *browser) submit(path string, filled ...string) reply {
	b.t.Helper()
	form := url.Values{csrfField: {b.csrf}}
	for i := 0; i < len(filled); i += 2 {
		form.Set(filled[i], filled[i+1])
	}
	return b.post(path, form.Encode())
}

func (b *browser) post(path, form string, headers ...[2]string) reply {
	b.t.Helper()
	return b.request(http.MethodPost, path, strings.NewReader(form), headers...)
}

// postUnsized sends a form without saying how long it is.
func (b *browser) postUnsized(path, form string) reply {
	b.t.Helper()
	return b.request(http.MethodPost, path, io.MultiReader(strings.NewReader(form)))
}

var (
	csrfInput = regexp.MustCompile(`name="csrf" value="([^"]+)"`)
	costShown = regexp.MustCompile(`cost <strong>([^<]+)</strong>`)
)

// request expects of every page that it tells what it cost, and that there is nothing in it that its policy forbids.
func (b *browser) request(method, path string, body io.Reader, headers ...[2]string) reply {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.server.URL+path, body)
	requireNoError(b.t, err)
	req.Header.Set("User-Agent", b.userAgent)
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, header := range headers {
		req.Header.Set(header[0], header[1])
	}
	before := b.firestore.Ops()
	resp, err := b.http.Do(req)
	requireNoError(b.t, err)
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body)
	requireNoError(b.t, err)
	r := reply{resp, string(content)}

	if resp.Header.Get("Content-Security-Policy") != contentPolicy {
		b.t.Errorf("%s %s has no policy", method, path)
	}
	if method != http.MethodHead && strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") {
		b.checkPage(r, b.firestore.Ops().Sub(before))
	}
	return r
}

func (b *browser) checkPage(r reply, cost firestoretest.Ops) {
	b.t.Helper()
	shown := costShown.FindStringSubmatch(r.body)
	if shown == nil || shown[1] != cost.String() {
		b.t.Errorf("%s %s tells the cost %q, but it was %v", r.Request.Method, r.Request.URL.Path, shown, cost)
	}
	for _, forbidden := range []string{"<script", "<style", " style=", "javascript:"} {
		if strings.Contains(r.body, forbidden) {
			b.t.Errorf("%s %s contains %s", r.Request.Method, r.Request.URL.Path, forbidden)
		}
	}
	if r.Header.Get("Cache-Control") != "private, no-store" {
		b.t.Errorf("%s %s may be cached", r.Request.Method, r.Request.URL.Path)
	}
	if token := csrfInput.FindStringSubmatch(r.body); token != nil {
		b.csrf = html.UnescapeString(token[1])
	}
}

// onlyDocument returns the fields of the one document that there must be.
func (b *browser) onlyDocument() map[string]any {
	b.t.Helper()
	docs, err := b.client.Collection(echofirestore.DefaultCollection).Documents(b.t.Context()).GetAll()
	requireNoError(b.t, err)
	if len(docs) != 1 {
		b.t.Fatalf("there are %d documents", len(docs))
	}
	return docs[0].Data()
}

// session returns the session's cookie that the response sets, and nil if it sets none.
func (r reply) session() *http.Cookie {
	for _, cookie := range r.Cookies() {
		if cookie.Name == echofirestore.DefaultCookieName {
			return cookie
		}
	}
	return nil
}

// wants expects a status and texts in the body.
func (r reply) wants(t *testing.T, status int, texts ...string) reply {
	t.Helper()
	if r.StatusCode != status {
		t.Errorf("%s %s answered %d, want %d", r.Request.Method, r.Request.URL.Path, r.StatusCode, status)
	}
	for _, text := range texts {
		if !strings.Contains(r.body, text) {
			t.Errorf("%s %s lacks %q:\n%s", r.Request.Method, r.Request.URL.Path, text, r.body)
		}
	}
	return r
}

// lacks expects that a text is not in the body.
func (r reply) lacks(t *testing.T, text string) reply {
	t.Helper()
	if strings.Contains(r.body, text) {
		t.Errorf("%s %s contains %q", r.Request.Method, r.Request.URL.Path, text)
	}
	return r
}

func (r reply) redirectsHome(t *testing.T) reply {
	t.Helper()
	return r.redirectsTo(t, "/")
}

func (r reply) redirectsTo(t *testing.T, path string) reply {
	t.Helper()
	if r.StatusCode != http.StatusSeeOther || r.Header.Get("Location") != path {
		t.Errorf("%s %s answered %d to %q, want a redirect to %s:\n%s",
			r.Request.Method, r.Request.URL.Path, r.StatusCode, r.Header.Get("Location"), path, r.body)
	}
	return r
}
