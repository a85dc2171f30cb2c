package session

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/gorilla/sessions"

	"github.com/echofirestore/echofirestore/internal/document"
	"github.com/echofirestore/echofirestore/internal/merge"
	"github.com/echofirestore/echofirestore/internal/telemetry"
)

// maxSaves is how often a session is saved that others keep changing.
const maxSaves = 100

// errMovedOn is what the commit of an Update returns if its document has moved on.
var errMovedOn = errors.New("echofirestore: session changed by another request")

// A commit stores what a request did to its session since it was loaded or last committed, with as few operations as
// possible.
type commit struct {
	*Store
	sess    *sessions.Session
	rec     *record
	writeID string // of the Update whose commit it is; otherwise ""

	op     *telemetry.Operation
	base   *document.Document // what was stored when the request loaded or last saved the session
	did    action             // the last one; doNothing if another request was faster
	merged bool               // with what other requests have changed

	change  merge.Change
	next    *document.Document // what the change makes of the stored document
	own     successor          // likewise, complete
	invalid error              // why the values cannot be stored
}

// commit stores the changes of a session. On success, the record holds the cookie to send, if any.
func (s *Store) commit(ctx context.Context, sess *sessions.Session, rec *record) error {
	if rec.isUpdating() {
		return errUpdating()
	}
	return s.saveExclusively(ctx, rec, func() (untouched, err error) { return s.commitWith(ctx, sess, rec, "") })
}

// saveExclusively runs f with the session's token, and then logs what f could not: the Logger may use the session.
func (s *Store) saveExclusively(ctx context.Context, rec *record, f func() (untouched, err error)) error {
	defer s.reportShortKey(ctx)
	var untouched error
	err := rec.exclusively(func() (err error) {
		untouched, err = f()
		return err
	})
	if untouched != nil {
		s.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "session not extended", slog.Any("error", untouched))
	}
	return err
}

// commitWith is commit for the holder of the token, or with a write ID the commit of an Update. If the document has changed
// since it was read, the commit of an Update notes what is stored now and returns errMovedOn. Any other commit applies its
// change to that itself. If an unchanged session could not be extended, untouched says why.
func (s *Store) commitWith(
	ctx context.Context, sess *sessions.Session, rec *record, writeID string,
) (untouched, err error) {
	c := &commit{Store: s, sess: sess, rec: rec, writeID: writeID, base: rec.doc}
	if untouched, err = c.run(ctx); errors.Is(err, ErrGone) {
		rec.reported()
	}
	return untouched, err
}

// detached is a context from detach.
type detached struct{ context.Context }

// detach returns a context for one commit. It ends after Config.Timeout, not when the client disconnects. Only functions
// that call Firestore use it, because most commits have nothing to do.
func (s *Store) detach(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.(detached); ok {
		return ctx, func() {}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.cfg.Timeout)
	return detached{ctx}, cancel
}

// run does what has to be done, for the holder of the token. If an unchanged session could not be extended, untouched says
// why; that is not an error of the commit.
func (c *commit) run(ctx context.Context) (untouched, err error) {
	c.rec.repair(c.sess)
	c.compare()
	do, err := plan(c.situation())
	if do == doNothing && err == nil {
		return nil, nil
	}
	ctx, cancel := c.detach(ctx)
	defer cancel()
	ctx, end := c.observe(ctx)
	defer func() { end(cmp.Or(err, untouched)) }()
	if do != doNothing {
		untouched, err = c.carryOut(ctx, do)
	}
	if err == nil {
		c.op.Outcome = c.outcome()
	}
	return untouched, err
}

// carryOut is run for a commit that has something to do.
func (c *commit) carryOut(ctx context.Context, do action) (untouched, err error) {
	interfered := false
	for attempt := range maxSaves {
		start := time.Now()
		c.did = do
		found, done, err := c.do(ctx, do)
		switch {
		case err != nil && !c.hasChanged() && (do == doReread || do == doTouch):
			c.rec.set(func() { c.rec.touchFailed = true }) // a request tries it only once
			return err, nil
		case err != nil && interfered:
			return nil, inConflict(ctx, err)
		case err != nil || done:
			return nil, err
		case do == doEnd: // a commit before this one had failed to
		case found == nil && do == doConfirm:
			c.rec.vanish()
			return nil, gone()
		case found == nil:
			c.rec.vanish()
		case do == doConfirm && found.Version.Equal(c.rec.doc.Version):
			c.rec.confirm(found)
		case c.writeID != "":
			c.rec.confirm(found)
			return nil, errMovedOn
		case do == doReread:
			c.rec.confirm(found) // another request has extended the session, but that may be over
		default:
			c.rec.moveOn(found)
			interfered = true
			if !pause(ctx, attempt, time.Since(start)) {
				return nil, conflict()
			}
		}
		c.compare()
		if do, err = plan(c.situation()); do == doNothing {
			return nil, err
		}
	}
	return nil, conflict()
}

// do carries out an action. Unless it is done with the commit, it returns what is stored now, nil if nothing is.
func (c *commit) do(ctx context.Context, do action) (found *document.Document, done bool, err error) {
	switch do {
	case doCreate:
		return nil, true, c.create(ctx)
	case doReread, doConfirm:
		found, err = c.reread(ctx, c.rec)
		return found, false, err
	case doTouch:
		return nil, true, c.touch(ctx)
	case doErase, doReplace, doRenew:
		switch {
		case c.writeID != "": // an Update has the turn
			return c.replace(ctx)
		case c.rec.keyState == renewing:
			return c.saveAlone(ctx)
		default:
			done, err = c.share(ctx)
			return nil, done, err
		}
	case doEndSeen:
		return c.endSeen(ctx)
	case doEnd:
		return nil, endedBy(c.sess), c.end(ctx, c.sess, c.rec)
	default:
		panic("not to be done")
	}
}

// compare finds out what the request has changed, and what that makes of the stored document. Values that are equal once
// they are decoded count as equal, such as 5 and int64(5).
func (c *commit) compare() {
	c.next, c.invalid = nil, nil
	if c.sess.ID == "" && c.rec.doc != nil {
		c.rec.set(func() { c.rec.keyState = renewing }) // as with other gorilla stores
	}
	if c.change, c.invalid = merge.Diff(c.rec.values, c.sess.Values); c.invalid != nil {
		return
	}
	if c.rec.state == stored && c.writeID == "" { // an Update saves what its function has seen
		c.rec.moveOn(c.turns.latest(c.rec.doc))
	}
	doc := c.rec.doc
	if c.rec.state != stored || endedBy(c.sess) || !c.hasChanged() || doc.ExpiredAt(c.cfg.Now()) {
		return // this document is not to be changed
	}
	maxAge := doc.MaxAge
	if c.sess.Options.MaxAge != c.rec.maxAge {
		maxAge = c.sess.Options.MaxAge
	}
	if c.next, c.invalid = c.layout.Next(doc, c.change.ApplyTo(doc.Values), maxAge, c.cfg.Now()); c.invalid != nil {
		return
	}
	set := len(c.change.Set)
	c.change = c.change.Stored(c.rec.values, c.next.Values)
	if len(c.change.Set) < set && !merge.Equal(c.rec.values, doc.Values) { // others may have changed what this request has not
		c.next, c.invalid = c.layout.Next(doc, c.change.ApplyTo(doc.Values), maxAge, c.cfg.Now())
	}
}

// hasChanged reports whether the request has changed anything of the session.
func (c *commit) hasChanged() bool {
	return !c.change.Empty() || c.sess.Options.MaxAge != c.rec.maxAge || c.rec.keyState == renewing
}

// hasEmptied reports whether the request, unless it is an Update, has removed values, and none is left.
func (c *commit) hasEmptied() bool {
	if c.writeID != "" || c.change.Empty() {
		return false
	}
	if c.next == nil {
		return len(c.sess.Values) == 0
	}
	return len(c.next.Values) == 0
}

func (c *commit) situation() situation {
	rec := c.rec
	s := situation{
		state:    rec.state,
		cause:    rec.cause,
		ended:    endedBy(c.sess),
		update:   c.writeID != "",
		sets:     len(c.change.Set) > 0,
		changed:  c.hasChanged(),
		emptied:  c.hasEmptied(),
		invalid:  c.invalid,
		renewing: rec.keyState == renewing,
		sealed:   rec.isSealed(),
	}
	if rec.state == stored {
		now := c.cfg.Now()
		s.expired, s.old = rec.doc.ExpiredAt(now), !rec.confirmed
		s.due = !rec.touchFailed && c.layout.Due(rec.doc, now)
	}
	return s
}

// inConflict returns the error of a save that failed after another request had changed the session. If it ran out of time,
// the reason is that other request.
func inConflict(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return conflict()
	}
	return err
}

// pause waits before the next attempt. The time is random; its limit grows with the number of attempts and with the duration
// of the last one. So requests that collided spread out over a time that fits the latency of Firestore. It reports false
// if ctx ended first.
func pause(ctx context.Context, attempt int, took time.Duration) bool {
	const shortest, longest = time.Millisecond, 250 * time.Millisecond
	limit := max(took, shortest) * time.Duration(attempt+1)
	timer := time.NewTimer(rand.N(min(limit, longest))) //nolint:gosec // jitter, not a secret
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
