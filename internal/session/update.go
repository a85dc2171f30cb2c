package session

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/sessions"

	"github.com/echofirestore/echofirestore/internal/telemetry"
)

// Update changes the request's session of the given name by fn and saves it, as one step. It works as the function [Update]
// does, for programs without the middleware. The cookie goes into w's header.
func (s *Store) Update(r *http.Request, w http.ResponseWriter, name string, fn func(*sessions.Session) error) error {
	sess, err := s.Get(r, name)
	if err != nil {
		return err
	}
	rec, err := s.takeRecord(sess)
	if err != nil {
		return err
	}
	err = rec.store.change(r.Context(), sess, rec, fn)
	s.showHeaders(r, w, rec)
	return err
}

// change runs fn on the session and commits it, and repeats both until no other request has saved the session in between. It
// holds the session's token before it waits for the turn, as other saves do, and while fn runs.
func (s *Store) change(ctx context.Context, sess *sessions.Session, rec *record, fn func(*sessions.Session) error) error {
	if rec.isUpdating() {
		return errUpdating()
	}
	return s.saveExclusively(ctx, rec, func() (untouched, err error) {
		ctx, op := s.begin(context.WithoutCancel(ctx), telemetry.Update)
		u := &update{Store: s, sess: sess, rec: rec, fn: fn, left: s.cfg.Timeout}
		defer func() { endOperation(op, cmp.Or(ours(err), u.untouched)) }()
		err = u.run(ctx)
		op.Outcome = cmp.Or(op.Outcome, telemetry.None)
		return u.untouched, err
	})
}

// An update is an Update under way. Its goroutine holds the session's token.
type update struct {
	*Store
	sess *sessions.Session
	rec  *record
	fn   func(*sessions.Session) error

	before    pending       // what the handler has changed before
	left      time.Duration // of Config.Timeout: the time that fn takes does not count
	untouched error         // why the session, which fn has not changed, could not be extended
}

func (u *update) run(ctx context.Context) (err error) {
	if u.rec.state == unreadable {
		return u.rec.cause
	}
	if u.before, err = u.rec.pending(u.sess); err != nil {
		return err
	}
	if u.before.stale {
		if err := u.rewind(u.sess, u.rec, u.before); err != nil {
			return err
		}
	}
	returned := false
	defer func() {
		if !returned { // fn, or a callback of its commit, has panicked: undo what fn did
			_ = u.rewind(u.sess, u.rec, u.before)
		}
	}()
	err = u.repeat(ctx)
	returned = true
	return err
}

// repeat runs fn and commits what it did, until no other request has saved the session in between.
func (u *update) repeat(ctx context.Context) error {
	for attempt := range maxSaves {
		start := time.Now()
		pass, err := u.take(ctx)
		if err != nil {
			return err
		}
		u.left -= time.Since(start)
		if err = u.once(ctx, pass, attempt); !errors.Is(err, errMovedOn) {
			return err
		}
	}
	return conflict()
}

// take waits for the turn of a stored session, and returns the function that passes it on.
func (u *update) take(ctx context.Context) (pass func(), err error) {
	doc := u.rec.current()
	if doc == nil {
		return func() {}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, u.left)
	defer cancel()
	m := &member{alone: true}
	if err := u.turns.take(ctx, doc.ID, m); err != nil {
		return nil, err
	}
	return sync.OnceFunc(func() { u.turns.pass(doc.ID, m) }), nil
}

// once runs fn on what is stored, as far as that is known, and commits the result. At its end, or once fn has taken long, it
// passes the turn on.
func (u *update) once(ctx context.Context, pass func(), attempt int) error {
	defer pass()
	doc := u.rec.current()
	if doc != nil {
		if latest := u.turns.latest(doc); latest != doc {
			u.rec.moveOn(latest)
			if err := u.rewind(u.sess, u.rec, u.before); err != nil {
				return err
			}
		}
	}
	err := u.rec.update(u.sess, u.fn, pass)
	start := time.Now()
	if err != nil {
		err = u.confirm(ctx, err)
	} else {
		err = u.commit(ctx, attempt)
		if now := u.rec.current(); doc != nil && (err == nil || errors.Is(err, errMovedOn)) && now != nil && now.ID == doc.ID {
			u.turns.learn(now)
		} else if doc != nil {
			u.turns.forget(doc.ID)
		}
		if err == nil {
			return nil
		}
	}
	// What fn did is undone even if it could not be saved. Otherwise a later save would store it as values that the
	// handler has set, and undo what others have counted.
	if undone := u.rewind(u.sess, u.rec, u.before); undone != nil {
		return errors.Join(err, undone)
	}
	u.left -= time.Since(start)
	return err
}

// confirm returns refused, the error of fn, if fn has seen what is stored. If it has seen a copy from the cache, confirm reads
// the session. If that has changed, it notes what is stored now and returns errMovedOn. If the session is over, its error says so.
func (u *update) confirm(ctx context.Context, refused error) error {
	switch {
	case u.rec.state.in(vanished, dropped):
		return gone()
	case u.rec.state != stored || u.rec.confirmed:
		return refused
	}
	ctx, cancel := context.WithTimeout(ctx, u.left)
	defer cancel()
	seen := u.rec.doc
	found, err := u.reread(ctx, u.rec)
	switch {
	case err != nil:
		return err
	case found == nil:
		u.rec.vanish()
		return gone()
	}
	u.rec.confirm(found)
	if found.Version.Equal(seen.Version) {
		return refused
	}
	return errMovedOn
}

// commit commits the session within the time that is left. If another request has saved the session, commit pauses before it
// returns errMovedOn. A commit of this attempt that arrives later fails, because the version that it requires is gone. So the
// next attempt can have another ID.
func (u *update) commit(ctx context.Context, attempt int) error {
	writeID := u.writes.begin()
	defer u.writes.end(writeID)
	ctx, cancel := context.WithTimeout(ctx, u.left)
	defer cancel()
	start := time.Now()
	untouched, err := u.commitWith(detached{ctx}, u.sess, u.rec, writeID) //nolint:contextcheck // it derives from ctx
	u.untouched = untouched
	switch {
	case errors.Is(err, errMovedOn) && !pause(ctx, attempt, time.Since(start)):
		return conflict()
	case err != nil && !errors.Is(err, errMovedOn) && attempt > 0:
		return inConflict(ctx, err)
	default:
		return err
	}
}

// update runs the function of an Update. It calls late once that takes long.
func (rec *record) update(sess *sessions.Session, fn func(*sessions.Session) error, late func()) error {
	rec.set(func() { rec.updating = true })
	defer rec.set(func() { rec.updating = false })
	timer := time.AfterFunc(min(maxHold, rec.store.cfg.Timeout/10), late) // those that wait must have time left to save
	defer timer.Stop()
	return fn(sess)
}

// errUpdating is the error of what the function of an Update must not call.
func errUpdating() error {
	return rejected(errors.New("echofirestore: the function of an Update must not save, end, renew or refresh its session, " +
		"or update it, or begin the response: Update saves the session when the function has returned"))
}
