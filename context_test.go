package echofirestore_test

import (
	"net/http"
	"testing"

	"github.com/labstack/echo/v4"
)

// TestContextIsPutBack looks at an application's own context after the request: what it embeds is Echo's again.
func TestContextIsPutBack(t *testing.T) {
	t.Parallel()
	for name, handler := range map[string]echo.HandlerFunc{
		"answers": set("n", 1),
		"fails":   func(echo.Context) error { return echo.ErrTeapot },
		"panics":  func(echo.Context) error { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newBareApp(t)
			a.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
				return func(c echo.Context) error {
					custom := &customContext{c}
					defer func() {
						if custom.Context != c {
							t.Errorf("the context embeds a %T", custom.Context)
						}
					}()
					return next(custom)
				}
			}, a.store.Middleware(), a.store.Middleware())
			a.POST("/", handler)
			_, _ = a.browser().try(http.MethodPost, "/")
		})
	}
}

// TestResponseSeenOutside has middleware outside, which has an application's own context, look at the response when the
// handlers have returned.
func TestResponseSeenOutside(t *testing.T) {
	t.Parallel()
	aboutResponses(t)
	for name, handler := range map[string]echo.HandlerFunc{
		"200":           func(c echo.Context) error { return c.String(http.StatusOK, "handler's") },
		"500":           func(c echo.Context) error { return c.String(http.StatusInternalServerError, "handler's") },
		"503":           func(c echo.Context) error { return c.String(http.StatusServiceUnavailable, "handler's") },
		"error":         func(echo.Context) error { return echo.ErrInternalServerError },
		"not saved":     set("n", make(chan int)),
		"nothing saved": func(c echo.Context) error { session(c).Values["n"] = make(chan int); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newBareApp(t)
			var status, size int
			a.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
				return func(c echo.Context) error { return next(&customContext{c}) }
			}, func(next echo.HandlerFunc) echo.HandlerFunc {
				return func(c echo.Context) error {
					if err := next(c); err != nil {
						c.Error(err)
					}
					status, size = c.Response().Status, int(c.Response().Size)
					return nil
				}
			}, a.store.Middleware())
			a.POST("/", handler)
			if got := a.browser().post("/"); got.StatusCode != status || len(got.body) != size {
				t.Errorf("status %d and %d bytes seen; the client got %d and %q", status, size, got.StatusCode, got.body)
			}
		})
	}
}
