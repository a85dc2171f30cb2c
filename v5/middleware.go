package echofirestore

import (
	"context"
	"net/http"
	"strings"

	"github.com/labstack/echo/v5"

	"github.com/echofirestore/echofirestore/internal/session"
)

// Middleware returns the middleware that keeps its sessions in s.
//
// A request that passes it more than once has the same sessions each time: in an Echo that is mounted in another one,
// after c.Echo().ServeHTTP, or with the middleware also on a group. This includes two Stores with the same Client,
// Collection and cookie; the Config of the outermost then applies.
func (s *Store) Middleware() echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c *echo.Context) error {
			if s.skipper(c) {
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
	request  *http.Request       // as the middleware got it
	outer    http.ResponseWriter // likewise
	response *echo.Response      // above the exchange's writer
	visible  bool                // what is written to a Response beneath outer is reported by a hook
	owner    *echoHost           // that c has for as long as it belongs to this request
}

var _ session.Host = (*echoHost)(nil)

// newEchoHost puts an exchange between a request and its handlers.
func newEchoHost(s *Store, c *echo.Context) *echoHost {
	h := &echoHost{store: s, c: c, request: c.Request(), outer: c.Response()}
	h.interpose()
	c.SetRequest(h.Request())
	if h.owner, _ = c.Get(ownerKey).(*echoHost); h.owner == nil {
		h.owner = h
		c.Set(ownerKey, h)
	}
	show(&h.Exchange, c)
	return h
}

// interpose puts the exchange's writer beneath a Response, where it is reached last, after the hooks of handlers. If
// middleware outside has wrapped Echo's Response, the handlers get another one above the writer. That middleware may take
// its writer away, and this one with it, before the error handler writes. Only the hooks of the Responses beneath report
// what it writes.
func (h *echoHost) interpose() {
	response, plain := h.outer.(*echo.Response)
	if plain {
		h.Init(h.store.core, h, response.ResponseWriter, h.request)
	} else {
		h.Init(h.store.core, h, h.outer, h.request)
		response = echo.NewResponse(h.outer, h.c.Logger())
		h.c.SetResponse(response)
	}
	for each := range session.Unwrapped(h.outer) {
		if beneath, ok := each.(*echo.Response); ok {
			if !h.visible {
				response.Status, response.Committed = beneath.Status, beneath.Committed
			}
			h.visible = true
			h.hook(beneath)
		}
	}
	response.ResponseWriter = h.Writer()
	h.response = response
}

// hook lets the exchange know when a response begins.
func (h *echoHost) hook(r *echo.Response) {
	r.Before(func() { r.ResponseWriter = h.BeforeResponse(r.Status, r.ResponseWriter) })
}

// serve runs the handlers of the exchange.
func (h *echoHost) serve(next echo.HandlerFunc) error {
	err := h.Run(func() error { return next(h.c) })
	switch {
	case h.Waits() && h.Answers(err):
		// Here and now, since the error might not get past middleware outside.
		h.ResetHeader(h.Header()) // the error response has none of the handlers' headers
		err = h.Fail(err)
	case err != nil && !h.visible && statusOf(err) < http.StatusInternalServerError:
		// What Echo will answer may bypass the writer and all hooks, so the sessions are saved now.
		if failed := h.Run(func() error { return nil }); failed != nil || h.Answered() {
			err = failed
		}
	}
	if h.IsOver() && h.c.Response() == h.response {
		h.c.SetResponse(h.outer)
	}
	return err
}

// serveAgain runs the handlers of a request that has passed the middleware before. If that was in another Echo, this one's
// HTTPErrorHandler answers errors.
func (s *Store) serveAgain(x *session.Exchange, c *echo.Context, next echo.HandlerFunc) error {
	if c.Get(exchangeKey) == x {
		return next(c)
	}
	show(x, c)
	err := next(c)
	if !x.Waits() || !x.Answers(err) {
		return err
	}
	x.ResetHeader(c.Response().Header())
	return s.handle(c, err, func() bool { return !x.Waits() })
}

// statusOf returns the status with which Echo answers an error.
func statusOf(err error) int {
	if status := echo.StatusCode(err); status != 0 {
		return status
	}
	return http.StatusInternalServerError
}

// Context implements session.Host. If Echo has given the context to another request, it is that of the exchange's request.
func (h *echoHost) Context() context.Context {
	if ctx := h.c.Request().Context(); session.ExchangeOf(ctx, h.store.core) == &h.Exchange {
		return ctx
	}
	return h.Request().Context()
}

// HTTPS implements session.Host. It does not use c.Scheme, since c may belong to another request by now.
func (h *echoHost) HTTPS() bool {
	scheme := defaultScheme
	if e := h.c.Echo(); e != nil && e.SchemeExtractor != nil {
		scheme = e.SchemeExtractor
	}
	found := scheme(h.request)
	return strings.EqualFold(found, "https") || strings.EqualFold(found, "wss")
}

// defaultScheme is what c.Scheme does without an echo.SchemeExtractor.
var defaultScheme = echo.ExtractSchemeFromHeaders()

// Owns implements session.Host. Echo reuses contexts, even while a handler that net/http.TimeoutHandler has abandoned is
// still running.
func (h *echoHost) Owns() bool { return h.c.Get(ownerKey) == h.owner }

// Header implements session.Host.
func (h *echoHost) Header() http.Header { return h.c.Response().Header() }

// Answer implements session.Host. It gives Config.ErrorHandler a new Response: the one that is about to be sent has hooks, and
// Echo may consider it begun.
func (h *echoHost) Answer(w http.ResponseWriter, err error) {
	if h.Hinted() {
		for each := range session.Unwrapped(w) {
			if beneath, ok := each.(*echo.Response); ok {
				beneath.Committed = false // Echo takes informational responses for final ones
			}
		}
	}
	interrupted, response := h.c.Response(), echo.NewResponse(w, h.c.Logger())
	h.hook(response)
	h.c.SetResponse(response)
	defer func() {
		h.c.SetResponse(interrupted)
		h.replaced(w, interrupted, response)
	}()
	answered := func() bool { return response.Committed }
	if err := h.store.handle(h.c, err, answered); err != nil {
		h.c.Echo().HTTPErrorHandler(h.c, err)
	}
	if !response.Committed {
		response.WriteHeader(http.StatusServiceUnavailable)
	}
	// c.JSON reuses a writer of the context. If the error response has used it in the middle of a handler's c.JSON, the rest of
	// that now goes here.
	response.ResponseWriter = session.DroppingWriter(err)
}

// replaced makes the Responses above w, through which the handlers write, look like the error response.
func (h *echoHost) replaced(w, interrupted http.ResponseWriter, response *echo.Response) {
	imitate := func(r *echo.Response) {
		r.Status, r.Size, r.Committed = response.Status, response.Size, response.Committed
	}
	imitate(h.response)
	for each := range session.Unwrapped(interrupted) {
		if each == w {
			return
		}
		if above, ok := each.(*echo.Response); ok {
			imitate(above)
		}
	}
}

// Fail implements session.Host.
func (h *echoHost) Fail(err error) error {
	h.Answer(h.Writer(), err)
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
