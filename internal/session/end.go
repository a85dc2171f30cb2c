package session

import (
	"context"

	"github.com/gorilla/sessions"

	"github.com/echofirestore/echofirestore/internal/document"
	"github.com/echofirestore/echofirestore/internal/telemetry"
)

// endedBy reports whether the handler has ended sess by a negative Options.MaxAge.
func endedBy(sess *sessions.Session) bool { return sess.Options != nil && sess.Options.MaxAge < 0 }

// destroy ends the session, which need not have been read.
func (s *Store) destroy(ctx context.Context, sess *sessions.Session, rec *record) error {
	if rec.isUpdating() {
		return errUpdating()
	}
	return rec.exclusively(func() (err error) {
		rec.repair(sess)
		clear(sess.Values)
		ctx, cancel := s.detach(ctx)
		defer cancel()
		ctx, op := s.begin(ctx, telemetry.Destroy)
		defer func() { endDeleting(op, err) }()
		if err := s.end(ctx, sess, rec); err != nil {
			return err
		}
		opts := rec.options
		sess.Options = &opts
		return nil
	})
}

// end deletes the session's document, whatever other requests have done to it meanwhile, and those of the request's further
// cookies of its name. Otherwise one of these would be the client's session from the next request on.
func (s *Store) end(ctx context.Context, sess *sessions.Session, rec *record) error {
	switch {
	case rec.key != "" && !rec.state.in(vanished, dropped):
		if err := s.remove(ctx, rec.name, rec.key); err != nil {
			rec.unended(err)
			return err
		}
	case rec.state == unreadable: // its name is not valid
		return rec.cause
	}
	rec.ended(sess, nil, expiredCookie(rec.name, sess.Options))
	return s.endOthers(ctx, rec)
}

// endSeen deletes the version that an Update has seen. If that is not the stored version any more, it returns false and what
// is stored now, nil if nothing is.
func (c *commit) endSeen(ctx context.Context) (found *document.Document, done bool, err error) {
	if found, done, err = c.deleteVersion(ctx, c.rec, c.rec.doc); !done {
		return found, false, err
	}
	c.rec.ended(c.sess, nil, expiredCookie(c.rec.name, c.sess.Options))
	return nil, true, c.endOthers(ctx, c.rec)
}

// endOthers deletes the documents of the request's further cookies.
func (s *Store) endOthers(ctx context.Context, rec *record) error {
	for len(rec.others) > 0 {
		if err := s.remove(ctx, rec.name, rec.others[0].Key); err != nil {
			rec.unended(err)
			return err
		}
		rec.set(func() { rec.others = rec.others[1:] })
	}
	return nil
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
	found, unread := s.firestore.get(ctx, id)
	if unread == nil && (found == nil || s.firestore.delete(ctx, "delete session", id) == nil) {
		return nil
	}
	return err
}
