package echov5

import (
	"net/http"
	"testing"

	"github.com/echofirestore/echofirestore/e2e/tracing"
	"github.com/echofirestore/echofirestore/firesession"
	"github.com/echofirestore/echofirestore/internal/hosttest"
	echofirestore "github.com/echofirestore/echofirestore/v5"
	"github.com/gorilla/sessions"
	"github.com/labstack/echo/v5"
	"go.opentelemetry.io/otel/trace"
)

// TestTracing looks at all that is exported on Echo 5. It has no otelecho.
func TestTracing(t *testing.T) { //nolint:paralleltest // the Firestore client's tracer is the process's
	tracing.Run(t, tracing.Host{Name: "Echo 5, otelhttp", App: traced})
}

func traced(
	t testing.TB, cfg firesession.Config, tracers trace.TracerProvider, handle tracing.Handler,
) (http.Handler, *firesession.Store) {
	t.Helper()
	var own echofirestore.Config
	hosttest.CopyConfig(&own, cfg)
	store, err := echofirestore.NewStore(own)
	if err != nil {
		t.Fatal(err)
	}
	e := echo.New()
	e.Use(store.Middleware())
	e.GET("/*", func(c *echo.Context) error { return handle(session5{c}) })
	return tracing.UnderHTTP(e, tracers), store.Store
}

type session5 struct{ *echo.Context }

func (s session5) Get() (*sessions.Session, error) { return echofirestore.Get(s.Context) }

func (s session5) Save() error { return echofirestore.Save(s.Context) }

func (s session5) Update(fn func(*sessions.Session) error) error {
	return echofirestore.Update(s.Context, fn)
}

func (s session5) Renew() error { return echofirestore.Renew(s.Context) }

func (s session5) Destroy() error { return echofirestore.Destroy(s.Context) }
