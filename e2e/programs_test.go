package e2e

import (
	"net/http"
	"testing"

	"github.com/echofirestore/echofirestore"
	"github.com/gorilla/sessions"
	"github.com/labstack/echo-contrib/session"
	"github.com/labstack/echo/v4"

	"github.com/echofirestore/echofirestore/e2e/behaviour"
)

// TestPrograms serves the same handlers in every way that is not by another version of Echo, for which see echov5.
func TestPrograms(t *testing.T) {
	t.Parallel()
	behaviour.Run(t,
		behaviour.Program{Name: "net/http", App: behaviour.NetHTTP},
		behaviour.Program{Name: "echo-contrib's middleware", App: func(store sessions.Store, handle behaviour.Handler) http.Handler {
			return echoApp(session.Middleware(store), handle)
		}},
		behaviour.Program{Name: behaviour.Middleware, App: func(store sessions.Store, handle behaviour.Handler) http.Handler {
			return echoApp(store.(*echofirestore.Store).Middleware(), handle)
		}},
	)
}

// echoApp is an application on Echo v4 whose code knows echo-contrib's session package only.
func echoApp(middleware echo.MiddlewareFunc, handle behaviour.Handler) http.Handler {
	e := echo.New()
	e.Use(middleware)
	e.GET("/*", func(c echo.Context) error {
		body, err := handle(behaviour.Request{
			W:   c.Response(),
			R:   c.Request(),
			Get: func(name string) (*sessions.Session, error) { return session.Get(name, c) },
		})
		if err != nil {
			return err
		}
		return c.String(http.StatusOK, body)
	})
	return e
}
