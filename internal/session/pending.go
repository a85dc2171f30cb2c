package session

import (
	"github.com/gorilla/sessions"

	"github.com/echofirestore/echofirestore/internal/merge"
)

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
	rec.repair(sess)
	ch, err := merge.Diff(rec.values, sess.Values)
	if err != nil {
		return p, rejected(err)
	}
	p.Change = merge.Change{Set: cloneSet(ch.Set), Removed: ch.Removed}
	p.key, p.keyState, p.id = rec.key, rec.keyState, sess.ID
	p.stale = !merge.Equal(rec.values, rec.storedValues())
	if maxAge := sess.Options.MaxAge; maxAge != rec.maxAge {
		p.maxAge = &maxAge
	}
	return p, nil
}

// rewind resets the session to what is known to be stored, with the changes that were pending. If that cannot be decoded, the
// session stays what it is.
func (s *Store) rewind(sess *sessions.Session, rec *record, p pending) error {
	rec.repair(sess)
	if rec.doc == nil {
		fill(sess, nil)
		sess.Options.MaxAge = rec.maxAge
		rec.set(func() { rec.values = nil })
	} else if err := s.adopt(sess, rec, rec.doc); err != nil {
		return err
	}
	if rec.key == p.key {
		sess.ID = p.id
		rec.set(func() { rec.keyState = p.keyState })
	}
	p.apply(sess)
	return nil
}

// apply makes the changes in the session.
func (p pending) apply(sess *sessions.Session) {
	for key, v := range cloneSet(p.Set) {
		sess.Values[key] = v
	}
	for _, key := range p.Removed {
		delete(sess.Values, key)
	}
	if p.maxAge != nil {
		sess.Options.MaxAge = *p.maxAge
	}
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
