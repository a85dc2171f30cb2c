package session

import (
	"cmp"
	"context"
	"fmt"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/echofirestore/echofirestore/internal/document"
)

// maxKeys is how many keys are tried for a new document.
const maxKeys = 5

// create stores a new session under a new key. If a document exists already, it may be this one, stored by a commit whose
// answer was lost.
func (c *commit) create(ctx context.Context) error {
	doc, err := c.layout.Next(nil, c.change.Set, c.sess.Options.MaxAge, c.cfg.Now())
	if err != nil {
		return rejected(err)
	}
	for range maxKeys {
		cred, err := c.issue(c.rec.name)
		if err != nil {
			return err
		}
		if err := c.layout.Create(doc, cred.ID); err != nil {
			return rejected(err)
		}
		found, err := c.createOnce(ctx, doc)
		if err != nil {
			return err
		}
		if found != nil {
			c.change.Set = found.Values
			c.saved(cred, found, c.change.ApplyTo(c.rec.values)) // rec.values may hold more than is stored: see erase
			return nil
		}
	}
	return rejected(fmt.Errorf("echofirestore: Config.KeyFactory returned %d keys that are all in use", maxKeys))
}

// createOnce stores doc. It returns nil if another document has its ID. If the answer is lost, it reads the document. If there
// is none, it tries once more, with the same key, so that only one of the two commits can be applied.
func (s *Store) createOnce(ctx context.Context, doc *document.Document) (*document.Document, error) {
	for lost := error(nil); ; {
		err := s.firestore.create(ctx, "create session", doc)
		if err == nil {
			return doc, nil
		}
		taken := status.Code(err) == codes.AlreadyExists
		if !taken && !outcomeUnknown(err) {
			return nil, err
		}
		found, unread := ifAlive(s.read(ctx, doc.ID))
		switch {
		case unread != nil && taken:
			return nil, unread
		case unread == nil && found != nil && doc.Wrote(found):
			return found, nil
		case unread == nil && (found != nil || taken):
			return nil, nil
		case unread != nil || lost != nil:
			return nil, cmp.Or(lost, err)
		}
		lost = err
	}
}
