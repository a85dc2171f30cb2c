package echofirestore

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/gorilla/sessions"
)

// Update changes the request's session called name by fn and saves it, as one step, as the function [Update] does; the
// cookie goes into w's header. It is for programs without the middleware.
func (s *Store) Update(r *http.Request, w http.ResponseWriter, name string, fn func(*sessions.Session) error) error {
	sess, err := s.Get(r, name)
	if err != nil {
		return err
	}
	rec, err := s.recordOf(sess)
	if err != nil {
		return err
	}
	if err := s.change(r.Context(), sess, rec, fn); err != nil {
		return err
	}
	if !rec.isSealed() {
		s.writeHeaders(w.Header(), rec)
	}
	return nil
}

// change runs fn on the session and commits it, until no other request came between.
func (s *Store) change(ctx context.Context, sess *sessions.Session, rec *record, fn func(*sessions.Session) error) error {
	before, err := rec.pending(sess)
	if err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx)
	left := s.cfg.Timeout // of which fn takes nothing
	for attempt := range maxSaves {
		if err := fn(sess); err != nil {
			if undone := s.rewind(sess, rec, before); undone != nil {
				return errors.Join(err, undone)
			}
			return err
		}
		start := time.Now()
		if err := s.attempt(ctx, sess, rec, attempt, left); !errors.Is(err, errMovedOn) {
			return err
		}
		if err := s.rewind(sess, rec, before); err != nil {
			return err
		}
		left -= time.Since(start)
	}
	return conflict()
}

// attempt commits the session within a time. If it has moved on, attempt waits for the next one to be due.
func (s *Store) attempt(ctx context.Context, sess *sessions.Session, rec *record, n int, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	start := time.Now()
	err := s.commitWith(detached{ctx}, sess, rec, reportConflicts)
	if errors.Is(err, errMovedOn) && !pause(ctx, n, time.Since(start)) {
		return conflict()
	}
	return err
}

// pending is what was changed in a session and is not saved yet.
type pending struct {
	change
	maxAge *int // nil if that was not changed
}

func (rec *record) pending(sess *sessions.Session) (pending, error) {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	if rec.err != nil {
		return pending{}, rec.err
	}
	rec.repair(sess)
	ch, err := diff(rec.values, sess.Values)
	if err != nil {
		return pending{}, rejected(err)
	}
	p := pending{change: change{set: cloneSet(ch.set), removed: ch.removed}}
	if maxAge := sess.Options.MaxAge; maxAge != rec.maxAge {
		p.maxAge = &maxAge
	}
	return p, nil
}

// rewind takes the session back to what is stored of it, and to the changes that were pending.
func (s *Store) rewind(sess *sessions.Session, rec *record, p pending) error {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	rec.repair(sess)
	fill(sess, nil)
	sess.Options.MaxAge = rec.maxAge
	if rec.doc != nil {
		if err := s.adopt(sess, rec, rec.doc); err != nil {
			return err
		}
	}
	for key, v := range cloneSet(p.set) {
		sess.Values[key] = v
	}
	for _, key := range p.removed {
		delete(sess.Values, key)
	}
	if p.maxAge != nil {
		sess.Options.MaxAge = *p.maxAge
	}
	return nil
}

// cloneSet returns a copy of values, deep where that is possible.
func cloneSet(values map[string]any) map[string]any {
	copied := make(map[string]any, len(values))
	for key, v := range values {
		var ok bool
		if copied[key], ok = clone(v); !ok {
			copied[key] = v
		}
	}
	return copied
}
