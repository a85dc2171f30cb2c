package session

import (
	"context"

	"github.com/gorilla/sessions"

	"github.com/echofirestore/echofirestore/internal/document"
)

// endedBy reports whether the handler has ended sess by a negative Options.MaxAge.
func endedBy(sess *sessions.Session) bool { return sess.Options != nil && sess.Options.MaxAge < 0 }

// destroy ends the session, which need not have been read.
func (s *Store) destroy(ctx context.Context, sess *sessions.Session, rec *record) error {
	return rec.exclusively(func() error {
		rec.set(func() { rec.unloaded = false }) // the stored values do not matter any more
		rec.repair(sess)
		clear(sess.Values)
		if err := s.endAll(ctx, sess, rec, ""); err != nil {
			return err
		}
		opts := rec.options
		sess.Options = &opts
		return nil
	})
}

// endAll ends the session, and those of the request's further cookies of its name. Otherwise one of these would be the
// client's session from the next request on.
func (s *Store) endAll(ctx context.Context, sess *sessions.Session, rec *record, writeID string) error {
	ctx, cancel := s.detach(ctx)
	defer cancel()
	if err := s.end(ctx, sess, rec, writeID); err != nil {
		return err
	}
	for len(rec.others) > 0 {
		if err := s.remove(ctx, rec.name, rec.others[0]); err != nil {
			rec.set(func() { rec.ending = err })
			return err
		}
		rec.set(func() { rec.others = rec.others[1:] })
	}
	return nil
}

// end deletes the session's document, whatever other requests have done to it meanwhile. For an Update, it deletes only the
// version that the Update has seen.
func (s *Store) end(ctx context.Context, sess *sessions.Session, rec *record, writeID string) error {
	ctx, cancel := s.detach(ctx)
	defer cancel()
	switch {
	case writeID != "" && rec.doc != nil:
		if err := s.endSeen(ctx, rec); err != nil {
			return err
		}
	case rec.key != "" && !rec.gone:
		if err := s.remove(ctx, rec.name, rec.key); err != nil {
			rec.set(func() { rec.ending = err })
			return err
		}
	case rec.err != nil: // its name is not valid
		return rec.err
	}
	rec.ended(sess, nil, expiredCookie(rec.name, sess.Options))
	return nil
}

// endSeen deletes the document of a session if it is the version that an Update has seen.
func (s *Store) endSeen(ctx context.Context, rec *record) error {
	if rec.gone {
		return gone()
	}
	var movedTo *document.Document
	var done bool
	var err error
	if rec.doc.ExpiredAt(s.cfg.Now()) { // unless another request has extended it
		movedTo, err = s.reread(ctx, rec)
	} else {
		movedTo, done, err = s.deleteVersion(ctx, rec, rec.doc)
	}
	switch {
	case done || err != nil:
		return err
	case movedTo == nil:
		rec.vanish()
		return gone()
	default:
		rec.moveOn(movedTo)
		return errMovedOn
	}
}

// remove deletes a session's document, which need not have been read. If the answer is lost, it reads the document, and
// deletes it once more if it exists.
func (s *Store) remove(ctx context.Context, name, key string) error {
	id, err := s.credentials.DocumentID(name, key)
	if err != nil {
		return rejected(err)
	}
	if err = s.firestore.delete(ctx, "delete session", id); !outcomeUnknown(err) {
		return err
	}
	snap, unread := s.firestore.get(ctx, id)
	if unread == nil && (snap == nil || s.firestore.delete(ctx, "delete session", id) == nil) {
		return nil
	}
	return err
}
