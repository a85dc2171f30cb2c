package echofirestore

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"cloud.google.com/go/firestore"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const (
	batchSize      = 500 // documents that a transaction deletes
	maxLostCommits = 5   // attempts at a batch whose commit was answered as unavailable, and so repeated
)

// DeleteExpired deletes the documents of sessions that have expired, and returns how many. It is for databases without a
// TTL policy on the field expire, and needs that field to be indexed, as Firestore does by default. A session that is
// extended meanwhile survives. It costs one read and one delete for each document, and one read if there is none.
//
// It works in batches, each within Config.Timeout, until there is nothing left or ctx ends: what it has deleted until
// then stays deleted, and the next call goes on.
func (s *Store) DeleteExpired(ctx context.Context) (int, error) {
	expired := s.firestore.collection.Where(fieldExpire, "<=", s.cfg.Now())
	return s.sweep(ctx, "delete expired sessions", expired.Select(), 0, all)
}

// RevokeAll ends all sessions, and returns how many: it deletes every document of Config.Collection. It costs one read
// and one delete for each, and works in batches as [Store.DeleteExpired] does.
func (s *Store) RevokeAll(ctx context.Context) (int, error) {
	return s.sweep(ctx, "revoke all sessions", s.firestore.collection.Select(), 0, all)
}

func all(*firestore.DocumentSnapshot) bool { return true }

// sweep deletes those results of a query that doomed picks, all but a known number at most, and returns how many it has
// deleted. Since the last transaction sees all that is left, no document escapes by being renewed meanwhile.
func (s *Store) sweep(
	ctx context.Context, attempt string, query firestore.Query, spared int, doomed func(*firestore.DocumentSnapshot) bool,
) (deleted int, err error) {
	limit := batchSize + spared
	query = query.Limit(limit)
	for seen := limit; seen == limit; {
		doneWith := make(map[string]bool) // IDs of documents, as a set
		for range maxLostCommits {
			var ids []string
			seen, ids, err = s.sweepOnce(ctx, query, doomed)
			for _, id := range ids {
				doneWith[id] = true
			}
			// A commit that was applied, answered as unavailable, and repeated by the client finds its transaction closed.
			if status.Code(err) != codes.InvalidArgument {
				break
			}
		}
		if err != nil {
			return deleted, stopped(ctx, unavailable(attempt, err, slices.Collect(maps.Keys(doneWith))...))
		}
		deleted += len(doneWith)
	}
	return deleted, nil
}

// sweepOnce deletes those results of a query that doomed picks, in one transaction. It returns how many results there
// were, and the IDs of those that it has deleted.
func (s *Store) sweepOnce(
	ctx context.Context, query firestore.Query, doomed func(*firestore.DocumentSnapshot) bool,
) (seen int, ids []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	seen, ids, err = s.firestore.deleteResults(ctx, query, doomed)
	return seen, ids, stopped(ctx, err)
}

// stopped returns the error of an operation such that it tells why ctx has ended, if that is what stopped it: Firestore's
// client turns that into a status, by which neither context.Canceled nor context.DeadlineExceeded can be told. Firestore
// itself may be the first to notice the deadline.
func stopped(ctx context.Context, err error) error {
	ended := ctx.Err()
	if status.Code(err) == codes.DeadlineExceeded {
		ended = context.DeadlineExceeded
	}
	if ended != nil && !errors.Is(err, ended) {
		return fmt.Errorf("%w (%w)", err, ended)
	}
	return err
}
