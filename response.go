package echofirestore

import (
	"bufio"
	"cmp"
	"net"
	"net/http"
)

// responseWriter is the response's writer beneath Echo's Response. It catches what passes Echo's Before hooks by.
type responseWriter struct {
	http.ResponseWriter
	x       *exchange
	reached bool // something has been written to the client
	dropped bool // the error response has gone past this writer, and what comes now is dropped
}

func (w *responseWriter) WriteHeader(status int) {
	if 100 <= status && status < 200 && status != http.StatusSwitchingProtocols {
		w.ResponseWriter.WriteHeader(status) // the response is yet to begin
		return
	}
	if !w.hasBegun() {
		w.x.response.Status = status
		w.x.begin()
	}
	if !w.dropped {
		w.reached = true
		w.ResponseWriter.WriteHeader(status)
	}
}

func (w *responseWriter) Write(b []byte) (int, error) {
	w.beginImplicitly()
	if w.dropped {
		return 0, w.x.failed
	}
	w.reached = true
	return w.ResponseWriter.Write(b)
}

// FlushError makes http.ResponseController's Flush send the header, and so begin the response.
func (w *responseWriter) FlushError() error {
	w.beginImplicitly()
	if w.dropped {
		return w.x.failed
	}
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// Flush implements [http.Flusher].
func (w *responseWriter) Flush() { _ = w.FlushError() }

// Hijack implements [http.Hijacker]. The sessions are saved first; if they cannot be, the connection is not handed
// over. A cookie is in the response's header then, and it is for the caller to send that.
func (w *responseWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if w.x.seal() {
		if err := w.x.autosave(); err != nil {
			w.x.unseal()
			return nil, nil, err
		}
	}
	conn, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err != nil && !w.x.response.Committed {
		w.x.unseal()
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

// beginImplicitly begins a response whose status nobody has set, through Echo's Response, so that it knows.
func (w *responseWriter) beginImplicitly() {
	if !w.hasBegun() {
		w.x.response.WriteHeader(cmp.Or(w.x.response.Status, http.StatusOK))
	}
}

func (w *responseWriter) hasBegun() bool {
	w.x.mu.Lock()
	defer w.x.mu.Unlock()
	return w.x.begun
}

// droppedWriter takes what a handler goes on to write after the error response, and tells it so.
type droppedWriter struct {
	http.ResponseWriter
	err error
}

func (w *droppedWriter) WriteHeader(int)           {}
func (w *droppedWriter) Write([]byte) (int, error) { return 0, w.err }
func (w *droppedWriter) FlushError() error         { return w.err }
func (w *droppedWriter) Flush()                    {}

func (w *droppedWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) { return nil, nil, w.err }
