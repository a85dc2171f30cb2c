package session

import (
	"errors"
	"log/slog"
	"net/http"
	"slices"
)

// A phase is how far a response has come:
//
//	waiting → saving → begun
//	   ↑        ↓ ↘
//	   +--------+   failing → replaced
//
// It returns to waiting if a callback panics while the sessions are saved or the error response is written, if a Hijack or
// a Flush is refused, and if the sessions were saved so early that the response can still change.
type phase int

const (
	waiting  phase = iota // nothing has been sent: the header can change
	saving                // the response is about to be sent: its sessions are being saved
	failing               // the sessions could not be saved: the error response is to replace the response
	begun                 // the sessions are saved and the header is final
	replaced              // the error response has been sent
)

// in reports whether the response is in one of some phases.
func (x *Exchange) in(phases ...phase) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return slices.Contains(phases, x.phase)
}

// advance brings the response from one phase to another. It reports false if it is not in that one.
func (x *Exchange) advance(from, to phase) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.phase != from {
		return false
	}
	x.phase = to
	return true
}

// set changes the exchange's fields by f.
func (x *Exchange) set(f func()) {
	x.mu.Lock()
	defer x.mu.Unlock()
	f()
}

// settle brings the response to a phase, and lets its sessions know whether a cookie can still be sent.
func (x *Exchange) settle(to phase) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.phase = to
	for _, o := range x.sessions {
		o.rec.seal(to >= begun)
	}
}

// Waits reports whether nothing of the response has left.
func (x *Exchange) Waits() bool { return x.in(waiting) }

// Answered reports whether the error response has left.
func (x *Exchange) Answered() bool { return x.in(replaced) }

// Status returns the status that the response has begun with, 0 if it has not.
func (x *Exchange) Status() int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.status
}

// failure returns why the client gets the error response, nil if it does not.
func (x *Exchange) failure() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.failed
}

// IsOver reports whether the handlers have returned and the response has begun: the exchange does nothing more.
func (x *Exchange) IsOver() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.returned && x.phase >= begun
}

// BeforeResponse is for hosts that report when a response begins, with status on w. If w leads to the exchange's writer,
// BeforeResponse does nothing: that writer is reached later, after other hooks have run and may have changed the header.
// It returns the writer for what the handlers write: w, or one that drops everything because the client got the error
// response.
func (x *Exchange) BeforeResponse(status int, w http.ResponseWriter) http.ResponseWriter {
	if x.in(replaced) {
		x.keepHeader()
	}
	if x.writer.isBeneath(w) {
		if !x.writer.begun.Load() {
			x.reopen() // for the hooks
		}
		return w
	}
	next := waiting // the exchange's writer is hidden, for example by net/http.TimeoutHandler, and may be reached later
	if x.hasReturned() {
		next = begun // it is gone: middleware outside has restored its own writer
		x.moveHeader(w.Header())
		x.beginErrorResponse()
	}
	if informational(status) && next == waiting || !x.advance(waiting, saving) || x.save(status, w, next) {
		return w
	}
	return &droppedWriter{header: w.Header(), err: x.failure()}
}

// begin is called when a response is about to be sent through w. It saves the sessions, or replaces the response with the
// error response. It reports false if that was done before.
//
// If the response has begun in a writer of the exchange above, or was taken to have no body, then hooks and middleware in
// between may have changed the sessions and the header since. So w saves what has changed.
func (x *Exchange) begin(w *responseWriter, status int) bool {
	first := !w.begun.Swap(true)
	switch {
	case x.beginErrorResponse():
		return false
	case first && x.in(replaced):
		x.dropHookHeaders()
		return false
	case first:
		x.reopen()
	}
	if !x.advance(waiting, saving) {
		return false
	}
	// The error response bypasses the writers that middleware inside has put around the response, because they may be in
	// the middle of their work, such as Gzip in its first Flush. What they write afterwards is dropped.
	w.dropped.Store(!x.save(status, w, begun))
	return true
}

// reopen has the sessions saved once more, by a writer that is yet to be reached.
func (x *Exchange) reopen() {
	if x.in(begun) {
		x.settle(waiting)
	}
}

// beginErrorResponse is called when a response is about to be sent. It reports whether that is the error response.
func (x *Exchange) beginErrorResponse() bool {
	if !x.in(failing) {
		return false
	}
	x.proceed(replaced) // with what the error handler has done to the sessions
	return true
}

// unbegin undoes begin: the response has not begun after all.
func (x *Exchange) unbegin(w *responseWriter) {
	w.begun.Store(false)
	x.settle(waiting)
}

// save saves the sessions for a response that is about to be sent, and advances to the next phase. If they cannot be saved,
// it writes the error response to w and reports false.
func (x *Exchange) save(status int, w http.ResponseWriter, next phase) bool {
	defer x.advance(saving, waiting) // if a callback panics
	if err := x.autosave(status); err != nil {
		x.replace(err, w)
		return false
	}
	x.set(func() { x.status = status })
	x.proceed(next)
	return true
}

// proceed puts the headers of the sessions into the response, and advances to the next phase.
func (x *Exchange) proceed(next phase) {
	x.putHeaders(x.host.Context(), func() bool {
		x.settle(next)
		return true
	})
}

// autosave saves the sessions for a response with the given status. If that is 500 or more, it saves nothing.
func (x *Exchange) autosave(status int) error {
	if status >= http.StatusInternalServerError {
		return nil
	}
	for _, o := range x.opened() {
		if err := x.autosaveOne(o); err != nil {
			return err
		}
	}
	return nil
}

func (x *Exchange) autosaveOne(o opened) error {
	switch state, cause := o.rec.known(); {
	case endedBy(o.Session) && (state != unreadable || !o.silent):
		// which needs no document
	case state == unreadable && !o.silent && len(o.Values) == 0:
		return nil // the handler got the error, and has changed nothing
	case state == unreadable:
		return cause
	case state == dropped:
		return nil
	}
	err := x.store.commit(x.host.Context(), o.Session, o.rec)
	if errors.Is(err, ErrGone) {
		x.store.cfg.Logger.LogAttrs(x.host.Context(), slog.LevelInfo, "changes of an ended session dropped",
			slog.String("cookie", o.rec.name))
		return nil
	}
	return err
}

// replace sends the error response for err to w, in place of the response that was about to be sent. What the handler has
// set and still writes is dropped.
func (x *Exchange) replace(err error, w http.ResponseWriter) {
	x.fail(err)
	if !x.host.Owns() {
		x.settle(replaced) // the host has answered for a handler that took too long
		return
	}
	answered := false
	defer func() {
		if !answered {
			x.advance(failing, waiting) // a callback panics
		}
	}()
	x.ResetHeader(x.host.Header())
	x.host.Answer(w, err)
	answered = true
}

// fail notes that the sessions could not be saved.
func (x *Exchange) fail(err error) {
	x.logUnsaved(err)
	x.set(func() { x.failed = err })
	x.settle(failing)
}

// Run runs the handlers and finishes the exchange. It returns the error that the host must answer, if any.
func (x *Exchange) Run(handlers func() error) error {
	defer x.leave()
	return x.finish(x.forgiveAbort(handlers))
}

// forgiveAbort runs the handlers. A proxy panics with http.ErrAbortHandler if it cannot write its response. If the reason is
// that the error response replaces it, the panic ends here. Any other panic continues.
func (x *Exchange) forgiveAbort(handlers func() error) error {
	defer func() {
		if x.in(failing, replaced) {
			if p := recover(); p != nil && p != http.ErrAbortHandler { //nolint:errorlint // as net/http compares it
				panic(p)
			}
		}
	}()
	return handlers()
}

// leave is called when the handlers have returned or panicked.
func (x *Exchange) leave() {
	x.noteReturn()
	x.release()
	// net/http removes the temporary files of a form only through its own request, but the form was parsed in the copy.
	if x.request.MultipartForm == nil {
		x.request.MultipartForm = x.ours.MultipartForm
	}
}

// finish is called when the handlers have returned err. It returns the error that the host must answer, if any.
func (x *Exchange) finish(err error) error {
	x.noteReturn()
	switch {
	case x.in(replaced):
		// The client has its answer. The error is not returned, because some middleware drops the response if there is an
		// error, and the host would not write another one.
		return nil
	case x.in(failing): // middleware within, such as Echo's Timeout, has dropped the error response
		return x.answerFailure()
	case x.in(begun):
		if late := x.saveLate(); late != nil {
			return errors.Join(err, late)
		}
		return err
	case err != nil:
		return err
	default:
		return x.finishUnwritten()
	}
}

// finishUnwritten saves the sessions of a request whose handlers have written nothing.
func (x *Exchange) finishUnwritten() error {
	if !x.advance(waiting, saving) {
		return nil
	}
	defer x.advance(saving, waiting) // if a callback panics
	if err := x.autosave(http.StatusOK); err != nil {
		x.fail(err)
		return x.answerFailure()
	}
	x.set(func() { x.status = http.StatusOK })
	x.proceed(begun)
	return nil
}

// answerFailure has the host answer that the sessions could not be saved, after the handlers have returned.
func (x *Exchange) answerFailure() error {
	if !x.host.Owns() {
		return x.failure()
	}
	x.ResetHeader(x.host.Header())
	return x.host.Fail(x.failure())
}

// Answers reports whether err, which handlers have returned, is for Config.ErrorHandler: an error of this package's.
func (x *Exchange) Answers(err error) bool {
	_, ours := errors.AsType[*failure](err)
	return ours && x.host.Owns()
}

// saveLate saves what was changed after the response had begun.
func (x *Exchange) saveLate() error {
	if x.Status() >= http.StatusInternalServerError {
		return nil
	}
	var errs []error
	for _, o := range x.opened() {
		if err := x.autosaveOne(o); err != nil {
			x.logUnsaved(err)
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// logUnsaved logs an error that no handler can be told about. The error of a load was logged before.
func (x *Exchange) logUnsaved(err error) {
	for _, o := range x.opened() {
		if unread := o.rec.unreadFor(); unread != nil && errors.Is(err, unread) {
			return
		}
	}
	x.store.cfg.Logger.LogAttrs(x.host.Context(), slog.LevelError, "session not saved", slog.Any("error", err))
}
