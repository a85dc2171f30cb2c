package session

import (
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"reflect"
	"slices"
)

// A phase is how far a response has come:
//
//	waiting → saving → begun
//	   ↑        ↓ ↘
//	   +--------+   failing → replaced
//
// It goes back to waiting if a callback panics while the sessions are saved or the error response is made, if a Hijack or
// a Flush is refused, and if the sessions were saved so early that the response can still change.
type phase int

const (
	waiting  phase = iota // nothing has left: the header can change
	saving                // the response is about to leave: its sessions are being saved
	failing               // the sessions could not be saved: the error response is to leave in the response's place
	begun                 // the sessions are saved and the header is decided
	replaced              // the error response has left
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
func (x *Exchange) Status() int { return x.status }

// IsOver reports whether the handlers have returned and the response has begun: nothing more comes of this exchange.
func (x *Exchange) IsOver() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.returned && x.phase >= begun
}

// BeforeResponse is for hosts that tell when a response begins: with status, on w. Where w leads to the exchange's writer,
// there is nothing to do: that is reached later, when other hooks have run, and the header can still change. It returns the
// writer for what handlers write: w, or one that drops it because the client has got the error response.
func (x *Exchange) BeforeResponse(status int, w http.ResponseWriter) http.ResponseWriter {
	if x.writer.isBeneath(w) {
		return w
	}
	next := waiting // the exchange's writer is hidden, as it is by net/http.TimeoutHandler, and may yet be reached
	if x.hasReturned() {
		next = begun // it is gone: middleware outside has put back the writer that it had found
		x.moveHeader(w.Header())
		x.beginErrorResponse()
	}
	if informational(status) && next == waiting || !x.advance(waiting, saving) || x.save(status, w, next) {
		return w
	}
	return &droppedWriter{header: w.Header(), err: x.failed}
}

// begin is called when a response is about to leave. It saves the sessions, or else puts the error response in its place.
// It reports false if that has been done before.
func (x *Exchange) begin(status int) bool {
	if x.beginErrorResponse() || !x.advance(waiting, saving) {
		return false
	}
	// The error response goes past the writers that middleware within has put around the response, for they may be in the
	// middle of their work, such as Gzip in its first Flush; they are cut off.
	x.writer.dropped = !x.save(status, &x.writer, begun)
	return true
}

// beginErrorResponse is called when a response is about to leave. It reports whether that is the error response.
func (x *Exchange) beginErrorResponse() bool {
	if !x.in(failing) {
		return false
	}
	x.proceed(replaced) // with what the error handler has done to the sessions
	return true
}

// unbegin takes begin back: the response has not begun after all.
func (x *Exchange) unbegin() { x.settle(waiting) }

// save saves the sessions for a response that is about to leave, and goes on to the next phase. If they cannot be saved,
// it answers on w and reports false.
func (x *Exchange) save(status int, w http.ResponseWriter, next phase) bool {
	defer x.advance(saving, waiting) // if a callback panics
	if err := x.autosave(status); err != nil {
		x.replace(err, w)
		return false
	}
	x.status = status
	x.proceed(next)
	return true
}

// proceed puts the headers of the sessions into the response, and goes on to the next phase.
func (x *Exchange) proceed(next phase) {
	x.putHeaders(func() bool {
		x.settle(next)
		return true
	})
}

// autosave saves the sessions for a response with a status: nothing if that is 500 or more.
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
	switch unread, unended := o.rec.failures(); {
	case unended != nil:
		// commit tries again
	case unread != nil && !o.silent && endedBy(o.Session):
		// which needs no document
	case unread != nil && !o.silent && len(o.Values) == 0:
		return nil // the handler was told, and has changed nothing
	case unread != nil:
		return unread
	}
	if o.rec.isGone() && !endedBy(o.Session) {
		return nil // the handler was told, or it was logged
	}
	err := x.store.commit(x.host.Context(), o.Session, o.rec)
	if errors.Is(err, ErrGone) {
		x.store.cfg.Logger.LogAttrs(x.host.Context(), slog.LevelInfo, "changes of an ended session dropped",
			slog.String("cookie", o.rec.name))
		return nil
	}
	return err
}

// replace sends the error response for err in the place of the one that was about to leave, to w. What the handler has
// set and will write is dropped.
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
	x.failed = err
	x.settle(failing)
}

// putHeaders tells client and caches what became of the sessions, in the header that the request's response had when the
// middleware got it. Whether that is wanted, it asks when nobody else can write the header.
func (x *Exchange) putHeaders(wanted func() bool) {
	var overridden []string
	x.headers.Lock()
	if wanted() {
		for _, o := range x.opened() {
			if x.store.writeHeaders(x.header, o.rec) {
				overridden = append(overridden, o.rec.name)
			}
		}
	}
	x.headers.Unlock()
	for _, name := range overridden {
		x.store.logOverridden(x.host.Context(), name)
	}
}

// showHeaders puts the headers while the response waits, for handlers to see. They are put again when it begins.
func (x *Exchange) showHeaders() {
	x.putHeaders(func() bool { return x.in(waiting) && !x.hasReturned() })
}

// ResetHeader takes the response's header back to what it was before the handlers, but for the cookies of sessions that
// are saved. So it does h, which is the header as the handlers have it.
func (x *Exchange) ResetHeader(h http.Header) {
	if !sameMap(h, x.header) {
		clear(h)
	}
	x.headers.Lock()
	clear(x.header)
	maps.Copy(x.header, x.before)
	x.headers.Unlock()
	for each := x; each != nil; each = each.within {
		each.putHeaders(func() bool { return true })
	}
}

// moveHeader notes that the response has got another header, from middleware outside that has dropped the one that it had
// given the handlers: Echo's Timeout does so when one returns an error.
func (x *Exchange) moveHeader(h http.Header) {
	x.headers.Lock()
	defer x.headers.Unlock()
	if sameMap(h, x.header) {
		return
	}
	x.before = h.Clone()
	for name := range x.header { // it has been copied
		delete(x.before, name)
	}
	for _, name := range []string{"Content-Type", "Content-Length", "Content-Encoding"} { // of what is about to be written
		delete(x.before, name)
	}
	x.header = h
}

func sameMap(a, b http.Header) bool {
	return reflect.ValueOf(a).Pointer() == reflect.ValueOf(b).Pointer()
}

// Run runs the handlers, and then does what is left to do. It returns the error for the host to answer, if any.
func (x *Exchange) Run(handlers func() error) error {
	defer x.leave()
	return x.finish(x.forgiveAbort(handlers))
}

// forgiveAbort runs the handlers. A proxy aborts when it cannot write its response; if that is because the error response
// takes its place, the abort ends here. Any other panic is left alone.
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
	// net/http removes the temporary files of a form in the request that it made, but the form was parsed in ours.
	if x.request.MultipartForm == nil {
		x.request.MultipartForm = x.ours.MultipartForm
	}
}

// finish is called when the handlers have returned err. It returns the error for the host to answer, if any.
func (x *Exchange) finish(err error) error {
	x.noteReturn()
	switch {
	case x.in(replaced):
		// Answered already. The error stays here, for there is middleware that drops a response with an error, and
		// the host would not write another one.
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
	x.status = http.StatusOK
	x.proceed(begun)
	return nil
}

// answerFailure has the host answer that the sessions could not be saved, after the handlers have returned.
func (x *Exchange) answerFailure() error {
	if !x.host.Owns() {
		return x.failed
	}
	x.ResetHeader(x.host.Header())
	return x.host.Fail(x.failed)
}

// Answers reports whether err, which handlers have returned, is for Config.ErrorHandler: an error of this package's.
func (x *Exchange) Answers(err error) bool {
	_, ours := errors.AsType[*failure](err)
	return ours && x.host.Owns()
}

// saveLate saves what was changed after the response had begun.
func (x *Exchange) saveLate() error {
	if x.status >= http.StatusInternalServerError {
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

// logUnsaved logs an error that the handler is not told, since it has finished. That of a load is in the log already.
func (x *Exchange) logUnsaved(err error) {
	for _, o := range x.opened() {
		if unread, _ := o.rec.failures(); unread != nil && errors.Is(err, unread) {
			return
		}
	}
	x.store.cfg.Logger.LogAttrs(x.host.Context(), slog.LevelError, "session not saved", slog.Any("error", err))
}
