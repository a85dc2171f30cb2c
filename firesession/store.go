package firesession

import (
	"context"
	"net/http"
	"time"

	"github.com/gorilla/sessions"

	"github.com/echofirestore/echofirestore/internal/bridge"
	"github.com/echofirestore/echofirestore/internal/session"
)

// Store keeps sessions in Firestore. It implements gorilla's [sessions.Store], for any net/http program, and
// [Store.Handler] saves its sessions automatically. It is safe for concurrent use, starts no goroutine and needs no
// closing.
type Store struct {
	core         *session.Store
	errorHandler func(http.ResponseWriter, *http.Request, error)
}

var _ sessions.Store = (*Store)(nil)

func init() {
	bridge.Core = func(store any) *session.Store { return store.(*Store).core }
}

// NewStore returns the Store that cfg describes, or an error that names what is wrong with cfg.
func NewStore(cfg Config) (*Store, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	s := &Store{core: session.NewStore(cfg.settings()), errorHandler: cfg.ErrorHandler}
	s.core.Face(s)
	return s, nil
}

// Get returns the request's session called name, reading its document on the first call. Every later call, and every
// other way to the session that the middleware offers, returns the same one.
//
// A session whose cookie is absent or invalid, or whose document is missing, expired or malformed, is new: its IsNew is
// true, its ID and Values are empty. An error means that Firestore did not answer, or that name is not a valid cookie name;
// the session is empty then too, but it is not known to be, and saving it fails with the same error.
//
// Without the middleware, the session is kept in gorilla's registry, which like all of gorilla/sessions is made for one
// goroutine per request. Nothing is then saved but by Save.
func (s *Store) Get(r *http.Request, name string) (*sessions.Session, error) {
	return s.core.Get(r, name)
}

// New is Get without the memory: it reads the document again on every call, and only Save saves what it returns.
func (s *Store) New(r *http.Request, name string) (*sessions.Session, error) {
	return s.core.New(r, name)
}

// Save stores the changes of a session that Get or New returned, at the least cost: nothing is written if nothing was
// changed. A session that is new gets its key and its ID here; one whose Options.MaxAge is negative is deleted, and so is
// one that was emptied, unless another request has stored something. The cookie goes into w's header, so Save must come
// before the first byte of the response.
//
// With the cookie come headers that keep the response out of caches. What removes headers afterwards takes them away again
// without the middleware or [Store.Handler], as http.ServeFile does when it serves an error.
//
// The request's cancellation does not cancel a save; Config.Timeout bounds it. Errors are ErrGone, ErrConflict,
// ErrTooLarge and ErrCommitted, those of the codec and the key factory, and those of Firestore, with their gRPC status.
func (s *Store) Save(r *http.Request, w http.ResponseWriter, sess *sessions.Session) error {
	return s.core.Save(r, w, sess)
}

// Update changes the request's session called name by fn and saves it, as one step, as the function [Update] does; the
// cookie goes into w's header. It is for programs without the middleware.
func (s *Store) Update(r *http.Request, w http.ResponseWriter, name string, fn func(*sessions.Session) error) error {
	return s.core.Update(r, w, name, fn)
}

// SessionID returns the ID that [Store.Sessions] shows a session under, and "" for one that is not stored yet.
func (s *Store) SessionID(sess *sessions.Session) string {
	return s.core.SessionID(sess)
}

// Ended reports whether the client came with the key of a session that is over: sess is the new one in its place, or was
// found to be gone when it was saved. A key that somebody has made up looks the same, unless there are SigningKeys.
// If one of several cookies of the name opens a session, the others do not count.
func (s *Store) Ended(sess *sessions.Session) bool {
	return s.core.Ended(sess)
}

// Sessions returns the living sessions of a user, the last saved first. The user is the text of the session value that
// Config.UserKey names: of a number its decimal digits. It costs one read for each session that is stored of the user,
// and one if there is none.
func (s *Store) Sessions(ctx context.Context, user string) ([]SessionInfo, error) {
	infos, err := s.core.Sessions(ctx, user)
	if err != nil {
		return nil, err
	}
	sessions := make([]SessionInfo, len(infos))
	for i, info := range infos {
		sessions[i] = SessionInfo(info)
	}
	return sessions, nil
}

// Revoke ends one session of a user, wherever it is in use: the one that [Store.Sessions] shows under id. It returns
// [ErrGone] if the user has no such session, be it that it was ended or renewed meanwhile, or that it is somebody
// else's. It costs what Sessions costs, and one delete.
func (s *Store) Revoke(ctx context.Context, user, id string) error {
	return s.core.Revoke(ctx, user, id)
}

// RevokeUser ends all sessions of a user, but for those whose IDs are given, and returns how many it has ended. To sign
// somebody out everywhere but here, as after a new password:
//
//	ended, err := store.RevokeUser(ctx, user, store.SessionID(sess))
//
// A session that another request renews meanwhile does not escape. It works in batches as [Store.DeleteExpired] does, and
// costs one read for each session of the user, spared or not, at least one read, and one delete for each that ends. If
// there was more than one batch, it looks again for what was renewed meanwhile, for one read for each that is spared, at
// least one. On an error, some sessions may have been ended already: at least so many as it returns.
func (s *Store) RevokeUser(ctx context.Context, user string, except ...string) (int, error) {
	return s.core.RevokeUser(ctx, user, except...)
}

// RevokeAll ends all sessions, and returns how many: it deletes every document of Config.Collection. It works in batches
// as [Store.DeleteExpired] does, and costs as much; if there was more than one batch, it looks for what was renewed
// meanwhile, for one read more.
func (s *Store) RevokeAll(ctx context.Context) (int, error) {
	return s.core.RevokeAll(ctx)
}

// DeleteExpired deletes the documents of sessions that have expired, and returns how many. It is for databases without a
// TTL policy on the field expire, and needs that field to be indexed, as Firestore does by default. A session that is
// extended meanwhile survives.
//
// It costs one read and one delete for each document, and one read to find that there is none, or no other after a full
// batch. A batch is a transaction that deletes 500 documents, or where Firestore refuses that many for their size, as
// many as it takes: those in a batch that was refused are read again.
//
// Each batch has Config.Timeout. If one fails or ctx ends, what was deleted stays deleted and is counted, and the next
// call goes on.
func (s *Store) DeleteExpired(ctx context.Context) (int, error) {
	return s.core.DeleteExpired(ctx)
}

// SessionInfo is what the user of a session may know of it.
type SessionInfo struct {
	// ID tells the session from the user's other ones, and is what [Store.Revoke] takes. It is a hash, and no
	// credential: who sees it cannot use the session. It changes when the session is renewed.
	ID string

	// Began is when the session began. Renewing it does not change that.
	Began time.Time

	// Saved is when the session was last changed, or extended as Config.TouchAfter says, by Firestore's clock.
	Saved time.Time

	// Expires is when the session ends unless it is saved before: the zero time if it has no limit.
	Expires time.Time

	// MaxAge is how long each save extends the session, in seconds: 0 if it is to end with the browser.
	MaxAge int

	// Values are those of the session: the application may have kept in them what device it is on, say.
	Values map[string]any
}
