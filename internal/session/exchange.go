package session

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/gorilla/sessions"
)

// An Exchange is one request with its response, and the sessions that its handlers asked for. It saves them before the
// first byte of the response is sent. If it cannot, it sends the client an error response.
//
// It contains the context and the writer that it gives the handlers, so that a request without a session costs few
// allocations.
type Exchange struct {
	store   *Store
	host    Host
	request *http.Request // as the host got it
	ours    *http.Request // its copy, for the handlers
	header  http.Header   // of the response, as the host got it; it never belongs to another request
	before  http.Header   // its contents at that time, or what keepHeader has noted
	kept    bool          // keepHeader has
	hinted  atomic.Bool   // an informational response has been sent

	requestContext requestContext
	writer         responseWriter
	within         *Exchange // of the next middleware inside, which has another store

	// The locks are acquired in this order, before those of records. None is held while a callback of the application
	// runs, or while a session is loaded or saved.
	headers  sync.Mutex // guards header, before and kept
	mu       sync.Mutex // guards what follows
	phase    phase
	status   int   // of the response, once it has begun
	failed   error // why the client gets the error response; nil if it does not
	returned bool  // the handlers have returned, or panicked
	sessions []opened
}

// Init puts the exchange between a request and its handlers. The host must give them [Exchange.Request] and
// [Exchange.Writer].
func (x *Exchange) Init(s *Store, h Host, w http.ResponseWriter, r *http.Request) {
	x.store, x.host, x.request = s, h, r
	if around := ExchangeOf(r.Context(), nil); around != nil {
		around.within = x
	}
	x.requestContext = requestContext{Context: r.Context(), x: x}
	x.ours = r.WithContext(&x.requestContext) //nolint:contextcheck // it wraps the request's
	if x.header = w.Header(); len(x.header) > 0 {
		x.before = x.header.Clone()
	}
	x.writer = responseWriter{ResponseWriter: w, x: x}
}

// Request returns the request for the handlers.
func (x *Exchange) Request() *http.Request { return x.ours }

// Writer returns the writer for the handlers' response.
func (x *Exchange) Writer() http.ResponseWriter { return &x.writer }

// WriterAbove returns one more writer for the handlers' response. It writes to w, which leads to that of Writer through
// writers of middleware outside. They may keep the response, or its beginning, until the handlers have returned.
func (x *Exchange) WriterAbove(w http.ResponseWriter) http.ResponseWriter {
	return &responseWriter{ResponseWriter: w, x: x}
}

// Hinted reports whether an informational response has been sent.
func (x *Exchange) Hinted() bool { return x.hinted.Load() }

// Owned reports whether the host still serves the request.
func (x *Exchange) Owned() bool { return x.host.Owns() }

// HasEnded reports whether the original context of the request has ended.
func (x *Exchange) HasEnded() bool { return x.request.Context().Err() != nil }

// requestContext is the context of a request that has an exchange.
type requestContext struct {
	context.Context
	x *Exchange
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

// ExchangeOf returns the exchange of a request's context, the innermost of store, or of any store for nil.
func ExchangeOf(ctx context.Context, store *Store) *Exchange {
	x, _ := ctx.Value(storeKey{store}).(*Exchange)
	return x
}

// opened is a session that a handler asked for.
type opened struct {
	*sessions.Session
	rec    *record
	silent bool   // a handler was not told of a failed load
	held   string // the ID of the document whose turn this exchange holds; "" for none
}

// Get returns the session of the given name. With New and Save, it makes the exchange a sessions.Store. echo-contrib's
// session.Get finds this store, and it works even if a handler has replaced the request.
func (x *Exchange) Get(r *http.Request, name string) (*sessions.Session, error) {
	o, err := x.open(r.Context(), name, false)
	return o.Session, err
}

// New is as [Store.New].
func (x *Exchange) New(r *http.Request, name string) (*sessions.Session, error) {
	return x.store.New(r, name)
}

// Save is as [Store.Save].
func (x *Exchange) Save(r *http.Request, w http.ResponseWriter, sess *sessions.Session) error {
	return x.store.Save(r, w, sess)
}

// open returns the session with the given name, and loads it unless that was done before.
func (x *Exchange) open(ctx context.Context, name string, silent bool) (opened, error) {
	o := x.unread(name, silent)
	err := x.store.load(ctx, o.Session, o.rec)
	if o.held == "" {
		x.hold(o.rec)
	}
	return o, err
}

// hold keeps the turn of a session that has a document until the handlers have returned: what other requests store of it
// meanwhile is then known.
func (x *Exchange) hold(rec *record) {
	doc := rec.current()
	if doc == nil {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if i := x.find(rec.name); !x.returned && x.sessions[i].held == "" {
		x.sessions[i].held = doc.ID
		x.store.turns.hold(doc)
	}
}

// release undoes hold.
func (x *Exchange) release() {
	x.mu.Lock()
	defer x.mu.Unlock()
	for i, o := range x.sessions {
		if o.held != "" {
			x.store.turns.release(o.held)
			x.sessions[i].held = ""
		}
	}
}

// unread returns the session with the given name without loading it.
func (x *Exchange) unread(name string, silent bool) opened {
	if o, found := x.lookUp(name, silent); found {
		return o
	}
	o := opened{silent: silent}
	o.Session, o.rec = x.store.newSession(x.request, name, x.host.HTTPS())
	return x.add(o)
}

// lookUp returns the session with the given name, if it was opened before. If silent, the handler gets no error if the session
// could not be read.
func (x *Exchange) lookUp(name string, silent bool) (opened, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if i := x.find(name); i >= 0 {
		x.sessions[i].silent = x.sessions[i].silent || silent
		return x.sessions[i], true
	}
	return opened{}, false
}

// find returns the index of the session with the given name, or -1. The caller holds x.mu.
func (x *Exchange) find(name string) int {
	return slices.IndexFunc(x.sessions, func(o opened) bool { return o.rec.name == name })
}

// add returns o, or if another goroutine was first, the session that has its name.
func (x *Exchange) add(o opened) opened {
	x.mu.Lock()
	defer x.mu.Unlock()
	if i := x.find(o.rec.name); i >= 0 {
		x.sessions[i].silent = x.sessions[i].silent || o.silent
		return x.sessions[i]
	}
	o.rec.managed, o.rec.sealed = true, x.phase >= begun
	x.sessions = append(x.sessions, o)
	return o
}

// opened returns the sessions that handlers have asked for so far.
func (x *Exchange) opened() []opened {
	x.mu.Lock()
	defer x.mu.Unlock()
	return slices.Clone(x.sessions)
}

// Load returns the session named Settings.CookieName, on which Destroy, Renew and Update act as well. Its error says why the
// session could not be read.
func (x *Exchange) Load(ctx context.Context) (*sessions.Session, error) {
	o, err := x.open(ctx, x.store.cfg.CookieName, false)
	return o.Session, err
}

// Session is Load for handlers that cannot handle an error: if there is one, the client gets the error response.
func (x *Exchange) Session(ctx context.Context) *sessions.Session {
	o, _ := x.open(ctx, x.store.cfg.CookieName, true) // the client is told
	return o.Session
}

// Loaded returns the session if a handler has asked for it, and else nil.
func (x *Exchange) Loaded() *sessions.Session {
	o, _ := x.lookUp(x.store.cfg.CookieName, false)
	return o.Session
}

// SaveAll saves all sessions.
func (x *Exchange) SaveAll(ctx context.Context) error {
	var errs []error
	for _, o := range x.opened() {
		err := x.store.commit(ctx, o.Session, o.rec)
		errs = append(errs, err)
	}
	x.showHeaders(ctx)
	return errors.Join(errs...)
}

// Destroy ends the session, without loading it.
func (x *Exchange) Destroy(ctx context.Context) error {
	o := x.unread(x.store.cfg.CookieName, false)
	if err := x.store.destroy(ctx, o.Session, o.rec); err != nil {
		return err
	}
	x.showHeaders(ctx)
	return nil
}

// Renew makes the next save of the session take a new key.
func (x *Exchange) Renew(ctx context.Context) error {
	o, err := x.open(ctx, x.store.cfg.CookieName, false)
	if err != nil {
		return err
	}
	if o.rec.isUpdating() {
		return errUpdating()
	}
	return o.rec.exclusively(func() error {
		switch {
		case o.rec.state == unreadable:
			return o.rec.cause
		case !o.rec.state.in(stored, vanished, dropped):
			return nil // it gets a new key anyway
		case o.rec.isSealed():
			return rejected(ErrCommitted)
		case o.rec.keyState == issued:
			return nil
		default:
			o.rec.set(func() { o.rec.keyState = renewing })
			return nil
		}
	})
}

// Update changes the session by fn, and saves it.
func (x *Exchange) Update(ctx context.Context, fn func(*sessions.Session) error) error {
	o, err := x.open(ctx, x.store.cfg.CookieName, false)
	if err != nil {
		return err
	}
	err = x.store.change(ctx, o.Session, o.rec, fn)
	x.showHeaders(ctx) // with an error, too: it may be that the session is gone, whose cookie an earlier save has set
	return err
}

// hasReturned reports whether the handlers have.
func (x *Exchange) hasReturned() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.returned
}

// noteReturn notes that the handlers have returned. After that, none of the functions that they call writes a header.
func (x *Exchange) noteReturn() {
	x.headers.Lock()
	defer x.headers.Unlock()
	x.mu.Lock()
	defer x.mu.Unlock()
	x.returned = true
}
