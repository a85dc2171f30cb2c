package session

import (
	"bufio"
	"errors"
	"iter"
	"net"
	"net/http"
	"sync/atomic"
)

// responseWriter is the innermost writer of the response, beneath those of the host and of middleware inside. What reaches it
// is about to be sent.
type responseWriter struct {
	http.ResponseWriter
	x       *Exchange
	begun   atomic.Bool // the response has begun in this writer
	dropped atomic.Bool // the error response has bypassed this writer, and everything written from now on is dropped
}

func (w *responseWriter) WriteHeader(status int) {
	if informational(status) {
		w.x.hinted.Store(true)
		w.ResponseWriter.WriteHeader(status) // the response is yet to begin
		return
	}
	w.x.begin(w, status)
	if !w.dropped.Load() {
		w.ResponseWriter.WriteHeader(status)
	}
}

// informational reports whether a response with this status is followed by another one to the same request.
func informational(status int) bool {
	return 100 <= status && status < 200 && status != http.StatusSwitchingProtocols
}

func (w *responseWriter) Write(b []byte) (int, error) {
	w.x.begin(w, http.StatusOK) // unless a status was set
	if w.dropped.Load() {
		return 0, w.x.failure()
	}
	return w.ResponseWriter.Write(b)
}

// FlushError makes http.ResponseController's Flush send the header, and so begin the response.
func (w *responseWriter) FlushError() error {
	began := w.x.begin(w, http.StatusOK) // unless a status was set
	if w.dropped.Load() {
		return w.x.failure()
	}
	err := http.NewResponseController(w.ResponseWriter).Flush()
	if began && errors.Is(err, http.ErrNotSupported) {
		w.x.unbegin(w)
	}
	return err
}

// Flush implements [http.Flusher].
func (w *responseWriter) Flush() { _ = w.FlushError() }

// Hijack implements [http.Hijacker]. It saves the sessions first; if that fails, the client gets the error response, and the
// caller does not get the connection. A cookie is then in the response's header, and the caller must send it.
func (w *responseWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	began := w.x.begin(w, http.StatusSwitchingProtocols)
	if w.dropped.Load() {
		return nil, nil, w.x.failure()
	}
	conn, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err != nil && began {
		w.x.unbegin(w)
	}
	return conn, rw, err
}

// Push implements [http.Pusher].
func (w *responseWriter) Push(target string, opts *http.PushOptions) error {
	if pusher, ok := w.ResponseWriter.(http.Pusher); ok {
		return pusher.Push(target, opts)
	}
	return http.ErrNotSupported
}

// Unwrap lets http.ResponseController reach what this writer does not offer, such as deadlines.
func (w *responseWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// isBeneath reports whether outer writes to this writer, as far as Unwrap methods show.
func (w *responseWriter) isBeneath(outer http.ResponseWriter) bool {
	for each := range Unwrapped(outer) {
		if each == w {
			return true
		}
	}
	return false
}

// Unwrapped yields a writer and those that it wraps, as far as Unwrap methods show.
func Unwrapped(w http.ResponseWriter) iter.Seq[http.ResponseWriter] {
	return func(yield func(http.ResponseWriter) bool) {
		for yield(w) {
			wrapper, ok := w.(interface{ Unwrap() http.ResponseWriter })
			if !ok {
				return
			}
			w = wrapper.Unwrap()
		}
	}
}

// NowhereWriter returns a writer for a response that is over.
func NowhereWriter() http.ResponseWriter { return DroppingWriter(http.ErrHandlerTimeout) }

// DroppingWriter returns a writer that drops everything, and returns err.
func DroppingWriter(err error) http.ResponseWriter {
	return &droppedWriter{header: make(http.Header), err: err}
}

// droppedWriter drops what a handler writes after the response, and returns an error.
type droppedWriter struct {
	header http.Header
	err    error
}

func (w *droppedWriter) Header() http.Header       { return w.header }
func (w *droppedWriter) WriteHeader(int)           {}
func (w *droppedWriter) Write([]byte) (int, error) { return 0, w.err }
func (w *droppedWriter) FlushError() error         { return w.err }
func (w *droppedWriter) Flush()                    {}

func (w *droppedWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) { return nil, nil, w.err }
