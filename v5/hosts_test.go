package echofirestore_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
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
	adds            []string // headers of every response
}

// ofGzip are headers that Gzip sets, and ofCORS those that CORS sets. Gzip also holds statuses back until a body comes.
var (
	ofGzip = []string{"Vary", "Content-Encoding"}
	ofCORS = []string{"Vary", "Access-Control-Allow-Origin"}
)

// surroundings are those in which all rows hold, inside and outside.
var surroundings = []surrounding{
	around("Gzip", middleware.Gzip()).without(hosttest.Hints|hosttest.Upgrade, ofGzip...),
	around("Gzip of long bodies", middleware.GzipWithConfig(middleware.GzipConfig{MinLength: 1000})).
		without(hosttest.Hints|hosttest.Upgrade, ofGzip...),
	around("BodyDump", dump()).without(hosttest.Duplex),
	around("ContextTimeout", middleware.ContextTimeout(time.Minute)),
	around("Recover", middleware.Recover()).without(hosttest.Panics),
	around("CORS", middleware.CORS("*")).without(0, ofCORS...),
	around("request replaced", replaceRequest),
	around("net/http middleware", echo.WrapMiddleware(hosttest.WrapWriter)),
}

// surroundingsOutside are those in which they hold outside.
var surroundingsOutside = []surrounding{
	around("RequestLogger", new(logger).middleware()),
	around("RequestID, Secure, CORS, RequestLogger, Recover and Gzip",
		middleware.RequestIDWithConfig(middleware.RequestIDConfig{Generator: func() string { return "id" }}), middleware.Secure(), middleware.CORS("*"), new(logger).middleware(), middleware.Recover(), middleware.Gzip()).
		without(hosttest.Panics|hosttest.Hints|hosttest.Upgrade, slices.Concat(ofCORS, ofGzip, []string{"X-Request-Id", "X-Frame-Options", "X-Xss-Protection"})...),
}

// around describes middleware.
func around(name string, mw ...echo.MiddlewareFunc) surrounding {
	return surrounding{name: name + " outside", outside: mw}
}

// without says what middleware takes away, and which headers it adds.
func (s surrounding) without(lacks hosttest.Feature, adds ...string) surrounding {
	s.lacks, s.adds = lacks, adds
	return s
}

// inwards describes the same middleware inside.
func (s surrounding) inwards() surrounding {
	s.name = strings.TrimSuffix(s.name, " outside") + " inside"
	s.inside, s.outside = s.outside, nil
	return s
}

func replaceRequest(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c *echo.Context) error {
		c.SetRequest(c.Request().WithContext(context.WithValue(c.Request().Context(), overKey{}, nil)))
		return next(c)
	}
}

// echo5 is Echo 5 with the middleware of this package.
func echo5() hosttest.Host {
	h := hosttest.Host{Name: "Echo 5", Serve: serveEcho(surrounding{}), ErrorBody: echoErrorBody}
	for _, around := range surroundings {
		h.Surroundings = append(h.Surroundings, around.inSuite(), around.inwards().inSuite())
	}
	for _, around := range surroundingsOutside {
		h.Surroundings = append(h.Surroundings, around.inSuite())
	}
	h.Surroundings = append(h.Surroundings, hosttest.Surrounding{Name: "Pre", Serve: func(t testing.TB, app hosttest.App) http.Handler {
		t.Helper()
		return serveByPre(t, app)
	}})
	return h
}

// inSuite describes s to the behaviour suite.
func (s surrounding) inSuite() hosttest.Surrounding {
	return hosttest.Surrounding{Name: s.name, Serve: serveEcho(s), Lacks: s.lacks, Adds: s.adds}
}

func echoErrorBody(status int) string {
	return fmt.Sprintf("{\"message\":%q}\n", http.StatusText(status))
}

func serveEcho(around surrounding) func(testing.TB, hosttest.App) http.Handler {
	return func(t testing.TB, app hosttest.App) http.Handler {
		t.Helper()
		e, stores := openEcho(t, app)
		e.Use(around.outside...)
		for _, store := range stores {
			e.Use(store.Middleware())
		}
		e.Use(around.inside...)
		return e
	}
}

// serveByPre installs the middleware with Pre.
func serveByPre(t testing.TB, app hosttest.App) http.Handler {
	t.Helper()
	e, stores := openEcho(t, app)
	for _, store := range stores {
		e.Pre(store.Middleware())
	}
	return e
}

// openEcho returns an Echo that serves app, and its stores, whose middleware is yet to be installed.
func openEcho(t testing.TB, app hosttest.App) (*echo.Echo, []*echofirestore.Store) {
	t.Helper()
	var stores []*echofirestore.Store
	sessionsOf := func(c *echo.Context) hosttest.Sessions { return echoSessions{c, stores} }
	stores = openStores(t, app, sessionsOf)
	return newEcho(app, sessionsOf), stores
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

func openStores(t testing.TB, app hosttest.App, sessionsOf func(*echo.Context) hosttest.Sessions) []*echofirestore.Store {
	t.Helper()
	var stores []*echofirestore.Store
	for _, from := range app.Stores {
		var cfg echofirestore.Config
		hosttest.CopyConfig(&cfg, from)
		if app.ErrorHandler != nil {
			cfg.ErrorHandler = func(c *echo.Context, err error) error {
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
	c      *echo.Context
	stores []*echofirestore.Store
}

func (s echoSessions) Get() (*sessions.Session, error) { return echofirestore.Get(s.c) }
func (s echoSessions) Session() *sessions.Session      { return echofirestore.Session(s.c) }
func (s echoSessions) Save() error                     { return echofirestore.Save(s.c) }
func (s echoSessions) Destroy() error                  { return echofirestore.Destroy(s.c) }
func (s echoSessions) Renew() error                    { return echofirestore.Renew(s.c) }
func (s echoSessions) Refresh() error                  { return echofirestore.Refresh(s.c) }
func (s echoSessions) Stores() []hosttest.Store        { return hosttest.AsStores(s.stores) }

func (s echoSessions) Update(fn func(*sessions.Session) error) error {
	return echofirestore.Update(s.c, fn)
}

func (s echoSessions) Named(name string) (*sessions.Session, error) { return contrib.Get(name, s.c) }

func (s echoSessions) All() ([]*sessions.Session, error) {
	byContrib, err := contrib.Get("__session", s.c)
	byStore, storeErr := s.stores[len(s.stores)-1].Get(s.c.Request(), "__session")

	// A request that was made anew knows nothing of the session, but Echo's context does.
	r := s.c.Request()
	defer s.c.SetRequest(r)
	s.c.SetRequest(httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/", http.NoBody))
	bySubstitute, substituteErr := contrib.Get("__session", s.c)
	return []*sessions.Session{s.Session(), byContrib, byStore, bySubstitute}, errors.Join(err, storeErr, substituteErr)
}

// contribEcho5 is Echo 5 with the middleware of echo-contrib, on a Store of this package.
func contribEcho5() hosttest.Host {
	return hosttest.Host{
		Name: "echo-contrib/v5",
		Serve: func(t testing.TB, app hosttest.App) http.Handler {
			t.Helper()
			stores := hosttest.AsStores(openStores(t, app, nil))
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
