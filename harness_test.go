package echofirestore_test

import (
	"bytes"
	"cmp"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"os"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/firestore"
	"github.com/gorilla/sessions"
	"github.com/labstack/echo/v4"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
)

// clock is a clock that tests move. It starts at the present, since documents also bear times of the server.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Now().Truncate(time.Second)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Set(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = now
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// An app is an Echo application with sessions, served over TLS, and the Firestore beneath it.
type app struct {
	*echo.Echo
	t         *testing.T
	firestore *firestoretest.Server
	client    *firestore.Client
	clock     *clock
	config    echofirestore.Config
	store     *echofirestore.Store
	server    *httptest.Server
	log       *syncBuffer // what the store logged
}

// newApp starts an app whose Config is changed by the given functions. Routes may be added until the first request.
func newApp(t *testing.T, configure ...func(*echofirestore.Config)) *app {
	t.Helper()
	a := newBareApp(t, configure...)
	a.Use(a.store.Middleware())
	return a
}

// newBareApp is newApp, but installs no middleware.
func newBareApp(t *testing.T, configure ...func(*echofirestore.Config)) *app {
	t.Helper()
	a := &app{Echo: echo.New(), t: t, clock: newClock(), log: new(syncBuffer)}
	a.firestore, a.client = firestoretest.Start(t)
	a.firestore.LimitTransactions(firestoretest.TransactionLimit) // as the service does
	a.config = echofirestore.Config{
		Client: a.client,
		MaxAge: 3600,
		Now:    a.clock.Now,
		Logger: slog.New(slog.NewTextHandler(a.log, nil)),
	}
	for _, f := range configure {
		f(&a.config)
	}
	var err error
	if a.store, err = echofirestore.NewStore(a.config); err != nil {
		t.Fatal(err)
	}
	a.server = httptest.NewUnstartedServer(a.Echo)
	a.server.EnableHTTP2 = true
	a.server.Config.ErrorLog = log.New(io.Discard, "", 0)
	a.server.StartTLS()
	t.Cleanup(a.server.Close)
	return a
}

// session returns the request's session for handlers of tests that expect no error.
func session(c echo.Context) *sessions.Session {
	return c.Get(echofirestore.SessionKey).(*sessions.Session)
}

func setOne(c echo.Context) { session(c).Values["n"] = 1 }

// aboutResponses skips a test on the emulator. It has many apps, and is about responses rather than about Firestore. The
// official client leaves a connection to the emulator open for each of them, until the emulator accepts no more.
func aboutResponses(t *testing.T) {
	t.Helper()
	if os.Getenv("FIRESTORE_EMULATOR_HOST") != "" {
		t.Skip("it is about responses, for which Firestore in memory will do")
	}
}

// A syncBuffer is a buffer for several goroutines.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// A browser keeps the cookies of an app, as a user's would.
type browser struct {
	t   *testing.T
	url string
	http.Client
}

func (a *app) browser() *browser { return a.browserAt(a.server.URL) }

// plainBrowser returns a browser that has the app served over plain HTTP.
func (a *app) plainBrowser() *browser {
	server := httptest.NewServer(a.Echo)
	a.t.Cleanup(server.Close)
	return a.browserAt(server.URL)
}

func (a *app) browserAt(url string) *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		a.t.Fatal(err)
	}
	return &browser{t: a.t, url: url, Client: http.Client{
		Jar:       jar,
		Transport: a.server.Client().Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}}
}

// A reply is a response that was read to its end.
type reply struct {
	*http.Response
	body string
}

// cookie returns the cookie that the response sets under name: nil if none, or one that says so if there are more.
func (r reply) cookie(name string) *http.Cookie {
	var found *http.Cookie
	for _, c := range r.Cookies() {
		switch {
		case c.Name != name:
		case found != nil:
			return &http.Cookie{Name: name, Value: "set more than once"}
		default:
			found = c
		}
	}
	return found
}

func (b *browser) get(path string, change ...func(*http.Request)) reply {
	b.t.Helper()
	return b.request(http.MethodGet, path, change...)
}

func (b *browser) post(path string, change ...func(*http.Request)) reply {
	b.t.Helper()
	return b.request(http.MethodPost, path, change...)
}

func (b *browser) request(method, path string, change ...func(*http.Request)) reply {
	b.t.Helper()
	got, err := b.try(method, path, change...)
	if err != nil {
		b.t.Fatal(err)
	}
	return got
}

// try is request for when the server may break the connection.
func (b *browser) try(method, path string, change ...func(*http.Request)) (reply, error) {
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.url+path, http.NoBody)
	if err != nil {
		return reply{}, err
	}
	client := b.Client
	for _, f := range change {
		f(req)
	}
	if req.Header.Get("Cookie") != "" {
		client.Jar = nil // the request has cookies of its own
	}
	resp, err := client.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return reply{resp, string(body)}, err
}

func (a *app) collection() *firestore.CollectionRef {
	return a.client.Collection(cmp.Or(a.config.Collection, echofirestore.DefaultCollection))
}

// put stores a document in the collection of the sessions.
func (a *app) put(key string, fields map[string]any) *firestore.DocumentRef {
	a.t.Helper()
	ref := a.collection().Doc(key)
	if _, err := ref.Set(a.t.Context(), fields); err != nil {
		a.t.Fatal(err)
	}
	return ref
}

// putSession stores a browser session that holds values, in JSON.
func (a *app) putSession(key, values string) {
	a.t.Helper()
	a.put(key, map[string]any{"data": `{"created": 1, "session": ` + values + `}`, "max_age": nil})
}

// documents returns the fields of all session documents, by document ID.
func (a *app) documents() map[string]map[string]any {
	a.t.Helper()
	snaps, err := a.collection().Documents(a.t.Context()).GetAll()
	if err != nil {
		a.t.Fatal(err)
	}
	docs := make(map[string]map[string]any)
	for _, snap := range snaps {
		docs[snap.Ref.ID] = snap.Data()
	}
	return docs
}

// cost returns what f costs in Firestore.
func (a *app) cost(f func()) firestoretest.Ops {
	before := a.firestore.Ops()
	f()
	return a.firestore.Ops().Sub(before)
}
