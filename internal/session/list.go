package session

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"slices"
	"time"

	"cloud.google.com/go/firestore"
	"github.com/gorilla/sessions"

	"github.com/echofirestore/echofirestore/internal/credential"
	"github.com/echofirestore/echofirestore/internal/document"
	"github.com/echofirestore/echofirestore/internal/telemetry"
)

// An Info is what firesession.SessionInfo is.
type Info struct {
	ID, User              string
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

// Sessions is firesession.Store.Sessions, of at most so many documents, or of all for 0.
func (s *Store) Sessions(ctx context.Context, user string, atMost int) ([]Info, error) {
	query, err := s.sessionsOf(user)
	if err != nil {
		return nil, err
	}
	if atMost > 0 {
		query = query.Limit(atMost)
	}
	infos, _, err := s.list(ctx, query)
	slices.SortFunc(infos, func(a, b Info) int {
		return cmp.Or(b.Saved.Compare(a.Saved), cmp.Compare(a.ID, b.ID))
	})
	return infos, err
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

// pageSize is how many documents All reads at a time. They have at most 100 MiB together.
const pageSize = 100

// All is firesession.Store.All.
func (s *Store) All(ctx context.Context) iter.Seq2[Info, error] {
	return func(yield func(Info, error) bool) {
		query := s.firestore.collection.OrderBy(firestore.DocumentID, firestore.Asc).Limit(pageSize)
		for page := query; ; {
			infos, snaps, err := s.list(ctx, page)
			if err != nil {
				yield(Info{}, err)
				return
			}
			for _, info := range infos {
				if !yield(info, nil) {
					return
				}
			}
			if len(snaps) < pageSize {
				return
			}
			page = query.StartAfter(snaps[len(snaps)-1].Ref.ID)
		}
	}
}

// list returns the documents that a query finds, and the living sessions in them.
func (s *Store) list(
	ctx context.Context, query firestore.Query,
) (infos []Info, snaps []*firestore.DocumentSnapshot, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	ctx, op := s.begin(ctx, telemetry.List)
	defer func() { endOperation(op, err) }()
	if snaps, err = s.firestore.query(ctx, "list sessions", query); err != nil {
		return nil, nil, err
	}
	now := s.cfg.Now()
	for _, snap := range snaps {
		doc, err := s.layout.Parse(asStored(snap), now)
		if err != nil {
			continue // no session, or none that is alive
		}
		infos = append(infos, Info{
			ID: credential.PublicID(doc.ID), User: doc.User, Began: doc.Started, Saved: doc.Version, Expires: doc.Expire,
			MaxAge: doc.MaxAge, Values: doc.Values,
		})
	}
	op.Outcome = telemetry.Found
	if len(infos) == 0 {
		op.Outcome = telemetry.None
	}
	return infos, snaps, nil
}
