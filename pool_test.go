//go:build !race

// Echo's Timeout middleware lets an abandoned handler go on with a context that serves another request: a data race by
// its design, which the race detector would report in Echo.

package echofirestore_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
)

// TestAbandonedHandlerSetsNoCookieOfOthers lets a handler overrun its timeout and finish while Echo has its context
// serve another client.
func TestAbandonedHandlerSetsNoCookieOfOthers(t *testing.T) {
	t.Parallel()
	a := newBareApp(t)
	overrun, finished := make(chan struct{}), make(chan struct{})
	serving, served := make(chan struct{}), make(chan struct{})
	slow := middleware.TimeoutWithConfig(middleware.TimeoutConfig{Timeout: 20 * time.Millisecond}) //nolint:staticcheck // in use
	signal := func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			defer close(finished)
			return next(c)
		}
	}
	a.POST("/slow", func(c echo.Context) error {
		session(c).Values["user"] = "alice"
		<-overrun
		return nil
	}, slow, signal, a.store.Middleware())
	a.GET("/other", func(c echo.Context) error {
		close(serving)
		<-served
		return c.NoContent(http.StatusNoContent)
	}, a.store.Middleware())

	if got := a.browser().post("/slow"); got.StatusCode != http.StatusServiceUnavailable {
		t.Fatalf("status %d", got.StatusCode)
	}
	other := make(chan reply)
	go func() { other <- a.browser().get("/other") }()
	<-serving
	close(overrun)
	<-finished
	close(served)
	if got := <-other; len(got.Cookies()) != 0 {
		t.Errorf("the other client got %v", got.Cookies())
	}
}
