package echofirestore_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v5"
	"github.com/labstack/echo/v5/middleware"

	"github.com/echofirestore/echofirestore/v5"
)

// hooked is middleware that sets Cache-Control when the response begins.
func hooked(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c *echo.Context) error {
		r, err := echo.UnwrapResponse(c.Response())
		if err != nil {
			return err
		}
		r.Before(func() { r.Header().Set("Cache-Control", "public, max-age=600") })
		return next(c)
	}
}

// TestHooks has hooks change the response and the session when the response begins. They come before the save.
func TestHooks(t *testing.T) {
	t.Parallel()
	keep := func(next echo.HandlerFunc) echo.HandlerFunc { return next }
	dump := middleware.BodyDump(func(*echo.Context, []byte, []byte, error) {})
	for name, tt := range map[string]struct{ outside, inside echo.MiddlewareFunc }{
		"inside":                               {keep, hooked},
		"inside, writer outside":               {dump, hooked},
		"inside, writer inside":                {keep, chain(hooked, dump)},
		"outside":                              {hooked, keep},
		"outside, writer outside":              {chain(hooked, dump), keep},
		"outside, Gzip outside":                {chain(hooked, middleware.Gzip()), keep},
		"outside, net/http middleware outside": {chain(hooked, echo.WrapMiddleware(wrapTransparent)), keep},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t)
			a.Use(tt.outside, a.store.Middleware(), tt.inside)
			a.GET("/", func(c *echo.Context) error {
				r, err := echo.UnwrapResponse(c.Response())
				if err != nil {
					return err
				}
				r.Before(func() { echofirestore.Session(c).Values["hook"] = r.Status })
				if c.QueryParam("change") != "" {
					echofirestore.Session(c).Values["handler"] = true
				}
				return c.JSON(http.StatusAccepted, "handler's")
			})
			got := a.browser().get("/")
			if got.StatusCode != http.StatusAccepted || a.stored()[got.cookie()]["hook"] != http.StatusAccepted {
				t.Errorf("status %d, cookie %q, stored %v", got.StatusCode, got.cookie(), a.stored())
			}
			if control := got.Header.Values("Cache-Control"); len(control) != 1 || control[0] != "private, no-store" {
				t.Errorf("Cache-Control %q", control)
			}
			a.refuse("Commit")
			for _, path := range []string{"/", "/?change=yes"} { // in the hook alone, or before
				got = a.browser().get(path)
				if got.StatusCode != http.StatusServiceUnavailable || strings.Contains(got.body, "handler's") {
					t.Errorf("%s, not saved: status %d, body %q", path, got.StatusCode, got.body)
				}
				if control := got.Header.Get("Cache-Control"); strings.HasPrefix(name, "inside") && control != "" {
					t.Errorf("%s, not saved: Cache-Control %q", path, control)
				}
			}
		})
	}
}

// TestFlushOfEchosOwnResponse has a handler flush it, beneath the writers of middleware. That begins the response.
func TestFlushOfEchosOwnResponse(t *testing.T) {
	t.Parallel()
	for _, outside := range wrappers {
		t.Run(outside.name+" outside", func(t *testing.T) {
			t.Parallel()
			a := newApp(t)
			a.Use(outside.mw, a.store.Middleware())
			a.GET("/", func(c *echo.Context) error {
				r, err := echo.UnwrapResponse(c.Response())
				err = errors.Join(err, change(c))
				if err == nil && !strings.Contains(outside.name, "that buffers") && !strings.Contains(outside.name, "within an opaque") {
					r.Flush()
				}
				return c.String(http.StatusOK, "handler's")
			})
			got := a.browser().get("/")
			if a.stored()[got.cookie()]["n"] != 1 {
				t.Errorf("status %d, cookie %q, stored %v", got.StatusCode, got.cookie(), a.stored())
			}
			a.refuse("Commit")
			got = a.browser().get("/")
			if got.StatusCode != http.StatusServiceUnavailable || got.body != "{\"message\":\"Service Unavailable\"}\n" {
				t.Errorf("not saved: status %d, body %q", got.StatusCode, got.body)
			}
		})
	}
}

// TestHints sends informational responses first. Echo takes them for the response, and so ignores the status of the final
// one.
func TestHints(t *testing.T) {
	t.Parallel()
	for _, outside := range wrappers {
		t.Run(outside.name+" outside", func(t *testing.T) {
			t.Parallel()
			if strings.HasPrefix(outside.name, "Gzip") || strings.HasSuffix(outside.name, "that buffers") {
				return // it takes the first status that is set for that of the response
			}
			a := newApp(t)
			a.Use(outside.mw, a.store.Middleware())
			hint := func(c *echo.Context) {
				c.Response().Header().Set("Link", "</a.css>; rel=preload")
				c.Response().WriteHeader(http.StatusEarlyHints)
				c.Response().Header().Del("Link")
			}
			a.GET("/", func(c *echo.Context) error {
				hint(c)
				return count(c)
			})
			a.GET("/500", func(c *echo.Context) error {
				hint(c)
				return errors.Join(change(c), c.String(http.StatusInternalServerError, "handler's"))
			})
			hints := 0
			traced := func(r *http.Request) {
				*r = *r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{
					Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
						if hints++; code != http.StatusEarlyHints || h.Get("Link") == "" || h.Get("Set-Cookie") != "" {
							t.Errorf("hint %d, %v", code, h)
						}
						return nil
					},
				}))
			}
			got := a.browser().get("/", traced)
			if got.StatusCode != http.StatusOK || got.body != "1\n" || hints != 1 || a.stored()[got.cookie()]["n"] != 1 {
				t.Errorf("%d hints, status %d, body %q, cookie %q, stored %v", hints, got.StatusCode, got.body, got.cookie(), a.stored())
			}
			hints = 0
			if got := a.browser().get("/500", traced); got.StatusCode != http.StatusOK || got.cookie() == "" && !strings.Contains(outside.name, "opaque") {
				t.Errorf("status %d after %d hints, cookie %q", got.StatusCode, hints, got.cookie())
			}
			a.put("key", "{}")
			remove := a.refuse("BatchGetDocuments")
			if got, err := a.browser().try(http.MethodGet, "/", withKey("key")); err == nil && got.StatusCode != http.StatusServiceUnavailable {
				t.Errorf("not loaded: status %d, body %q", got.StatusCode, got.body)
			}
			remove()
			a.refuse("Commit")
			got, err := a.browser().try(http.MethodGet, "/", traced)
			if strings.Contains(outside.name, "opaque") {
				if err == nil {
					t.Errorf("not saved: status %d, body %q", got.StatusCode, got.body)
				}
				return // Echo's Response is hidden, and lets only a 200 pass
			}
			if err != nil || got.StatusCode != http.StatusServiceUnavailable || got.body != "{\"message\":\"Service Unavailable\"}\n" {
				t.Errorf("not saved: %v, status %d, body %q", err, got.StatusCode, got.body)
			}
		})
	}
}

// TestHEAD has Echo serve HEAD by a handler of GET. It then considers the response begun before it is.
func TestHEAD(t *testing.T) {
	t.Parallel()
	for _, where := range []string{"global", "route"} {
		for _, outside := range wrappers {
			for name, respond := range map[string]func(*echo.Context, error) error{
				"JSON":                 func(c *echo.Context, err error) error { return errors.Join(err, c.JSON(http.StatusOK, "handler's")) },
				"nothing":              func(_ *echo.Context, err error) error { return err },
				"status, then changed": func(c *echo.Context, err error) error { c.Response().WriteHeader(http.StatusOK); return err },
			} {
				if where == "route" && strings.HasSuffix(name, "changed") {
					continue // the response begins with the status, as that of a GET
				}
				t.Run(where+"/"+outside.name+" outside/"+name, func(t *testing.T) {
					t.Parallel()
					a := newApp(t)
					a.Echo = echo.NewWithConfig(echo.Config{
						Logger: a.Logger, Router: echo.NewRouter(echo.RouterConfig{AutoHandleHEAD: true}),
					})
					a.server.Config.Handler = a.Echo
					handler := func(c *echo.Context) error {
						sess, err := echofirestore.Get(c)
						if strings.HasSuffix(name, "changed") {
							err = respond(c, err)
						}
						sess.Values["n"] = 1
						if !strings.HasSuffix(name, "changed") {
							err = respond(c, err)
						}
						return err
					}
					if a.Use(outside.mw); where == "global" {
						a.Use(a.store.Middleware())
						a.GET("/", handler)
					} else {
						a.GET("/", handler, a.store.Middleware())
					}
					got := a.browser().request(http.MethodHead, "/")
					if got.StatusCode != http.StatusOK || got.body != "" || a.stored()[got.cookie()]["n"] != 1 {
						t.Errorf("status %d, body %q, cookie %q, stored %v", got.StatusCode, got.body, got.cookie(), a.stored())
					}
					a.refuse("Commit")
					if got = a.browser().request(http.MethodHead, "/"); got.StatusCode != http.StatusServiceUnavailable {
						t.Errorf("not saved: status %d", got.StatusCode)
					}
				})
			}
		}
	}
}

// TestErrorsThatEchoLoses has the handler return an error within net/http middleware that buffers the response, as
// net/http.TimeoutHandler does. Echo writes its answer where nothing is sent any more, and the client gets an empty 200.
// What the handler changed is saved all the same, and if that is impossible, the client knows.
func TestErrorsThatEchoLoses(t *testing.T) {
	t.Parallel()
	timeout := echo.WrapMiddleware(func(next http.Handler) http.Handler { return http.TimeoutHandler(next, time.Minute, "") })
	for _, where := range []string{"outside", "inside"} {
		for name, mw := range map[string]echo.MiddlewareFunc{"a buffer": echo.WrapMiddleware(keepHeader), "TimeoutHandler": timeout} {
			t.Run(name+" "+where, func(t *testing.T) {
				t.Parallel()
				a := newApp(t)
				if where == "outside" {
					a.Use(mw, a.store.Middleware())
				} else {
					a.Use(a.store.Middleware(), mw)
				}
				a.GET("/", func(c *echo.Context) error { return errors.Join(change(c), echo.ErrNotFound) })
				got := a.browser().get("/")
				if got.StatusCode != http.StatusOK || got.body != "" || a.stored()[got.cookie()]["n"] != 1 {
					t.Errorf("status %d, body %q, cookie %q, stored %v", got.StatusCode, got.body, got.cookie(), a.stored())
				}
				a.put("key", "{}")
				for _, method := range []string{"Commit", "BatchGetDocuments"} {
					if method == "BatchGetDocuments" && name+where == "TimeoutHandlerinside" {
						continue // it answers 200 for a handler that writes nothing
					}
					a.refuse(method)
					got = a.browser().get("/", withKey("key"))
					if got.StatusCode != http.StatusServiceUnavailable || got.body != "{\"message\":\"Service Unavailable\"}\n" {
						t.Errorf("%s fails: status %d, body %q", method, got.StatusCode, got.body)
					}
				}
			})
		}
	}
}

// change changes the session, and writes nothing.
func change(c *echo.Context) error {
	sess, err := echofirestore.Get(c)
	if err == nil {
		sess.Values["n"] = 1
	}
	return err
}

// TestContextTimeout has Firestore not answer within Echo's ContextTimeout.
func TestContextTimeout(t *testing.T) {
	t.Parallel()
	for _, where := range []string{"outside", "inside"} {
		t.Run(where, func(t *testing.T) {
			t.Parallel()
			a := newApp(t)
			timeout := middleware.ContextTimeout(time.Millisecond)
			if where == "outside" {
				a.Use(timeout, a.store.Middleware())
			} else {
				a.Use(a.store.Middleware(), timeout)
			}
			a.GET("/", func(c *echo.Context) error {
				<-c.Request().Context().Done()
				if err := context.Cause(c.Request().Context()); !errors.Is(err, context.DeadlineExceeded) {
					t.Error(err)
				}
				return count(c)
			})
			got := a.browser().get("/")
			if got.StatusCode != http.StatusOK || a.stored()[got.cookie()]["n"] != 1 {
				t.Errorf("status %d, body %q, stored %v", got.StatusCode, got.body, a.stored())
			}
		})
	}
}
