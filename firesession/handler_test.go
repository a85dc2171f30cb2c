package firesession_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/sessions"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/echofirestore/echofirestore/firesession"
	"github.com/echofirestore/echofirestore/firestoretest"
)

// An app is a net/http program with sessions, served over TLS, with a browser that visits it.
type app struct {
	firestore *firestoretest.Server
	store     *firesession.Store
	mux       *http.ServeMux
	server    *httptest.Server
	browser   *http.Client
}

func newApp(t *testing.T, configure ...func(*firesession.Config)) *app {
	t.Helper()
	a := &app{mux: http.NewServeMux()}
	cfg := firesession.Config{MaxAge: 3600, Logger: slog.New(slog.DiscardHandler)}
	a.firestore, cfg.Client = firestoretest.Start(t)
	for _, f := range configure {
		f(&cfg)
	}
	var err error
	if a.store, err = firesession.NewStore(cfg); err != nil {
		t.Fatal(err)
	}
	a.server = httptest.NewUnstartedServer(a.store.Handler(a.mux))
	a.server.EnableHTTP2 = true
	a.server.StartTLS()
	t.Cleanup(a.server.Close)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	a.browser = a.server.Client()
	a.browser.Jar = jar
	return a
}

// get visits a page, and returns its status and body, and what that cost.
func (a *app) get(t *testing.T, path string) (status int, body, cost string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.server.URL+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	before := a.firestore.Ops()
	resp, err := a.browser.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text), a.firestore.Ops().Sub(before).String()
}

func count(sess *sessions.Session) int {
	n, _ := sess.Values["n"].(int)
	sess.Values["n"] = n + 1
	return n + 1
}

// TestHandler uses a session in every way that there is, request by request.
func TestHandler(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	page := func(path string, handle func(r *http.Request) (any, error)) {
		a.mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			shown, err := handle(r)
			if err != nil {
				http.Error(w, err.Error(), http.StatusTeapot)
				return
			}
			fmt.Fprint(w, shown)
		})
	}
	page("/nothing", func(*http.Request) (any, error) { return "nothing", nil })
	page("/look", func(r *http.Request) (any, error) {
		sess, err := firesession.Get(r)
		if err != nil {
			return nil, err
		}
		again, err := a.store.Get(r, "__session")
		if err != nil || sess != again || sess != firesession.Session(r) || sess.Store() != sessions.Store(a.store) {
			return nil, errors.Join(errors.New("there are several sessions"), err)
		}
		return sess.Values["n"], nil
	})
	page("/count", func(r *http.Request) (any, error) { return count(firesession.Session(r)), nil })
	page("/save", func(r *http.Request) (any, error) { return count(firesession.Session(r)), firesession.Save(r) })
	page("/update", func(r *http.Request) (any, error) {
		var n int
		err := firesession.Update(r, func(sess *sessions.Session) error { n = count(sess); return nil })
		return n, err
	})
	page("/renew", func(r *http.Request) (any, error) { return "renewed", firesession.Renew(r) })
	page("/destroy", func(r *http.Request) (any, error) { return "ended", firesession.Destroy(r) })
	a.mux.Handle("/twice", a.store.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, count(firesession.Session(r)))
	})))
	for i, step := range []struct{ path, body, cost string }{
		{"/nothing", "nothing", "nothing"},
		{"/look", "<nil>", "nothing"},
		{"/count", "1", "1 write"},
		{"/nothing", "nothing", "nothing"},
		{"/look", "1", "1 read"},
		{"/count", "2", "1 read, 1 write"},
		{"/save", "3", "1 read, 1 write"},
		{"/update", "4", "1 read, 1 write"},
		{"/renew", "renewed", "1 read, 1 write, 1 delete"},
		{"/twice", "5", "1 read, 1 write"},
		{"/destroy", "ended", "1 delete"},
		{"/look", "<nil>", "nothing"},
	} {
		if status, body, cost := a.get(t, step.path); status != http.StatusOK || body != step.body || cost != step.cost {
			t.Errorf("step %d, %s: status %d, %q for %s, want %q for %s", i+1, step.path, status, body, cost, step.body, step.cost)
		}
	}
}

// TestHandlerCannotSave has Firestore refuse what a handler needs. The client must not take the response for a success.
func TestHandlerCannotSave(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, method string
		handler      http.HandlerFunc
	}{
		{"load, not told", "BatchGetDocuments", func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, "handler's", len(firesession.Session(r).Values))
		}},
		{"save, body", "Commit", func(w http.ResponseWriter, r *http.Request) {
			count(firesession.Session(r))
			w.Header().Set("ETag", "handler's")
			fmt.Fprint(w, "handler's")
		}},
		{"save, no body", "Commit", func(_ http.ResponseWriter, r *http.Request) { count(firesession.Session(r)) }},
		{"save, status", "Commit", func(w http.ResponseWriter, r *http.Request) {
			count(firesession.Session(r))
			w.WriteHeader(http.StatusNoContent)
		}},
		{"save, flush", "Commit", func(w http.ResponseWriter, r *http.Request) {
			count(firesession.Session(r))
			_ = http.NewResponseController(w).Flush()
			fmt.Fprint(w, "handler's")
		}},
	} {
		for name, handler := range map[string]func(http.ResponseWriter, *http.Request, error){
			"by default": nil,
			"by the application": func(w http.ResponseWriter, _ *http.Request, err error) {
				http.Error(w, fmt.Sprint("sorry: ", status.Code(err)), http.StatusServiceUnavailable)
			},
			"by nobody": func(http.ResponseWriter, *http.Request, error) {},
		} {
			t.Run(tt.name+"/"+name, func(t *testing.T) {
				t.Parallel()
				a := newApp(t, func(cfg *firesession.Config) { cfg.ErrorHandler = handler })
				a.mux.HandleFunc("/count", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, count(firesession.Session(r))) })
				a.mux.HandleFunc("/", tt.handler)
				a.get(t, "/count")
				remove := a.firestore.Inject(firestoretest.Fault{Method: tt.method, Times: -1, Err: status.Error(codes.PermissionDenied, "no")})
				want := "Service Unavailable\n"
				if name == "by the application" {
					want = "sorry: PermissionDenied\n"
				}
				if status, body, _ := a.get(t, "/"); status != http.StatusServiceUnavailable || body != want {
					t.Errorf("status %d, body %q", status, body)
				}
				remove()
				if _, body, _ := a.get(t, "/count"); body != "2" {
					t.Errorf("afterwards %s", body)
				}
			})
		}
	}
}

// TestWithoutHandler asks for the session of a request that no Handler has seen.
func TestWithoutHandler(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
	for name, call := range map[string]func() error{
		"Get":     func() error { _, err := firesession.Get(r); return err },
		"Save":    func() error { return firesession.Save(r) },
		"Renew":   func() error { return firesession.Renew(r) },
		"Destroy": func() error { return firesession.Destroy(r) },
		"Update":  func() error { return firesession.Update(r, func(*sessions.Session) error { return nil }) },
		"Session": func() (err error) {
			defer func() { err, _ = recover().(error) }()
			_ = firesession.Session(r)
			return nil
		},
	} {
		if err := call(); !errors.Is(err, firesession.ErrNoMiddleware) || !strings.Contains(err.Error(), "Handler") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestContextWithin asks for the session of a request that middleware within has given a deadline, while Firestore does
// not answer: the deadline counts, and not Config.Timeout.
func TestContextWithin(t *testing.T) {
	t.Parallel()
	a := newApp(t, func(cfg *firesession.Config) { cfg.Timeout = time.Hour })
	a.mux.HandleFunc("/count", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, count(firesession.Session(r))) })
	a.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 20*time.Millisecond)
		defer cancel()
		if _, err := firesession.Get(r.WithContext(ctx)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
		w.WriteHeader(http.StatusGatewayTimeout)
	})
	a.get(t, "/count")
	a.firestore.Inject(firestoretest.Fault{Method: "BatchGetDocuments", Delay: time.Hour})
	if status, _, _ := a.get(t, "/"); status != http.StatusGatewayTimeout {
		t.Errorf("status %d", status)
	}
}
