package echofirestore_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
)

// TestErrorsAnsweredByTheContext has handlers call c.Error with an error of this package, in all surroundings. It is answered as
// if they had returned it.
func TestErrorsAnsweredByTheContext(t *testing.T) {
	t.Parallel()
	aboutResponses(t)
	load := func(c echo.Context) error { _, err := echofirestore.Get(c); return err }
	for _, around := range surroundings {
		for name, handler := range map[string]echo.HandlerFunc{
			"answered": func(c echo.Context) error {
				c.Error(load(c))
				return nil
			},
			"answered and returned": func(c echo.Context) error {
				err := load(c)
				c.Error(err)
				return err
			},
		} {
			if strings.HasPrefix(around.name, "Timeout") && name != "answered" {
				continue // Echo drops what was answered, and does not answer again
			}
			t.Run(around.name+"/"+name, func(t *testing.T) {
				t.Parallel()
				a := newBareApp(t)
				a.Logger.SetOutput(io.Discard)
				a.Use(around.outside...)
				a.Use(a.store.Middleware())
				a.Use(around.inside...)
				a.POST("/", func(c echo.Context) error {
					c.Response().Header().Set("Cache-Control", "public, max-age=600")
					c.Response().Header().Set("X-Handler", "yes")
					return handler(c)
				})
				a.put("key", map[string]any{"data": payload(a.clock.Now()), "max_age": nil})
				a.firestore.Inject(firestoretest.Fault{Method: "BatchGetDocuments", Times: -1, Err: status.Error(codes.PermissionDenied, "no")})
				got := a.browser().post("/", withCookie("key"))
				if got.StatusCode != http.StatusServiceUnavailable || got.body != `{"message":"Service Unavailable"}`+"\n" {
					t.Errorf("status %d, body %q", got.StatusCode, got.body)
				}
				if got.Header.Get("X-Handler") != "" || strings.Contains(got.Header.Get("Cache-Control"), "public") {
					t.Errorf("headers %v", got.Header)
				}
			})
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
