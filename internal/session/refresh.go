package session

import (
	"context"
	"net/http"
	"time"

	"github.com/gorilla/sessions"

	"github.com/echofirestore/echofirestore/internal/credential"
	"github.com/echofirestore/echofirestore/internal/document"
)

// Refresh reads the request's session of the given name as it is stored now. It works as the function [Refresh] does, for
// programs without the middleware. There, it costs another read if nothing has asked for the session before.
func (s *Store) Refresh(r *http.Request, name string) error {
	if x := ExchangeOf(r.Context(), s); x != nil {
		return x.refresh(r.Context(), name)
	}
	sess, err := s.Get(r, name)
	if err != nil {
		return err
	}
	rec, err := s.takeRecord(sess)
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
	var malformed []*document.MalformedError
	var failed error // the load
	err := rec.exclusively(func() (err error) {
		switch {
		case rec.key == "" && rec.state == unreadable: // the name is not valid
			return rec.cause
		case rec.state.in(unread, unreadable):
			if malformed, failed = s.loadAgain(ctx, sess, rec); failed == nil && rec.state == absent && rec.missing {
				return gone()
			}
			return failed
		case rec.state == stored:
			failed, err = s.readAgain(ctx, sess, rec)
			return err
		case rec.state.in(vanished, dropped):
			clear(sess.Values)
			return gone()
		case rec.state == absent && rec.missing: // the session in its place is new
			return gone()
		default:
			return rec.cause // nil, or why the session could not be ended
		}
	})
	s.reportLoad(ctx, failed, malformed)
	return err
}

// loadAgain loads a session that was not read yet, or could not be.
func (s *Store) loadAgain(
	ctx context.Context, sess *sessions.Session, rec *record,
) (malformed []*document.MalformedError, failed error) {
	p, err := rec.pending(sess)
	if err != nil {
		return nil, err
	}
	rec.set(func() { rec.version = time.Time{} }) // not from the cache
	if malformed = s.loadAlone(ctx, sess, rec); rec.state == unreadable {
		return malformed, rec.cause
	}
	p.apply(sess)
	return malformed, nil
}

// readAgain reads a session that was read before. If Firestore does not answer, failed and err say so.
func (s *Store) readAgain(ctx context.Context, sess *sessions.Session, rec *record) (failed, err error) {
	p, err := rec.pending(sess)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	found, _, err := s.find(ctx, rec.name, credential.Sent{Key: rec.key})
	found, err = unlessMalformed(found, err)
	switch {
	case err != nil:
		return err, err
	case found == nil:
		rec.vanish()
		rec.reported()
		clear(sess.Values)
		return nil, gone()
	}
	s.turns.learn(found)
	rec.confirm(found)
	return nil, s.rewind(sess, rec, p)
}
