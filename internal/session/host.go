package session

import (
	"context"
	"net/http"
)

// A Host is the framework that serves a request, or net/http alone.
type Host interface {
	// Context returns the context of the request as the handlers left it, for the spans of its tracing.
	Context() context.Context

	// HTTPS reports whether the request came by HTTPS, or by WSS.
	HTTPS() bool

	// Owns reports whether the framework's objects still belong to this request. Some frameworks reuse them while a handler
	// that they have abandoned is still running.
	Owns() bool

	// Header returns the header of the response as the handlers see it. It is not always the one that is sent: middleware
	// inside may buffer the response.
	Header() http.Header

	// Answer writes the error response for err to w, even if the host considers the handlers' response begun.
	Answer(w http.ResponseWriter, err error)

	// Fail is for a request whose handlers have returned before anything of the response was sent. It writes the error
	// response for err, or returns an error that makes the framework do so.
	Fail(err error) error
}
