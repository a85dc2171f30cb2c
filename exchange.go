package echofirestore

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"

	"github.com/gorilla/sessions"
)

// An exchange is one request with its response, and the sessions that its handlers asked for. It sees to it that they
// are saved before the first byte of the response leaves, and that the client is told if they are not.
//
// What it puts between the request and its handlers are structs of its own inside, so that a request without a session
// costs few allocations.
type exchange struct {
	store   *Store
	host    host
	request *http.Request // as the host got it
	ours    *http.Request // its copy, for the handlers
	header  http.Header   // the response's, as the host got it: it is never that of another request
	before  http.Header   // what was in it then

	requestContext requestContext
	writer         responseWriter
	within         *exchange // that of the next middleware inside, with another store

	failed error // why the client gets the error response; nil if it does not
	status int   // of the response, once it has begun

	// The locks are taken in this order, and then those of records. None is held while a callback of the application's
	// runs, but for loading while the Decoder does.
	loading  sync.Mutex // held while a session is opened
	headers  sync.Mutex // guards header
	mu       sync.Mutex // guards what follows
	phase    phase
	returned bool // the handlers have returned, or panicked
	sessions []opened
}

// init puts the exchange between a request that has come and its handlers: they are to get its request and its writer.
func (x *exchange) init(s *Store, h host, w http.ResponseWriter, r *http.Request) {
	x.store, x.host, x.request = s, h, r
	if around := exchangeOf(r.Context(), nil); around != nil {
		around.within = x
	}
	x.requestContext = requestContext{Context: r.Context(), x: x}
	x.ours = r.WithContext(&x.requestContext) //nolint:contextcheck // it wraps the request's
	if x.header = w.Header(); len(x.header) > 0 {
		x.before = x.header.Clone()
	}
	x.writer = responseWriter{ResponseWriter: w, x: x}
}

// requestContext is the context of a request that has an exchange.
type requestContext struct {
	context.Context
	x *exchange
}

// A storeKey finds an exchange in a request's context: the innermost of store, or of all for nil.
type storeKey struct{ store *Store }

// Value implements [context.Context].
func (c *requestContext) Value(key any) any {
	if key, ok := key.(storeKey); ok && (key.store == nil || key.store.keepsSame(c.x.store)) {
		return c.x
	}
	return c.Context.Value(key)
}

// exchangeOf returns the exchange of a request's context, the innermost of store, or of any store for nil.
func exchangeOf(ctx context.Context, store *Store) *exchange {
	x, _ := ctx.Value(storeKey{store}).(*exchange)
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
	ctx := x.host.Context()
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
	o.Session, o.rec = x.store.open(ctx, x.request, name, x.host.HTTPS())
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
		err := x.store.commit(x.host.Context(), o.Session, o.rec)
		errs = append(errs, err)
	}
	x.showHeaders()
	return errors.Join(errs...)
}

// destroy ends the session called name, without loading it.
func (x *exchange) destroy(name string) error {
	o := x.unread(name)
	if err := x.store.destroy(x.host.Context(), o.Session, o.rec); err != nil {
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
	if err := x.store.change(x.host.Context(), o.Session, o.rec, fn); err != nil {
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
	o.Session, o.rec = x.store.newSession(name, x.host.HTTPS())
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
