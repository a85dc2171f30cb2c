package echofirestore_test

import (
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/labstack/echo/v5"
	"github.com/labstack/echo/v5/middleware"

	"github.com/echofirestore/echofirestore/v5"
)

// A logger is Echo's RequestLogger, which answers errors and then returns them, so that they are answered again.
type logger struct {
	status atomic.Int64 // as it was logged last
}

func (l *logger) middleware() echo.MiddlewareFunc {
	return middleware.RequestLoggerWithConfig(middleware.RequestLoggerConfig{
		HandleError: true, LogStatus: true,
		LogValuesFunc: func(_ *echo.Context, v middleware.RequestLoggerValues) error {
			l.status.Store(int64(v.Status))
			return nil
		},
	})
}

// TestRequestLogger has Echo's RequestLogger answer errors, of handlers and of sessions. There is one answer, and the log has
// its status.
func TestRequestLogger(t *testing.T) {
	t.Parallel()
	for _, where := range []string{"outside", "inside"} {
		for _, tt := range []struct {
			name, fails string
			handler     echo.HandlerFunc
			status      int
			body        string
		}{
			{"no error", "", count, http.StatusOK, "1\n"},
			{"error", "", func(c *echo.Context) error { _ = change(c); return echo.ErrForbidden }, http.StatusForbidden, `{"message":"Forbidden"}` + "\n"},
			{"load", "BatchGetDocuments", count, http.StatusServiceUnavailable, `{"message":"Service Unavailable"}` + "\n"},
			{"save", "Commit", count, http.StatusServiceUnavailable, `{"message":"Service Unavailable"}` + "\n"},
			{"save, no body", "Commit", change, http.StatusServiceUnavailable, `{"message":"Service Unavailable"}` + "\n"},
			{
				"save, and an error", "Commit", func(c *echo.Context) error { _ = change(c); return echo.ErrForbidden },
				http.StatusServiceUnavailable, `{"message":"Service Unavailable"}` + "\n",
			},
			{
				"save, returned", "Commit", func(c *echo.Context) error { _ = change(c); return echofirestore.Save(c) },
				http.StatusServiceUnavailable, `{"message":"Service Unavailable"}` + "\n",
			},
		} {
			t.Run(where+"/"+tt.name, func(t *testing.T) {
				t.Parallel()
				answers := new(atomic.Int64)
				a := newApp(t, func(cfg *echofirestore.Config) {
					cfg.ErrorHandler = func(c *echo.Context, err error) error {
						answers.Add(1)
						return err
					}
				})
				l := new(logger)
				if where == "outside" {
					a.Use(l.middleware(), a.store.Middleware())
				} else {
					a.Use(a.store.Middleware(), l.middleware())
				}
				a.GET("/", tt.handler)
				a.put("key", "{}")
				if tt.fails != "" {
					a.refuse(tt.fails)
				}
				got := a.browser().get("/", withKey("key"))
				if got.StatusCode != tt.status || got.body != tt.body {
					t.Errorf("status %d, body %q", got.StatusCode, got.body)
				}
				late := where == "inside" && tt.name == "save, no body" // the save comes after the log
				if logged := int(l.status.Load()); logged != tt.status && !late {
					t.Errorf("status %d in the log", logged)
				}
				if n := answers.Load(); n > 1 || tt.fails == "" && n > 0 {
					t.Errorf("the ErrorHandler was called %d times", n)
				}
			})
		}
	}
}

// TestErrorHandler has Config.ErrorHandler answer failures, or do nothing, with every kind of middleware around.
func TestErrorHandler(t *testing.T) {
	t.Parallel()
	for _, around := range wrappers {
		for _, where := range []string{"outside", "inside"} {
			t.Run(around.name+" "+where, func(t *testing.T) {
				t.Parallel()
				a := newApp(t, func(cfg *echofirestore.Config) {
					cfg.ErrorHandler = func(c *echo.Context, err error) error {
						if c.QueryParam("does") == "nothing" {
							return nil
						}
						return c.HTML(http.StatusBadGateway, "<p>ours</p>")
					}
				})
				if where == "outside" {
					a.Use(around.mw, a.store.Middleware())
				} else {
					a.Use(a.store.Middleware(), around.mw)
				}
				a.GET("/count", count)
				a.GET("/change", change)
				a.put("key", "{}")
				for method, paths := range map[string][]string{"BatchGetDocuments": {"/count"}, "Commit": {"/change", "/count"}} {
					remove := a.refuse(method)
					for _, path := range paths {
						if got := a.browser().get(path, withKey("key")); got.StatusCode != http.StatusBadGateway || got.body != "<p>ours</p>" {
							t.Errorf("%s, %s: status %d, body %q", method, path, got.StatusCode, got.body)
						}
						got := a.browser().get(path+"?does=nothing", withKey("key"))
						if got.StatusCode != http.StatusServiceUnavailable || got.body != `{"message":"Service Unavailable"}`+"\n" {
							t.Errorf("%s, %s, not answered: status %d, body %q", method, path, got.StatusCode, got.body)
						}
					}
					remove()
				}
			})
		}
	}
}

// TestErrorResponsePassesMiddlewareOutside has BodyDump outside see error responses as the client does.
func TestErrorResponsePassesMiddlewareOutside(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		fails   string
		handler echo.HandlerFunc
	}{
		"load":          {"BatchGetDocuments", count},
		"save":          {"Commit", count},
		"save, no body": {"Commit", change},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var dumped atomic.Value
			a := newApp(t)
			a.Use(middleware.BodyDump(func(_ *echo.Context, _, body []byte, _ error) { dumped.Store(string(body)) }), a.store.Middleware())
			a.GET("/", tt.handler)
			a.put("key", "{}")
			a.refuse(tt.fails)
			got := a.browser().get("/", withKey("key"))
			if got.StatusCode != http.StatusServiceUnavailable || dumped.Load() != got.body {
				t.Errorf("status %d, body %q, dumped %q", got.StatusCode, got.body, dumped.Load())
			}
		})
	}
}
