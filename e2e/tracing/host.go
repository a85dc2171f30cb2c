package tracing

import (
	"net/http"
	"testing"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firesession"
	"github.com/echofirestore/echofirestore/internal/hosttest"
	"github.com/gorilla/sessions"
	"github.com/labstack/echo/v4"
	"go.opentelemetry.io/contrib/instrumentation/github.com/labstack/echo/otelecho"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/trace"
)

// A Session is what a host offers its handlers.
type Session interface {
	Request() *http.Request
	Get() (*sessions.Session, error)
	Save() error
	Update(fn func(*sessions.Session) error) error
	Renew() error
	Destroy() error
}

// A Handler handles a request.
type Handler func(Session) error

// A Host is a framework, or net/http alone.
type Host struct {
	Name string

	// App returns a program that handles every request in a span of the request's. Its store has the fields of cfg that
	// concern no framework.
	App func(t testing.TB, cfg firesession.Config, tracers trace.TracerProvider, handle Handler) (http.Handler, *firesession.Store)
}

// Hosts are those of this module.
var Hosts = []Host{
	{Name: "net/http", App: netHTTP},
	{Name: "Echo 4, otelhttp", App: echoUnderHTTP},
	{Name: "Echo 4, otelecho", App: echoUnderOtelecho},
}

func netHTTP(
	t testing.TB, cfg firesession.Config, tracers trace.TracerProvider, handle Handler,
) (http.Handler, *firesession.Store) {
	t.Helper()
	store, err := firesession.NewStore(cfg)
	if err != nil {
		t.Fatal(err)
	}
	app := store.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := handle(httpSession{r}); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	}))
	return UnderHTTP(app, tracers), store
}

// UnderHTTP returns app with spans of net/http's requests.
func UnderHTTP(app http.Handler, tracers trace.TracerProvider) http.Handler {
	return otelhttp.NewHandler(app, "request", otelhttp.WithTracerProvider(tracers))
}

func echoUnderHTTP(
	t testing.TB, cfg firesession.Config, tracers trace.TracerProvider, handle Handler,
) (http.Handler, *firesession.Store) {
	t.Helper()
	app, store := newEcho(t, cfg, handle)
	return UnderHTTP(app, tracers), store
}

func echoUnderOtelecho(
	t testing.TB, cfg firesession.Config, tracers trace.TracerProvider, handle Handler,
) (http.Handler, *firesession.Store) {
	t.Helper()
	return newEcho(t, cfg, handle, otelecho.Middleware("app", otelecho.WithTracerProvider(tracers)))
}

// newEcho returns an Echo 4 with middleware outside the store's.
func newEcho(
	t testing.TB, cfg firesession.Config, handle Handler, outside ...echo.MiddlewareFunc,
) (http.Handler, *firesession.Store) {
	t.Helper()
	var own echofirestore.Config
	hosttest.CopyConfig(&own, cfg)
	store, err := echofirestore.NewStore(own)
	if err != nil {
		t.Fatal(err)
	}
	e := echo.New()
	e.Use(append(outside, store.Middleware())...)
	e.GET("/*", func(c echo.Context) error { return handle(echoSession{c}) })
	return e, store.Store
}

type httpSession struct{ r *http.Request }

func (s httpSession) Request() *http.Request          { return s.r }
func (s httpSession) Get() (*sessions.Session, error) { return firesession.Get(s.r) }
func (s httpSession) Save() error                     { return firesession.Save(s.r) }
func (s httpSession) Update(fn func(*sessions.Session) error) error {
	return firesession.Update(s.r, fn)
}

func (s httpSession) Renew() error { return firesession.Renew(s.r) }

func (s httpSession) Destroy() error { return firesession.Destroy(s.r) }

type echoSession struct{ echo.Context }

func (s echoSession) Get() (*sessions.Session, error) { return echofirestore.Get(s.Context) }

func (s echoSession) Save() error { return echofirestore.Save(s.Context) }

func (s echoSession) Update(fn func(*sessions.Session) error) error {
	return echofirestore.Update(s.Context, fn)
}

func (s echoSession) Renew() error { return echofirestore.Renew(s.Context) }

func (s echoSession) Destroy() error { return echofirestore.Destroy(s.Context) }
