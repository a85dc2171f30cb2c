package echofirestore_test

import (
	"bytes"
	"errors"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/labstack/echo/v5"
	"github.com/labstack/echo/v5/middleware"

	"github.com/echofirestore/echofirestore/v5"
)

// opaque is a writer that does not show what it wraps.
type opaque struct{ http.ResponseWriter }

// transparent is one that does.
type transparent struct{ http.ResponseWriter }

func (w transparent) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// buffer is a writer that keeps the response, with a header of its own.
type buffer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *buffer) Header() http.Header         { return w.header }
func (w *buffer) WriteHeader(status int)      { w.status = status }
func (w *buffer) Write(b []byte) (int, error) { return w.body.Write(b) }

// wrapWriter returns middleware that wraps the writer. If it restores, it takes its writer away at the end.
func wrapWriter(wrap func(http.ResponseWriter) http.ResponseWriter, restores bool) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c *echo.Context) error {
			before := c.Response()
			if restores {
				defer c.SetResponse(before)
			}
			c.SetResponse(wrap(before))
			return next(c)
		}
	}
}

func toOpaque(w http.ResponseWriter) http.ResponseWriter { return opaque{w} }

// wrapBeneath is middleware that puts its writer beneath Echo's Response, and takes it away at the end.
func wrapBeneath(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c *echo.Context) error {
		r, err := echo.UnwrapResponse(c.Response())
		if err != nil {
			return next(c)
		}
		before := r.ResponseWriter
		defer func() { r.ResponseWriter = before }()
		r.ResponseWriter = transparent{before}
		return next(c)
	}
}

// keepHeader is net/http middleware that buffers the response.
func keepHeader(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		kept := &buffer{header: http.Header{}}
		next.ServeHTTP(kept, r)
		maps.Copy(w.Header(), kept.header)
		if kept.status != 0 {
			w.WriteHeader(kept.status)
			_, _ = kept.body.WriteTo(w)
		}
	})
}

func wrapTransparent(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(transparent{w}, r) })
}

var wrappers = []struct {
	name string
	mw   echo.MiddlewareFunc
}{
	{"no writer", func(next echo.HandlerFunc) echo.HandlerFunc { return next }},
	{"Gzip", middleware.Gzip()},
	{"Gzip of long bodies", middleware.GzipWithConfig(middleware.GzipConfig{MinLength: 1000})},
	{"BodyDump", middleware.BodyDump(func(*echo.Context, []byte, []byte, error) {})},
	{"opaque writer", wrapWriter(toOpaque, false)},
	{"opaque writer that is taken away", wrapWriter(toOpaque, true)},
	{"writer beneath Echo's", wrapBeneath},
	{"net/http middleware", echo.WrapMiddleware(wrapTransparent)},
	{"net/http middleware that buffers", echo.WrapMiddleware(keepHeader)},
	{"net/http middleware within an opaque writer that is taken away", chain(wrapWriter(toOpaque, true), echo.WrapMiddleware(wrapTransparent))},
	{"net/http middleware within BodyDump", chain(middleware.BodyDump(func(*echo.Context, []byte, []byte, error) {}), echo.WrapMiddleware(wrapTransparent))},
}

// chain returns middleware in one, the outermost first.
func chain(outside, inside echo.MiddlewareFunc) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc { return outside(inside(next)) }
}

// TestWriters has every kind of middleware put its writer around the response, outside of the sessions' middleware and
// inside. A response whose session was saved has its cookie. If the session cannot be saved, the client gets the error
// response, and nothing else.
func TestWriters(t *testing.T) {
	t.Parallel()
	for _, outside := range wrappers {
		for _, inside := range wrappers {
			t.Run(outside.name+" outside/"+inside.name+" inside", func(t *testing.T) {
				t.Parallel()
				if strings.HasPrefix(outside.name, "Gzip") && strings.HasPrefix(inside.name, "Gzip") {
					return // the client undoes one compression
				}
				a := newApp(t)
				a.HTTPErrorHandler = func(c *echo.Context, err error) {
					if r, _ := echo.UnwrapResponse(c.Response()); (r == nil || !r.Committed) && errors.Is(err, seeOtherError{}) {
						_ = c.Redirect(http.StatusSeeOther, "/")
						return
					}
					echo.DefaultHTTPErrorHandler(false)(c, err)
				}
				a.Use(outside.mw, a.store.Middleware(), inside.mw)
				for _, tt := range []struct {
					name    string
					respond echo.HandlerFunc
					status  int
					body    string
				}{
					{"string", func(c *echo.Context) error { return c.String(http.StatusOK, "handler's") }, http.StatusOK, "handler's"},
					{"JSON", func(c *echo.Context) error { return c.JSON(http.StatusCreated, "handler's") }, http.StatusCreated, "\"handler's\"\n"},
					{"Echo's-own-Response", func(c *echo.Context) error {
						r, err := echo.UnwrapResponse(c.Response())
						if err != nil {
							return c.String(http.StatusOK, "handler's")
						}
						_, err = r.Write([]byte("handler's"))
						return err
					}, http.StatusOK, "handler's"},
					{"nothing", func(*echo.Context) error { return nil }, http.StatusOK, ""},
					{"no-content", func(c *echo.Context) error { return c.NoContent(http.StatusNoContent) }, http.StatusNoContent, ""},
					{"redirect", func(c *echo.Context) error { return c.Redirect(http.StatusSeeOther, "/") }, http.StatusSeeOther, ""},
					{"error", func(*echo.Context) error { return echo.NewHTTPError(http.StatusTeapot, "handler's") }, http.StatusTeapot, "{\"message\":\"handler's\"}\n"},
					{"error-that-redirects", func(*echo.Context) error { return seeOtherError{} }, http.StatusSeeOther, ""},
				} {
					if strings.Contains(outside.name+inside.name, "that buffers") && strings.HasPrefix(tt.name, "error") {
						continue // its writer stays in Echo's context when it is done, and what answers the error is lost
					}
					a.GET("/"+tt.name, func(c *echo.Context) error {
						echofirestore.Session(c).Values["n"] = 1
						c.Response().Header().Set("X-Handler", "yes")
						return tt.respond(c)
					})
					got := a.browser().get("/" + tt.name)
					if got.StatusCode != tt.status || got.body != tt.body || a.stored()[got.cookie()]["n"] != 1 {
						t.Errorf("%s: status %d, body %q, cookie %q, stored %v", tt.name, got.StatusCode, got.body, got.cookie(), a.stored())
					}
					remove := a.refuse("Commit")
					got = a.browser().get("/" + tt.name)
					if got.StatusCode != http.StatusServiceUnavailable || got.body != "{\"message\":\"Service Unavailable\"}\n" ||
						got.cookie() != "" || got.Header.Get("X-Handler") != "" {
						t.Errorf("%s, not saved: status %d, body %q, header %v", tt.name, got.StatusCode, got.body, got.Header)
					}
					remove()
				}
			})
		}
	}
}

// seeOtherError is an error for which the application's error handler redirects.
type seeOtherError struct{}

func (seeOtherError) Error() string   { return "see other" }
func (seeOtherError) StatusCode() int { return http.StatusSeeOther }
