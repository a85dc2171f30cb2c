package echofirestore

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/echofirestore/echofirestore/internal/session"
)

// Middleware returns middleware that keeps sessions in s.
//
// A request that passes it more than once has the same sessions each time: in an Echo that is mounted in another one, after
// c.Echo().ServeHTTP, or with the middleware also on a group. This also applies to two Stores with the same Client,
// Collection and cookie; the Config of the outermost one counts.
func (s *Store) Middleware() echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
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
	outer    echo.Context  // as the middleware got it
	request  *http.Request // likewise
	response *echo.Response
	handlers handlerContext
	around   *echoHost // the host of middleware outside that got the same context, with another store
}

var _ session.Host = (*echoHost)(nil)

// newEchoHost puts an exchange between a request and its handlers.
func newEchoHost(s *Store, c echo.Context) *echoHost {
	h := &echoHost{outer: c, request: c.Request(), response: c.Response()}
	h.Init(s.core, h, h.response.Writer, c.Request())
	c.SetRequest(h.Request())
	h.handlers.init(s, &h.Exchange, c)
	h.around, _ = c.Get(ownerKey).(*echoHost)
	c.Set(contribKey, &h.Exchange)
	c.Set(ownerKey, h)
	h.hook(h.response)
	h.response.Writer = h.Writer()
	return h
}

// hook lets the exchange know when a response begins.
func (h *echoHost) hook(r *echo.Response) {
	r.Before(func() { r.Writer = h.BeforeResponse(r.Status, r.Writer) })
}

// serve runs the handlers of the exchange.
func (h *echoHost) serve(next echo.HandlerFunc) error {
	if h.outer.Path() == "" { // no route matches, or none was looked for
		defer explainPre()
	}
	c := h.handlers.wrap()
	defer h.handlers.unwrap()
	err := h.Run(func() error { return next(c) })
	if err != nil && h.Waits() {
		return h.handlers.passOn(err)
	}
	return err
}

// explainPre has the panic of a middleware that was installed with e.Pre say so. There, the router comes next, and it accepts no
// context but Echo's own.
func explainPre() {
	p := recover()
	err, ok := p.(*runtime.TypeAssertionError)
	if ok && strings.HasSuffix(err.Error(), " is *echofirestore.handlerContext, not *echo.context") {
		p = fmt.Errorf("echofirestore: the middleware is installed with e.Pre: install it with e.Use, because Echo's router "+
			"accepts only its own context: %w", err)
	}
	if p != nil {
		panic(p)
	}
}

// serveAgain runs the handlers of a request that has passed the middleware before.
func (s *Store) serveAgain(x *session.Exchange, c echo.Context, next echo.HandlerFunc) error {
	c.Set(contribKey, x)
	handlers := new(handlerContext)
	handlers.init(s, x, c)
	wrapped := handlers.wrap()
	defer handlers.unwrap()
	if err := next(wrapped); err != nil {
		return handlers.passOn(err)
	}
	return nil
}

// Context implements session.Host.
func (h *echoHost) Context() context.Context { return h.handlers.Request().Context() }

// HTTPS implements session.Host. It does not use the handlers' context, which may belong to another request by now.
func (h *echoHost) HTTPS() bool {
	scheme := h.outer.Echo().NewContext(h.request, nil).Scheme()
	return strings.EqualFold(scheme, "https") || strings.EqualFold(scheme, "wss")
}

// Owns implements session.Host. Echo reuses contexts and responses, even while a handler that its Timeout has abandoned is
// still running.
func (h *echoHost) Owns() bool {
	owner, _ := h.outer.Get(ownerKey).(*echoHost)
	for owner != nil && owner != h {
		owner = owner.around
	}
	return owner != nil
}

// Header implements session.Host.
func (h *echoHost) Header() http.Header { return h.outer.Response().Header() }

// Answer implements session.Host. It gives Config.ErrorHandler a new Response: the one that is about to be sent has hooks, and
// Echo may consider it begun.
func (h *echoHost) Answer(w http.ResponseWriter, err error) {
	if h.Hinted() {
		for each := range session.Unwrapped(w) {
			if outer, ok := each.(*echo.Response); ok {
				outer.Committed = false // Echo takes informational responses for final ones
			}
		}
	}
	interrupted, response := h.outer.Response(), echo.NewResponse(w, h.outer.Echo())
	h.hook(response)
	h.outer.SetResponse(response)
	defer func() {
		h.outer.SetResponse(interrupted)
		for _, r := range []*echo.Response{interrupted, h.response} {
			r.Status, r.Size, r.Committed = response.Status, response.Size, response.Committed
		}
	}()
	if err := h.handlers.handle(err); err != nil {
		h.outer.Error(err)
	}
	if !response.Committed {
		response.WriteHeader(http.StatusServiceUnavailable)
	}
}

// Fail implements session.Host.
func (h *echoHost) Fail(err error) error {
	h.response.Writer, h.response.Committed = h.Writer(), false
	return h.handlers.handle(err)
}
