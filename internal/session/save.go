package session

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"time"

	"cloud.google.com/go/firestore"
	"github.com/gorilla/sessions"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/echofirestore/echofirestore/internal/credential"
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
	doc, err := s.next(nil, change.Set, sess.Options.MaxAge)
	if err != nil {
		return err
	}
	for range maxKeys {
		cred, err := s.issue(rec.name)
		if err != nil {
			return err
		}
		doc.ref = s.firestore.ref(cred.ID)
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
		stored, err := s.createAt(ctx, doc)
		if err != nil {
			return err
		}
		if stored == nil {
			continue
		}
		doc = stored
		change.Set = doc.values
		s.saved(sess, rec, cred, doc, change.ApplyTo(rec.values)) // rec.values may hold more than is stored: see clear
		return nil
	}
	return rejected(fmt.Errorf("echofirestore: Config.KeyFactory returned %d keys that are all in use", maxKeys))
}

// createAt stores doc. It returns nil if another document has its ID. If the answer is lost, it reads the document. If there
// is none, it tries once more, with the same key, so that only one of the two commits can be applied.
func (s *Store) createAt(ctx context.Context, doc *document) (*document, error) {
	for lost := error(nil); ; {
		var err error
		if doc.updateTime, err = s.firestore.create(ctx, doc.ref, doc.fields); err == nil {
			return doc, nil
		}
		taken := status.Code(err) == codes.AlreadyExists
		if !taken && !outcomeUnknown(err) {
			return nil, err
		}
		stored, unread := again(s.read(ctx, doc.ref.ID))
		switch {
		case unread != nil && taken:
			return nil, unread
		case unread == nil && stored != nil && doc.wrote(stored):
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
	if prev.expiredAt(s.cfg.Now()) {
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
		next, err := s.next(prev, change.ApplyTo(prev.values), s.maxAge(sess, rec, prev))
		if err != nil {
			return nil, err
		}
		if attempt == 0 {
			if change = change.Stored(rec.values, next.values); change.Empty() && sess.Options.MaxAge == rec.maxAge && !rec.renewing {
				return s.touch(ctx, sess, rec), nil
			}
		}
		var movedTo *document
		if len(next.values) == 0 && writeID == "" && !change.Empty() {
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
	ctx context.Context, sess *sessions.Session, rec *record, prev, next *document, change merge.Change, writeID string,
) (movedTo *document, err error) {
	cred, err := s.credentialOf(rec)
	if err != nil {
		return nil, err
	}
	next.ref = s.firestore.ref(cred.ID)
	fields, err := s.fit(prev, next, writeID)
	if err != nil {
		return nil, err
	}
	stored, done, err := s.insist(ctx, prev, func() error {
		return s.replace(ctx, prev, next, fields)
	}, func() (*document, bool, error) {
		stored, err := again(s.read(ctx, next.ref.ID))
		wrote := stored != nil && next.wrote(stored)
		if err == nil && !wrote && next.ref.ID != prev.ref.ID {
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
	if writeID == "" && len(values) == 0 && len(next.values) > 0 && cred.Key == rec.key {
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
	ctx context.Context, sess *sessions.Session, rec *record, prev *document, change merge.Change,
) (movedTo *document, err error) {
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
func (s *Store) reread(ctx context.Context, rec *record) (*document, error) {
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
	ctx context.Context, prev *document, commit func() error, look func() (stored *document, written bool, err error),
) (stored *document, done bool, err error) {
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
		case unread == nil && (written || !unknown || stored == nil || !stored.updateTime.Equal(prev.updateTime)):
			return stored, written, nil
		case unread != nil || lost != nil:
			return nil, false, cmp.Or(lost, err)
		}
		lost = err
	}
}

// deleteVersion deletes prev and returns true. If prev is not the stored version any more, it returns false and what is stored
// now, nil if nothing is. In that case, nobody can tell which request has deleted it.
func (s *Store) deleteVersion(ctx context.Context, rec *record, prev *document) (movedTo *document, done bool, err error) {
	return s.insist(ctx, prev, func() error {
		return s.firestore.delete(ctx, "delete session", prev.ref, firestore.LastUpdateTime(prev.updateTime))
	}, func() (*document, bool, error) {
		stored, err := s.reread(ctx, rec)
		return stored, false, err
	})
}

// fit returns the library's fields of next, with the IDs of Updates that may still be looked up. If the IDs make the document
// too large, those of earlier Updates are dropped: if the answer of such an Update is lost, it cannot tell its outcome.
func (s *Store) fit(prev, next *document, writeID string) (map[string]any, error) {
	fields, err := s.newFields(next)
	if err != nil {
		return nil, err
	}
	for _, ids := range [][]string{s.writes.keep(prev.writes), nil} {
		next.writes = ids
		if writeID != "" {
			next.addWrite(writeID)
		}
		if delete(fields, fieldWriteID); len(next.writes) > 0 {
			fields[fieldWriteID] = strings.Join(next.writes, " ")
		}
		all := s.updatedFields(prev, fields)
		if next.ref.ID != prev.ref.ID {
			all[fieldStarted] = next.started
		}
		if next.fields = all; !tooLarge(next.ref, all) {
			return fields, nil
		}
	}
	return nil, rejected(ErrTooLarge)
}

// replace replaces prev with next, if prev is still the stored version. If next has another ID, one commit creates next and
// deletes prev.
func (s *Store) replace(ctx context.Context, prev, next *document, fields map[string]any) (err error) {
	if next.ref.ID == prev.ref.ID {
		next.updateTime, err = s.firestore.update(ctx, "save session", next.ref, prev.updateTime, s.updates(prev, fields))
	} else {
		next.updateTime, err = s.firestore.move(ctx, prev.ref, prev.updateTime, next.ref, next.fields)
	}
	return err
}

// maxAge returns the max age to store: the handler's, if it has set one, or else the stored one.
func (s *Store) maxAge(sess *sessions.Session, rec *record, stored *document) int {
	if sess.Options.MaxAge != rec.maxAge {
		return sess.Options.MaxAge
	}
	return stored.maxAge
}

// saved notes what is stored of a session now, and the cookie for the response to set.
func (s *Store) saved(sess *sessions.Session, rec *record, cred credential.Credential, doc *document, values map[string]any) {
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
