package session

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"cloud.google.com/go/firestore"
	"github.com/gorilla/sessions"

	"github.com/echofirestore/echofirestore/internal/credential"
	"github.com/echofirestore/echofirestore/internal/document"
)

// An Info is what firesession.SessionInfo is.
type Info struct {
	ID                    string
	Began, Saved, Expires time.Time
	MaxAge                int
	Values                map[string]any
}

// SessionID returns the ID of a session in [Store.Sessions], or "" if the session is not stored yet.
func (s *Store) SessionID(sess *sessions.Session) string {
	rec := s.recordOf(sess)
	if rec == nil {
		return ""
	}
	rec.mu.Lock()
	defer rec.mu.Unlock()
	if rec.doc == nil {
		return ""
	}
	return credential.PublicID(rec.doc.ID)
}

// Ended reports whether the client sent the key of a session that is over: sess is the new one in its place, or a save
// found that sess had ended. Without SigningKeys, a made-up key looks the same. If one of several cookies of the name opens
// a session, the others do not count.
func (s *Store) Ended(sess *sessions.Session) bool {
	rec := s.recordOf(sess)
	if rec == nil {
		return false
	}
	rec.mu.Lock()
	defer rec.mu.Unlock()
	return rec.missing || rec.state.in(vanished, dropped)
}

// Sessions returns the living sessions of a user, the last saved first. The user is the session value that Config.UserKey
// names, as text: of a number, its decimal digits. It costs one read for each stored session of the user, and at least one.
func (s *Store) Sessions(ctx context.Context, user string) ([]Info, error) {
	query, err := s.sessionsOf(user)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	snaps, err := s.firestore.query(ctx, "list sessions", query)
	if err != nil {
		return nil, err
	}
	var infos []Info
	now := s.cfg.Now()
	for _, snap := range snaps {
		doc, err := s.layout.Parse(asStored(snap), now)
		if err != nil {
			continue // no session, or none that is alive
		}
		infos = append(infos, Info{
			ID: credential.PublicID(doc.ID), Began: doc.Started, Saved: doc.Version, Expires: doc.Expire,
			MaxAge: doc.MaxAge, Values: doc.Values,
		})
	}
	slices.SortFunc(infos, func(a, b Info) int {
		return cmp.Or(b.Saved.Compare(a.Saved), cmp.Compare(a.ID, b.ID))
	})
	return infos, nil
}

// Revoke ends one session of a user, wherever it is in use: the one that has this ID in [Store.Sessions]. It returns
// [ErrGone] if the user has no such session, because it was ended or renewed meanwhile, or because it belongs to somebody
// else. It costs what Sessions costs, and one delete.
func (s *Store) Revoke(ctx context.Context, user, id string) error {
	query, err := s.sessionsOf(user)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	snaps, err := s.firestore.query(ctx, "revoke session", query.Select())
	if err != nil {
		return err
	}
	i := slices.IndexFunc(snaps, func(snap *firestore.DocumentSnapshot) bool { return credential.PublicID(snap.Ref.ID) == id })
	if i < 0 {
		return gone()
	}
	err = s.firestore.delete(ctx, "revoke session", snaps[i].Ref.ID, firestore.Exists)
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
	return s.sweep(ctx, sweep{attempt: "revoke sessions", query: query.Select(), spare: except, complete: true})
}

func (s *Store) sessionsOf(user string) (firestore.Query, error) {
	if s.cfg.UserKey == "" {
		return firestore.Query{}, errors.New("echofirestore: without a Config.UserKey nobody's sessions can be found: " +
			"it must name the session value that identifies the user")
	}
	if user == "" {
		return firestore.Query{}, errors.New("echofirestore: the user is empty: it must be the text of the session value " +
			"that Config.UserKey names")
	}
	return s.firestore.collection.Where(document.FieldUser, "==", user), nil
}
