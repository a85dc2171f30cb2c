package hosttest

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/gorilla/sessions"

	"github.com/echofirestore/echofirestore/firesession"
)

// NetHTTP is net/http with firesession's Handler.
func NetHTTP() Host {
	return Host{
		Name:      "net/http",
		Serve:     ServeNetHTTP(nil, nil),
		ErrorBody: func(status int) string { return http.StatusText(status) + "\n" },
		Lacks:     Errors | Hooks,
		Surroundings: []Surrounding{
			{Name: "net/http middleware outside", Serve: ServeNetHTTP(WrapWriter, nil)},
			{Name: "net/http middleware inside", Serve: ServeNetHTTP(nil, WrapWriter)},
			{Name: "ServeMux inside", Serve: ServeNetHTTP(nil, func(next http.Handler) http.Handler {
				mux := http.NewServeMux()
				mux.Handle("/", next)
				return mux
			})},
			{Name: "request replaced inside", Serve: ServeNetHTTP(nil, func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), visitKey{}, nil)))
				})
			})},
			{Name: "the Handler of an equal store inside", Serve: func(t testing.TB, app App) http.Handler {
				t.Helper()
				return ServeNetHTTP(nil, handlerOf(t, app, ""))(t, app)
			}},
			{Name: "the Handler of another store outside", Serve: func(t testing.TB, app App) http.Handler {
				t.Helper()
				return ServeNetHTTP(handlerOf(t, app, "other"), nil)(t, app)
			}},
			{Name: "Timeout outside", Serve: ServeNetHTTP(timeout, nil), Lacks: Flush | Hijack | Hints},
			{Name: "Timeout inside", Serve: ServeNetHTTP(nil, timeout), Lacks: Flush | Hijack | Hints},
		},
	}
}

// ServeNetHTTP returns what serves an App by net/http, with middleware outside of the sessions and inside, unless it is nil.
func ServeNetHTTP(outside, inside func(http.Handler) http.Handler) func(testing.TB, App) http.Handler {
	return func(t testing.TB, app App) http.Handler {
		t.Helper()
		var stores []*firesession.Store
		if onError := app.ErrorHandler; onError != nil {
			app.Stores = slices.Clone(app.Stores)
			for i := range app.Stores {
				app.Stores[i].ErrorHandler = func(w http.ResponseWriter, r *http.Request, err error) {
					onError(w, r, netHTTPSessions{app.cookieName(), r, stores}, err)
				}
			}
		}
		stores = openStores(t, app)
		var h http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			app.answer(w, r, netHTTPSessions{app.cookieName(), r, stores})
		})
		if inside != nil {
			h = inside(h)
		}
		for _, store := range slices.Backward(stores) {
			h = store.Handler(h)
		}
		if outside != nil {
			h = outside(h)
		}
		return h
	}
}

// handlerOf returns the Handler of a store as an App's, if that has one. Its cookie has another name unless that is empty.
func handlerOf(t testing.TB, app App, cookieName string) func(http.Handler) http.Handler {
	t.Helper()
	if len(app.Stores) == 0 {
		return nil
	}
	cfg := app.Stores[0]
	cfg.CookieName = cookieName
	return openStores(t, App{Stores: []firesession.Config{cfg}})[0].Handler
}

func timeout(next http.Handler) http.Handler { return http.TimeoutHandler(next, time.Minute, "") }

// WrapWriter is a net/http middleware that wraps the writer, as many do.
func WrapWriter(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(passThrough{w}, r) })
}

// passThrough is a writer that adds nothing.
type passThrough struct{ http.ResponseWriter }

func (p passThrough) Unwrap() http.ResponseWriter { return p.ResponseWriter }

func openStores(t testing.TB, app App) []*firesession.Store {
	t.Helper()
	var stores []*firesession.Store
	for _, cfg := range app.Stores {
		store, err := firesession.NewStore(cfg)
		if err != nil {
			t.Fatal(err)
		}
		stores = append(stores, store)
	}
	return stores
}

// answer lets a handler of net/http answer, and answers for it if it fails.
func (app App) answer(w http.ResponseWriter, r *http.Request, s Sessions) {
	err := app.Handle(w, r, s)
	if err == nil || app.HandleError != nil && app.HandleError(w, r, s, err) {
		return
	}
	status := http.StatusInternalServerError
	if e, ok := errors.AsType[StatusError](err); ok {
		status = int(e)
	}
	http.Error(w, http.StatusText(status), status)
}

type netHTTPSessions struct {
	name   string
	r      *http.Request
	stores []*firesession.Store
}

func (s netHTTPSessions) Get() (*sessions.Session, error) { return firesession.Get(s.r) }
func (s netHTTPSessions) Session() *sessions.Session      { return firesession.Session(s.r) }
func (s netHTTPSessions) Save() error                     { return firesession.Save(s.r) }
func (s netHTTPSessions) Destroy() error                  { return firesession.Destroy(s.r) }
func (s netHTTPSessions) Renew() error                    { return firesession.Renew(s.r) }
func (s netHTTPSessions) Refresh() error                  { return firesession.Refresh(s.r) }

func (s netHTTPSessions) Update(fn func(*sessions.Session) error) error {
	return firesession.Update(s.r, fn)
}

func (s netHTTPSessions) Named(name string) (*sessions.Session, error) {
	return innermost(s.stores).Get(s.r, name)
}

func (s netHTTPSessions) All() ([]*sessions.Session, error) {
	sess, err := s.Named(s.name)
	return []*sessions.Session{firesession.Session(s.r), sess}, err
}

func (s netHTTPSessions) Stores() []Store { return AsStores(s.stores) }

// AsStores returns a host's stores as [Sessions.Stores] does.
func AsStores[S Store](stores []S) []Store {
	all := make([]Store, len(stores))
	for i, store := range stores {
		all[i] = store
	}
	return all
}

func innermost[S any](stores []S) S { return stores[len(stores)-1] }
