package echofirestore

import (
	"bufio"
	"net"
	"net/http"
)

// responseWriter is the response's writer beneath Echo's Response. It catches what passes Echo's Before hooks by, and
// swallows what a handler writes once the error response has been sent.
type responseWriter struct {
	http.ResponseWriter
	x *exchange
}

func (w *responseWriter) WriteHeader(status int) {
	if !w.hasBegun() {
		w.x.response.Status = status
		w.x.begin()
	}
	if w.x.failed == nil {
		w.ResponseWriter.WriteHeader(status)
	}
}

func (w *responseWriter) Write(b []byte) (int, error) {
	w.beginImplicitly()
	if w.x.failed != nil {
		return 0, w.x.failed
	}
	return w.ResponseWriter.Write(b)
}

// FlushError makes http.ResponseController's Flush send the header, and so begin the response.
func (w *responseWriter) FlushError() error {
	w.beginImplicitly()
	if w.x.failed != nil {
		return w.x.failed
	}
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// Flush implements [http.Flusher].
func (w *responseWriter) Flush() { _ = w.FlushError() }

// Hijack implements [http.Hijacker]. The sessions are saved first; if they cannot be, the connection is not handed
// over. A cookie does not reach the client, unless the caller sends the response's header itself.
func (w *responseWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if w.x.seal() {
		if err := w.x.autosave(); err != nil {
			w.x.mu.Lock()
			w.x.begun = false
			w.x.mu.Unlock()
			return nil, nil, err
		}
	}
	return http.NewResponseController(w.ResponseWriter).Hijack()
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

// beginImplicitly begins a response whose status nobody has set, through Echo's Response, so that it knows.
func (w *responseWriter) beginImplicitly() {
	if !w.hasBegun() {
		w.x.response.WriteHeader(w.x.response.Status)
	}
}

func (w *responseWriter) hasBegun() bool {
	w.x.mu.Lock()
	defer w.x.mu.Unlock()
	return w.x.begun
}
