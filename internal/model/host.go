package model

import (
	"net/http"
	"testing"

	"github.com/gorilla/sessions"

	"github.com/echofirestore/echofirestore/firesession"
	"github.com/echofirestore/echofirestore/internal/hosttest"
)

// A Host returns one more server of an application: a framework with the package of its sessions, whose Config has the
// fields of cfg, and with a handler for every request. What the handler returns is an error that the framework answers.
type Host func(t testing.TB, cfg firesession.Config, handler Handler) http.Handler

// A Handler is an application's code.
type Handler func(w http.ResponseWriter, r *http.Request, s Sessions) error

// Sessions are the functions by which a host's handlers use the session of a request.
type Sessions interface {
	Get() (*sessions.Session, error)
	Session() *sessions.Session
	Save() error
	Destroy() error
	Renew() error
	Update(fn func(*sessions.Session) error) error
	Refresh() error
	Stores() []hosttest.Store
}
