package session

import (
	"context"
	"net/http"

	"github.com/gorilla/sessions"

	"github.com/echofirestore/echofirestore/internal/credential"
	"github.com/echofirestore/echofirestore/internal/document"
	"github.com/echofirestore/echofirestore/internal/telemetry"
)

// Refresh reads the request's session of the given name as it is stored now. It works as the function [Refresh] does, for
// programs without the middleware. There, it costs another read if nothing has asked for the session before.
func (s *Store) Refresh(r *http.Request, name string) error {
	if x := ExchangeOf(r.Context(), s); x != nil {
		return x.refresh(r.Context(), name)
	}
	sess, unread := s.Get(r, name)
	if sess == nil {
		return unread
	}
	rec, err := s.takeRecord(sess) // also if it could not be read: gorilla's registry returns that error again and again
	if err != nil {
		return err
	}
	return rec.store.refresh(r.Context(), sess, rec)
}

// Refresh reads the session as it is stored now.
func (x *Exchange) Refresh(ctx context.Context) error { return x.refresh(ctx, x.store.cfg.CookieName) }

func (x *Exchange) refresh(ctx context.Context, name string) error {
	o := x.unread(name, false)
	err := x.store.refresh(ctx, o.Session, o.rec)
	if o.held == "" {
		x.hold(o.rec)
	}
	x.showHeaders(ctx) // also with an error: the session may be over, and an earlier save may have set its cookie
	return err
}

// refresh reads a session as it is stored now, and logs a failure. What the handler has changed stays, on top of that.
func (s *Store) refresh(ctx context.Context, sess *sessions.Session, rec *record) error {
	if rec.isUpdating() {
		return errUpdating()
	}
	var done *loading
	err := rec.exclusively(func() (err error) {
		switch {
		case rec.key == "" && rec.state == unreadable: // the name is not valid
			return rec.cause
		case rec.state.in(unread, unreadable):
			if done, err = s.loadAgain(ctx, sess, rec); err == nil && rec.state == absent && rec.missing {
				return gone()
			}
			return err
		case rec.state == stored:
			done, err = s.readAgain(ctx, sess, rec)
			return err
		case rec.state.in(vanished, dropped), rec.state == absent && rec.missing: // the session in its place is new
			clear(sess.Values)
			return gone()
		default:
			return rec.cause // nil, or why the session could not be ended
		}
	})
	if done != nil { // without the token: the Logger may use the session
		s.reportLoad(ctx, rec, done)
	}
	return err
}

// loadAgain loads a session that was not read yet, or could not be, and returns why it could not be. What a handler has set in a
// session that could not be read does not follow from what is stored: it must not be saved on top of that.
func (s *Store) loadAgain(ctx context.Context, sess *sessions.Session, rec *record) (*loading, error) {
	if rec.state == unreadable && len(sess.Values) > 0 {
		return nil, rec.cause
	}
	rec.set(rec.forgetVersions) // not from the cache
	done := s.loadAlone(ctx, sess, rec)
	if rec.state == unreadable {
		return done, rec.cause
	}
	return done, nil
}

// readAgain reads a session that was read before.
func (s *Store) readAgain(ctx context.Context, sess *sessions.Session, rec *record) (*loading, error) {
	p, err := rec.pending(sess)
	if err != nil {
		return nil, err
	}
	ctx, cancel := s.contextOfLoad(ctx)
	defer cancel()
	found, done, err := s.readStored(ctx, rec)
	if err != nil {
		return done, err
	}
	if found == nil {
		rec.vanish()
		rec.reported()
		clear(sess.Values)
		return done, gone()
	}
	s.turns.learn(found)
	rec.confirm(found)
	return done, s.rewind(sess, rec, p)
}

// readStored returns what is stored of a session now, nil if it is over.
func (s *Store) readStored(ctx context.Context, rec *record) (found *document.Document, done *loading, err error) {
	ctx, op := s.begin(ctx, telemetry.Load)
	defer func() { endOperation(op, err) }()
	found, fresh, err := s.find(ctx, rec.name, credential.Sent{Key: rec.key})
	done = new(loading)
	done.note(found, fresh, err)
	op.Outcome = done.outcome
	found, err = ifAlive(found, err)
	return found, done, err
}
