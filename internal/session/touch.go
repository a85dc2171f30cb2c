package session

import (
	"context"

	"github.com/gorilla/sessions"

	"github.com/echofirestore/echofirestore/internal/document"
)

// touch extends a session that was used but not changed, if TouchAfter is set and due. If that fails, no change is lost: touch
// returns the reason, and the next request tries again.
func (s *Store) touch(ctx context.Context, sess *sessions.Session, rec *record) error {
	if rec.gone || rec.touched || !s.layout.Due(rec.doc, s.cfg.Now()) {
		return nil
	}
	cred, err := s.credential(rec.name, rec.key)
	if err != nil {
		return err
	}
	ctx, cancel := s.detach(ctx)
	defer cancel()
	stored := rec.doc
	if stored.ExpiredAt(s.cfg.Now()) { // unless another request has extended it
		if stored, err = s.reread(ctx, rec); err != nil {
			return s.untouched(rec, err)
		}
		if stored == nil {
			rec.vanish()
			return nil
		}
		rec.moveOn(stored)
		if !s.layout.Due(stored, s.cfg.Now()) {
			return nil
		}
	}
	doc := s.layout.Extend(stored, s.cfg.Now())
	doc.Version, err = s.firestore.update(ctx, "extend session", doc.ID, stored.Version, document.Extension(doc))
	switch {
	case err == nil:
		s.saved(sess, rec, cred, doc, rec.values)
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
