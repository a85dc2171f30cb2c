package echov5

import (
	"net/http"
	"testing"

	"github.com/echofirestore/echofirestore/e2e/behaviour"
	"github.com/gorilla/sessions"
	"github.com/labstack/echo-contrib/v5/session"
	"github.com/labstack/echo/v5"
)

// TestEchoV5 serves the same handlers as other programs do, on Echo v5 with echo-contrib's own middleware.
func TestEchoV5(t *testing.T) {
	t.Parallel()
	behaviour.Run(t, behaviour.Program{Name: "Echo v5, echo-contrib/v5", App: app})
}

func app(store sessions.Store, handle behaviour.Handler) http.Handler {
	e := echo.New()
	e.Use(session.Middleware(store))
	e.GET("/*", func(c *echo.Context) error {
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
