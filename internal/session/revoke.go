package session

import (
	"context"
	"slices"

	"cloud.google.com/go/firestore"

	"github.com/echofirestore/echofirestore/internal/credential"
	"github.com/echofirestore/echofirestore/internal/document"
	"github.com/echofirestore/echofirestore/internal/telemetry"
)

// Revoke ends one session of a user, wherever it is in use: the one that has this ID in [Store.Sessions]. It returns
// [ErrGone] if the user has no such session, because it was ended or renewed meanwhile, or because it belongs to somebody
// else. It costs what Sessions costs, and one delete; if the answer to that is lost, one read and perhaps another delete.
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
		s.firestore.cache.DropIf(func(doc *document.Stored) bool { return credential.PublicID(doc.ID) == id })
		return gone()
	}
	revoked := snaps[i].Ref.ID
	if err = s.firestore.delete(ctx, "revoke session", revoked, firestore.Exists); outcomeUnknown(err) {
		// Whether it was applied is looked up: a delete that finds nothing makes a span that quotes the name of the document.
		found, unread := s.firestore.get(ctx, revoked)
		if unread == nil && (found == nil || s.firestore.delete(ctx, "revoke session", revoked) == nil) {
			return nil
		}
	}
	if movedOn(err) {
		return gone()
	}
	return err
}

// RevokeUser ends all sessions of a user, except those with the given IDs, and returns how many it has ended.
//
// A session that another request renews meanwhile does not escape. RevokeUser works in batches, as [Store.DeleteExpired]
// does. It costs one read for each session of the user, spared or not, at least one, and one delete for each that ends.
// After more than one batch, it looks again for sessions that were renewed meanwhile: that costs one read for each spared
// session, at least one. On an error, it may have ended some sessions already, at least as many as it returns.
func (s *Store) RevokeUser(ctx context.Context, user string, except []string, progress Progress) (int, error) {
	query, err := s.sessionsOf(user)
	if err != nil {
		return 0, err
	}
	defer s.firestore.cache.DropIf(func(doc *document.Stored) bool {
		return doc.Fields[document.FieldUser] == user && !slices.Contains(except, credential.PublicID(doc.ID))
	})
	return s.sweep(ctx, sweep{
		kind:     telemetry.RevokeUser,
		attempt:  "revoke sessions",
		query:    query.Select(),
		spare:    except,
		complete: true,
		progress: progress,
	})
}

// RevokeAll ends all sessions and returns how many: it deletes every document of Config.Collection. It works in batches and
// costs as much as [Store.DeleteExpired]. After more than one batch, it looks for sessions that were renewed meanwhile, for
// one more read.
func (s *Store) RevokeAll(ctx context.Context, progress Progress) (int, error) {
	defer s.firestore.cache.DropIf(func(*document.Stored) bool { return true })
	return s.sweep(ctx, sweep{
		kind:     telemetry.RevokeAll,
		attempt:  "revoke all sessions",
		query:    s.firestore.collection.Select(),
		complete: true,
		progress: progress,
	})
}

// RevokeByID ends the sessions that have these IDs in [Store.All], whoever they belong to, and returns those that it has
// ended. It looks for them among all documents, which costs one read for each until all are found, at least one, and one
// delete for each session that ends. Progress is told how many documents it has looked at.
func (s *Store) RevokeByID(ctx context.Context, ids []string, progress Progress) (ended []string, err error) {
	query := s.firestore.collection.OrderBy(firestore.DocumentID, firestore.Asc).Select().Limit(maxBatch)
	looked := 0
	for page := query; ; {
		found, snaps, err := s.revokePage(ctx, page, ids)
		ended, looked = append(ended, found...), looked+len(snaps)
		if err != nil || len(ended) == len(ids) || len(snaps) < maxBatch {
			return ended, err
		}
		if progress != nil {
			if err := progress(looked); err != nil {
				return ended, err
			}
		}
		page = query.StartAfter(snaps[len(snaps)-1].Ref.ID)
	}
}

// revokePage ends those sessions among the results of a query that have one of these IDs.
func (s *Store) revokePage(
	ctx context.Context, page firestore.Query, ids []string,
) (ended []string, snaps []*firestore.DocumentSnapshot, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	ctx, op := s.begin(ctx, telemetry.Revoke)
	defer func() { endDeleting(op, err) }()
	if snaps, err = s.firestore.query(ctx, "revoke sessions", page); err != nil {
		return nil, nil, err
	}
	for _, snap := range snaps {
		id := credential.PublicID(snap.Ref.ID)
		if !slices.Contains(ids, id) {
			continue
		}
		err := s.firestore.delete(ctx, "revoke session", snap.Ref.ID, firestore.Exists)
		switch {
		case err == nil:
			ended = append(ended, id)
		case !movedOn(err):
			return ended, snaps, err
		}
	}
	return ended, snaps, nil
}
