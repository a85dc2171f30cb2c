package echofirestore

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/echofirestore/echofirestore/internal/session"
	"github.com/labstack/echo/v5"
)

// Middleware returns middleware that keeps sessions in s.
//
// A request that passes it more than once has the same sessions each time: in an Echo that is mounted in another one, after
// c.Echo().ServeHTTP, or with the middleware also on a group. This also applies to two Stores with the same Client,
// Collection and cookie; the Config of the outermost one counts.
func (s *Store) Middleware() echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c *echo.Context) error {
			if s.skipper != nil && s.skipper(c) {
				return next(c)
			}
			if x := session.ExchangeOf(c.Request().Context(), s.core); x != nil && !x.IsOver() {
				return s.serveAgain(x, c, next)
			}
			return newEchoHost(s, c).serve(next)
		}
	}
}

// An echoHost is Echo serving one request, with its exchange.
type echoHost struct {
	session.Exchange
	store    *Store
	c        *echo.Context
	response *echo.Response      // the last that can be found, above the exchange's writer
	visible  bool                // it is Echo's own, through which everything is written
	top      http.ResponseWriter // the exchange's writer for the handlers
	owner    *echoHost           // what c holds under ownerKey while it belongs to this request
}

// newEchoHost puts an exchange between a request and its handlers.
//
// The exchange's writer is beneath Echo's Response, where it is reached last, after all hooks. If middleware outside has
// wrapped the Response, its writer may keep what the handlers write until they have returned, or never write it. So the
// exchange gets another writer above. That middleware may take its writer away, and this one with it, before Echo answers an
// error.
func newEchoHost(s *Store, c *echo.Context) *echoHost {
	h := &echoHost{store: s, c: c}
	outer := c.Response()
	for r, last := echo.UnwrapResponse(outer); last == nil; r, last = echo.UnwrapResponse(r.ResponseWriter) {
		h.hook(r)
		h.response = r
	}
	if h.response == nil {
		h.response = echo.NewResponse(outer, nil) // in place of one that is hidden, and not in use
	}
	h.Init(s.core, h, h.response.ResponseWriter, c.Request())
	h.response.ResponseWriter = h.Writer()
	h.visible = h.response.Status != 0 // which is that of one from WrapMiddleware
	if h.top = h.Writer(); outer != h.response {
		h.top = h.WriterAbove(outer)
		c.SetResponse(h.top)
	}
	c.SetRequest(h.Request())
	owner, _ := c.Get(ownerKey).(*echoHost)
	h.owner = cmp.Or(owner, h)
	c.Set(ownerKey, h.owner)
	c.Set(exchangeKey, &h.Exchange)
	c.Set(contribKey, &h.Exchange)
	return h
}

// hook lets the exchange know when a response begins.
func (h *echoHost) hook(r *echo.Response) {
	r.Before(func() { r.ResponseWriter = h.BeforeResponse(r.Status, r.ResponseWriter) })
}

// serve runs the handlers of the exchange. An error of this package's is answered here and now, since it might not get past
// middleware outside.
func (h *echoHost) serve(next echo.HandlerFunc) error {
	err := h.Run(func() error {
		err := next(h.c)
		if err == nil || h.visible && slices.Contains(slices.Collect(session.Unwrapped(h.c.Response())), h.Writer()) {
			return err
		}
		// What Echo will answer may bypass the exchange's writers, so the sessions are saved now.
		if _, status := echo.ResolveResponseStatus(h.c.Response(), err); status < http.StatusInternalServerError {
			if failed := h.SaveAll(h.Context()); failed != nil && !errors.Is(failed, ErrGone) {
				return failed
			}
		}
		return err
	})
	if h.Waits() && h.Answers(err) {
		h.ResetHeader(h.Header()) // the error response has none of the handlers' headers
		return h.Fail(err)
	}
	return err
}

// serveAgain runs the handlers of a request that has passed the middleware before. If that was in another Echo, this one's
// HTTPErrorHandler answers errors.
func (s *Store) serveAgain(x *session.Exchange, c *echo.Context, next echo.HandlerFunc) error {
	if c.Get(exchangeKey) == x {
		return next(c)
	}
	c.Set(exchangeKey, x)
	c.Set(contribKey, x)
	err := next(c)
	if !x.Waits() || !x.Answers(err) {
		return err
	}
	x.ResetHeader(c.Response().Header())
	return s.handle(c, err, func() bool { return !x.Waits() })
}

// Context implements session.Host. If Echo has given the context to another request, it is that of the exchange's request.
func (h *echoHost) Context() context.Context {
	if ctx := h.c.Request().Context(); session.ExchangeOf(ctx, h.store.core) == &h.Exchange {
		return ctx
	}
	return h.Request().Context()
}

// HTTPS implements session.Host. It does not ask c, which may belong to another request by now.
func (h *echoHost) HTTPS() bool {
	scheme := echo.NewContext(h.Request(), nil, h.c.Echo()).Scheme()
	return strings.EqualFold(scheme, "https") || strings.EqualFold(scheme, "wss")
}

// Owns implements session.Host. Echo reuses contexts, even while a handler that net/http.TimeoutHandler has abandoned is
// still running.
func (h *echoHost) Owns() bool { return h.c.Get(ownerKey) == h.owner }

// Header implements session.Host.
func (h *echoHost) Header() http.Header { return h.c.Response().Header() }

// Answer implements session.Host. It gives Config.ErrorHandler a new Response: the one that is about to be sent has hooks, and
// Echo may consider it begun.
func (h *echoHost) Answer(w http.ResponseWriter, err error) {
	if h.Hinted() && !h.visible {
		panic(http.ErrAbortHandler) // the error response would have the status 200, and no hook can prevent that
	}
	for r, last := echo.UnwrapResponse(w); last == nil; r, last = echo.UnwrapResponse(r.ResponseWriter) {
		r.Committed = false // Echo takes informational responses for final ones
	}
	interrupted, response := h.c.Response(), echo.NewResponse(w, h.c.Logger())
	h.hook(response)
	h.c.SetResponse(response)
	defer func() {
		h.c.SetResponse(interrupted)
		seen, _ := echo.UnwrapResponse(interrupted)
		for _, r := range []*echo.Response{seen, h.response} {
			if r != nil && (w != h.top || w == h.Writer()) { // else, some are beneath w
				r.Status, r.Size, r.Committed = response.Status, response.Size, response.Committed
			}
		}
	}()
	if err := h.store.handle(h.c, err, func() bool { return response.Committed }); err != nil {
		h.c.Echo().HTTPErrorHandler(h.c, err)
	}
	if !response.Committed {
		response.WriteHeader(http.StatusServiceUnavailable)
	}
	// c.JSON reuses a writer of the context. If the error response has used it in the middle of a handler's c.JSON, the rest of
	// that now goes here.
	response.ResponseWriter = session.DroppingWriter(err)
}

// Fail implements session.Host.
func (h *echoHost) Fail(err error) error {
	h.Answer(h.top, err)
	return nil
}

// handle calls Config.ErrorHandler. If that does nothing, handle returns the default error.
func (s *Store) handle(c *echo.Context, err error, answered func() bool) error {
	returned := s.errorHandler(c, err)
	if returned == nil && !answered() {
		return toHTTPError(c, err)
	}
	return returned
}
