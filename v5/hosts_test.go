package echofirestore_test

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/echofirestore/echofirestore/internal/hosttest"
	"github.com/gorilla/sessions"
	contrib "github.com/labstack/echo-contrib/v5/session"
	"github.com/labstack/echo/v5"
	"github.com/labstack/echo/v5/middleware"

	"github.com/echofirestore/echofirestore/v5"
)

// TestHosts holds Echo 5 against what each host must do, and prints the table.
func TestHosts(t *testing.T) {
	t.Parallel()
	hosttest.Run(t, echo5(), contribEcho5())
}

// A surrounding is middleware that an app may have around its sessions, or between them and the handler.
type surrounding struct {
	name            string
	outside, inside []echo.MiddlewareFunc
	lacks           hosttest.Feature
}

var surroundings = []surrounding{
	around("Gzip", middleware.Gzip(), 0),
	around("Gzip of long bodies", middleware.GzipWithConfig(middleware.GzipConfig{MinLength: 1000}), 0),
	around("BodyDump", middleware.BodyDump(func(*echo.Context, []byte, []byte, error) {}), hosttest.Duplex),
	around("ContextTimeout", middleware.ContextTimeout(time.Minute), 0),
	around("RequestLogger", new(logger).middleware(), 0),
	around("Recover", middleware.Recover(), hosttest.Panics),
	around("net/http middleware", echo.WrapMiddleware(hosttest.WrapWriter), 0),
}

// around describes middleware that is installed outside.
func around(name string, mw echo.MiddlewareFunc, lacks hosttest.Feature) surrounding {
	return surrounding{name: name, outside: []echo.MiddlewareFunc{mw}, lacks: lacks}
}

// inwards describes it when it is installed inside.
func (s surrounding) inwards() surrounding {
	s.inside, s.outside = s.outside, nil
	return s
}

// echo5 is Echo 5 with the middleware of this package.
func echo5() hosttest.Host {
	h := hosttest.Host{Name: "Echo 5", Serve: serveEcho(surrounding{}), ErrorBody: echoErrorBody}
	for _, around := range surroundings {
		h.Surroundings = append(h.Surroundings,
			hosttest.Surrounding{Name: around.name + " outside", Serve: serveEcho(around), Lacks: around.lacks},
			hosttest.Surrounding{Name: around.name + " inside", Serve: serveEcho(around.inwards()), Lacks: around.lacks})
	}
	return h
}

func echoErrorBody(status int) string {
	return fmt.Sprintf("{\"message\":%q}\n", http.StatusText(status))
}

func serveEcho(around surrounding) func(testing.TB, hosttest.App) http.Handler {
	return func(t testing.TB, app hosttest.App) http.Handler {
		t.Helper()
		stores := openStores(t, app)
		e := newEcho(app, func(c *echo.Context) hosttest.Sessions { return echoSessions{c, stores} })
		e.Use(around.outside...)
		for _, store := range stores {
			e.Use(store.Middleware())
		}
		e.Use(around.inside...)
		return e
	}
}

// newEcho returns an Echo that serves app.
func newEcho(app hosttest.App, sessionsOf func(*echo.Context) hosttest.Sessions) *echo.Echo {
	e := echo.New()
	e.Logger = slog.New(slog.DiscardHandler)
	answer := echo.DefaultHTTPErrorHandler(false)
	e.HTTPErrorHandler = func(c *echo.Context, err error) {
		if r, _ := echo.UnwrapResponse(c.Response()); r != nil && r.Committed {
			return
		}
		if app.HandleError == nil || !app.HandleError(c.Response(), c.Request(), sessionsOf(c), err) {
			answer(c, err)
		}
	}
	e.Any("/*", func(c *echo.Context) error {
		err := app.Handle(c.Response(), c.Request(), sessionsOf(c))
		if err == nil {
			return nil
		}
		status, ok := errors.AsType[hosttest.StatusError](err)
		if !ok {
			status = http.StatusInternalServerError // errors of this package's have other statuses by themselves
		}
		return echo.NewHTTPError(int(status), "").Wrap(err)
	})
	return e
}

func openStores(t testing.TB, app hosttest.App) []*echofirestore.Store {
	t.Helper()
	var stores []*echofirestore.Store
	for _, from := range app.Stores {
		var cfg echofirestore.Config
		hosttest.CopyConfig(&cfg, from)
		if from.ErrorHandler != nil {
			cfg.ErrorHandler = func(c *echo.Context, err error) error {
				from.ErrorHandler(c.Response(), c.Request(), err)
				return nil
			}
		}
		store, err := echofirestore.NewStore(cfg)
		if err != nil {
			t.Fatal(err)
		}
		stores = append(stores, store)
	}
	return stores
}

type echoSessions struct {
	c      *echo.Context
	stores []*echofirestore.Store
}

func (s echoSessions) Get() (*sessions.Session, error) { return echofirestore.Get(s.c) }
func (s echoSessions) Session() *sessions.Session      { return echofirestore.Session(s.c) }
func (s echoSessions) Save() error                     { return echofirestore.Save(s.c) }
func (s echoSessions) Destroy() error                  { return echofirestore.Destroy(s.c) }
func (s echoSessions) Renew() error                    { return echofirestore.Renew(s.c) }
func (s echoSessions) Stores() []hosttest.Store        { return hosttest.AsStores(s.stores) }

func (s echoSessions) Update(fn func(*sessions.Session) error) error {
	return echofirestore.Update(s.c, fn)
}

func (s echoSessions) Named(name string) (*sessions.Session, error) { return contrib.Get(name, s.c) }

func (s echoSessions) All() ([]*sessions.Session, error) {
	byContrib, err := contrib.Get("__session", s.c)
	byStore, storeErr := s.stores[len(s.stores)-1].Get(s.c.Request(), "__session")
	return []*sessions.Session{s.Session(), byContrib, byStore}, errors.Join(err, storeErr)
}

// contribEcho5 is Echo 5 with the middleware of echo-contrib, on a Store of this package.
func contribEcho5() hosttest.Host {
	return hosttest.Host{
		Name: "echo-contrib/v5",
		Serve: func(t testing.TB, app hosttest.App) http.Handler {
			t.Helper()
			stores := hosttest.AsStores(openStores(t, app))
			e := newEcho(app, func(c *echo.Context) hosttest.Sessions {
				return app.Gorilla(c.Response(), c.Request(), stores, func(name string) (*sessions.Session, error) {
					return contrib.Get(name, c)
				})
			})
			for _, store := range stores {
				e.Use(contrib.Middleware(store))
			}
			return e
		},
		ErrorBody: echoErrorBody,
		Lacks:     hosttest.OfGorilla,
	}
}
