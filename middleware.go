package echofirestore

import (
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"slices"

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

func newExchange(s *Store, c echo.Context) *exchange {
	x := &exchange{store: s, echo: c, request: c.Request(), response: c.Response()}
	x.requestContext = requestContext{Context: x.request.Context(), x: x}
	c.SetRequest(x.request.WithContext(&x.requestContext))
	c.Set(contribKey, x)
	x.around, _ = c.Get(ownerKey).(*exchange)
	c.Set(ownerKey, x)

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

// begin runs when the response is about to begin. It saves the sessions, or else puts the error response in place of
// the one that was about to begin.
func (x *exchange) begin() {
	if !x.owned() {
		return
	}
	if !x.seal() {
		x.writeHeaders() // again, for middleware within has reset the header for its error response
		return
	}
	if err := x.autosave(); err != nil {
		x.replaceResponse(err)
		x.sealSessions()
	}
}

// owned reports whether the response is still that of this exchange. Echo uses its contexts and responses again, also
// while its Timeout middleware has abandoned a handler that goes on: a cookie set then would go to another client.
func (x *exchange) owned() bool {
	owner, _ := x.echo.Get(ownerKey).(*exchange)
	for owner != nil && owner != x {
		owner = owner.around
	}
	return owner != nil
}

// seal marks the response as begun. It reports whether that is new.
func (x *exchange) seal() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	defer func() { x.begun = true }()
	return !x.begun
}

// unseal takes seal back: the response has not begun after all.
func (x *exchange) unseal() {
	for _, o := range x.opened() {
		o.rec.seal(false)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.begun = false
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
	x.sealSessions()
	return nil
}

// sealSessions notes that it is too late for their cookies.
func (x *exchange) sealSessions() {
	for _, o := range x.opened() {
		o.rec.seal(true)
	}
}

func (x *exchange) autosaveOne(o opened) error {
	if x.response.Status >= http.StatusInternalServerError {
		return nil
	}
	switch unread, unended := o.rec.failures(); {
	case unended != nil:
		// commit tries again
	case unread != nil && !o.silent && o.idle():
		return nil // the handler was told, and has changed nothing
	case unread != nil:
		return unread
	}
	if o.rec.isGone() && !endedBy(o.Session) {
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
	x.headers.Lock()
	defer x.headers.Unlock()
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
	if !x.owned() {
		return err
	}
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
	return x.handle(err)
}

// handle calls Config.ErrorHandler, and answers for one that does nothing.
func (x *exchange) handle(err error) error {
	answered := x.store.cfg.ErrorHandler(x.echo, err)
	if answered == nil && !x.response.Committed {
		return toHTTPError(x.echo, err)
	}
	return answered
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
		return x.handle(err)
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

// logUnsaved logs an error that the handler is not told, since it has finished. That of a load is in the log already.
func (x *exchange) logUnsaved(err error) {
	if slices.ContainsFunc(x.opened(), func(o opened) bool { return o.rec.unread != nil && errors.Is(err, o.rec.unread) }) {
		return
	}
	x.store.cfg.Logger.LogAttrs(x.context(), slog.LevelError, "session not saved", slog.Any("error", err))
}
