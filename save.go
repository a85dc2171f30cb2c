package echofirestore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/gorilla/sessions"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const (
	maxSaves = 100 // attempts at saving a session that others keep changing
	maxKeys  = 5   // attempts at creating a document whose key is taken
)

// commit stores what has become of a session since it was loaded or last committed, with the least that it takes.
// On success the record knows the cookie to send, if any.
func (s *Store) commit(ctx context.Context, sess *sessions.Session, rec *record) error {
	return s.commitWith(ctx, sess, rec, "")
}

// detached is a context that detach has made.
type detached struct{ context.Context }

// detach returns a context for the work of one commit: the client's going away does not end it, Config.Timeout does. It
// is left to those that do call Firestore, for most commits have nothing to do.
func (s *Store) detach(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.(detached); ok {
		return ctx, func() {}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.cfg.Timeout)
	return detached{ctx}, cancel
}

// errMovedOn is what the commit of an Update returns if its document has moved on.
var errMovedOn = errors.New("echofirestore: session changed by another request")

// commitWith is commit, or with a write ID the commit of an Update. If the document of that has moved on, it notes what
// is there now and returns errMovedOn, where others make their change to that themselves.
func (s *Store) commitWith(ctx context.Context, sess *sessions.Session, rec *record, writeID string) error {
	defer s.reportShortKey(ctx)
	rec.mu.Lock()
	defer rec.mu.Unlock()
	rec.repair(sess)
	if rec.ending != nil || endedBy(sess) {
		if err := s.endAll(ctx, sess, rec, writeID); err != nil || endedBy(sess) {
			return err
		}
	}
	if rec.err != nil {
		return rec.err
	}
	if sess.ID == "" && rec.doc != nil {
		rec.renewing = true // as with other gorilla stores
	}
	change, err := diff(rec.values, sess.Values)
	switch {
	case err != nil:
		return rejected(err)
	case rec.doc == nil && change.empty():
		return nil
	case rec.doc == nil:
		return s.create(ctx, sess, rec, change)
	case change.empty() && sess.Options.MaxAge == rec.maxAge && !rec.renewing:
		return s.touch(ctx, sess, rec)
	case len(sess.Values) == 0 && !change.empty():
		return s.end(ctx, sess, rec, writeID)
	default:
		return s.update(ctx, sess, rec, change, writeID)
	}
}

// inConflict returns the error of a save that had to look what another request has stored: if it only ran out of time,
// that other request is the reason.
func inConflict(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return conflict()
	}
	return err
}

// create stores a new session under a new key. A document that is already there may be our own, by a commit that was
// applied, then answered as unavailable and repeated by the client.
func (s *Store) create(ctx context.Context, sess *sessions.Session, rec *record, change change) error {
	if rec.sealed {
		return rejected(ErrCommitted)
	}
	ctx, cancel := s.detach(ctx)
	defer cancel()
	doc, err := s.next(nil, change.set, sess.Options.MaxAge)
	if err != nil {
		return err
	}
	for range maxKeys {
		cred, err := s.issue(rec.name)
		if err != nil {
			return err
		}
		doc.ref = s.firestore.ref(cred.id)
		fields, err := s.newFields(doc)
		if err != nil {
			return err
		}
		if s.cfg.Lifetime > 0 {
			fields[fieldStarted] = doc.started // the create time is by another clock, and lost with a restored backup
		}
		if doc.fields = fields; tooLarge(doc.ref, fields) {
			return rejected(ErrTooLarge)
		}
		doc.updateTime, err = s.firestore.create(ctx, doc.ref, fields)
		switch {
		case err == nil:
		case status.Code(err) == codes.AlreadyExists:
			stored, err := again(s.read(ctx, cred.id))
			if err != nil {
				return err
			}
			if stored == nil || !doc.wrote(stored) {
				continue
			}
			doc = stored
		default:
			return err
		}
		s.saved(sess, rec, cred, doc, doc.values)
		return nil
	}
	return rejected(fmt.Errorf("echofirestore: Config.KeyFactory returned %d keys that are all in use", maxKeys))
}

// update stores what was changed in a session that has a document. If the document has moved on since it was read,
// the change is made to what is there now.
func (s *Store) update(ctx context.Context, sess *sessions.Session, rec *record, change change, writeID string) error {
	if rec.gone {
		return gone()
	}
	if rec.renewing && rec.sealed {
		return rejected(ErrCommitted)
	}
	ctx, cancel := s.detach(ctx)
	defer cancel()
	prev := rec.doc
	next, err := s.next(prev, change.applyTo(prev.values), s.maxAge(sess, rec, prev))
	if err != nil {
		return err
	}
	change = change.stored(rec.values, next.values)
	if change.empty() && sess.Options.MaxAge == rec.maxAge && !rec.renewing {
		return s.touch(ctx, sess, rec)
	}
	if writeID != "" {
		s.addWrite(next, writeID)
	}
	for attempt := range maxSaves {
		start := time.Now()
		cred, err := s.credentialOf(rec)
		if err != nil {
			return err
		}
		next.ref = s.firestore.ref(cred.id)
		err = s.replace(ctx, prev, next)
		switch {
		case err == nil:
			s.saved(sess, rec, cred, next, change.applyTo(rec.values))
			return nil
		case attempt > 0 && ctx.Err() != nil:
			return conflict()
		case !movedOn(err):
			return err
		}
		// The commit may have been applied, answered as unavailable, and repeated by the client.
		stored, err := again(s.read(ctx, next.ref.ID))
		if err != nil {
			return inConflict(ctx, err)
		}
		if stored != nil && next.wrote(stored) {
			s.saved(sess, rec, cred, stored, change.applyTo(rec.values))
			return nil
		}
		if next.ref.ID != prev.ref.ID {
			if stored, err = again(s.find(ctx, rec.name, rec.key)); err != nil {
				return inConflict(ctx, err)
			}
		}
		if stored == nil {
			rec.gone = true
			return gone()
		}
		if prev = stored; writeID != "" {
			rec.doc = stored
			return errMovedOn
		}
		if !pause(ctx, attempt, time.Since(start)) {
			break
		}
		if next, err = s.next(prev, change.applyTo(prev.values), s.maxAge(sess, rec, prev)); err != nil {
			return err
		}
	}
	return conflict()
}

// credentialOf returns the credential that the next save of a session gives it: a new one, if it is to be renewed.
func (s *Store) credentialOf(rec *record) (credential, error) {
	if rec.renewing {
		return s.issue(rec.name)
	}
	return s.credential(rec.name, rec.key)
}

// replace writes next in the place of prev, if that has not moved on: as an update of the one document or, if next is
// another one, as its creation and the deletion of prev, in one commit.
func (s *Store) replace(ctx context.Context, prev, next *document) error {
	fields, err := s.newFields(next)
	if err != nil {
		return err
	}
	all := s.updatedFields(prev, fields)
	if next.ref.ID != prev.ref.ID {
		all[fieldStarted] = next.started
	}
	if next.fields = all; tooLarge(next.ref, all) {
		return rejected(ErrTooLarge)
	}
	if next.ref.ID == prev.ref.ID {
		next.updateTime, err = s.firestore.update(ctx, "save session", next.ref, prev.updateTime, s.updates(fields))
	} else {
		next.updateTime, err = s.firestore.move(ctx, prev.ref, prev.updateTime, next.ref, all)
	}
	return err
}

// maxAge returns the max age to store: that of the handler if it has set one, else what is stored.
func (s *Store) maxAge(sess *sessions.Session, rec *record, stored *document) int {
	if sess.Options.MaxAge != rec.maxAge {
		return sess.Options.MaxAge
	}
	return stored.maxAge
}

// saved notes what is stored of a session now, and has the response set the cookie.
func (s *Store) saved(sess *sessions.Session, rec *record, cred credential, doc *document, values map[string]any) {
	rec.stored(sess, cred, doc, values)
	if !rec.sealed {
		rec.cookie = s.newCookie(rec.name, cred.cookie, sess.Options, doc)
	}
}

// pause waits before the next attempt, at random and for longer the more attempts there were, in units of what the last
// one took: so requests that collided spread out, over a time that fits the distance to Firestore. It reports false if
// ctx ended first.
func pause(ctx context.Context, attempt int, took time.Duration) bool {
	const shortest, longest = time.Millisecond, 250 * time.Millisecond
	limit := max(took, shortest) * time.Duration(attempt+1)
	timer := time.NewTimer(rand.N(min(limit, longest))) //nolint:gosec // jitter, not a secret
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
