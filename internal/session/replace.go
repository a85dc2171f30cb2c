package session

import (
	"cmp"
	"context"

	"cloud.google.com/go/firestore"

	"github.com/echofirestore/echofirestore/internal/credential"
	"github.com/echofirestore/echofirestore/internal/document"
)

// replace stores the changed session in the place of the version that was read, under a new key if it is to be renewed. If
// that is not the stored version any more, it returns false and what is stored now, nil if nothing is.
func (c *commit) replace(ctx context.Context) (found *document.Document, done bool, err error) {
	prev := c.rec.doc
	cred, err := c.nextCredential()
	if err != nil {
		return nil, false, err
	}
	updates, err := c.layout.Replace(prev, c.next, cred.ID, c.writes.keep(prev.Writes), c.writeID)
	if err != nil {
		return nil, false, rejected(err)
	}
	found, done, err = c.replaceVersion(ctx, c.rec, prev, c.next, updates)
	if done {
		c.saved(cred, found, c.change.ApplyTo(c.rec.values))
	}
	return found, done, err
}

// replaceVersion stores next in the place of prev, and returns true and next as it is stored. If prev is not the stored version
// any more, it returns false and what is stored now, nil if nothing is. If the two have different IDs, one commit creates next
// and deletes prev.
func (s *Store) replaceVersion(
	ctx context.Context, rec *record, prev, next *document.Document, updates []firestore.Update,
) (found *document.Document, done bool, err error) {
	found, done, err = s.conditionally(ctx, prev, func() error {
		if next.ID == prev.ID {
			return s.firestore.update(ctx, "save session", prev, next, updates)
		}
		return s.firestore.move(ctx, prev, next)
	}, func() (*document.Document, bool, error) {
		found, err := ifAlive(s.read(ctx, next.ID))
		wrote := found != nil && next.Wrote(found)
		if err == nil && !wrote && next.ID != prev.ID {
			found, err = s.reread(ctx, rec)
		}
		return found, wrote, err
	})
	if done && found == nil {
		found = next
	}
	return found, done, err
}

// nextCredential returns the credential for the next save of the session: a new one, if it is to be renewed.
func (c *commit) nextCredential() (credential.Credential, error) {
	if c.rec.keyState == renewing {
		return c.issue(c.rec.name)
	}
	return c.credential(c.rec.name, c.rec.key)
}

// saved notes what is stored of the session now, and the cookie for the response to set.
func (c *commit) saved(cred credential.Credential, doc *document.Document, values map[string]any) {
	value := cred.Cookie
	if c.cfg.CacheFor > 0 {
		value = c.credentials.Versioned(c.rec.name, cred, doc.Version)
	}
	c.rec.saved(c.sess, cred, doc, values, c.newCookie(c.rec.name, value, c.sess.Options, doc))
}

// deleteVersion deletes prev and returns true. If prev is not the stored version any more, it returns false and what is stored
// now, nil if nothing is. In that case, nobody can tell which request has deleted it.
func (s *Store) deleteVersion(
	ctx context.Context, rec *record, prev *document.Document,
) (found *document.Document, done bool, err error) {
	return s.conditionally(ctx, prev, func() error {
		return s.firestore.delete(ctx, "delete session", prev.ID, firestore.LastUpdateTime(prev.Version))
	}, func() (*document.Document, bool, error) {
		found, err := s.reread(ctx, rec)
		return found, false, err
	})
}

// conditionally makes a commit on the condition that prev is the stored version. If it is not, it returns false and what is
// stored now, nil if nothing is. If the answer is lost, lookUp reads what is stored, and reports whether this commit has written
// it, which is success as well. If prev is still stored, the commit is made once more. That is safe, because a version can
// be replaced only once. One retry is enough for INTERNAL, see
// https://cloud.google.com/firestore/native/docs/understand-error-codes.
func (s *Store) conditionally(
	ctx context.Context, prev *document.Document, commit func() error,
	lookUp func() (found *document.Document, written bool, err error),
) (found *document.Document, done bool, err error) {
	for lost := error(nil); ; {
		err := commit()
		unknown := outcomeUnknown(err)
		if !unknown && !movedOn(err) {
			return nil, err == nil, err
		}
		found, written, unread := lookUp()
		switch {
		case unread != nil && !unknown:
			return nil, false, inConflict(ctx, unread)
		case unread == nil && (written || !unknown || found == nil || !found.Version.Equal(prev.Version)):
			return found, written, nil
		case unread != nil || lost != nil:
			return nil, false, cmp.Or(lost, err)
		}
		lost = err
	}
}

// reread returns what is stored of a session now, nil if it is over.
func (s *Store) reread(ctx context.Context, rec *record) (*document.Document, error) {
	found, _, err := s.find(ctx, rec.name, credential.Sent{Key: rec.key})
	return ifAlive(found, err)
}
