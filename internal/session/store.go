package session

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/gorilla/sessions"

	"github.com/echofirestore/echofirestore/internal/credential"
	"github.com/echofirestore/echofirestore/internal/document"
)

// Store keeps sessions in Firestore.
type Store struct {
	cfg         Settings
	face        sessions.Store // the store that sessions.Session.Store returns
	firestore   gateway
	credentials *credential.Scheme
	layout      document.Layout
	writes      *writes
	turns       *turns
	shortKey    shortKeyWarning
}

var _ sessions.Store = (*Store)(nil)

// NewStore returns the Store that cfg describes.
func NewStore(cfg Settings) *Store {
	s := &Store{
		cfg:         cfg,
		firestore:   newGateway(cfg),
		credentials: credential.NewScheme(cfg.CookieName, cfg.KeyFactory, cfg.HashKeys, cfg.SigningKeys),
		layout:      cfg.layout(),
		writes:      newWrites(cfg.Timeout),
		turns:       newTurns(),
	}
	s.face = s
	return s
}

// Face sets the store that sessions.Session.Store returns: the one that the application has.
func (s *Store) Face(face sessions.Store) { s.face = face }

// Get returns the request's session of the given name. The first call reads its document. Every later call, and every
// other way to the session that the middleware offers, returns the same one.
//
// A session is new if its cookie is absent or invalid, or its document is missing, expired or malformed. IsNew is then
// true, and ID and Values are empty. An error means that Firestore did not answer, or that name is not a valid cookie name.
// The session is then empty as well, but a stored one may exist; saving it fails with the same error.
//
// Without the middleware, the session is kept in gorilla's registry, which like all of gorilla/sessions is for one
// goroutine per request, and only Save saves it.
func (s *Store) Get(r *http.Request, name string) (*sessions.Session, error) {
	if x := ExchangeOf(r.Context(), s); x != nil {
		return x.Get(r, name)
	}
	return sessions.GetRegistry(r).Get(s.face, name)
}

// New is Get without the memory: each call loads the session again, and only Save saves what it returns.
func (s *Store) New(r *http.Request, name string) (*sessions.Session, error) {
	sess, rec := s.newSession(r, name, r.TLS != nil)
	return sess, s.load(r.Context(), sess, rec)
}

// Save stores the changes of a session that Get or New returned, at the least cost: if nothing was changed, it writes
// nothing. A new session gets its key and its ID here. A session whose Options.MaxAge is negative is deleted. So is one
// that was emptied, unless another request has saved values in it meanwhile. The cookie goes into w's header, so call Save
// before the first byte of the response.
//
// Headers that keep the response out of caches go with the cookie. Without the middleware or [Store.Handler], code that
// removes headers afterwards also removes these, as http.ServeFile does when it serves an error.
//
// A save completes even if the client disconnects; Config.Timeout limits it. Its errors are ErrGone, ErrConflict,
// ErrTooLarge and ErrCommitted, those of the codec and the key factory, and those of Firestore, with their gRPC status.
func (s *Store) Save(r *http.Request, w http.ResponseWriter, sess *sessions.Session) error {
	rec, err := s.takeRecord(sess)
	if err != nil {
		return err
	}
	err = rec.store.commit(r.Context(), sess, rec)
	s.showHeaders(r, w, rec)
	return err
}

// showHeaders puts the cookie and the cache headers of a session into the header of its response. With the middleware, that
// is the header that the response had at first, whatever w is by now.
func (s *Store) showHeaders(r *http.Request, w http.ResponseWriter, rec *record) {
	if !rec.managed {
		if s.writeHeaders(w.Header(), rec) {
			s.logOverridden(r.Context(), rec.name)
		}
	} else if x := ExchangeOf(r.Context(), s); x != nil {
		x.showHeaders(r.Context())
	}
}

// keepsSame reports whether two stores keep the same sessions: under the same cookie in the same collection.
func (s *Store) keepsSame(other *Store) bool {
	a, b := s.cfg, other.cfg
	return s == other || a.Client == b.Client && a.Collection == b.Collection && a.CookieName == b.CookieName &&
		a.Path == b.Path && a.Domain == b.Domain && a.Partitioned == b.Partitioned
}

func validateName(name string) error {
	if (&http.Cookie{Name: name}).Valid() != nil {
		return rejected(fmt.Errorf("echofirestore: the session name %q is not a valid cookie name", name))
	}
	return nil
}

// newSession returns the session of the given name of a request, and its record. Before it is used, the session must be loaded.
func (s *Store) newSession(r *http.Request, name string, secure bool) (*sessions.Session, *record) {
	sess := sessions.NewSession(s.face, name)
	sess.IsNew = true
	sess.Options = s.options(secure)
	rec := &record{store: s, name: name, options: *sess.Options, maxAge: s.cfg.MaxAge, token: newToken()}
	if err := validateName(name); err != nil {
		rec.state, rec.cause = unreadable, err
	} else {
		keys, lack := s.credentials.Sent(r, name)
		sent, others := cutKey(keys)
		rec.key, rec.version, rec.others = sent.Key, sent.Version, others
		rec.state, rec.lack = unread, lack
	}
	addRecord(sess, rec)
	return sess, rec
}

func (s *Store) options(secure bool) *sessions.Options {
	return &sessions.Options{
		Path:        s.cfg.Path,
		Domain:      s.cfg.Domain,
		MaxAge:      s.cfg.MaxAge,
		Secure:      s.cfg.Secure || secure,
		HttpOnly:    !s.cfg.DisableHTTPOnly,
		Partitioned: s.cfg.Partitioned,
		SameSite:    s.cfg.SameSite,
	}
}

// takeRecord returns the record of a session that this store returned, or of a new one that the caller made with
// sessions.NewSession.
func (s *Store) takeRecord(sess *sessions.Session) (*record, error) {
	if rec := s.recordOf(sess); rec != nil {
		return rec, nil
	}
	if sess.ID != "" {
		return nil, rejected(errors.New("echofirestore: a session with an ID can be saved only by the store that loaded it"))
	}
	if err := validateName(sess.Name()); err != nil {
		return nil, err
	}
	rec := &record{store: s, name: sess.Name(), options: *s.options(false), token: newToken()}
	addRecord(sess, rec)
	return rec, nil
}
