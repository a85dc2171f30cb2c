package session

import (
	"context"
	"slices"

	"cloud.google.com/go/firestore"

	"github.com/echofirestore/echofirestore/internal/credential"
	"github.com/echofirestore/echofirestore/internal/telemetry"
)

// Revoke ends one session of a user, wherever it is in use: the one that has this ID in [Store.Sessions]. It returns
// [ErrGone] if the user has no such session, because it was ended or renewed meanwhile, or because it belongs to somebody
// else. If the answer to its delete is lost, ErrGone may stand for that delete. It costs what Sessions costs, and one delete.
func (s *Store) Revoke(ctx context.Context, user, id string) (err error) {
	query, err := s.sessionsOf(user)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	ctx, op := s.begin(ctx, telemetry.Revoke)
	defer func() { endDeleting(op, err) }()
	snaps, err := s.firestore.query(ctx, "revoke session", query.Select())
	if err != nil {
		return err
	}
	i := slices.IndexFunc(snaps, func(snap *firestore.DocumentSnapshot) bool { return credential.PublicID(snap.Ref.ID) == id })
	if i < 0 {
		return gone()
	}
	remove := func() error { return s.firestore.delete(ctx, "revoke session", snaps[i].Ref.ID, firestore.Exists) }
	err = remove()
	if outcomeUnknown(err) { // the precondition of another one tells whether it was applied
		if again := remove(); again == nil || movedOn(again) {
			err = again
		}
	}
	if movedOn(err) {
		return gone()
	}
	return err
}

// RevokeUser ends all sessions of a user, except those with the given IDs, and returns how many it has ended. To sign
// somebody out everywhere but here, for example after a new password:
//
//	ended, err := store.RevokeUser(ctx, user, store.SessionID(sess))
//
// A session that another request renews meanwhile does not escape. RevokeUser works in batches, as [Store.DeleteExpired]
// does. It costs one read for each session of the user, spared or not, at least one, and one delete for each that ends.
// After more than one batch, it looks again for sessions that were renewed meanwhile: that costs one read for each spared
// session, at least one. On an error, it may have ended some sessions already, at least as many as it returns.
func (s *Store) RevokeUser(ctx context.Context, user string, except ...string) (int, error) {
	query, err := s.sessionsOf(user)
	if err != nil {
		return 0, err
	}
	return s.sweep(ctx, sweep{
		kind:     telemetry.RevokeUser,
		attempt:  "revoke sessions",
		query:    query.Select(),
		spare:    except,
		complete: true,
	})
}

// RevokeAll ends all sessions and returns how many: it deletes every document of Config.Collection. It works in batches and
// costs as much as [Store.DeleteExpired]. After more than one batch, it looks for sessions that were renewed meanwhile, for
// one more read.
func (s *Store) RevokeAll(ctx context.Context) (int, error) {
	return s.sweep(ctx, sweep{
		kind:     telemetry.RevokeAll,
		attempt:  "revoke all sessions",
		query:    s.firestore.collection.Select(),
		complete: true,
	})
}
