package echofirestore_test

import (
	"errors"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/labstack/echo/v5"
	"github.com/labstack/echo/v5/middleware"

	"github.com/echofirestore/echofirestore/v5"
)

var errTrip = errors.New("tripped")

// TestPanics has what answers errors panic, and the handler. The panic is the request's: it arrives as it is at the Recover
// that is around. What comes after, in the same context, finds nothing of it.
func TestPanics(t *testing.T) {
	t.Parallel()
	for _, around := range wrappers {
		if around.name == "net/http middleware that buffers" {
			continue // Echo's answer to the panic is lost
		}
		for _, callback := range []string{"ErrorHandler", "HTTPErrorHandler", "handler", "handler, after a write"} {
			for _, where := range []string{"outside", "inside", "nowhere"} {
				t.Run(around.name+"/"+callback+", recovered "+where, func(t *testing.T) {
					t.Parallel()
					var armed, seen atomic.Bool
					trip := func(in string) {
						if in == callback && armed.CompareAndSwap(true, false) {
							panic(errTrip)
						}
					}
					a := newApp(t, func(cfg *echofirestore.Config) {
						cfg.ErrorHandler = func(_ *echo.Context, err error) error { trip("ErrorHandler"); return err }
					})
					a.HTTPErrorHandler = func(c *echo.Context, err error) {
						trip("HTTPErrorHandler")
						seen.Store(seen.Load() || errors.Is(err, errTrip))
						echo.DefaultHTTPErrorHandler(false)(c, err)
					}
					switch where {
					case "outside":
						a.Use(middleware.Recover(), around.mw, a.store.Middleware())
					case "inside":
						a.Use(around.mw, a.store.Middleware(), middleware.Recover())
					default:
						a.Use(around.mw, a.store.Middleware())
					}
					a.GET("/count", count)
					a.GET("/change", change)
					a.GET("/trip", func(c *echo.Context) error {
						err := change(c)
						trip("handler")
						_ = c.String(http.StatusOK, "handler's")
						trip("handler, after a write")
						return err
					})
					a.put("key", `{"n": 1}`)
					path, fails := "/trip", callback == "ErrorHandler" || callback == "HTTPErrorHandler"
					remove := func() {}
					for _, unwritten := range []bool{false, true} {
						if fails {
							if path = "/count"; unwritten {
								path = "/change"
							}
							a.put("key", `{"n": 0}`)
							remove = a.refuse("Commit")
						}
						armed.Store(true)
						got, err := a.browser().try(http.MethodGet, path, withKey("key"))
						if armed.Load() {
							t.Fatalf("%s: no panic", path)
						}
						if err == nil && got.StatusCode == http.StatusOK && callback != "handler, after a write" {
							t.Errorf("%s: status %d, %q", path, got.StatusCode, got.body)
						}
						remove()
						if got := a.browser().get("/count"); got.StatusCode != http.StatusOK || got.body != "1\n" {
							t.Errorf("the next request: status %d, %q", got.StatusCode, got.body)
						}
					}
					if where == "outside" && !seen.Load() && callback != "handler, after a write" {
						t.Error("nobody saw the panic")
					}
				})
			}
		}
	}
}
