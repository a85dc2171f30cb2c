package session

import (
	"context"
	"time"

	"cloud.google.com/go/firestore"

	"github.com/echofirestore/echofirestore/internal/credential"
)

// Check is firesession.Store.Check.
func (s *Store) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	return s.firestore.probe(ctx)
}

// probe reads a document that never holds a session.
func (g gateway) probe(ctx context.Context) error {
	start := time.Now()
	_, err := g.client.GetAll(ctx, []*firestore.DocumentRef{g.collection.Doc(credential.NoSessionID)})
	return g.failed(ctx, "check", start, err)
}
