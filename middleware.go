package echofirestore

import (
	"context"
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"
)

// Middleware returns the middleware that keeps its sessions in s.
//
// A request that passes it more than once has the same sessions each time: in an Echo that is mounted in another one,
// after c.Echo().ServeHTTP, or with the middleware on a group as well. So it does with two Stores of the same Client,
// Collection and cookie: what is outermost counts.
func (s *Store) Middleware() echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if s.cfg.Skipper(c) {
				return next(c)
			}
			if x := exchangeOf(c.Request().Context(), s); x != nil && !x.isOver() {
				return x.serveAgain(c, next)
			}
			return newExchange(s, c).serve(next)
		}
	}
}

// serve runs the handlers of the exchange.
func (x *exchange) serve(next echo.HandlerFunc) error {
	c, embedded := x.handlers.wrap()
	defer x.leave(embedded)
	defer func() {
		// A proxy aborts when it cannot write its response. Here it could not because the error response was sent in its
		// place, and that is complete. Any other panic is left alone.
		if x.in(replaced) {
			if p := recover(); p != nil && p != http.ErrAbortHandler { //nolint:errorlint // as net/http compares it
				panic(p)
			}
		}
	}()
	return x.finish(next(c))
}

// serveAgain runs handlers of a request that is in the middleware already.
func (x *exchange) serveAgain(c echo.Context, next echo.HandlerFunc) error {
	c.Set(contribKey, x)
	c.Set(ownerKey, x)
	handlers := new(handlerContext)
	handlers.init(x, c)
	wrapped, embedded := handlers.wrap()
	defer embedded.restore()
	if err := next(wrapped); err != nil {
		return handlers.passOn(err)
	}
	return nil
}

// leave runs when the handlers have returned, or panicked.
func (x *exchange) leave(embedded embeddedContext) {
	x.noteReturn()
	// A handler that Echo's Timeout has abandoned goes on with its context, which must not become another request's.
	if !errors.Is(x.context().Err(), context.DeadlineExceeded) || x.request.Context().Err() != nil {
		embedded.restore()
	}
	// net/http removes the temporary files of a form in the request that it made, but the form was parsed in ours.
	if x.request.MultipartForm == nil {
		x.request.MultipartForm = x.ours.MultipartForm
	}
}
