package echofirestore_test

import (
	"bytes"
	"cmp"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/firestore"
	"github.com/labstack/echo/v4"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
	"github.com/echofirestore/echofirestore/internal/bubble"
	"github.com/echofirestore/echofirestore/internal/emulator"
	"github.com/echofirestore/echofirestore/internal/testclock"
)

// An app is an Echo application with sessions, served over TLS, and the Firestore beneath it.
type app struct {
	*echo.Echo
	t         *testing.T
	firestore *firestoretest.Server
	client    *firestore.Client
	clock     *testclock.Clock
	config    echofirestore.Config
	store     *echofirestore.Store
	second    *echofirestore.Store // as another process has it
	server    *httptest.Server     // nil in a bubble
	log       *syncBuffer          // what the store logged
}

// newApp starts an app whose Config is changed by the given functions. Routes may be added until the first request.
func newApp(t *testing.T, configure ...func(*echofirestore.Config)) *app {
	t.Helper()
	a := newBareApp(t, configure...)
	a.Use(a.middleware())
	return a
}

// newBareApp is newApp, but installs no middleware.
func newBareApp(t *testing.T, configure ...func(*echofirestore.Config)) *app {
	t.Helper()
	server, client := firestoretest.Start(t)
	a := newUnservedApp(t, server, client, configure)
	a.server = httptest.NewUnstartedServer(a.Echo)
	a.server.EnableHTTP2 = true
	a.server.Config.ErrorLog = log.New(io.Discard, "", 0)
	a.server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate()}}
	a.server.StartTLS()
	t.Cleanup(a.server.Close)
	return a
}

// newBubbleApp is newApp for bubbles of testing/synctest, where waiting takes no time. Browsers call the app directly.
func newBubbleApp(t *testing.T, n *bubble.Network, configure ...func(*echofirestore.Config)) *app {
	t.Helper()
	a := newBareBubbleApp(t, n, configure...)
	a.Use(a.middleware())
	return a
}

// newBareBubbleApp is newBubbleApp, but installs no middleware.
func newBareBubbleApp(t *testing.T, n *bubble.Network, configure ...func(*echofirestore.Config)) *app {
	t.Helper()
	return newUnservedApp(t, n.Server, n.Client, configure)
}

func newUnservedApp(t *testing.T, server *firestoretest.Server, client *firestore.Client, configure []func(*echofirestore.Config)) *app {
	t.Helper()
	a := &app{Echo: echo.New(), t: t, firestore: server, client: client, clock: testclock.New(), log: new(syncBuffer)}
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
	for _, store := range []**echofirestore.Store{&a.store, &a.second} {
		var err error
		if *store, err = echofirestore.NewStore(a.config); err != nil {
			t.Fatal(err)
		}
	}
	return a
}

// middleware returns that of the store, and for a browser that is elsewhere, that of another one.
func (a *app) middleware() echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		here, elsewhere := a.store.Middleware()(next), a.second.Middleware()(next)
		return func(c echo.Context) error {
			if c.Request().Header.Get(elsewhereHeader) != "" {
				return elsewhere(c)
			}
			return here(c)
		}
	}
}

const elsewhereHeader = "X-Elsewhere"

// elsewhere returns a browser whose requests are served by another process, which does not wait for this one's turns.
func (a *app) elsewhere() *browser {
	b := a.browser()
	b.Transport = elsewhereTransport{b.Transport}
	return b
}

type elsewhereTransport struct{ http.RoundTripper }

func (t elsewhereTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set(elsewhereHeader, "1")
	return t.RoundTripper.RoundTrip(r)
}

// certificate returns that of the servers. The one of package httptest is an RSA key, whose handshakes take a tenth of the
// time of all tests.
var certificate = sync.OnceValue(func() tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		panic(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
})

// aboutResponses skips a test on the emulator. It has many apps, and is about responses rather than about Firestore. The
// official client leaves a connection to the emulator open for each of them, until the emulator accepts no more.
func aboutResponses(t *testing.T) {
	t.Helper()
	emulator.Avoid(t, "it is about responses, for which Firestore in memory will do")
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

func (a *app) browser() *browser {
	if a.server == nil {
		return a.browserOf("https://app.test", directTransport{a.Echo})
	}
	return a.browserAt(a.server.URL)
}

// plainBrowser returns a browser that has the app served over plain HTTP.
func (a *app) plainBrowser() *browser {
	server := httptest.NewUnstartedServer(a.Echo)
	server.Config.ErrorLog = a.server.Config.ErrorLog
	server.Start()
	a.t.Cleanup(server.Close)
	return a.browserAt(server.URL)
}

func (a *app) browserAt(url string) *browser { return a.browserOf(url, a.server.Client().Transport) }

func (a *app) browserOf(url string, transport http.RoundTripper) *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		a.t.Fatal(err)
	}
	return &browser{t: a.t, url: url, Client: http.Client{
		Jar:       jar,
		Transport: transport,
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}}
}

// A directTransport has requests served without a network.
type directTransport struct{ http.Handler }

func (d directTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	r := httptest.NewRequestWithContext(req.Context(), req.Method, req.URL.String(), req.Body)
	r.Header = req.Header
	rec := httptest.NewRecorder()
	d.ServeHTTP(rec, r)
	return rec.Result(), nil
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

func withCookie(key string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Cookie", "__session="+key) }
}

// payload is the data field of a session of Alice's that was last changed at the given time.
func payload(created time.Time) string {
	return fmt.Sprintf(`{"created": %d, "session": {"user": "alice"}}`, created.Unix())
}

// values returns the values of the stored session called key.
func (a *app) values(key string) map[string]any {
	a.t.Helper()
	doc, ok := a.documents()[key]
	if !ok {
		a.t.Fatalf("no document %q", key)
	}
	payload, err := echofirestore.DecodeJSON(doc["data"].(string))
	if err != nil {
		a.t.Fatal(err)
	}
	return payload.Values
}
