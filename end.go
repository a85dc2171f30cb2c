package echofirestore

import (
	"context"

	"cloud.google.com/go/firestore"
	"github.com/gorilla/sessions"
)

// endedBy reports whether the handler has ended sess by a negative Options.MaxAge.
func endedBy(sess *sessions.Session) bool { return sess.Options != nil && sess.Options.MaxAge < 0 }

// destroy ends the session, which need not have been read.
func (s *Store) destroy(ctx context.Context, sess *sessions.Session, rec *record) error {
	return rec.exclusively(func() error {
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

// endAll ends the session, and those that the request's further cookies of its name stand for: else the client would be
// in one of them from the next request on.
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

// end deletes the session's document: whatever other requests did to it meanwhile, but for an Update only if they did
// nothing.
func (s *Store) end(ctx context.Context, sess *sessions.Session, rec *record, writeID string) error {
	ctx, cancel := s.detach(ctx)
	defer cancel()
	var unchanged []firestore.Precondition
	if writeID != "" && rec.doc != nil {
		if rec.gone {
			return gone()
		}
		unchanged = append(unchanged, firestore.LastUpdateTime(rec.doc.updateTime))
	}
	if rec.key != "" && !rec.gone {
		err := s.remove(ctx, rec.name, rec.key, unchanged...)
		if unchanged != nil && movedOn(err) {
			doc, err := s.reread(ctx, rec)
			switch {
			case err != nil:
				return err
			case doc == nil:
				rec.vanish()
				return gone()
			default:
				rec.moveOn(doc)
				return errMovedOn
			}
		}
		if err != nil {
			rec.set(func() { rec.ending = err })
			return err
		}
	}
	rec.ended(sess, nil, expiredCookie(rec.name, sess.Options))
	return nil
}

// remove deletes the document of a session, which need not have been read, whatever it holds or under a precondition.
func (s *Store) remove(ctx context.Context, name, key string, unchanged ...firestore.Precondition) error {
	id, err := s.documentID(name, key)
	if err != nil {
		return rejected(err)
	}
	err = s.firestore.delete(ctx, "delete session", s.firestore.ref(id), unchanged...)
	if len(unchanged) == 0 && outcomeUnknown(err) {
		if doc, unread := again(s.find(ctx, name, key)); unread == nil && doc == nil {
			return nil // it was applied
		}
	}
	return err
}
