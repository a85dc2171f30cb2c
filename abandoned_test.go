package echofirestore_test

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
)

// TestAbandonedHandlersAnswerNobody has a handler that Echo's Timeout has abandoned fail, while Echo uses its context for
// another request: the error response that would be its own is nobody's.
func TestAbandonedHandlersAnswerNobody(t *testing.T) {
	t.Parallel()
	if raceDetector {
		return // Echo itself resets a context that a handler within its Timeout still has
	}
	for name, fails := range map[string]echo.HandlerFunc{
		"the automatic save": func(c echo.Context) error {
			session(c).Values["n"] = make(chan int)
			return nil
		},
		"Save": func(c echo.Context) error {
			session(c).Values["n"] = make(chan int)
			return echofirestore.Save(c)
		},
		"Get": func(c echo.Context) error {
			_, err := echofirestore.Get(c)
			return err
		},
		"a load of which nobody is told": func(c echo.Context) error { _ = session(c); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newBareApp(t)
			a.server = nil         // this goroutine serves all requests, so that Echo soon uses the context again
			var first atomic.Value // the context of Echo's that the abandoned handler has
			proceed, finished := make(chan struct{}), make(chan struct{})
			a.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
				return func(c echo.Context) error {
					c.Response().Header().Set("X-Reused", "no")
					if c.Path() == "/slow" {
						first.Store(c)
					} else if first.Load() == c {
						c.Response().Header().Set("X-Reused", "yes")
					}
					return next(c)
				}
			})
			slowly := a.Group("", middleware.TimeoutWithConfig(middleware.TimeoutConfig{Timeout: 10 * time.Millisecond}), //nolint:staticcheck // in use
				func(next echo.HandlerFunc) echo.HandlerFunc {
					return func(c echo.Context) error {
						defer close(finished)
						return next(c)
					}
				}, a.store.Middleware())
			slowly.GET("/slow", func(c echo.Context) error {
				<-proceed
				return fails(c)
			})
			a.GET("/next", func(c echo.Context) error {
				setOne(c)
				if c.Response().Header().Get("X-Reused") == "yes" {
					close(proceed)
					<-finished
				}
				c.Response().Header().Set("X-Next", "yes")
				return c.String(http.StatusOK, "next's")
			}, a.store.Middleware())
			a.putSession("key", `{"user": "alice"}`)
			b := a.browser()
			if got := b.get("/slow", withCookie("key")); got.StatusCode != http.StatusServiceUnavailable {
				t.Errorf("status %d", got.StatusCode)
			}
			a.firestore.Inject(firestoretest.Fault{Method: "BatchGetDocuments", Times: -1, Err: status.Error(codes.PermissionDenied, "no")})
			for tries := 1; ; tries++ {
				got := a.browser().get("/next")
				if got.StatusCode != http.StatusOK || got.body != "next's" || got.Header.Get("X-Next") != "yes" || got.cookie("__session") == nil {
					t.Errorf("status %d, headers %v, body %q", got.StatusCode, got.Header, got.body)
				}
				if got.Header.Get("X-Reused") == "yes" {
					return
				}
				if tries == 1000 {
					close(proceed)
					t.Fatal("Echo does not use the context again")
				}
			}
		})
	}
}
