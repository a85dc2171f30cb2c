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
	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
	"github.com/labstack/echo/v4"

	"github.com/echofirestore/echofirestore/example/oidc/provider"
)

// A site is the application, over TLS, with a Firestore and a provider of its own.
type site struct {
	url       string
	config    config
	firestore *firestoretest.Server
	client    *firestore.Client
	ahead     atomic.Int64 // of the time, on the application's clock
	server    *httptest.Server
}

func newSite(t *testing.T) *site {
	t.Helper()
	server, client := firestoretest.Start(t)
	s := &site{firestore: server, client: client}
	var app *echo.Echo
	s.server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { app.ServeHTTP(w, r) }))
	t.Cleanup(s.server.Close)
	s.url = s.server.URL

	p, err := provider.Start(provider.Client{
		ID: "id", Secret: "secret", RedirectURI: s.url + pathCallback, PostLogoutRedirectURI: s.url + "/",
	})
	requireNoError(t, err)
	t.Cleanup(func() { requireNoError(t, p.Close()) })
	s.config = config{
		Client: client, BaseURL: s.url, Issuer: p.Issuer, ClientID: "id", ClientSecret: "secret",
		Logger: slog.New(slog.DiscardHandler), Now: func() time.Time { return time.Now().Add(time.Duration(s.ahead.Load())) },
	}
	app, err = newApp(t.Context(), s.config)
	requireNoError(t, err)
	return s
}

// anotherInstance starts the application once more, as Cloud Run does. It returns an address to which only tests send requests.
func (s *site) anotherInstance(t *testing.T) string {
	t.Helper()
	app, err := newApp(t.Context(), s.config)
	requireNoError(t, err)
	server := httptest.NewTLSServer(app)
	t.Cleanup(server.Close)
	return server.URL
}

// A browser keeps cookies, and follows no redirects by itself. It doesn't send Sec-Fetch-Site, so that forms need their tokens.
type browser struct {
	t    *testing.T
	site *site
	http http.Client
	csrf string // the token on the page last shown
}

func (s *site) newBrowser(t *testing.T) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	requireNoError(t, err)
	return &browser{t: t, site: s, http: http.Client{
		Jar: jar, Transport: s.server.Client().Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// A reply is a response that was read to its end, with what it cost in Firestore.
type reply struct {
	*http.Response
	body string
	cost firestoretest.Ops
}

// get gets an address, of the application if it is only a path.
func (b *browser) get(address string) reply {
	b.t.Helper()
	return b.request(http.MethodGet, address, http.NoBody)
}

// post sends a form with the token of the page last shown, and names and values in turn.
func (b *browser) post(address string, filled ...string) reply {
	b.t.Helper()
	form := url.Values{csrfField: {b.csrf}}
	for i := 0; i < len(filled); i += 2 {
		form.Set(filled[i], filled[i+1])
	}
	return b.request(http.MethodPost, address, strings.NewReader(form.Encode()))
}

var csrfInput = regexp.MustCompile(`name="csrf" value="([^"]+)"`)

func (b *browser) request(method, address string, body io.Reader) reply {
	b.t.Helper()
	if strings.HasPrefix(address, "/") {
		address = b.site.url + address
	}
	req, err := http.NewRequestWithContext(b.t.Context(), method, address, body)
	requireNoError(b.t, err)
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	before := b.site.firestore.Ops()
	resp, err := b.http.Do(req)
	requireNoError(b.t, err)
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body)
	requireNoError(b.t, err)
	if token := csrfInput.FindSubmatch(content); token != nil {
		b.csrf = html.UnescapeString(string(token[1]))
	}
	if strings.HasPrefix(address, b.site.url) && resp.Header.Get("Cache-Control") != "private, no-store" {
		b.t.Errorf("%s %s may be stored: %q", method, req.URL.Path, resp.Header.Get("Cache-Control"))
	}
	return reply{resp, string(content), b.site.firestore.Ops().Sub(before)}
}

// begin begins a sign-in, and returns the provider's address for it.
func (b *browser) begin(returnTo string) *url.URL {
	b.t.Helper()
	return b.get(signInAddress(returnTo)).redirect(b.t)
}

// authenticate goes to the provider's address for a sign-in, and presses the button of a user there. It returns the address
// of the callback.
func (b *browser) authenticate(at *url.URL, user string) string {
	b.t.Helper()
	login := b.get(at.String()).redirect(b.t)
	next := b.post(login.String(), "id", login.Query().Get("authRequestID"), "user", user).redirect(b.t)
	if user != "" {
		next = b.get(next.String()).redirect(b.t)
	}
	return next.String()
}

// comeBack goes to the callback, and once more if it asks for that.
func (b *browser) comeBack(callback string) reply {
	b.t.Helper()
	r := b.get(callback)
	if next := r.Header.Get("Location"); strings.HasPrefix(next, pathCallback) {
		cost := r.cost
		r = b.get(next)
		r.cost.Reads, r.cost.Writes, r.cost.Deletes = r.cost.Reads+cost.Reads, r.cost.Writes+cost.Writes, r.cost.Deletes+cost.Deletes
	}
	return r
}

// signIn signs a user in, by way of the front page.
func (b *browser) signIn(user string) {
	b.t.Helper()
	b.get(b.authenticate(b.begin("/"), user)).wants(b.t, http.StatusSeeOther, "")
}

// key returns the session's cookie.
func (b *browser) key() string {
	b.t.Helper()
	at, err := url.Parse(b.site.url)
	requireNoError(b.t, err)
	for _, cookie := range b.http.Jar.Cookies(at) {
		if cookie.Name == echofirestore.DefaultCookieName {
			return cookie.Value
		}
	}
	return ""
}

// wants expects a status, and a text in the body.
func (r reply) wants(t *testing.T, status int, text string) reply {
	t.Helper()
	if r.StatusCode != status || !strings.Contains(r.body, text) {
		t.Errorf("%s %s answered %d, want %d with %q:\n%s", r.Request.Method, r.Request.URL.Path, r.StatusCode, status, text, r.body)
	}
	return r
}

// costs expects what the request cost in Firestore.
func (r reply) costs(t *testing.T, cost string) reply {
	t.Helper()
	if r.cost.String() != cost {
		t.Errorf("%s %s cost %v, want %s", r.Request.Method, r.Request.URL.Path, r.cost, cost)
	}
	return r
}

// redirect returns where the browser is sent.
func (r reply) redirect(t *testing.T) *url.URL {
	t.Helper()
	location, err := r.Location()
	if err != nil || r.StatusCode != http.StatusSeeOther && r.StatusCode != http.StatusFound {
		t.Fatalf("%s %s answered %d, want a redirect:\n%s", r.Request.Method, r.Request.URL.Path, r.StatusCode, r.body)
	}
	return location
}

func requireNoError(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
