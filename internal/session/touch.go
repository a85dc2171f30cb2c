package session

import (
	"context"
	"time"

	"cloud.google.com/go/firestore"
	"github.com/gorilla/sessions"
)

// touch extends a session that was used but not changed, if TouchAfter is set and due. If that fails, no change is lost: touch
// returns the reason, and the next request tries again.
func (s *Store) touch(ctx context.Context, sess *sessions.Session, rec *record) error {
	if rec.gone || rec.touched || !s.due(rec.doc) {
		return nil
	}
	cred, err := s.credential(rec.name, rec.key)
	if err != nil {
		return err
	}
	ctx, cancel := s.detach(ctx)
	defer cancel()
	stored := rec.doc
	if stored.expiredAt(s.cfg.Now()) { // unless another request has extended it
		if stored, err = s.reread(ctx, rec); err != nil {
			return s.untouched(rec, err)
		}
		if stored == nil {
			rec.vanish()
			return nil
		}
		rec.moveOn(stored)
		if !s.due(stored) {
			return nil
		}
	}
	doc := *stored
	doc.expire = s.expiry(s.cfg.Now(), &doc)
	doc.updateTime, err = s.firestore.update(ctx, "extend session", doc.ref, stored.updateTime,
		[]firestore.Update{{Path: fieldExpire, Value: doc.expire}})
	switch {
	case err == nil:
		s.saved(sess, rec, cred, &doc, rec.values)
	case !movedOn(err): // a session that others saved meanwhile is extended already, and one that they ended stays ended
		return s.untouched(rec, err)
	}
	return nil
}

// untouched notes that the session could not be extended, so that a request tries it only once.
func (s *Store) untouched(rec *record, err error) error {
	rec.set(func() { rec.touched = true })
	return err
}

// due reports whether a session that is used now is to be extended.
func (s *Store) due(doc *document) bool {
	if s.cfg.TouchAfter == 0 {
		return false
	}
	gain := s.cfg.TouchAfter
	if half := time.Duration(doc.maxAge) * time.Second / 2; half > 0 {
		gain = min(gain, half) // a session with a short max age of its own must not end while it is used
	}
	return s.expiry(s.cfg.Now(), doc).Sub(doc.expire) >= gain
}
