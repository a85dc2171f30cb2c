package echofirestore

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"sync"

	"github.com/gorilla/sessions"
	"github.com/labstack/echo/v4"
)

// Middleware returns the middleware that keeps its sessions in s.
func (s *Store) Middleware() echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if s.cfg.Skipper(c) || exchangeOf(c.Request().Context(), s) != nil {
				return next(c)
			}
			x := newExchange(s, c)
			return x.finish(next(x.handlerContext(c)))
		}
	}
}

// An exchange is one request with its response, and the sessions that its handler asked for. It sees to it that they
// are saved before the first byte of the response leaves, and that the client hears of it if they are not.
//
// It is what replaces the request's context, the response's writer and the handler's echo.Context, each a struct of
// its own inside, so that a request without a session costs few allocations.
type exchange struct {
	store    *Store
	echo     echo.Context // as the middleware got it
	response *echo.Response
	outer    http.Header // the response's header as the middleware got it

	requestContext requestContext
	echoContext    echoContext
	writer         responseWriter

	failed error // why the client got the error response; nil while it has not

	mu       sync.Mutex
	begun    bool // the response has begun: its header is decided
	sessions []opened
}

// opened is a session that a handler asked for.
type opened struct {
	*sessions.Session
	rec    *record
	silent bool // the handler was not told that the document could not be read
}

func newExchange(s *Store, c echo.Context) *exchange {
	x := &exchange{store: s, echo: c, response: c.Response()}
	r := c.Request()
	x.requestContext = requestContext{Context: r.Context(), x: x}
	c.SetRequest(r.WithContext(&x.requestContext))
	c.Set(contribKey, x)

	if h := x.response.Header(); len(h) > 0 {
		x.outer = h.Clone()
	}
	// The hook sees every response that is written through Echo, whatever middleware is between; the writer sees what
	// passes Echo by: a Flush before any write, and a Hijack.
	x.response.Before(x.begin)
	x.writer = responseWriter{ResponseWriter: x.response.Writer, x: x}
	x.response.Writer = &x.writer
	return x
}

// Get returns the session called name. With New and Save it makes the exchange a sessions.Store: the one that
// echo-contrib's session.Get finds, and that works even if a handler has replaced the request altogether.
func (x *exchange) Get(r *http.Request, name string) (*sessions.Session, error) {
	o := x.open(r, name, false)
	return o.Session, o.rec.err
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
func (x *exchange) open(r *http.Request, name string, silent bool) opened {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, o := range x.sessions {
		if o.rec.name == name {
			return o
		}
	}
	o := opened{silent: silent}
	o.Session, o.rec = x.store.open(r, name, x.echo.Scheme() == "https")
	x.add(o)
	return o
}

func (x *exchange) add(o opened) {
	o.rec.sealed = x.begun
	x.sessions = append(x.sessions, o)
}

// opened returns the sessions that handlers have asked for so far.
func (x *exchange) opened() []opened {
	x.mu.Lock()
	defer x.mu.Unlock()
	return slices.Clip(x.sessions)
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
func (x *exchange) destroy(r *http.Request, name string) error {
	o := x.unread(r, name)
	clear(o.Values)
	if err := x.store.destroy(x.context(), o.Session, o.rec); err != nil {
		return err
	}
	o.Options = x.store.options(x.echo.Scheme() == "https")
	x.writeHeaders()
	return nil
}

// renew makes the next save of the session called name take a new key.
func (x *exchange) renew(r *http.Request, name string) error {
	o := x.open(r, name, false)
	o.rec.mu.Lock()
	defer o.rec.mu.Unlock()
	if o.rec.err != nil {
		return o.rec.err
	}
	o.rec.renewing = o.rec.doc != nil
	return nil
}

// update changes the session called name by fn, and saves it.
func (x *exchange) update(r *http.Request, name string, fn func(*sessions.Session) error) error {
	o := x.open(r, name, false)
	if err := x.store.change(x.context(), o.Session, o.rec, fn); err != nil {
		return err
	}
	x.writeHeaders()
	return nil
}

// unread returns the session called name without loading it.
func (x *exchange) unread(r *http.Request, name string) opened {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, o := range x.sessions {
		if o.rec.name == name {
			return o
		}
	}
	var o opened
	o.Session, o.rec = x.store.newSession(name, x.echo.Scheme() == "https")
	o.rec.key, _ = x.store.requestKey(r, name)
	x.add(o)
	return o
}

// begin runs when the response is about to begin. It saves the sessions, or else puts the error response in place of
// the one that was about to begin.
func (x *exchange) begin() {
	if !x.seal() {
		return
	}
	if err := x.autosave(); err != nil {
		x.replaceResponse(err)
	}
}

// seal marks the response as begun. It reports whether that is new.
func (x *exchange) seal() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	defer func() { x.begun = true }()
	return !x.begun
}

// autosave saves the sessions for a response that is about to begin, and gives it its headers. Nothing is saved with a
// status of 500 or more.
func (x *exchange) autosave() error {
	for _, o := range x.opened() {
		if err := x.autosaveOne(o); err != nil {
			return err
		}
	}
	x.writeHeaders()
	for _, o := range x.opened() {
		o.rec.seal()
	}
	return nil
}

func (x *exchange) autosaveOne(o opened) error {
	if x.response.Status >= http.StatusInternalServerError {
		return nil
	}
	switch unread, unended := o.rec.failures(); {
	case unended != nil:
		return unended
	case unread != nil && !o.silent && len(o.Values) == 0 && o.Options.MaxAge >= 0:
		return nil // the handler was told, and has changed nothing
	case unread != nil:
		return unread
	}
	if o.rec.isGone() && len(o.Values) > 0 && o.Options.MaxAge >= 0 {
		return nil // the handler was told, or it was logged
	}
	err := x.store.commit(x.context(), o.Session, o.rec)
	if errors.Is(err, ErrGone) {
		x.store.cfg.Logger.LogAttrs(x.context(), slog.LevelInfo, "changes of an ended session dropped",
			slog.String("cookie", o.rec.name))
		return nil
	}
	return err
}

func (x *exchange) writeHeaders() {
	for _, o := range x.opened() {
		x.store.writeHeaders(x.response.Header(), o.rec)
	}
}

// replaceResponse answers the request with the error response for err. What the handler has set and will write is
// dropped, but for the cookies of sessions that were saved before the failure.
func (x *exchange) replaceResponse(err error) {
	x.logUnsaved(err)
	x.failed = err
	x.response.Writer = x.writerBeneath()
	if err := x.answer(err); err != nil {
		x.echo.Error(err)
	}
	if !x.response.Committed {
		x.response.WriteHeader(http.StatusServiceUnavailable)
	}
	x.response.Writer = &droppedWriter{ResponseWriter: x.response.Writer, err: x.failed}
}

// writerBeneath returns the writer for the error response. It goes past the writers that middleware within has put
// around the response, for they may be in the middle of their work, such as Gzip in its first Flush; they are cut off.
func (x *exchange) writerBeneath() http.ResponseWriter {
	for w := x.response.Writer; ; {
		if w == &x.writer {
			x.writer.dropped, x.writer.reached = true, true
			return x.writer.ResponseWriter
		}
		wrapper, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			// Ours is gone: middleware outside takes its writer back when it is done, and ours with it. Or it is behind
			// one that shows nothing of what it wraps, such as that of net/http.TimeoutHandler.
			return x.response.Writer
		}
		w = wrapper.Unwrap()
	}
}

// resetHeader takes the response's header back to what it was before the handler.
func (x *exchange) resetHeader() {
	h := x.response.Header()
	clear(h)
	maps.Copy(h, x.outer)
	x.writeHeaders()
}

// finish runs when the handler has returned err.
func (x *exchange) finish(err error) error {
	x.mu.Lock()
	begun := x.begun
	x.mu.Unlock()
	switch {
	case x.failed != nil && x.writer.reached:
		// Answered already. The error stays here, for there is middleware that drops a response with an error, and
		// Echo's error handler would not write another one.
		return nil
	case x.failed != nil:
		// Middleware within, such as Timeout, has dropped the error response.
		x.response.Writer, x.response.Committed = x.writer.ResponseWriter, false
		return x.answer(x.failed)
	case begun:
		if late := x.saveLate(); late != nil {
			return errors.Join(err, late)
		}
		return err
	case err != nil:
		return x.passOn(err)
	default:
		x.seal()
		if err = x.autosave(); err != nil {
			x.logUnsaved(err)
			return x.answer(err)
		}
		return nil
	}
}

// answer lets Config.ErrorHandler answer a request that nothing is written for yet.
func (x *exchange) answer(err error) error {
	x.resetHeader()
	return x.store.cfg.ErrorHandler(x.echo, err)
}

// passOn returns the error of a handler that wrote nothing. Echo's HTTPErrorHandler is going to write the response and
// may use the session, but has a context of its own.
func (x *exchange) passOn(err error) error {
	for _, o := range x.opened() {
		if o.rec.name == x.store.cfg.CookieName {
			x.echo.Set(SessionKey, o.Session)
		}
	}
	return x.translate(err)
}

// translate lets Config.ErrorHandler have those errors of a handler that are this package's.
func (x *exchange) translate(err error) error {
	if _, ok := errors.AsType[*failure](err); ok {
		return x.store.cfg.ErrorHandler(x.echo, err)
	}
	return err
}

// saveLate saves what was changed after the response had begun.
func (x *exchange) saveLate() error {
	var errs []error
	for _, o := range x.opened() {
		if err := x.autosaveOne(o); err != nil {
			x.logUnsaved(err)
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// logUnsaved logs an error that the handler is not told, since it has finished.
func (x *exchange) logUnsaved(err error) {
	x.store.cfg.Logger.LogAttrs(x.context(), slog.LevelError, "session not saved", slog.Any("error", err))
}

// context returns the context of the request as the handler left it, for the spans of its tracing.
func (x *exchange) context() context.Context { return x.echo.Request().Context() }

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
