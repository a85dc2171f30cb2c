package firesession

import (
	"context"
	"net/http"

	"github.com/echofirestore/echofirestore/internal/session"
)

// Handler returns a handler that calls next and saves the sessions that were changed, before the first byte of the
// response. In next, [Get] and [Session] return the session. Handler is middleware for routers such as chi: pass it to Use.
//
// If a session cannot be loaded or saved, Config.ErrorHandler answers the request instead of next. A request that passes
// the Handler twice has the same session each time.
func (s *Store) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if x := session.ExchangeOf(r.Context(), s.core); x != nil && !x.IsOver() {
			next.ServeHTTP(w, r)
			return
		}
		h := &host{store: s}
		h.Init(s.core, h, w, r)
		_ = h.Run(func() error { //nolint:contextcheck // h has the request's own; there is no error to return
			next.ServeHTTP(h.Writer(), h.Request())
			return nil
		})
	})
}

// A host is net/http serving one request, with its exchange.
type host struct {
	session.Exchange
	store *Store
}

var _ session.Host = (*host)(nil)

// Context implements session.Host.
func (h *host) Context() context.Context { return h.Request().Context() }

// HTTPS implements session.Host.
func (h *host) HTTPS() bool { return h.Request().TLS != nil }

// Owns implements session.Host. net/http does not reuse requests or responses.
func (h *host) Owns() bool { return true }

// Header implements session.Host.
func (h *host) Header() http.Header { return h.Writer().Header() }

// Answer implements session.Host. It answers for a Config.ErrorHandler that does nothing: net/http would with a 200.
func (h *host) Answer(w http.ResponseWriter, err error) {
	h.store.errorHandler(w, h.Request(), err)
	if !h.Answered() {
		answer(w, h.Request(), err)
	}
}

// Fail implements session.Host.
func (h *host) Fail(err error) error {
	h.Answer(h.Writer(), err)
	return nil
}

// answer is the default Config.ErrorHandler.
func answer(w http.ResponseWriter, _ *http.Request, err error) {
	status := session.HTTPStatus(err)
	http.Error(w, http.StatusText(status), status)
}
