package session

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"cloud.google.com/go/firestore"

	"github.com/echofirestore/echofirestore/internal/credential"
	"github.com/echofirestore/echofirestore/internal/document"
)

// Check is firesession.Store.Check.
func (s *Store) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	_, err := s.firestore.probe(ctx, credential.NoSessionID)
	return err
}

// RoundTrip writes a document that is no session, reads it back, and deletes it. That costs a write, a read and a delete.
// If the process dies meanwhile, the document stays for an hour, as an expired session does.
func (s *Store) RoundTrip(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	id := credential.NoSessionID + "-" + rand.Text()
	_, err := s.firestore.write(ctx, "check by a write", func() (*firestore.WriteResult, error) {
		return s.firestore.collection.Doc(id).Set(ctx, map[string]any{document.FieldExpire: s.cfg.Now().Add(time.Hour)})
	}, id)
	if err != nil {
		return err
	}
	there, err := s.firestore.probe(ctx, id)
	if err == nil && !there {
		err = fmt.Errorf("echofirestore: check: %s does not have a document that was just written", s.firestore.database)
	}
	ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), s.cfg.Timeout)
	defer cancel()
	if deleted := s.firestore.delete(ctx, "check by a delete", id); err == nil {
		err = deleted
	}
	return err
}

// probe reports whether there is a document.
func (g gateway) probe(ctx context.Context, id string) (bool, error) {
	start := time.Now()
	snaps, err := g.client.GetAll(ctx, []*firestore.DocumentRef{g.collection.Doc(id)})
	if err != nil {
		return false, g.failed(ctx, "check", start, err, id)
	}
	return snaps[0].Exists(), nil
}
