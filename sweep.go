package echofirestore

import (
	"context"
	"errors"
	"fmt"

	"cloud.google.com/go/firestore"
)

// batchSize is how many documents a transaction deletes at most.
const batchSize = 500

// DeleteExpired deletes the documents of sessions that have expired, and returns how many. It is for databases without a
// TTL policy on the field expire, and needs that field to be indexed, as Firestore does by default. A session that is
// extended meanwhile survives. It costs one read and one delete for each document, and one read if there is none.
//
// It works in batches, each within Config.Timeout, until there is nothing left or ctx ends: what it has deleted until
// then stays deleted, and the next call goes on.
func (s *Store) DeleteExpired(ctx context.Context) (int, error) {
	expired := s.collection.Where(fieldExpire, "<=", s.cfg.Now())
	return s.sweep(ctx, "delete expired sessions", expired.Select(), 0, all)
}

// RevokeAll ends all sessions, and returns how many: it deletes every document of Config.Collection. It costs one read
// and one delete for each, and works in batches as [Store.DeleteExpired] does.
func (s *Store) RevokeAll(ctx context.Context) (int, error) {
	return s.sweep(ctx, "revoke all sessions", s.collection.Select(), 0, all)
}

func all(*firestore.DocumentSnapshot) bool { return true }

// sweep deletes those results of a query that doomed picks, all but a known number at most, and returns how many it has
// deleted. Since the last transaction sees all that is left, no document escapes by being renewed meanwhile.
func (s *Store) sweep(
	ctx context.Context, attempt string, query firestore.Query, spared int, doomed func(*firestore.DocumentSnapshot) bool,
) (deleted int, err error) {
	limit := batchSize + spared
	for seen := limit; seen == limit; {
		var n int
		if seen, n, err = s.sweepOnce(ctx, attempt, query.Limit(limit), doomed); err != nil {
			return deleted, err
		}
		deleted += n
	}
	return deleted, nil
}

// sweepOnce deletes those results of a query that doomed picks, in one transaction. It returns how many results there
// were, and how many of them it has deleted.
func (s *Store) sweepOnce(
	ctx context.Context, attempt string, query firestore.Query, doomed func(*firestore.DocumentSnapshot) bool,
) (seen, deleted int, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	var ids []string
	err = s.cfg.Client.RunTransaction(ctx, func(_ context.Context, tx *firestore.Transaction) error {
		snaps, err := tx.Documents(query).GetAll()
		if err != nil {
			return err
		}
		seen, ids = len(snaps), nil
		for _, snap := range snaps {
			if !doomed(snap) {
				continue
			}
			ids = append(ids, snap.Ref.ID)
			if err := tx.Delete(snap.Ref, firestore.LastUpdateTime(snap.UpdateTime)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, 0, stopped(ctx, unavailable(attempt, err, ids...))
	}
	return seen, len(ids), nil
}

// stopped returns the error of an operation that also says why ctx has ended, if it has: Firestore's client turns that
// into a status, by which neither context.Canceled nor context.DeadlineExceeded can be told.
func stopped(ctx context.Context, err error) error {
	if ended := ctx.Err(); ended != nil && !errors.Is(err, ended) {
		return fmt.Errorf("%w (%w)", err, ended)
	}
	return err
}
