package session

import (
	"context"

	"cloud.google.com/go/firestore"

	"github.com/echofirestore/echofirestore/internal/document"
	"github.com/echofirestore/echofirestore/internal/telemetry"
)

// Count returns how many documents there are in the collection. It costs one read for each 1000 documents begun, at least
// one.
func (s *Store) Count(ctx context.Context) (int, error) {
	return s.count(ctx, s.firestore.collection.Query)
}

// CountExpired returns how many documents of expired sessions there are, by their field expire. It costs one read for each
// 1000 of them begun, at least one, and needs an index on that field: without one, the error has codes.FailedPrecondition.
func (s *Store) CountExpired(ctx context.Context) (int, error) {
	return s.count(ctx, s.firestore.collection.Where(document.FieldExpire, "<=", s.cfg.Now()))
}

func (s *Store) count(ctx context.Context, query firestore.Query) (n int, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	ctx, op := s.begin(ctx, telemetry.Count)
	defer func() { endOperation(op, err) }()
	if n, err = s.firestore.count(ctx, "count sessions", query); n > 0 {
		op.Outcome = telemetry.Found
	} else {
		op.Outcome = telemetry.None
	}
	return n, err
}
