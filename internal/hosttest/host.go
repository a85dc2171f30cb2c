// Package hosttest is the behaviour that the library has on every host: on Echo, on net/http, and as far as it applies through
// gorilla's API alone. It holds each host against one table of rows. A row is a sequence of requests by a browser, and says
// what the browser sees of each and what that costs in Firestore.
//
// A host is described by a [Host] in a test of its adapter, and passed to [Run] and to [RunTransparency]. The package knows
// no framework.
package hosttest

import (
	"cmp"
	"context"
	"net/http"
	"reflect"
	"testing"

	"github.com/gorilla/sessions"

	"github.com/echofirestore/echofirestore/firesession"
)

// A Host is a framework with the adapter that gives its handlers sessions.
type Host struct {
	// Name is the host's name in the table.
	Name string

	// Serve returns a handler that serves app. It is called once for each row.
	Serve func(t testing.TB, app App) http.Handler

	// ErrorBody returns the body of the framework's own response to an error with the given status.
	ErrorBody func(status int) string

	// Lacks are the features that the host does not have. Rows that need one of them do not apply.
	Lacks Feature

	// Surroundings are what an application on the host may have around its sessions, or between them and its handlers.
	Surroundings []Surrounding
}

// A Surrounding is middleware, or whatever else stands around the sessions or between them and the handlers. What matters
// most must be the same in it.
type Surrounding struct {
	// Name says what it is and where, such as "Gzip inside". Hosts that have the same should call it the same.
	Name string

	// Serve is as in Host.
	Serve func(t testing.TB, app App) http.Handler

	// Lacks are the features that the surrounding takes away.
	Lacks Feature

	// Adds are the names of the headers that it adds to every response.
	Adds []string

	// Remote is that the handlers run behind another server, to which HTTP/1.1 leads. Rows are tried over HTTP/1.1 alone, and
	// RunTransparency leaves the surrounding out.
	Remote bool

	// ErrorBody is as in Host, if it differs.
	ErrorBody func(status int) string
}

// A Feature is something that not every host has.
type Feature uint

const (
	// AutoSave is that sessions are saved without being told, and that the client gets an error response if that fails.
	AutoSave Feature = 1 << iota

	// Functions is that Destroy does not read the session first, and that Session hides errors.
	Functions

	// Errors is that the framework answers the errors that handlers return.
	Errors

	// Hooks is that the handler's http.ResponseWriter, or one that it wraps, has a method Before(func()) for what is to run
	// before the response begins.
	Hooks

	// Flush is that a response can be sent piece by piece.
	Flush

	// Duplex is that handlers run before the body of the request has come.
	Duplex

	// Hijack is that the connection can be taken over.
	Hijack

	// Upgrade is that WriteHeader sends status 101 before the connection is taken over.
	Upgrade

	// Aborts is that a panic with http.ErrAbortHandler breaks the connection.
	Aborts

	// Panics is that any other panic does. If it does not, the framework answers with status 500.
	Panics

	// Hints is that informational responses are sent on.
	Hints
)

// has reports whether all of the wanted features are among f.
func (f Feature) has(wanted Feature) bool { return f&wanted == wanted }

// An App is an application that a host serves.
type App struct {
	// Stores are the Configs of its stores, each with a middleware of its own, the outermost first. [CopyConfig] turns one into
	// the host's own type. If there are none, there is no middleware.
	Stores []firesession.Config

	// ErrorHandler is the Config.ErrorHandler of all stores, unless it is nil.
	ErrorHandler func(w http.ResponseWriter, r *http.Request, s Sessions, err error)

	// Handle answers all requests, whatever their method and path.
	Handle Handler

	// HandleError is the application's error handler, if it is not nil: it gets the error of Handle first. If it reports
	// false, it has done nothing, and the framework's own error handler answers.
	HandleError func(w http.ResponseWriter, r *http.Request, s Sessions, err error) bool
}

// cookieName is that of the innermost store.
func (app App) cookieName() string {
	if len(app.Stores) == 0 {
		return ""
	}
	return cmp.Or(innermost(app.Stores).CookieName, firesession.DefaultCookieName)
}

// A Handler is an application's code. w and r are what the host gives its handlers. If it returns a [StatusError], the host
// answers with that status as its framework does, and with status 500 for other errors.
type Handler func(w http.ResponseWriter, r *http.Request, s Sessions) error

// A StatusError is an error that a framework answers with this status.
type StatusError int

func (e StatusError) Error() string { return http.StatusText(int(e)) }

// Sessions are the functions by which a host's handlers use the sessions of a request. Those that act on one session act on
// that of the innermost store.
type Sessions interface {
	Get() (*sessions.Session, error)
	Session() *sessions.Session
	Save() error
	Destroy() error
	Renew() error
	Refresh() error
	Update(fn func(*sessions.Session) error) error

	// Named returns the session of another name.
	Named(name string) (*sessions.Session, error)

	// All returns what Get returns in every other way that the host has, such as through packages for any sessions.Store.
	All() ([]*sessions.Session, error)

	// Stores returns the App's stores.
	Stores() []Store
}

// A Store is what handlers use of a host's Store.
type Store interface {
	sessions.Store
	Update(r *http.Request, w http.ResponseWriter, name string, fn func(*sessions.Session) error) error
	Refresh(r *http.Request, name string) error
	SessionID(sess *sessions.Session) string
	Ended(sess *sessions.Session) bool
	RevokeUser(ctx context.Context, user string, except ...string) (int, error)
	DeleteExpired(ctx context.Context) (int, error)
}

// CopyConfig copies the fields of from to those of the same name in the Config that to points to, except ErrorHandler.
func CopyConfig(to any, from firesession.Config) {
	dst, src := reflect.ValueOf(to).Elem(), reflect.ValueOf(from)
	for i := range src.NumField() {
		if name := src.Type().Field(i).Name; name != "ErrorHandler" {
			dst.FieldByName(name).Set(src.Field(i))
		}
	}
}
