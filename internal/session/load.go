package session

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"time"

	"cloud.google.com/go/firestore"
	"github.com/gorilla/sessions"

	"github.com/echofirestore/echofirestore/internal/credential"
	"github.com/echofirestore/echofirestore/internal/document"
	"github.com/echofirestore/echofirestore/internal/telemetry"
)

// A loading is what has come of a load.
type loading struct {
	outcome   telemetry.Outcome
	missing   bool                       // a key of the client has no document, or one that is over
	malformed []*document.MalformedError // the documents that were ignored
	failed    error                      // why a document could not be read
	isNew     bool                       // there is no session, so the handler gets a new one
}

// note notes the result of find for a key of the client: fresh, or from the cache. It reports whether to look for the next one.
func (l *loading) note(doc *document.Document, fresh bool, err error) (next bool) {
	bad, malformed := errors.AsType[*document.MalformedError](err)
	switch {
	case malformed:
		l.malformed = append(l.malformed, bad)
		l.outcome = telemetry.Malformed
		return true
	case errors.Is(err, document.ErrExpired):
		l.missing = true
		if l.outcome != telemetry.Malformed {
			l.outcome = telemetry.Expired
		}
		return true
	case err != nil:
		l.outcome, l.failed = telemetry.Failed, err
		return false
	case doc == nil:
		l.missing = true
		if l.outcome == "" {
			l.outcome = telemetry.Missing
		}
		return true
	case !fresh:
		l.outcome = telemetry.Cached
		return false
	default:
		l.outcome = telemetry.Found
		return false
	}
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
		return &loading{outcome: telemetry.None, isNew: true}
	}
	ctx, cancel := s.contextOfLoad(ctx)
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
		rec.key, rec.version, rec.others = sent.Key, sent.Version, others
		switch {
		case err != nil:
			rec.state, rec.cause = unreadable, err
		case doc != nil:
			rec.state, rec.confirmed = stored, fresh
		default:
			rec.state, rec.missing, done.isNew = absent, done.missing, true
		}
	})
	return &done
}

// contextOfLoad returns a context for one load. It ends with ctx, and after Config.Timeout. If ctx has ended already, that does
// not count: some middleware ends the request's context, and then Echo's error handler asks for the session.
func (s *Store) contextOfLoad(ctx context.Context) (context.Context, context.CancelFunc) {
	if ctx.Err() != nil {
		ctx = context.WithoutCancel(ctx)
	}
	return context.WithTimeout(ctx, s.cfg.Timeout)
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

// reportLoad logs that a document was ignored, or could not be read, because the caller may not get that error or not report
// it. If the client disconnected meanwhile, the level is debug. At that level it also logs why a session is new.
func (s *Store) reportLoad(ctx context.Context, rec *record, l *loading) {
	for _, ignored := range l.malformed {
		s.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "session document ignored", slog.Any("error", ignored),
			slog.String("collection", s.cfg.Collection), slog.Time("update_time", ignored.Updated))
	}
	switch failed := cmp.Or(l.failed, rec.unreadFor()); {
	case failed != nil:
		s.logUnread(ctx, failed)
	case l.isNew && s.cfg.Logger.Enabled(ctx, slog.LevelDebug):
		reason := string(l.outcome)
		if l.outcome == telemetry.None {
			reason = string(rec.lack)
		}
		s.cfg.Logger.LogAttrs(ctx, slog.LevelDebug, "session is new", slog.String("cookie", rec.name),
			slog.String("reason", reason))
	}
}

// logUnread logs why a session could not be read.
func (s *Store) logUnread(ctx context.Context, err error) {
	level := slog.LevelError
	if errors.Is(ctx.Err(), context.Canceled) && errors.Is(err, context.Canceled) {
		level = slog.LevelDebug
	}
	s.cfg.Logger.LogAttrs(ctx, level, "session not loaded", slog.Any("error", err))
}
