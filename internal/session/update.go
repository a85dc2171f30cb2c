package session

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/gorilla/sessions"

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
		err := fn(sess)
		start := time.Now()
		if err == nil {
			if err = s.attempt(ctx, sess, rec, n, left); err == nil {
				return nil
			}
		}
		// What fn did is undone even if it could not be saved. Otherwise a later save would store it as values that the
		// handler has set, and undo what others have counted.
		if undone := s.rewind(sess, rec, before); undone != nil {
			return errors.Join(err, undone)
		}
		if !errors.Is(err, errMovedOn) {
			return err
		}
		left -= time.Since(start)
	}
	return conflict()
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
	return rec.exclusively(func() error {
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
