package hosttest

import (
	"net/http"
	"testing"

	"github.com/gorilla/sessions"
)

// Gorilla is net/http with gorilla's API alone: handlers save their sessions themselves.
func Gorilla() Host {
	return Host{
		Name:      "gorilla",
		Serve:     serveGorilla,
		ErrorBody: func(status int) string { return http.StatusText(status) + "\n" },
		Lacks:     OfGorilla | Errors | Hooks,
	}
}

// OfGorilla are the features that gorilla's API lacks on every host.
const OfGorilla = AutoSave | Functions

func serveGorilla(t testing.TB, app App) http.Handler {
	t.Helper()
	stores := AsStores(openStores(t, app))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		app.answer(w, r, app.Gorilla(w, r, stores, func(name string) (*sessions.Session, error) {
			return innermost(stores).Get(r, name)
		}))
	})
}

// Gorilla does with gorilla's API what the functions of a host do. get is the host's way to the sessions of r.
func (app App) Gorilla(
	w http.ResponseWriter, r *http.Request, stores []Store, get func(name string) (*sessions.Session, error),
) Sessions {
	return gorillaSessions{app.cookieName(), w, r, stores, get}
}

type gorillaSessions struct {
	name   string
	w      http.ResponseWriter
	r      *http.Request
	stores []Store
	get    func(name string) (*sessions.Session, error)
}

func (s gorillaSessions) Get() (*sessions.Session, error) {
	return s.get(s.name)
}

func (s gorillaSessions) Session() *sessions.Session {
	sess, _ := s.Get() // which is never nil
	return sess
}

func (s gorillaSessions) Save() error { return sessions.Save(s.r, s.w) }

// Destroy reads the session, which the function of a host does not.
func (s gorillaSessions) Destroy() error {
	sess, err := s.Get()
	if err != nil {
		return err
	}
	sess.Options.MaxAge = -1
	return sess.Save(s.r, s.w)
}

func (s gorillaSessions) Renew() error {
	sess, err := s.Get()
	sess.ID = ""
	return err
}

func (s gorillaSessions) Refresh() error { return innermost(s.stores).Refresh(s.r, s.name) }

func (s gorillaSessions) Update(fn func(*sessions.Session) error) error {
	return innermost(s.stores).Update(s.r, s.w, s.name, fn)
}

func (s gorillaSessions) Named(name string) (*sessions.Session, error) { return s.get(name) }

func (s gorillaSessions) All() ([]*sessions.Session, error) {
	sess, err := innermost(s.stores).Get(s.r, s.name)
	return []*sessions.Session{sess}, err
}

func (s gorillaSessions) Stores() []Store { return s.stores }
