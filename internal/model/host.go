package model

import (
	"context"
	"errors"
	"net/http"

	"github.com/gorilla/sessions"

	"github.com/echofirestore/echofirestore/firesession"
)

// A Host returns one more server of an application: a framework with the package of its sessions, whose Config has the
// fields of cfg. The application has a handler for every request.
//
// A panic of the handler is answered with status 500, as applications have it, outside of the sessions. What the handler
// returns is an error that the framework answers: with status 500 if it is [ErrHandler], otherwise as the package of the
// sessions wants it.
type Host func(cfg firesession.Config, handler func(Request) error) (http.Handler, error)

// A Request is what the host's package of sessions offers its handlers.
type Request interface {
	Context() context.Context
	Get() (*sessions.Session, error)
	Session() *sessions.Session
	Save() error
	Destroy() error
	Renew() error
	Update(fn func(*sessions.Session) error) error

	// NoContent sends a response without a body.
	NoContent(status int) error
}

// ErrHandler is the error of a handler that fails by itself.
var ErrHandler = errors.New("the handler fails")
