package session

import (
	"context"
	"fmt"
	"time"

	"cloud.google.com/go/firestore"
	pb "cloud.google.com/go/firestore/apiv1/firestorepb"

	"github.com/echofirestore/echofirestore/internal/document"
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

func (s *Store) count(ctx context.Context, query firestore.Query) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	return s.firestore.count(ctx, "count sessions", query)
}

// count returns how many documents a query finds.
func (g gateway) count(ctx context.Context, attempt string, query firestore.Query) (int, error) {
	const alias = "n"
	start := time.Now()
	result, err := query.NewAggregationQuery().WithCount(alias).Get(ctx)
	if err != nil {
		return 0, g.failed(ctx, attempt, start, err)
	}
	value, ok := result[alias].(*pb.Value)
	if !ok {
		return 0, fmt.Errorf("echofirestore: %s: %s answers without a number", attempt, g.database)
	}
	return int(value.GetIntegerValue()), nil
}
