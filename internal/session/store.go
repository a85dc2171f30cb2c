package session

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"cloud.google.com/go/firestore"
	"github.com/gorilla/sessions"

	"github.com/echofirestore/echofirestore/internal/credential"
	"github.com/echofirestore/echofirestore/internal/document"
	"github.com/echofirestore/echofirestore/internal/telemetry"
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

// New is Get without the memory: each call reads the document again, and only Save saves what it returns.
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

// load reads a session unless that was done before. It returns why the session could not be read.
func (s *Store) load(ctx context.Context, sess *sessions.Session, rec *record) error {
	if rec.is(unread) {
		var done *loading
		err := rec.exclusively(func() error {
			if rec.is(unread) {
				done = s.loadAlone(ctx, sess, rec)
			}
			return nil
		})
		if err != nil {
			return err
		}
		if done != nil {
			s.reportLoad(ctx, rec, done)
		}
	}
	return rec.unreadFor()
}

// loadAlone reads the documents of the client's keys, one after another, until one has a living session. If a callback panics,
// the session stays unread.
func (s *Store) loadAlone(ctx context.Context, sess *sessions.Session, rec *record) *loading {
	if rec.key == "" {
		rec.set(func() { rec.state = absent })
		s.firestore.recorder.CountNone(ctx)
		return &loading{outcome: telemetry.None}
	}
	if ctx.Err() != nil {
		// Some middleware ends the request's context, and then Echo's error handler asks for the session.
		ctx = context.WithoutCancel(ctx)
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	ctx, op := s.begin(ctx, telemetry.Load)
	var err error
	defer func() { endOperation(op, err) }()
	sent, others := credential.Sent{Key: rec.key, Version: rec.version}, rec.others
	var doc *document.Document
	var fresh bool
	var done loading
	for ; sent.Key != ""; sent, others = cutKey(others) {
		doc, fresh, err = s.find(ctx, rec.name, sent)
		if !done.note(doc, fresh, err) {
			break // after an error, the next key is not tried: it may be somebody else's
		}
		doc, err = nil, nil
	}
	if doc != nil && err == nil {
		if err = s.adopt(sess, rec, doc); err == nil {
			sess.ID, sess.IsNew = sent.Key, false
		}
	}
	op.Outcome = done.outcome
	rec.set(func() {
		rec.key, rec.others = sent.Key, others
		switch {
		case err != nil:
			rec.state, rec.cause = unreadable, err
		case doc != nil:
			rec.state, rec.confirmed = stored, fresh
		default:
			rec.state, rec.missing = absent, done.missing
		}
	})
	return &done
}

func validateName(name string) error {
	if (&http.Cookie{Name: name}).Valid() != nil {
		return rejected(fmt.Errorf("echofirestore: the session name %q is not a valid cookie name", name))
	}
	return nil
}

// adopt fills a session with the contents of a document.
func (s *Store) adopt(sess *sessions.Session, rec *record, doc *document.Document) error {
	values, err := s.layout.CopyValues(doc)
	if err != nil {
		return rejected(err)
	}
	fill(sess, values)
	sess.Options.MaxAge = doc.MaxAge
	rec.set(func() { rec.doc, rec.values, rec.maxAge = doc, doc.Values, doc.MaxAge })
	return nil
}

// fill replaces the session's values, in the same map, because handlers may hold it.
func fill(sess *sessions.Session, values map[string]any) {
	if sess.Values == nil {
		sess.Values = make(map[any]any, len(values))
	}
	clear(sess.Values)
	for key, v := range values {
		sess.Values[key] = v
	}
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

// find returns the living session with the given name and key, and errors as read does. If the client's cookie names a
// version, it may be an older one than that which is stored, from the cache; then it is not fresh. Without Config.HashKeys,
// find ignores a document that is stored under a hash: otherwise the ID of that document would open its session.
func (s *Store) find(ctx context.Context, name string, sent credential.Sent) (doc *document.Document, fresh bool, err error) {
	id, err := s.credentials.DocumentID(name, sent.Key)
	if err != nil {
		return nil, false, rejected(err)
	}
	doc, fresh, err = s.recall(ctx, id, sent.Version)
	if doc != nil && doc.Hashed() && !s.cfg.HashKeys {
		return nil, false, nil
	}
	return doc, fresh, err
}

// recall is as read, but a document that is not older than the given version may come from the cache.
func (s *Store) recall(ctx context.Context, id string, version time.Time) (doc *document.Document, fresh bool, err error) {
	found, fresh, err := s.firestore.load(ctx, id, version)
	if err == nil && !fresh {
		if doc, err := s.layout.Parse(*found, s.cfg.Now()); err == nil {
			return doc, false, nil
		}
		found, err = s.firestore.get(ctx, id) // another process may have extended it
	}
	doc, err = s.living(ctx, found, err)
	return doc, true, err
}

// read returns the living session in the document with the given ID, nil if there is none. Its errors are those of living.
func (s *Store) read(ctx context.Context, id string) (*document.Document, error) {
	found, err := s.firestore.get(ctx, id)
	return s.living(ctx, found, err)
}

// living returns the living session in a document that was just read, nil if there is none. It deletes an expired session, but
// only in the version that was read: if another request has extended it meanwhile, it is alive. Errors are that of the read,
// those of Firestore, and *document.MalformedError together with what could be read.
func (s *Store) living(ctx context.Context, found *document.Stored, err error) (*document.Document, error) {
	for retried := false; err == nil && found != nil; retried = true {
		doc, err := s.layout.Parse(*found, s.cfg.Now())
		if !errors.Is(err, document.ErrExpired) {
			return doc, err
		}
		id := found.ID
		err = s.firestore.delete(ctx, "delete expired session", id, firestore.LastUpdateTime(found.Updated))
		switch {
		case err != nil && !movedOn(err) && !outcomeUnknown(err) && !errors.Is(err, ErrConflict):
			return nil, err
		case err == nil || retried || errors.Is(err, ErrConflict):
			return nil, document.ErrExpired // whether or not its document is gone
		}
		if found, err = s.firestore.get(ctx, id); err != nil {
			return nil, err
		}
	}
	return nil, err
}

// ifAlive converts the result of reading a document that was read or written before: if it is malformed now, or its session
// is over, it does not hold a session.
func ifAlive(doc *document.Document, err error) (*document.Document, error) {
	if _, malformed := errors.AsType[*document.MalformedError](err); malformed || errors.Is(err, document.ErrExpired) {
		return nil, nil
	}
	return doc, err
}
