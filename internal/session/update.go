package session

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/sessions"

	"github.com/echofirestore/echofirestore/internal/document"
	"github.com/echofirestore/echofirestore/internal/merge"
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

// change runs fn on the session and commits it, and repeats both until no other request has saved the session in between.
func (s *Store) change(ctx context.Context, sess *sessions.Session, rec *record, fn func(*sessions.Session) error) error {
	if rec.isUpdating() {
		return errUpdating()
	}
	before, err := rec.pending(sess)
	if err != nil {
		return err
	}
	if before.stale {
		if err := s.rewind(sess, rec, before); err != nil {
			return err
		}
	}
	returned := false
	defer func() {
		if !returned { // fn, or a callback of its commit, has panicked: undo what fn did
			_ = s.rewind(sess, rec, before)
		}
	}()
	err = s.changeFrom(context.WithoutCancel(ctx), sess, rec, fn, before)
	returned = true
	return err
}

// changeFrom is change for a session whose only changes are those in before.
func (s *Store) changeFrom(
	ctx context.Context, sess *sessions.Session, rec *record, fn func(*sessions.Session) error, before pending,
) error {
	left := s.cfg.Timeout // the time that fn takes does not count
	for n := range maxSaves {
		start := time.Now()
		pass, err := s.takeForUpdate(ctx, rec, left)
		if err != nil {
			return err
		}
		left -= time.Since(start)
		took, err := s.changeOnce(ctx, sess, rec, fn, before, pass, n, left)
		if !errors.Is(err, errMovedOn) {
			return err
		}
		left -= took
	}
	return conflict()
}

// takeForUpdate waits for the turn of a stored session, and returns the function that passes it on.
func (s *Store) takeForUpdate(ctx context.Context, rec *record, timeout time.Duration) (pass func(), err error) {
	doc := rec.current()
	if doc == nil {
		return func() {}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	m := &member{alone: true}
	if err := s.turns.take(ctx, doc.ID, m); err != nil {
		return nil, err
	}
	return sync.OnceFunc(func() { s.turns.pass(doc.ID, m) }), nil
}

// changeOnce runs fn on what is stored, as far as that is known, and commits the result within timeout. At its end, or once fn
// has taken long, it passes the turn on. It returns the time that this took without fn.
func (s *Store) changeOnce(
	ctx context.Context, sess *sessions.Session, rec *record, fn func(*sessions.Session) error, before pending,
	pass func(), n int, timeout time.Duration,
) (took time.Duration, err error) {
	defer pass()
	doc := rec.current()
	if doc != nil {
		if latest := s.turns.latest(doc); latest != doc {
			if err := s.rewindTo(latest, sess, rec, before); err != nil {
				return 0, err
			}
		}
	}
	err = rec.update(sess, fn, pass)
	start := time.Now()
	if err == nil {
		err = s.attempt(ctx, sess, rec, n, timeout)
		if now := rec.current(); doc != nil && (err == nil || errors.Is(err, errMovedOn)) && now != nil && now.ID == doc.ID {
			s.turns.learn(now)
		} else if doc != nil {
			s.turns.forget(doc.ID)
		}
		if err == nil {
			return 0, nil
		}
	}
	// What fn did is undone even if it could not be saved. Otherwise a later save would store it as values that the
	// handler has set, and undo what others have counted.
	if undone := s.rewind(sess, rec, before); undone != nil {
		return 0, errors.Join(err, undone)
	}
	return time.Since(start), err
}

// attempt commits the session within timeout. If another request has saved the session, attempt pauses before it returns
// errMovedOn. A commit of this attempt that arrives later fails, because the version that it requires is gone. So the next
// attempt can have another ID.
func (s *Store) attempt(ctx context.Context, sess *sessions.Session, rec *record, n int, timeout time.Duration) error {
	writeID := s.writes.begin()
	defer s.writes.end(writeID)
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	start := time.Now()
	err := s.commitWith(detached{ctx}, sess, rec, writeID) //nolint:contextcheck // it derives from ctx
	if errors.Is(err, errMovedOn) && !pause(ctx, n, time.Since(start)) {
		return conflict()
	}
	return err
}

// pending is the part of a session's changes that is not saved yet.
type pending struct {
	merge.Change
	maxAge   *int // nil if that was not changed
	key      string
	keyState keyState
	id       string // which the handler may have emptied, for another key
	stale    bool   // a save has merged the session with values of another request, which it does not show
}

func (rec *record) pending(sess *sessions.Session) (p pending, err error) {
	err = rec.exclusively(func() error {
		if rec.state == unreadable {
			return rec.cause
		}
		rec.repair(sess)
		ch, err := merge.Diff(rec.values, sess.Values)
		if err != nil {
			return rejected(err)
		}
		p.Change = merge.Change{Set: cloneSet(ch.Set), Removed: ch.Removed}
		p.key, p.keyState, p.id = rec.key, rec.keyState, sess.ID
		p.stale = !merge.Equal(rec.values, rec.storedValues())
		if maxAge := sess.Options.MaxAge; maxAge != rec.maxAge {
			p.maxAge = &maxAge
		}
		return nil
	})
	return p, err
}

// rewind resets the session to what is stored, with the changes that were pending.
func (s *Store) rewind(sess *sessions.Session, rec *record, p pending) error {
	return s.rewindTo(rec.current(), sess, rec, p)
}

// rewindTo is rewind for a session of which doc is stored now; nil says nothing.
func (s *Store) rewindTo(doc *document.Document, sess *sessions.Session, rec *record, p pending) error {
	return rec.exclusively(func() error {
		if doc != nil {
			rec.moveOn(doc)
		}
		rec.repair(sess)
		fill(sess, nil)
		if rec.key == p.key {
			sess.ID = p.id
			rec.set(func() { rec.keyState = p.keyState })
		}
		sess.Options.MaxAge = rec.maxAge
		if rec.doc == nil {
			rec.set(func() { rec.values = nil })
		} else {
			if err := s.adopt(sess, rec, rec.doc); err != nil {
				return err
			}
		}
		for key, v := range cloneSet(p.Set) {
			sess.Values[key] = v
		}
		for _, key := range p.Removed {
			delete(sess.Values, key)
		}
		if p.maxAge != nil {
			sess.Options.MaxAge = *p.maxAge
		}
		return nil
	})
}

// cloneSet returns a copy of values, deep where that is possible.
func cloneSet(values map[string]any) map[string]any {
	copied := make(map[string]any, len(values))
	for key, v := range values {
		var ok bool
		if copied[key], ok = merge.Clone(v); !ok {
			copied[key] = v
		}
	}
	return copied
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
	return rejected(errors.New("echofirestore: the function of an Update must not save, end or renew its session, " +
		"or update it, or begin the response: Update saves the session when the function has returned"))
}
