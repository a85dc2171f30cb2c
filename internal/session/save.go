package session

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"cloud.google.com/go/firestore"
	"github.com/gorilla/sessions"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/echofirestore/echofirestore/internal/credential"
	"github.com/echofirestore/echofirestore/internal/document"
	"github.com/echofirestore/echofirestore/internal/merge"
)

const (
	maxSaves = 100 // attempts at saving a session that others keep changing
	maxKeys  = 5   // attempts at creating a document whose key is taken
)

// commit stores the changes of a session since it was loaded or last committed, with as few operations as possible. On
// success, the record holds the cookie to send, if any.
func (s *Store) commit(ctx context.Context, sess *sessions.Session, rec *record) error {
	return s.commitWith(ctx, sess, rec, "")
}

// detached is a context from detach.
type detached struct{ context.Context }

// detach returns a context for one commit. It ends after Config.Timeout, not when the client disconnects. Only functions
// that call Firestore use it, because most commits have nothing to do.
func (s *Store) detach(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.(detached); ok {
		return ctx, func() {}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.cfg.Timeout)
	return detached{ctx}, cancel
}

// errMovedOn is what the commit of an Update returns if its document has moved on.
var errMovedOn = errors.New("echofirestore: session changed by another request")

// commitWith is commit, or with a write ID the commit of an Update. If the document has changed since it was read, the
// commit of an Update notes what is stored now and returns errMovedOn. Any other commit applies its change to that itself.
func (s *Store) commitWith(ctx context.Context, sess *sessions.Session, rec *record, writeID string) error {
	defer s.reportShortKey(ctx)
	var untouched error
	err := rec.exclusively(func() (err error) {
		untouched, err = s.commitAlone(ctx, sess, rec, writeID)
		return err
	})
	if untouched != nil {
		s.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "session not extended", slog.Any("error", untouched))
	}
	if errors.Is(err, ErrGone) {
		rec.set(func() { rec.told = true })
	}
	return err
}

// commitAlone is commitWith for the holder of the token. If an unchanged session could not be extended, untouched says why;
// that is not an error of the commit.
func (s *Store) commitAlone(
	ctx context.Context, sess *sessions.Session, rec *record, writeID string,
) (untouched, err error) {
	rec.repair(sess)
	if rec.ending != nil {
		if err := s.endAll(ctx, sess, rec, ""); err != nil {
			return nil, err
		}
	}
	if endedBy(sess) {
		return nil, s.endAll(ctx, sess, rec, writeID)
	}
	if rec.err != nil {
		return nil, rec.err
	}
	if sess.ID == "" && rec.doc != nil {
		rec.set(func() { rec.renewing = true }) // as with other gorilla stores
	}
	change, err := merge.Diff(rec.values, sess.Values)
	switch {
	case err != nil:
		return nil, rejected(err)
	case rec.doc == nil && len(change.Set) == 0:
		return nil, nil
	case rec.unloaded:
		return nil, conflict() // Get did not get the token, and returned an error
	case rec.doc == nil:
		return nil, s.create(ctx, sess, rec, change)
	case change.Empty() && sess.Options.MaxAge == rec.maxAge && !rec.renewing:
		return s.touch(ctx, sess, rec), nil
	default:
		return s.update(ctx, sess, rec, change, writeID)
	}
}

// inConflict returns the error of a save that failed to read what another request has stored. If it ran out of time, the
// reason is that other request.
func inConflict(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return conflict()
	}
	return err
}

// create stores a new session under a new key. If a document exists already, it may be this one, stored by a commit whose
// answer was lost.
func (s *Store) create(ctx context.Context, sess *sessions.Session, rec *record, change merge.Change) error {
	if rec.isSealed() {
		return rejected(ErrCommitted)
	}
	ctx, cancel := s.detach(ctx)
	defer cancel()
	doc, err := s.layout.Next(nil, change.Set, sess.Options.MaxAge, s.cfg.Now())
	if err != nil {
		return rejected(err)
	}
	for range maxKeys {
		cred, err := s.issue(rec.name)
		if err != nil {
			return err
		}
		if err := s.layout.Create(doc, cred.ID); err != nil {
			return rejected(err)
		}
		stored, err := s.createAt(ctx, doc)
		if err != nil {
			return err
		}
		if stored == nil {
			continue
		}
		doc = stored
		change.Set = doc.Values
		s.saved(sess, rec, cred, doc, change.ApplyTo(rec.values)) // rec.values may hold more than is stored: see clear
		return nil
	}
	return rejected(fmt.Errorf("echofirestore: Config.KeyFactory returned %d keys that are all in use", maxKeys))
}

// createAt stores doc. It returns nil if another document has its ID. If the answer is lost, it reads the document. If there
// is none, it tries once more, with the same key, so that only one of the two commits can be applied.
func (s *Store) createAt(ctx context.Context, doc *document.Document) (*document.Document, error) {
	for lost := error(nil); ; {
		var err error
		if doc.Version, err = s.firestore.create(ctx, doc.ID, doc.Fields); err == nil {
			return doc, nil
		}
		taken := status.Code(err) == codes.AlreadyExists
		if !taken && !outcomeUnknown(err) {
			return nil, err
		}
		stored, unread := again(s.read(ctx, doc.ID))
		switch {
		case unread != nil && taken:
			return nil, unread
		case unread == nil && stored != nil && doc.Wrote(stored):
			return stored, nil
		case unread == nil && (stored != nil || taken):
			return nil, nil
		case unread != nil || lost != nil:
			return nil, cmp.Or(lost, err)
		}
		lost = err
	}
}

// update stores the change of a session that has a document, or deletes the document if the change empties it. If the
// document has changed since it was read, the change is applied to what is stored now. If the copy has expired, the
// document is read again: either another request has extended the session, or it is over.
func (s *Store) update(
	ctx context.Context, sess *sessions.Session, rec *record, change merge.Change, writeID string,
) (untouched, err error) {
	emptying := len(sess.Values) == 0 && writeID == "" && !change.Empty()
	switch {
	case rec.gone && emptying:
		return nil, nil
	case rec.gone:
		return nil, gone()
	case rec.renewing && rec.isSealed():
		return nil, rejected(ErrCommitted)
	}
	ctx, cancel := s.detach(ctx)
	defer cancel()
	prev := rec.doc
	if prev.ExpiredAt(s.cfg.Now()) {
		if prev, err = s.reread(ctx, rec); err != nil {
			return nil, err
		}
		if prev != nil {
			rec.moveOn(prev)
		}
		if prev != nil && writeID != "" {
			return nil, errMovedOn
		}
	}
	for attempt := range maxSaves {
		if prev == nil {
			if rec.vanish(); emptying {
				return nil, nil
			}
			return nil, gone()
		}
		start := time.Now()
		next, err := s.layout.Next(prev, change.ApplyTo(prev.Values), s.maxAge(sess, rec, prev), s.cfg.Now())
		if err != nil {
			return nil, rejected(err)
		}
		if attempt == 0 {
			if change = change.Stored(rec.values, next.Values); change.Empty() && sess.Options.MaxAge == rec.maxAge && !rec.renewing {
				return s.touch(ctx, sess, rec), nil
			}
		}
		var movedTo *document.Document
		if len(next.Values) == 0 && writeID == "" && !change.Empty() {
			movedTo, err = s.clear(ctx, sess, rec, prev, change)
		} else {
			movedTo, err = s.put(ctx, sess, rec, prev, next, change, writeID)
		}
		switch {
		case err == nil:
			return nil, nil
		case attempt > 0 && ctx.Err() != nil:
			return nil, conflict()
		case !errors.Is(err, errMovedOn):
			return nil, err
		}
		if prev = movedTo; prev != nil && writeID != "" {
			rec.moveOn(prev)
			return nil, errMovedOn
		}
		if prev != nil && !pause(ctx, attempt, time.Since(start)) {
			break
		}
	}
	return nil, conflict()
}

// put replaces prev with next. If prev is not the stored version any more, it returns errMovedOn and what is stored now, nil
// if nothing is.
func (s *Store) put(
	ctx context.Context, sess *sessions.Session, rec *record, prev, next *document.Document, change merge.Change, writeID string,
) (movedTo *document.Document, err error) {
	cred, err := s.credentialOf(rec)
	if err != nil {
		return nil, err
	}
	updates, err := s.layout.Replace(prev, next, cred.ID, s.writes.keep(prev.Writes), writeID)
	if err != nil {
		return nil, rejected(err)
	}
	stored, done, err := s.insist(ctx, prev, func() error {
		return s.replace(ctx, prev, next, updates)
	}, func() (*document.Document, bool, error) {
		stored, err := again(s.read(ctx, next.ID))
		wrote := stored != nil && next.Wrote(stored)
		if err == nil && !wrote && next.ID != prev.ID {
			stored, err = s.reread(ctx, rec)
		}
		return stored, wrote, err
	})
	switch {
	case err != nil:
		return nil, err
	case !done:
		return stored, errMovedOn
	case stored != nil:
		next = stored
	}
	values := change.ApplyTo(rec.values)
	if writeID == "" && len(values) == 0 && len(next.Values) > 0 && cred.Key == rec.key {
		// This request emptied the session, but others have stored values in it: they set the cookie.
		rec.stored(sess, cred, next, values, rec.pendingCookie())
		return nil, nil
	}
	s.saved(sess, rec, cred, next, values)
	return nil, nil
}

// clear deletes prev, whose session a change has emptied, if it is still the stored version. If not, it returns errMovedOn and
// what is stored now. If nothing is stored, that is success too.
func (s *Store) clear(
	ctx context.Context, sess *sessions.Session, rec *record, prev *document.Document, change merge.Change,
) (movedTo *document.Document, err error) {
	movedTo, done, err := s.deleteVersion(ctx, rec, prev)
	switch {
	case err != nil:
		return nil, err
	case movedTo != nil:
		return movedTo, errMovedOn
	case !done: // another request may have ended it, and have begun a new one
		rec.vanish()
		return nil, nil
	}
	// The values that the handler has left in the session do not count as a change, even if others have removed some of them.
	rec.ended(sess, change.ApplyTo(rec.values), expiredCookie(rec.name, sess.Options))
	return nil, nil
}

// reread returns what is stored of a session now, nil if it is over.
func (s *Store) reread(ctx context.Context, rec *record) (*document.Document, error) {
	doc, err := again(s.find(ctx, rec.name, rec.key))
	if err != nil {
		return nil, inConflict(ctx, err)
	}
	return doc, nil
}

// credentialOf returns the credential for the next save of a session: a new one, if the session is to be renewed.
func (s *Store) credentialOf(rec *record) (credential.Credential, error) {
	if rec.renewing {
		return s.issue(rec.name)
	}
	return s.credential(rec.name, rec.key)
}

// insist makes a commit on the condition that prev is the stored version. If it is not, insist returns false and what is
// stored now, nil if nothing is. If the answer is lost, look reads what is stored, and reports whether this commit has written
// it, which is success as well. If prev is still stored, the commit is made once more. That is safe, because a version can
// be replaced only once. One retry is enough for INTERNAL, see
// https://cloud.google.com/firestore/native/docs/understand-error-codes.
func (s *Store) insist(
	ctx context.Context, prev *document.Document, commit func() error, look func() (stored *document.Document, written bool, err error),
) (stored *document.Document, done bool, err error) {
	for lost := error(nil); ; {
		err := commit()
		unknown := outcomeUnknown(err)
		if !unknown && !movedOn(err) {
			return nil, err == nil, err
		}
		stored, written, unread := look()
		switch {
		case unread != nil && !unknown:
			return nil, false, inConflict(ctx, unread)
		case unread == nil && (written || !unknown || stored == nil || !stored.Version.Equal(prev.Version)):
			return stored, written, nil
		case unread != nil || lost != nil:
			return nil, false, cmp.Or(lost, err)
		}
		lost = err
	}
}

// deleteVersion deletes prev and returns true. If prev is not the stored version any more, it returns false and what is stored
// now, nil if nothing is. In that case, nobody can tell which request has deleted it.
func (s *Store) deleteVersion(ctx context.Context, rec *record, prev *document.Document) (movedTo *document.Document, done bool, err error) {
	return s.insist(ctx, prev, func() error {
		return s.firestore.delete(ctx, "delete session", prev.ID, firestore.LastUpdateTime(prev.Version))
	}, func() (*document.Document, bool, error) {
		stored, err := s.reread(ctx, rec)
		return stored, false, err
	})
}

// replace replaces prev with next, if prev is still the stored version. If next has another ID, one commit creates next and
// deletes prev.
func (s *Store) replace(ctx context.Context, prev, next *document.Document, updates []firestore.Update) (err error) {
	if next.ID == prev.ID {
		next.Version, err = s.firestore.update(ctx, "save session", next.ID, prev.Version, updates)
	} else {
		next.Version, err = s.firestore.move(ctx, prev.ID, prev.Version, next.ID, next.Fields)
	}
	return err
}

// maxAge returns the max age to store: the handler's, if it has set one, or else the stored one.
func (s *Store) maxAge(sess *sessions.Session, rec *record, stored *document.Document) int {
	if sess.Options.MaxAge != rec.maxAge {
		return sess.Options.MaxAge
	}
	return stored.MaxAge
}

// saved notes what is stored of a session now, and the cookie for the response to set.
func (s *Store) saved(sess *sessions.Session, rec *record, cred credential.Credential, doc *document.Document, values map[string]any) {
	rec.stored(sess, cred, doc, values, s.newCookie(rec.name, cred.Cookie, sess.Options, doc))
}

// pause waits before the next attempt. The time is random; its limit grows with the number of attempts and with the duration
// of the last one. So requests that collided spread out over a time that fits the latency of Firestore. It reports false
// if ctx ended first.
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
