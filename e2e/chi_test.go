package e2e

import (
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/echofirestore/echofirestore/firesession"
	"github.com/echofirestore/echofirestore/firestoretest"
	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/gorilla/sessions"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// routers serve handlers under patterns such as "/count/{what}", with the sessions of a store.
var routers = map[string]func(*firesession.Store, map[string]http.HandlerFunc) http.Handler{
	"ServeMux": func(store *firesession.Store, handlers map[string]http.HandlerFunc) http.Handler {
		mux := http.NewServeMux()
		for pattern, handler := range handlers {
			mux.HandleFunc("GET "+pattern, handler)
		}
		return store.Handler(mux)
	},
	"chi": func(store *firesession.Store, handlers map[string]http.HandlerFunc) http.Handler {
		return chiOf(handlers, store.Handler)
	},
	"chi, with a group": func(store *firesession.Store, handlers map[string]http.HandlerFunc) http.Handler {
		r := chi.NewRouter()
		r.Group(func(r chi.Router) {
			r.Use(store.Handler)
			r.Mount("/", chiOf(handlers))
		})
		return r
	},
	"chi, with its middleware outside": func(store *firesession.Store, handlers map[string]http.HandlerFunc) http.Handler {
		return chiOf(handlers, append(chiMiddleware(), store.Handler)...)
	},
	"chi, with its middleware inside": func(store *firesession.Store, handlers map[string]http.HandlerFunc) http.Handler {
		return chiOf(handlers, append(chi.Middlewares{store.Handler}, chiMiddleware()...)...)
	},
}

func chiOf(handlers map[string]http.HandlerFunc, use ...func(http.Handler) http.Handler) http.Handler {
	r := chi.NewRouter()
	r.Use(use...)
	for pattern, handler := range handlers {
		r.Get(pattern, handler)
	}
	return r
}

// chiMiddleware returns the middleware of chi that wraps responses.
func chiMiddleware() chi.Middlewares {
	const level = 5
	return chi.Middlewares{
		middleware.RequestLogger(&middleware.DefaultLogFormatter{Logger: log.New(io.Discard, "", 0)}),
		middleware.Recoverer,
		middleware.Compress(level),
	}
}

// TestRouters uses a session behind routers for net/http, request by request.
func TestRouters(t *testing.T) {
	t.Parallel()
	for name, router := range routers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, client := firestoretest.Start(t)
			store, err := firesession.NewStore(firesession.Config{Client: client, Logger: slog.New(slog.DiscardHandler)})
			if err != nil {
				t.Fatal(err)
			}
			web := httptest.NewServer(router(store, map[string]http.HandlerFunc{
				"/count/{what}": func(w http.ResponseWriter, r *http.Request) {
					fmt.Fprint(w, count(firesession.Session(r), r.PathValue("what")))
				},
				"/renew": func(_ http.ResponseWriter, r *http.Request) {
					if err := firesession.Renew(r); err != nil {
						t.Error(err)
					}
				},
				"/destroy": func(_ http.ResponseWriter, r *http.Request) {
					if err := firesession.Destroy(r); err != nil {
						t.Error(err)
					}
				},
			}))
			defer web.Close()
			browser := newClient(t)
			for i, step := range []struct {
				path, want, cost string
				failing          bool // Firestore does not save
			}{
				{path: "/count/apples", want: "200 1", cost: "1 write"},
				{path: "/count/apples", want: "200 2", cost: "1 read, 1 write"},
				{path: "/count/pears", want: "503 Service Unavailable\n", cost: "1 read", failing: true},
				{path: "/count/pears", want: "200 1", cost: "1 read, 1 write"},
				{path: "/renew", want: "200 ", cost: "1 read, 1 write, 1 delete"},
				{path: "/count/apples", want: "200 3", cost: "1 read, 1 write"},
				{path: "/destroy", want: "200 ", cost: "1 delete"},
				{path: "/count/apples", want: "200 1", cost: "1 write"},
			} {
				if step.failing {
					server.Inject(firestoretest.Fault{Method: "Commit", Err: status.Error(codes.PermissionDenied, "no")})
				}
				before := server.Ops()
				if got := visit(t, browser, web.URL+step.path); got != step.want {
					t.Errorf("step %d, %s: %q, want %q", i+1, step.path, got, step.want)
				}
				if cost := server.Ops().Sub(before).String(); cost != step.cost {
					t.Errorf("step %d, %s: cost %s, want %s", i+1, step.path, cost, step.cost)
				}
			}
		})
	}
}

// TestRoutersStream has handlers send a response in parts. The session is saved before the client gets the first one.
func TestRoutersStream(t *testing.T) {
	t.Parallel()
	for name, router := range routers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, client := firestoretest.Start(t)
			store, err := firesession.NewStore(firesession.Config{Client: client})
			if err != nil {
				t.Fatal(err)
			}
			received := make(chan struct{}) // the first part
			web := httptest.NewServer(router(store, map[string]http.HandlerFunc{"/": func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "text/plain")
				fmt.Fprintf(w, "apples: %d\n", count(firesession.Session(r), "apples"))
				if err := http.NewResponseController(w).Flush(); err != nil {
					t.Error(err)
				}
				select {
				case <-received:
				case <-r.Context().Done():
				}
				fmt.Fprint(w, "that is all")
			}}))
			defer web.Close()
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second) // for a part that never comes
			defer cancel()
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, web.URL, http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := web.Client().Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			first := make([]byte, len("apples: 1\n"))
			if _, err := io.ReadFull(resp.Body, first); err != nil {
				t.Fatal(err)
			}
			if saved, want := server.Ops(), (firestoretest.Ops{Writes: 1}); string(first) != "apples: 1\n" || saved != want {
				t.Errorf("first %q, with %v in Firestore, want %v", first, saved, want)
			}
			if cookie := resp.Header.Get("Set-Cookie"); !strings.HasPrefix(cookie, "__session=") {
				t.Errorf("cookie %q", cookie)
			}
			close(received)
			if rest, err := io.ReadAll(resp.Body); err != nil || string(rest) != "that is all" {
				t.Errorf("rest %q, %v", rest, err)
			}
		})
	}
}

// count counts things in a session.
func count(sess *sessions.Session, what string) int {
	n, _ := sess.Values[what].(int)
	sess.Values[what] = n + 1
	return n + 1
}

func newClient(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar}
}

// visit asks for url, keeping cookies, and returns the status and the body.
func visit(t *testing.T, client *http.Client, url string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(resp.StatusCode, " ", string(body))
}
