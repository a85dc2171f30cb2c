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
	"time"

	"github.com/labstack/echo/v4"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
)

// plainHosts are ways to have Store.Handler around net/http handlers.
var plainHosts = map[string]func(a *app, h http.Handler) http.Handler{
	"bare": func(a *app, h http.Handler) http.Handler { return a.store.Handler(h) },
	"ServeMux": func(a *app, h http.Handler) http.Handler {
		mux := http.NewServeMux()
		mux.Handle("/", h)
		return a.store.Handler(mux)
	},
	"wrapped writer outside": func(a *app, h http.Handler) http.Handler { return wrapWriter(a.store.Handler(h)) },
	"wrapped writer inside":  func(a *app, h http.Handler) http.Handler { return a.store.Handler(wrapWriter(h)) },
	"TimeoutHandler outside": func(a *app, h http.Handler) http.Handler {
		return http.TimeoutHandler(a.store.Handler(h), time.Minute, "")
	},
	"TimeoutHandler inside": func(a *app, h http.Handler) http.Handler {
		return a.store.Handler(http.TimeoutHandler(h, time.Minute, ""))
	},
	"twice": func(a *app, h http.Handler) http.Handler { return a.store.Handler(a.store.Handler(h)) },
	"around Echo": func(a *app, h http.Handler) http.Handler {
		a.Any("/", echo.WrapHandler(h))
		return a.store.Handler(a.Echo)
	},
	"around Echo with the middleware": func(a *app, h http.Handler) http.Handler {
		a.Use(a.store.Middleware())
		a.Any("/", echo.WrapHandler(h))
		return a.store.Handler(a.Echo)
	},
	"within Echo": func(a *app, h http.Handler) http.Handler {
		a.Any("/", echo.WrapHandler(a.store.Handler(h)))
		return a.Echo
	},
	"within Echo with the middleware": func(a *app, h http.Handler) http.Handler {
		a.Use(a.store.Middleware())
		a.Any("/", echo.WrapHandler(a.store.Handler(h)))
		return a.Echo
	},
	"around Echo with the middleware of another store": func(a *app, h http.Handler) http.Handler {
		cfg := a.config
		cfg.CookieName = "other"
		a.Use(echofirestore.Middleware(cfg))
		a.Any("/", echo.WrapHandler(h))
		return a.store.Handler(a.Echo)
	},
	"within another store": func(a *app, h http.Handler) http.Handler {
		cfg := a.config
		cfg.CookieName = "other"
		other, err := echofirestore.NewStore(cfg)
		if err != nil {
			a.t.Fatal(err)
		}
		return other.Handler(a.store.Handler(h))
	},
}

// TestHandler has net/http handlers set the session's value n to 1 and respond in all ways, with a Firestore that works
// and with one that refuses to save. What the client sees and what is stored must agree.
func TestHandler(t *testing.T) {
	t.Parallel()
	aboutResponses(t)
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { say(w, "handler's") }))
	t.Cleanup(backend.Close)
	target, err := url.Parse(backend.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }}
	for host, wrap := range plainHosts {
		for _, tt := range []struct {
			name    string
			respond http.HandlerFunc
			status  int
			unsaved bool // nothing is to be saved
			hints   bool // which net/http.TimeoutHandler and Echo take for the response
		}{
			{name: "nothing", status: 200, respond: func(http.ResponseWriter, *http.Request) {}},
			{name: "body", status: 200, respond: func(w http.ResponseWriter, _ *http.Request) { say(w, "handler's") }},
			{name: "status", status: 204, respond: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }},
			{name: "error", status: 404, respond: http.NotFound},
			{name: "server error", status: 500, unsaved: true, respond: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }},
			{name: "flush", status: 200, respond: func(w http.ResponseWriter, _ *http.Request) {
				_ = http.NewResponseController(w).Flush()
				say(w, "handler's")
			}},
			{name: "hints", status: 200, hints: true, respond: func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusEarlyHints)
				say(w, "handler's")
			}},
			{name: "proxy", status: 200, respond: proxy.ServeHTTP},
			{name: "file", status: 200, respond: serveFile},
			{name: "panic", unsaved: true, respond: func(http.ResponseWriter, *http.Request) { panic("trouble") }},
			{name: "abort", unsaved: true, respond: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }},
		} {
			for _, explicit := range []bool{false, true} {
				for _, broken := range []bool{false, true} {
					for protocol, newServer := range map[string]func(*httptest.Server){"HTTP/1.1": (*httptest.Server).Start, "HTTP/2": (*httptest.Server).StartTLS} {
						if tt.hints && (strings.HasPrefix(host, "Timeout") || host == "within Echo") || explicit && tt.unsaved {
							continue
						}
						t.Run(fmt.Sprintf("%s/%s/explicit %v/broken %v/%s", host, tt.name, explicit, broken, protocol), func(t *testing.T) {
							t.Parallel()
							a := newBareApp(t)
							a.Logger.SetOutput(io.Discard)
							h := wrap(a, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
								w.Header().Set("X-Handler", "yes")
								sess, err := a.store.Get(r, "__session")
								if err != nil {
									t.Error(err)
								}
								sess.Values["n"] = 1
								if explicit {
									if err := sess.Save(r, w); (err != nil) != broken {
										t.Error(err)
									}
								}
								tt.respond(w, r)
							}))
							server := httptest.NewUnstartedServer(h)
							server.EnableHTTP2 = true
							server.Config.ErrorLog = a.server.Config.ErrorLog
							newServer(server)
							t.Cleanup(server.Close)
							a.putSession("key", `{"n": 0}`)
							if broken {
								a.firestore.Inject(firestoretest.Fault{Method: "Commit", Times: -1, Err: status.Error(codes.PermissionDenied, "no")})
							}
							b := a.browserAt(server.URL)
							b.Transport = server.Client().Transport
							got, err := b.try(http.MethodGet, "/", withCookie("key"))
							want, saved := tt.status, !tt.unsaved && !broken
							if broken && !tt.unsaved {
								want = http.StatusServiceUnavailable
							}
							if err != nil {
								got.Response = &http.Response{Header: http.Header{}}
							}
							if got.StatusCode != want || (got.cookie("__session") != nil) != saved || (a.values("key")["n"] == 1) != saved {
								t.Errorf("status %d, cookie %v, %v stored; want status %d, saved: %v", got.StatusCode, got.cookie("__session"), a.values("key"), want, saved)
							}
							if broken && !tt.unsaved && (got.Header.Get("X-Handler") != "" || strings.Contains(got.body, "handler's")) {
								t.Errorf("the client saw what was not saved: %v %q", got.Header, got.body)
							}
						})
					}
				}
			}
		}
	}
}

// TestHandlerBegins has net/http handlers begin sessions after something that looks like the beginning of a response.
func TestHandlerBegins(t *testing.T) {
	t.Parallel()
	for host, wrap := range plainHosts {
		for name, attempt := range map[string]func(http.ResponseWriter){
			"nothing":        func(http.ResponseWriter) {},
			"refused flush":  func(w http.ResponseWriter) { _ = http.NewResponseController(w).Flush() },
			"refused hijack": func(w http.ResponseWriter) { _, _, _ = http.NewResponseController(w).Hijack() },
		} {
			if name == "refused flush" && host != "TimeoutHandler outside" {
				continue
			}
			t.Run(host+"/"+name, func(t *testing.T) {
				t.Parallel()
				a := newBareApp(t)
				h := wrap(a, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					attempt(w)
					sess, err := a.store.Get(r, "__session")
					if err != nil {
						t.Error(err)
					}
					sess.Values["n"] = 1
					w.WriteHeader(http.StatusAccepted)
				}))
				server := httptest.NewUnstartedServer(h)
				server.EnableHTTP2 = true
				server.StartTLS()
				t.Cleanup(server.Close)
				b := a.browserAt(server.URL)
				b.Transport = server.Client().Transport
				got := b.get("/")
				if cookie := got.cookie("__session"); got.StatusCode != http.StatusAccepted || cookie == nil || a.values(cookie.Value)["n"] != 1 {
					t.Errorf("status %d, cookie %v, documents %v", got.StatusCode, cookie, a.documents())
				}
			})
		}
	}
}

func say(w io.Writer, text string) { _, _ = io.WriteString(w, text) }

func serveFile(w http.ResponseWriter, r *http.Request) {
	http.ServeContent(w, r, "f.txt", time.Time{}, strings.NewReader("handler's"))
}
