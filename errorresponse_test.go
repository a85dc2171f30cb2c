package echofirestore_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/gorilla/sessions"
	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
)

// TestErrorResponseIsWhole has requests fail in every way that comes from this package, in all surroundings, after the
// handler has set headers. The client must see the error response and nothing of the handler's, but what middleware
// outside has set.
func TestErrorResponseIsWhole(t *testing.T) {
	t.Parallel()
	aboutResponses(t)
	load := func(c echo.Context) error { _, err := echofirestore.Get(c); return err }
	for _, tt := range []struct {
		name    string
		method  string // of Firestore that is refused
		handler echo.HandlerFunc
	}{
		{name: "load, returned", method: "BatchGetDocuments", handler: load},
		{name: "load, returned with more text", method: "BatchGetDocuments", handler: func(c echo.Context) error {
			return fmt.Errorf("show the cart: %w", load(c))
		}},
		{name: "load, joined with another", method: "BatchGetDocuments", handler: func(c echo.Context) error {
			return errors.Join(errors.New("no cart"), load(c))
		}},
		{name: "load, answered by the context", method: "BatchGetDocuments", handler: func(c echo.Context) error {
			c.Error(load(c))
			return nil
		}},
		{name: "load, answered by the context and returned", method: "BatchGetDocuments", handler: func(c echo.Context) error {
			err := load(c)
			c.Error(err)
			return err
		}},
		{name: "load, not told", method: "BatchGetDocuments", handler: func(c echo.Context) error {
			return c.String(http.StatusOK, "handler's "+session(c).ID)
		}},
		{name: "load, not told, no body", method: "BatchGetDocuments", handler: func(c echo.Context) error { _ = session(c); return nil }},
		{name: "save, returned", method: "Commit", handler: func(c echo.Context) error { setOne(c); return echofirestore.Save(c) }},
		{name: "save of gorilla, returned", method: "Commit", handler: func(c echo.Context) error {
			setOne(c)
			return session(c).Save(c.Request(), c.Response())
		}},
		{name: "update, returned", method: "Commit", handler: func(c echo.Context) error {
			return echofirestore.Update(c, func(sess *sessions.Session) error { sess.Values["n"] = 1; return nil })
		}},
		{name: "destroy, returned", method: "Commit", handler: echofirestore.Destroy},
		{name: "automatic save", method: "Commit", handler: func(c echo.Context) error { setOne(c); return c.String(http.StatusOK, "handler's") }},
		{name: "automatic save, no body", method: "Commit", handler: func(c echo.Context) error { setOne(c); return nil }},
		{name: "automatic save, 204", method: "Commit", handler: func(c echo.Context) error { setOne(c); return c.NoContent(http.StatusNoContent) }},
		{name: "automatic save, written without Echo", method: "Commit", handler: func(c echo.Context) error {
			setOne(c)
			_, err := io.WriteString(c.Response().Writer, "handler's")
			return err
		}},
		{name: "automatic save, changed by a hook", method: "Commit", handler: func(c echo.Context) error {
			_ = session(c)
			c.Response().Before(func() { setOne(c); c.Response().Header().Set("X-Hook", "yes") })
			return c.String(http.StatusOK, "handler's")
		}},
	} {
		for _, around := range surroundings {
			if strings.HasPrefix(around.name, "Timeout") && strings.HasSuffix(tt.name, "by the context and returned") {
				continue // Echo drops what was answered, and does not answer again
			}
			for protocol, open := range map[string]func(*app) *browser{"HTTP/1.1": (*app).plainBrowser, "HTTP/2": (*app).browser} {
				name := tt.name + "/" + around.name + "/" + protocol
				if !around.tries(name) {
					continue
				}
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					a := newBareApp(t)
					a.Logger.SetOutput(io.Discard)
					a.Use(middleware.RequestID())
					a.Use(around.outside...)
					a.Use(a.store.Middleware())
					a.Use(around.inside...)
					a.POST("/", func(c echo.Context) error {
						h := c.Response().Header()
						h.Set("Cache-Control", "public, max-age=600")
						h.Set("ETag", `"handler's"`)
						h.Set("Location", "/handler")
						h.Set("Content-Length", "9999")
						h.Set("X-Handler", "yes")
						c.SetCookie(&http.Cookie{Name: "handlers", Value: "yes"})
						return tt.handler(c)
					})
					a.put("key", map[string]any{"data": payload(a.clock.Now()), "max_age": nil})
					a.firestore.Inject(firestoretest.Fault{Method: tt.method, Times: -1, Err: status.Error(codes.PermissionDenied, "no")})
					got := open(a).post("/", withCookie("key"))
					if got.StatusCode != http.StatusServiceUnavailable || got.body != `{"message":"Service Unavailable"}`+"\n" {
						t.Errorf("status %d, body %q", got.StatusCode, got.body)
					}
					for _, name := range []string{"ETag", "Location", "X-Handler", "X-Hook", "Set-Cookie"} {
						if value, ok := got.Header[http.CanonicalHeaderKey(name)]; ok {
							t.Errorf("%s: %q", name, value)
						}
					}
					if cache := got.Header.Get("Cache-Control"); strings.Contains(cache, "public") {
						t.Errorf("Cache-Control: %q", cache)
					}
					if got.ContentLength >= 0 && got.ContentLength != int64(len(got.body)) {
						t.Errorf("Content-Length %d of %d bytes", got.ContentLength, len(got.body))
					}
					if got.Header.Get("X-Request-Id") == "" {
						t.Error("what middleware outside has set is gone")
					}
				})
			}
		}
	}
}

// TestProxyThatCannotAnswer has a proxy answer for a handler, after middleware within has changed a session that cannot
// be saved: the client gets the error response, and no broken connection.
func TestProxyThatCannotAnswer(t *testing.T) {
	t.Parallel()
	aboutResponses(t)
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/hints":
			w.Header().Set("Link", "</style.css>; rel=preload")
			w.WriteHeader(http.StatusEarlyHints)
		case "/stream":
			_ = http.NewResponseController(w).Flush()
		}
		_, _ = io.WriteString(w, strings.Repeat("backend's", 10_000))
	}))
	t.Cleanup(backend.Close)
	target, err := url.Parse(backend.URL)
	if err != nil {
		t.Fatal(err)
	}
	reverse := func() *httputil.ReverseProxy {
		return &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }}
	}
	flushing := reverse()
	flushing.FlushInterval = -1
	change := func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error { setOne(c); return next(c) }
	}
	proxies := map[string]func(*app){
		"net/http": func(a *app) { a.Any("/*", echo.WrapHandler(reverse()), change) },
		"flushing": func(a *app) { a.Any("/*", echo.WrapHandler(flushing), change) },
		"Echo": func(a *app) {
			balancer := middleware.NewRoundRobinBalancer([]*middleware.ProxyTarget{{URL: target}})
			a.Use(change, middleware.Proxy(balancer))
		},
	}
	for proxy, install := range proxies {
		for _, around := range surroundings {
			if around.unflushable {
				continue // what it flushes, net/http.TimeoutHandler keeps
			}
			for _, path := range []string{"/", "/hints", "/stream"} {
				for _, broken := range []bool{false, true} {
					for protocol, open := range map[string]func(*app) *browser{"HTTP/1.1": (*app).plainBrowser, "HTTP/2": (*app).browser} {
						name := fmt.Sprintf("%s/%s%s/broken %v/%s", proxy, around.name, path, broken, protocol)
						if !around.tries(name) {
							continue
						}
						t.Run(name, func(t *testing.T) {
							t.Parallel()
							a := newBareApp(t)
							a.Logger.SetOutput(io.Discard)
							a.Use(around.outside...)
							a.Use(a.store.Middleware())
							a.Use(around.inside...)
							install(a)
							a.putSession("key", `{"n": 0}`)
							want, body := http.StatusOK, strings.Repeat("backend's", 10_000)
							if broken {
								a.firestore.Inject(firestoretest.Fault{Method: "Commit", Times: -1, Err: status.Error(codes.PermissionDenied, "no")})
								want, body = http.StatusServiceUnavailable, `{"message":"Service Unavailable"}`+"\n"
							}
							got, err := open(a).try(http.MethodGet, path, withCookie("key"))
							if err != nil {
								t.Fatal(err)
							}
							if got.StatusCode != want || got.body != body {
								t.Errorf("status %d, %d bytes: %.40q", got.StatusCode, len(got.body), got.body)
							}
							if saved := a.values("key")["n"] == 1; saved == broken {
								t.Errorf("saved: %v", saved)
							}
							if cookie := got.cookie("__session"); (cookie != nil) == broken {
								t.Errorf("cookie %v", cookie)
							}
						})
					}
				}
			}
		}
	}
}

// TestRefusedHijack has a handler take over the connection of a request whose session cannot be saved, and then answer
// by itself, as libraries for WebSockets do. The client gets the error response and nothing of the handler's.
func TestRefusedHijack(t *testing.T) {
	t.Parallel()
	for name, after := range map[string]func(echo.Context, error) error{
		"answers itself": func(c echo.Context, _ error) error {
			http.Error(c.Response(), "handler's", http.StatusInternalServerError)
			return nil
		},
		"returns the error": func(_ echo.Context, err error) error { return err },
		"returns another":   func(echo.Context, error) error { return echo.ErrBadRequest },
		"returns nothing":   func(echo.Context, error) error { return nil },
		"aborts":            func(echo.Context, error) error { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t)
			a.Logger.SetOutput(io.Discard)
			a.GET("/", func(c echo.Context) error {
				setOne(c)
				c.Response().Header().Set("Sec-WebSocket-Version", "13")
				_, _, err := c.Response().Hijack()
				if status.Code(err) != codes.PermissionDenied {
					t.Errorf("error %v", err)
				}
				return after(c, err)
			})
			a.putSession("key", `{"n": 0}`)
			a.firestore.Inject(firestoretest.Fault{Method: "Commit", Times: -1, Err: status.Error(codes.PermissionDenied, "no")})
			got := a.plainBrowser().get("/", withCookie("key"))
			if got.StatusCode != http.StatusServiceUnavailable || strings.Contains(got.body, "handler's") || got.Header.Get("Sec-WebSocket-Version") != "" {
				t.Errorf("status %d, %v, body %q", got.StatusCode, got.Header, got.body)
			}
		})
	}
}

// TestAborts has handlers, and the Config's ErrorHandler, break off a request whose session cannot be saved, in all
// surroundings: the client gets the error response, or none, and never a success.
func TestAborts(t *testing.T) {
	t.Parallel()
	aboutResponses(t)
	abort := func() { panic(http.ErrAbortHandler) }
	for _, around := range surroundings {
		for _, tt := range []struct {
			name         string
			handler      echo.HandlerFunc
			errorHandler func(echo.Context, error) error
			status       int // 0: the connection breaks
		}{
			{name: "handler, after its response", status: http.StatusServiceUnavailable, handler: func(c echo.Context) error {
				setOne(c)
				_, _ = io.WriteString(c.Response(), "handler's")
				abort()
				return nil
			}},
			{
				name: "ErrorHandler", handler: set("n", 1),
				errorHandler: func(echo.Context, error) error { abort(); return nil },
			},
			{
				name: "ErrorHandler, no body", handler: func(c echo.Context) error { setOne(c); return nil },
				errorHandler: func(echo.Context, error) error { abort(); return nil },
			},
		} {
			name := around.name + "/" + tt.name
			if !around.tries(name) {
				continue
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				a := newBareApp(t, func(cfg *echofirestore.Config) { cfg.ErrorHandler = tt.errorHandler })
				a.Use(around.outside...)
				a.Use(a.store.Middleware())
				a.Use(around.inside...)
				a.POST("/", tt.handler)
				a.putSession("key", `{"n": 0}`)
				a.firestore.Inject(firestoretest.Fault{Method: "Commit", Times: -1, Err: status.Error(codes.PermissionDenied, "no")})
				got, err := a.browser().try(http.MethodPost, "/", withCookie("key"))
				if (err != nil) != (tt.status == 0) || err == nil && got.StatusCode != tt.status {
					t.Errorf("%v, error %v; want status %d", got.Response, err, tt.status)
				}
			})
		}
	}
}
