package echofirestore_test

import (
	"bytes"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"sync"
	"testing"

	"cloud.google.com/go/firestore"
	"github.com/echofirestore/echofirestore/firestoretest"
	"github.com/labstack/echo/v5"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/echofirestore/echofirestore/v5"
)

// An app is an Echo application with a store of sessions, served over TLS, and the Firestore beneath it.
type app struct {
	*echo.Echo
	t         *testing.T
	firestore *firestoretest.Server
	client    *firestore.Client
	store     *echofirestore.Store
	server    *httptest.Server
	log       *syncBuffer // what the store logged
}

// newApp starts an app without middleware, whose Config is changed by the given functions.
func newApp(t *testing.T, configure ...func(*echofirestore.Config)) *app {
	t.Helper()
	a := &app{Echo: echo.New(), t: t, log: new(syncBuffer)}
	a.Logger = slog.New(slog.DiscardHandler)
	a.firestore, a.client = firestoretest.Start(t)
	cfg := echofirestore.Config{Client: a.client, Logger: slog.New(slog.NewTextHandler(a.log, nil))}
	for _, f := range configure {
		f(&cfg)
	}
	var err error
	if a.store, err = echofirestore.NewStore(cfg); err != nil {
		t.Fatal(err)
	}
	a.server = httptest.NewUnstartedServer(a.Echo)
	a.server.EnableHTTP2 = true
	a.server.Config.ErrorLog = log.New(io.Discard, "", 0)
	a.server.StartTLS()
	t.Cleanup(a.server.Close)
	return a
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

// refuse makes all calls of a method fail, until the fault is removed.
func (a *app) refuse(method string) (remove func()) {
	return a.firestore.Inject(firestoretest.Fault{Method: method, Times: -1, Err: status.Error(codes.PermissionDenied, "no")})
}

// put stores a session that holds values, in JSON.
func (a *app) put(key, values string) {
	a.t.Helper()
	_, err := a.client.Collection(echofirestore.DefaultCollection).Doc(key).Set(a.t.Context(),
		map[string]any{"data": `{"created": 1, "session": ` + values + `}`, "max_age": nil})
	if err != nil {
		a.t.Fatal(err)
	}
}

// stored returns the values of all stored sessions, by document ID.
func (a *app) stored() map[string]map[string]any {
	a.t.Helper()
	docs, err := a.client.Collection(echofirestore.DefaultCollection).Documents(a.t.Context()).GetAll()
	if err != nil {
		a.t.Fatal(err)
	}
	all := make(map[string]map[string]any)
	for _, doc := range docs {
		p, err := echofirestore.DecodeJSON(doc.Data()["data"].(string))
		if err != nil {
			a.t.Fatal(err)
		}
		all[doc.Ref.ID] = p.Values
	}
	return all
}

// A browser keeps the cookies of an app.
type browser struct {
	http.Client
	t   *testing.T
	url string
}

func (a *app) browser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		a.t.Fatal(err)
	}
	return &browser{t: a.t, url: a.server.URL, Client: http.Client{
		Jar:           jar,
		Transport:     a.server.Client().Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// A reply is a response that was read to its end.
type reply struct {
	*http.Response
	body string
}

// cookie returns the value of the session's cookie: "" if the response sets none, or deletes it.
func (r reply) cookie() string {
	found := ""
	for _, c := range r.Cookies() {
		if c.Name == echofirestore.DefaultCookieName {
			if found += c.Value; found != c.Value {
				return "set more than once"
			}
		}
	}
	return found
}

func (b *browser) get(path string, change ...func(*http.Request)) reply {
	b.t.Helper()
	return b.request(http.MethodGet, path, change...)
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
	for _, f := range change {
		f(req)
	}
	resp, err := b.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return reply{resp, string(body)}, err
}

// withKey sends the cookie of a session.
func withKey(key string) func(*http.Request) {
	return func(r *http.Request) {
		r.AddCookie(&http.Cookie{Name: echofirestore.DefaultCookieName, Value: key})
	}
}

// count is a handler that counts in its session.
func count(c *echo.Context) error {
	sess, err := echofirestore.Get(c)
	if err != nil {
		return err
	}
	n, _ := sess.Values["n"].(int)
	sess.Values["n"] = n + 1
	return c.JSON(http.StatusOK, n+1)
}
