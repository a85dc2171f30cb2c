package echofirestore

import (
	"context"
	"errors"
	"net/http"
)

// Handler returns a handler that serves requests by next, with sessions that are saved as with the middleware: before the
// first byte of the response, if they were changed. In handlers, [Store.Get] returns the session, and sess.Save saves it
// now. It is what routers call a middleware, such as chi's Use.
//
// A request whose session cannot be loaded or saved is answered with status 503, 500 or 409 and a line of text.
func (s *Store) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if x := exchangeOf(r.Context(), s); x != nil && !x.isOver() {
			next.ServeHTTP(w, r)
			return
		}
		h := new(httpHost)
		h.init(s, h, w, r)
		_ = h.run(func() error { //nolint:contextcheck // h has the request's own; there is no error to return
			next.ServeHTTP(&h.writer, h.ours)
			return nil
		})
	})
}

// An httpHost is net/http as it serves a request, with its exchange.
type httpHost struct{ exchange }

var _ host = (*httpHost)(nil)

// Context implements host.
func (h *httpHost) Context() context.Context { return h.ours.Context() }

// HTTPS implements host.
func (h *httpHost) HTTPS() bool { return h.request.TLS != nil }

// Owns implements host. net/http uses nothing again.
func (h *httpHost) Owns() bool { return true }

// Header implements host.
func (h *httpHost) Header() http.Header { return h.writer.Header() }

// Answer implements host.
func (h *httpHost) Answer(w http.ResponseWriter, err error) {
	status := http.StatusServiceUnavailable
	if f, ok := errors.AsType[*failure](err); ok {
		status = f.status
	}
	http.Error(w, http.StatusText(status), status)
}

// Fail implements host.
func (h *httpHost) Fail(err error) error {
	h.Answer(&h.writer, err)
	return nil
}
