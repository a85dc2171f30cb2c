package echofirestore_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"sync"
	"testing"

	"github.com/gorilla/sessions"
	contrib "github.com/labstack/echo-contrib/session"
	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firesession"
	"github.com/echofirestore/echofirestore/internal/hosttest"
)

// TestHosts holds all hosts but Echo 5 against what each of them must do, and prints the table.
func TestHosts(t *testing.T) {
	t.Parallel()
	hosttest.Run(t, echo4(), contribEcho4(), netHTTP(), hosttest.Gorilla())
}

// echo4 is Echo 4 with the middleware of this package.
func echo4() hosttest.Host {
	h := hosttest.Host{Name: "Echo 4", Serve: serveEcho(surrounding{}), ErrorBody: echoErrorBody}
	for _, around := range slices.Concat(surroundings[1:], moreSurroundings()) { // the first is bare
		h.Surroundings = append(h.Surroundings, hosttest.Surrounding{
			Name: around.name, Serve: serveEcho(around), Lacks: around.lacks, Adds: around.adds,
		})
	}
	h.Surroundings = append(h.Surroundings,
		hosttest.Surrounding{
			Name: "Proxy outside", Serve: serveBehindProxy, Remote: true,
			Lacks: hosttest.Aborts | hosttest.Panics | hosttest.Duplex | hosttest.Hints,
		},
	)
	return h
}

func echoErrorBody(status int) string {
	return fmt.Sprintf("{\"message\":%q}\n", http.StatusText(status))
}

func serveEcho(around surrounding) func(testing.TB, hosttest.App) http.Handler {
	return func(t testing.TB, app hosttest.App) http.Handler {
		t.Helper()
		var stores []*echofirestore.Store
		sessionsOf := func(c echo.Context) hosttest.Sessions { return echoSessions{c, stores} }
		stores = openStores(t, app, sessionsOf)
		e := newEcho(app, sessionsOf)
		e.Use(around.outside...)
		for _, store := range stores {
			e.Use(store.Middleware())
		}
		e.Use(around.inside...)
		if around.check != nil {
			e.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
				return func(c echo.Context) error {
					if err := around.check(c); err != nil {
						t.Error(err)
					}
					return next(c)
				}
			})
		}
		return e
	}
}

// serveBehindProxy has Echo's Proxy pass all requests on to another server, with the sessions.
func serveBehindProxy(t testing.TB, app hosttest.App) http.Handler {
	t.Helper()
	var underWay sync.WaitGroup
	behind := serveEcho(surrounding{})(t, app)
	backend := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer underWay.Done()
		behind.ServeHTTP(w, r)
	}))
	backend.Config.ErrorLog = log.New(io.Discard, "", 0)
	backend.Start()
	t.Cleanup(backend.Close)
	target, err := url.Parse(backend.URL)
	if err != nil {
		t.Fatal(err)
	}
	e := echo.New()
	e.Logger.SetOutput(io.Discard)
	e.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			underWay.Add(1)
			defer underWay.Wait() // the backend may do something after its response
			return next(c)
		}
	}, middleware.Proxy(middleware.NewRoundRobinBalancer([]*middleware.ProxyTarget{{URL: target}})))
	return e
}

// netHTTP is net/http with firesession's Handler, also around Echo and within.
func netHTTP() hosttest.Host {
	h := hosttest.NetHTTP()
	h.Surroundings = append(h.Surroundings,
		hosttest.Surrounding{Name: "Echo outside", Serve: hosttest.ServeNetHTTP(withinEcho(), nil), Lacks: hosttest.Hints},
		hosttest.Surrounding{Name: "Echo inside", Serve: hosttest.ServeNetHTTP(nil, withinEcho()), Lacks: hosttest.Hints},
		hosttest.Surrounding{Name: "the middleware outside", Lacks: hosttest.Hints, ErrorBody: echoErrorBody, Serve: func(t testing.TB, app hosttest.App) http.Handler {
			return hosttest.ServeNetHTTP(withinEcho(middlewareOf(t, app, "")), nil)(t, app)
		}},
		hosttest.Surrounding{Name: "the middleware inside", Lacks: hosttest.Hints, Serve: func(t testing.TB, app hosttest.App) http.Handler {
			return hosttest.ServeNetHTTP(nil, withinEcho(middlewareOf(t, app, "")))(t, app)
		}},
		hosttest.Surrounding{
			Name: "another store's Handler outside, and the middleware inside", Lacks: hosttest.Hints, ErrorBody: echoErrorBody,
			Serve: func(t testing.TB, app hosttest.App) http.Handler {
				inside := withinEcho(middlewareOf(t, app, ""))
				other := app.Stores[0]
				other.CookieName = "other"
				app.Stores = []firesession.Config{other}
				return hosttest.ServeNetHTTP(nil, inside)(t, app)
			},
		},
		hosttest.Surrounding{Name: "another store's middleware outside", Lacks: hosttest.Hints, Serve: func(t testing.TB, app hosttest.App) http.Handler {
			return hosttest.ServeNetHTTP(withinEcho(middlewareOf(t, app, "other")), nil)(t, app)
		}},
	)
	return h
}

// withinEcho returns net/http middleware that passes requests through an Echo.
func withinEcho(mw ...echo.MiddlewareFunc) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		e := echo.New()
		e.Logger.SetOutput(io.Discard)
		e.Use(mw...)
		e.Any("/*", echo.WrapHandler(next))
		return e
	}
}

// middlewareOf returns the middleware of a store as an App's, whose cookie has another name unless that is empty.
func middlewareOf(t testing.TB, app hosttest.App, cookieName string) echo.MiddlewareFunc {
	t.Helper()
	cfg := app.Stores[0]
	cfg.CookieName = cookieName
	app.Stores = []firesession.Config{cfg}
	return openStores(t, app, func(c echo.Context) hosttest.Sessions { return echoSessions{Context: c} })[0].Middleware()
}

// newEcho returns an Echo that serves app.
func newEcho(app hosttest.App, sessionsOf func(echo.Context) hosttest.Sessions) *echo.Echo {
	e := echo.New()
	e.Logger.SetOutput(io.Discard)
	e.HTTPErrorHandler = func(err error, c echo.Context) {
		if c.Response().Committed || app.HandleError == nil || !app.HandleError(c.Response(), c.Request(), sessionsOf(c), err) {
			e.DefaultHTTPErrorHandler(err, c)
		}
	}
	e.Any("/*", func(c echo.Context) error {
		err := app.Handle(c.Response(), c.Request(), sessionsOf(c))
		if status, ok := errors.AsType[hosttest.StatusError](err); ok {
			return echo.NewHTTPError(int(status)).SetInternal(err)
		}
		return err
	})
	return e
}

func openStores(t testing.TB, app hosttest.App, sessionsOf func(echo.Context) hosttest.Sessions) []*echofirestore.Store {
	t.Helper()
	var stores []*echofirestore.Store
	for _, from := range app.Stores {
		var cfg echofirestore.Config
		hosttest.CopyConfig(&cfg, from)
		if app.ErrorHandler != nil {
			cfg.ErrorHandler = func(c echo.Context, err error) error {
				app.ErrorHandler(c.Response(), c.Request(), sessionsOf(c), err)
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
	echo.Context
	stores []*echofirestore.Store
}

func (s echoSessions) Get() (*sessions.Session, error) { return echofirestore.Get(s.Context) }
func (s echoSessions) Session() *sessions.Session      { return echofirestore.Session(s.Context) }
func (s echoSessions) Save() error                     { return echofirestore.Save(s.Context) }
func (s echoSessions) Destroy() error                  { return echofirestore.Destroy(s.Context) }
func (s echoSessions) Renew() error                    { return echofirestore.Renew(s.Context) }
func (s echoSessions) Refresh() error                  { return echofirestore.Refresh(s.Context) }
func (s echoSessions) Stores() []hosttest.Store        { return hosttest.AsStores(s.stores) }

func (s echoSessions) Update(fn func(*sessions.Session) error) error {
	return echofirestore.Update(s.Context, fn)
}

func (s echoSessions) Named(name string) (*sessions.Session, error) {
	return contrib.Get(name, s.Context)
}

func (s echoSessions) All() ([]*sessions.Session, error) {
	byContrib, err := contrib.Get("__session", s.Context)
	byStore, storeErr := s.stores[len(s.stores)-1].Get(s.Request(), "__session")
	byKey := s.Context.Get(echofirestore.SessionKey).(*sessions.Session)

	// A request that was made anew knows nothing of the session, but echo-contrib still finds it.
	r := s.Request()
	defer s.SetRequest(r)
	s.SetRequest(httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/", http.NoBody))
	bySubstitute, substituteErr := contrib.Get("__session", s.Context)
	return []*sessions.Session{s.Session(), byKey, byContrib, byStore, bySubstitute}, errors.Join(err, storeErr, substituteErr)
}

// contribEcho4 is Echo 4 with the middleware of echo-contrib, on a Store of this package.
func contribEcho4() hosttest.Host {
	return hosttest.Host{
		Name: "echo-contrib",
		Serve: func(t testing.TB, app hosttest.App) http.Handler {
			t.Helper()
			stores := hosttest.AsStores(openStores(t, app, nil))
			e := newEcho(app, func(c echo.Context) hosttest.Sessions {
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
