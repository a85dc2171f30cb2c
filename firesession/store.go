package firesession

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"time"

	"github.com/gorilla/sessions"

	"github.com/echofirestore/echofirestore/internal/bridge"
	"github.com/echofirestore/echofirestore/internal/session"
)

// Store keeps sessions in Firestore. It implements gorilla's [sessions.Store] for any net/http program, and [Store.Handler]
// saves its sessions automatically. It is safe for concurrent use, starts no goroutine, and need not be closed.
type Store struct {
	core         *session.Store
	errorHandler func(http.ResponseWriter, *http.Request, error)
}

var _ sessions.Store = (*Store)(nil)

func init() {
	bridge.Core = func(store any) *session.Store { return store.(*Store).core }
}

// NewStore returns a Store, or an error that names everything that is wrong with cfg.
func NewStore(cfg Config) (*Store, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	s := &Store{core: session.NewStore(cfg.settings()), errorHandler: cfg.ErrorHandler}
	s.core.Face(s)
	return s, nil
}

// Get returns the request's session of the given name. The first call reads its document. Every later call, and every
// other way to the session that the middleware offers, returns the same one.
//
// A session is new if its cookie is absent or invalid, or its document is missing, expired or malformed. IsNew is then
// true, and ID and Values are empty. An error means that Firestore did not answer, or that name is not a valid cookie name.
// The session is then empty as well, but a stored one may exist; saving it fails with the same error.
//
// Without the middleware, the session is kept in gorilla's registry, which only one goroutine per request may use, and only
// Save saves it.
func (s *Store) Get(r *http.Request, name string) (*sessions.Session, error) {
	return s.core.Get(r, name)
}

// New is like Get, but does not remember the session: each call loads it again, and only Save saves what it returns.
func (s *Store) New(r *http.Request, name string) (*sessions.Session, error) {
	return s.core.New(r, name)
}

// Save stores the changes of a session that Get or New returned. If nothing was changed, it writes nothing. A new session
// gets its key and its ID here. A session whose Options.MaxAge is negative is deleted. So is an emptied one, unless another
// request has saved values in it meanwhile. Save adds the cookie to w's header, so call it before the first byte of the
// response.
//
// With the cookie, Save sets headers that keep the response out of caches. Without the middleware or [Store.Handler], code
// that removes headers afterwards also removes these, as http.ServeFile does when it serves an error.
//
// A save completes even if the client disconnects; Config.Timeout limits it. Its errors are ErrGone, ErrConflict,
// ErrTooLarge and ErrCommitted, those of the codec and the key factory, and those of Firestore, with their gRPC status.
func (s *Store) Save(r *http.Request, w http.ResponseWriter, sess *sessions.Session) error {
	return s.core.Save(r, w, sess)
}

// Update calls fn to change the request's session of the given name, and saves it, as one step. It works like the function
// [Update], for programs without the middleware. The cookie goes into w's header.
func (s *Store) Update(r *http.Request, w http.ResponseWriter, name string, fn func(*sessions.Session) error) error {
	return s.core.Update(r, w, name, fn)
}

// Refresh reads the request's session of the given name as it is stored now. It works like the function [Refresh], for
// programs without the middleware. If nothing has asked for the session before, it costs another read.
func (s *Store) Refresh(r *http.Request, name string) error { return s.core.Refresh(r, name) }

// SessionID returns the ID of a session in [Store.Sessions], or "" if the session is not stored yet.
func (s *Store) SessionID(sess *sessions.Session) string {
	return s.core.SessionID(sess)
}

// Ended reports whether the client sent the key of a session that is over: sess is the new session in its place, or a save
// found that sess had ended. Without SigningKeys, it also reports true for a made-up key. If one of several cookies of the
// name opens a session, the others do not count.
func (s *Store) Ended(sess *sessions.Session) bool {
	return s.core.Ended(sess)
}

// Sessions returns the living sessions of a user, the most recently saved first. The user is the session value that
// Config.UserKey names, as text; a number is written in decimal digits. Sessions costs one read for each stored session of
// the user, and at least one. [AtMost] limits that.
func (s *Store) Sessions(ctx context.Context, user string, opts ...ListOption) ([]SessionInfo, error) {
	var list listOptions
	for _, opt := range opts {
		if err := opt(&list); err != nil {
			return nil, err
		}
	}
	infos, err := s.core.Sessions(ctx, user, list.atMost)
	if err != nil {
		return nil, err
	}
	sessions := make([]SessionInfo, len(infos))
	for i, info := range infos {
		sessions[i] = SessionInfo(info)
	}
	return sessions, nil
}

// A ListOption is an option of [Store.Sessions].
type ListOption func(*listOptions) error

type listOptions struct {
	atMost int
}

// AtMost makes [Store.Sessions] read at most n documents, where n is at least 1. It is for users with a great many
// sessions, such as bots. If there are more than n, Sessions returns n or fewer of them, not necessarily the latest.
func AtMost(n int) ListOption {
	return func(list *listOptions) error {
		if n < 1 {
			return fmt.Errorf("echofirestore: AtMost(%d): it must be at least 1", n)
		}
		list.atMost = n
		return nil
	}
}

// All returns an iterator over all living sessions, in no particular order. It reads 100 documents at a time, each
// time within Config.Timeout, and keeps no more in memory. It costs one read for each stored session, and at least one. An
// error comes with the zero SessionInfo and ends the iteration. Sessions that begin or are renewed during the iteration may
// be missing.
func (s *Store) All(ctx context.Context) iter.Seq2[SessionInfo, error] {
	return func(yield func(SessionInfo, error) bool) {
		for info, err := range s.core.All(ctx) {
			if !yield(SessionInfo(info), err) {
				return
			}
		}
	}
}

// Revoke ends the session of a user that has this ID in [Store.Sessions], wherever it is in use. It returns [ErrGone] if
// the user has no such session, because it was ended or renewed meanwhile, or because it belongs to another user. It costs
// as much as Sessions, and one delete. If the answer to that is lost, it costs one read more, and perhaps another delete.
func (s *Store) Revoke(ctx context.Context, user, id string) error {
	return s.core.Revoke(ctx, user, id)
}

// RevokeUser ends all sessions of a user, except those with the given IDs, and returns how many it has ended. To sign a
// user out everywhere but here, for example after a change of the password:
//
//	ended, err := store.RevokeUser(ctx, user, store.SessionID(sess))
//
// A session that another request renews meanwhile does not escape. RevokeUser works in batches, as [Store.DeleteExpired]
// does. It costs one read for each session of the user, including those that it spares, at least one, and one delete for
// each that it ends. After more than one batch, it looks again for sessions that were renewed meanwhile, which costs one
// read for each spared session, at least one. If it returns an error, it has ended at least as many sessions as it returns.
func (s *Store) RevokeUser(ctx context.Context, user string, except ...string) (int, error) {
	return s.core.RevokeUser(ctx, user, except, nil)
}

// RevokeAll ends all sessions and returns their number. It deletes every document of Config.Collection. It works in batches
// and costs as much as [Store.DeleteExpired]. After more than one batch, it looks for sessions that were renewed meanwhile,
// which costs one more read.
func (s *Store) RevokeAll(ctx context.Context) (int, error) {
	return s.core.RevokeAll(ctx, nil)
}

// DeleteExpired deletes the documents of expired sessions and returns their number. It is for databases without a TTL
// policy on the field expire. It needs an index on that field, which Firestore has by default. A session that another
// request extends meanwhile survives.
//
// It costs one read and one delete for each document, and one more read if it finds no document, or none after a full
// batch. A batch is a transaction that deletes up to 500 documents. If Firestore refuses that many because they are too
// large, a batch is smaller, and the documents of the refused batch are read again.
//
// Config.Timeout limits each batch. If a batch fails or ctx ends, the documents that were deleted stay deleted and are
// counted, and the next call continues.
func (s *Store) DeleteExpired(ctx context.Context) (int, error) {
	return s.core.DeleteExpired(ctx, nil)
}

// Check reports whether this Store can read sessions now, for a readiness probe. It reads a document that never exists, by
// its ID, in Config.Collection. That costs one read, and takes at most Config.Timeout.
//
// A nil error proves that the credentials are valid, that the database exists and answers, and that this program may read
// it. It does not prove that the program may write, or that there are indexes or a TTL policy: the command echofirestore
// check does. The error is that of a load that fails: it says which database did not answer and within what time, and has
// Firestore's gRPC status.
//
// Do not restart a program because of it: a restart does not repair Firestore. If anyone can call the probe, remember its
// result for a few seconds, since each call is billed.
func (s *Store) Check(ctx context.Context) error {
	return s.core.Check(ctx)
}

// SessionInfo describes a session to its user, for example in a list of devices.
type SessionInfo struct {
	// ID distinguishes the session from the user's other ones, for Store.Revoke. It is a hash of
	// the document's ID, not a credential: nobody can open the session with it. It changes when the
	// session is renewed.
	ID string

	// User is the user that is stored with the session, as text: the session value that
	// Config.UserKey named when it was saved. It is "" if there was none.
	User string

	// Began is when the session began. Renewing it does not change that.
	Began time.Time

	// Saved is when the session was last changed, or extended by Config.TouchAfter, by Firestore's
	// clock.
	Saved time.Time

	// Expires is when the session ends unless it is saved before. It is zero if there is no limit.
	Expires time.Time

	// MaxAge is how long the session lives after a save, in seconds. It is 0 if the cookie lives
	// until the browser closes.
	MaxAge int

	// Values are those of the session. An application can keep a description of the device in them,
	// for example. The caller may change the map.
	Values map[string]any
}
