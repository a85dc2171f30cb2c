package echofirestore

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/gorilla/sessions"
	"github.com/labstack/echo/v4"
)

// An exchange is one request with its response, and the sessions that its handler asked for. It sees to it that they
// are saved before the first byte of the response leaves, and that the client hears of it if they are not.
//
// It is what replaces the request's context, the response's writer and the handler's echo.Context, each a struct of
// its own inside, so that a request without a session costs few allocations.
type exchange struct {
	store    *Store
	echo     echo.Context  // as the middleware got it
	request  *http.Request // as the middleware got it: handlers may replace it
	response *echo.Response
	outer    http.Header // the response's header as the middleware got it

	requestContext requestContext
	echoContext    echoContext
	writer         responseWriter

	failed error // why the client got the error response; nil while it has not

	around   *exchange  // that of middleware outside, with another store
	headers  sync.Mutex // guards the response's header
	mu       sync.Mutex
	begun    bool // the response has begun: its header is decided
	sessions []opened
}

// opened is a session that a handler asked for.
type opened struct {
	*sessions.Session
	rec    *record
	err    error // why the document could not be read
	silent bool  // the handler was not told that
}

// idle reports whether there is nothing to be saved of a session that is not known to hold anything.
func (o opened) idle() bool { return len(o.Values) == 0 && !endedBy(o.Session) }

// Get returns the session called name. With New and Save it makes the exchange a sessions.Store: the one that
// echo-contrib's session.Get finds, and that works even if a handler has replaced the request altogether.
func (x *exchange) Get(_ *http.Request, name string) (*sessions.Session, error) {
	o := x.open(name, false)
	return o.Session, o.err
}

// New is as [Store.New].
func (x *exchange) New(r *http.Request, name string) (*sessions.Session, error) {
	return x.store.New(r, name)
}

// Save is as [Store.Save].
func (x *exchange) Save(r *http.Request, w http.ResponseWriter, sess *sessions.Session) error {
	return x.store.Save(r, w, sess)
}

// open returns the session called name, loading it if no handler has asked for it before. No code of the application's
// runs while x is locked, but for the Decoder.
func (x *exchange) open(name string, silent bool) opened {
	x.mu.Lock()
	if i := x.find(name); i >= 0 {
		defer x.mu.Unlock()
		return x.sessions[i]
	}
	ctx := x.context()
	o := opened{silent: silent}
	o.Session, o.rec = x.store.open(ctx, x.request, name, x.secure())
	o.err = o.rec.err
	x.add(o)
	x.mu.Unlock()
	x.store.reportLoad(ctx, o.rec)
	return o
}

// find returns the index of the session called name, or -1.
func (x *exchange) find(name string) int {
	return slices.IndexFunc(x.sessions, func(o opened) bool { return o.rec.name == name })
}

func (x *exchange) add(o opened) {
	o.rec.sealed = x.begun
	x.sessions = append(x.sessions, o)
}

// opened returns the sessions that handlers have asked for so far.
func (x *exchange) opened() []opened {
	x.mu.Lock()
	defer x.mu.Unlock()
	return slices.Clone(x.sessions)
}

// save saves all sessions.
func (x *exchange) save() error {
	var errs []error
	for _, o := range x.opened() {
		err := x.store.commit(x.context(), o.Session, o.rec)
		errs = append(errs, err)
	}
	x.writeHeaders()
	return errors.Join(errs...)
}

// destroy ends the session called name, without loading it.
func (x *exchange) destroy(name string) error {
	o := x.unread(name)
	if err := x.store.destroy(x.context(), o.Session, o.rec); err != nil {
		return err
	}
	x.mu.Lock()
	x.sessions[x.find(name)].err = nil
	x.mu.Unlock()
	x.writeHeaders()
	return nil
}

// renew makes the next save of the session called name take a new key.
func (x *exchange) renew(name string) error {
	o := x.open(name, false)
	o.rec.mu.Lock()
	defer o.rec.mu.Unlock()
	switch {
	case o.rec.err != nil:
		return o.rec.err
	case o.rec.doc == nil:
		return nil // it gets a new key anyway
	case o.rec.sealed:
		return rejected(ErrCommitted)
	case o.rec.fresh:
		return nil // nobody knows the one that it has
	default:
		o.rec.renewing = true
		return nil
	}
}

// update changes the session called name by fn, and saves it.
func (x *exchange) update(name string, fn func(*sessions.Session) error) error {
	o := x.open(name, false)
	if err := x.store.change(x.context(), o.Session, o.rec, fn); err != nil {
		return err
	}
	x.writeHeaders()
	return nil
}

// unread returns the session called name without loading it.
func (x *exchange) unread(name string) opened {
	x.mu.Lock()
	defer x.mu.Unlock()
	if i := x.find(name); i >= 0 {
		return x.sessions[i]
	}
	var o opened
	o.Session, o.rec = x.store.newSession(name, x.secure())
	o.rec.key = x.store.requestKey(x.request, name)
	x.add(o)
	return o
}

// context returns the context of the request as the handler left it, for the spans of its tracing.
func (x *exchange) context() context.Context { return x.echo.Request().Context() }

// secure reports whether the request came by HTTPS, as a WebSocket's does under another name.
func (x *exchange) secure() bool {
	scheme := x.echo.Scheme()
	return strings.EqualFold(scheme, "https") || strings.EqualFold(scheme, "wss")
}

// exchangeIn returns the exchange that c belongs to.
func exchangeIn(c echo.Context) (*exchange, error) {
	if x, ok := c.Get(contribKey).(*exchange); ok {
		return x, nil
	}
	if x := exchangeOf(c.Request().Context(), nil); x != nil {
		return x, nil
	}
	return nil, ErrNoMiddleware
}

// exchangeOf returns the exchange of a request's context, the innermost of store, or of any store for nil.
func exchangeOf(ctx context.Context, store *Store) *exchange {
	x, _ := ctx.Value(exchangeKey{store}).(*exchange)
	return x
}
