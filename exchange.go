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

// An exchange is one request with its response, and the sessions that its handlers asked for. It sees to it that they
// are saved before the first byte of the response leaves, and that the client hears of it if they are not.
//
// It is what replaces the request's context, the response's writer and the handlers' echo.Context, each a struct of
// its own inside, so that a request without a session costs few allocations.
type exchange struct {
	store    *Store
	request  *http.Request // as the middleware got it
	ours     *http.Request // its copy, which handlers get
	response *echo.Response
	header   http.Header // the response's, as the middleware got it: Echo uses responses again, and this no other has
	before   http.Header // what was in it then

	handlers       handlerContext
	requestContext requestContext
	writer         responseWriter
	around, within *exchange // those of middleware outside and inside, with other stores

	failed error // why the client got the error response; nil while it has not
	status int   // that the response has begun with

	// The locks are taken in this order, and then those of records. None is held while a callback of the application's
	// runs.
	loading  sync.Mutex // held while a session is opened
	headers  sync.Mutex // guards header
	mu       sync.Mutex // guards what follows
	phase    phase
	returned bool // the handlers have returned, or panicked
	sessions []opened
}

// newExchange puts an exchange between a request and its handlers.
func newExchange(s *Store, c echo.Context) *exchange {
	x := &exchange{store: s, request: c.Request(), response: c.Response()}
	x.requestContext = requestContext{Context: x.request.Context(), x: x}
	x.ours = x.request.WithContext(&x.requestContext)
	c.SetRequest(x.ours)
	x.handlers.init(x, c)
	if x.around, _ = c.Get(ownerKey).(*exchange); x.around != nil {
		x.around.within = x
	}
	c.Set(contribKey, x)
	c.Set(ownerKey, x)

	if x.header = x.response.Header(); len(x.header) > 0 {
		x.before = x.header.Clone()
	}
	x.response.Before(x.beforeResponse)
	x.writer = responseWriter{ResponseWriter: x.response.Writer, x: x}
	x.response.Writer = &x.writer
	return x
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

// open returns the session called name, loading it if no handler has asked for it before.
func (x *exchange) open(name string, silent bool) opened {
	o, found := x.lookUp(name)
	if found {
		return o
	}
	ctx := x.context()
	o, found = x.load(ctx, name, silent)
	if !found {
		x.store.reportMalformed(ctx, o.rec)
	}
	return o
}

// load reads the session called name. It reports true if another goroutine did so first.
func (x *exchange) load(ctx context.Context, name string, silent bool) (opened, bool) {
	x.loading.Lock()
	defer x.loading.Unlock()
	if o, found := x.lookUp(name); found {
		return o, true
	}
	o := opened{silent: silent}
	o.Session, o.rec = x.store.open(ctx, x.request, name, x.secure())
	o.err = o.rec.err
	x.add(o)
	return o, false
}

// lookUp returns the session called name, if it was opened before.
func (x *exchange) lookUp(name string) (opened, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if i := x.find(name); i >= 0 {
		return x.sessions[i], true
	}
	return opened{}, false
}

// find returns the index of the session called name, or -1. The caller holds x.mu.
func (x *exchange) find(name string) int {
	return slices.IndexFunc(x.sessions, func(o opened) bool { return o.rec.name == name })
}

func (x *exchange) add(o opened) {
	x.mu.Lock()
	defer x.mu.Unlock()
	o.rec.managed, o.rec.sealed = true, x.phase >= begun
	x.sessions = append(x.sessions, o)
}

// opened returns the sessions that handlers have asked for so far.
func (x *exchange) opened() []opened {
	x.mu.Lock()
	defer x.mu.Unlock()
	return slices.Clone(x.sessions)
}

// saveAll saves all sessions.
func (x *exchange) saveAll() error {
	var errs []error
	for _, o := range x.opened() {
		err := x.store.commit(x.context(), o.Session, o.rec)
		errs = append(errs, err)
	}
	x.showHeaders()
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
	x.showHeaders()
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
	x.showHeaders()
	return nil
}

// unread returns the session called name without loading it.
func (x *exchange) unread(name string) opened {
	x.loading.Lock()
	defer x.loading.Unlock()
	if o, found := x.lookUp(name); found {
		return o
	}
	var o opened
	o.Session, o.rec = x.store.newSession(name, x.secure())
	o.rec.key = x.store.requestKey(x.request, name)
	x.add(o)
	return o
}

// hasReturned reports whether the handlers have.
func (x *exchange) hasReturned() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.returned
}

// noteReturn notes that the handlers have returned. No function of theirs writes a header any more.
func (x *exchange) noteReturn() {
	x.headers.Lock()
	defer x.headers.Unlock()
	x.mu.Lock()
	defer x.mu.Unlock()
	x.returned = true
}

// context returns the context of the request as the handlers left it, for the spans of its tracing.
func (x *exchange) context() context.Context { return x.handlers.Request().Context() }

// secure reports whether the request came by HTTPS, as a WebSocket's does under another name.
func (x *exchange) secure() bool {
	// Not the handlers' context: Echo may have given it to another request.
	scheme := x.handlers.outer.Echo().NewContext(x.request, nil).Scheme()
	return strings.EqualFold(scheme, "https") || strings.EqualFold(scheme, "wss")
}

// exchangeIn returns the exchange that c belongs to.
func exchangeIn(c echo.Context) (*exchange, error) {
	for _, key := range []string{exchangeKey, ownerKey} {
		if x, ok := c.Get(key).(*exchange); ok {
			return x, nil
		}
	}
	if x := exchangeOf(c.Request().Context(), nil); x != nil {
		return x, nil
	}
	return nil, ErrNoMiddleware
}

// exchangeOf returns the exchange of a request's context, the innermost of store, or of any store for nil.
func exchangeOf(ctx context.Context, store *Store) *exchange {
	x, _ := ctx.Value(storeKey{store}).(*exchange)
	return x
}
