package session

import (
	"context"
	"net/http"
)

// A Host is what serves a request: a framework, or net/http alone.
type Host interface {
	// Context returns the context of the request as the handlers left it, for the spans of its tracing.
	Context() context.Context

	// HTTPS reports whether the request came by HTTPS, or by WSS.
	HTTPS() bool

	// Owns reports whether what the host was made of still serves this request. Some frameworks use their objects again
	// while a handler that they have abandoned goes on.
	Owns() bool

	// Header returns the header of the response as the handlers have it. It is not always that which leaves: middleware
	// within may keep the response to itself at first.
	Header() http.Header

	// Answer writes the error response for err to w. The host may count the handlers' response as begun: Answer writes all
	// the same.
	Answer(w http.ResponseWriter, err error)

	// Fail answers a request whose handlers have returned, and of whose response nothing has left, with the error
	// response for err, or returns the error for which the host does so.
	Fail(err error) error
}
