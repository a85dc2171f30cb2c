package echofirestore

import (
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
	rec.mu.Lock()
	defer rec.mu.Unlock()
	rec.repair(sess)
	if rec.ending != nil || endedBy(sess) {
		if err := s.end(ctx, sess, rec, writeID); err != nil || endedBy(sess) {
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

// endedBy reports whether the handler has ended sess by a negative Options.MaxAge.
func endedBy(sess *sessions.Session) bool { return sess.Options != nil && sess.Options.MaxAge < 0 }

// destroy ends the session, which need not have been read.
func (s *Store) destroy(ctx context.Context, sess *sessions.Session, rec *record) error {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	rec.repair(sess)
	clear(sess.Values)
	if err := s.end(ctx, sess, rec, ""); err != nil {
		return err
	}
	opts := rec.options
	sess.Options = &opts
	return nil
}

// end deletes the session's document: whatever other requests did to it meanwhile, but for an Update only if they did
// nothing.
func (s *Store) end(ctx context.Context, sess *sessions.Session, rec *record, writeID string) error {
	ctx, cancel := s.detach(ctx)
	defer cancel()
	var unchanged []firestore.Precondition
	if writeID != "" && rec.doc != nil {
		if rec.gone {
			return gone()
		}
		unchanged = append(unchanged, firestore.LastUpdateTime(rec.doc.updateTime))
	}
	if rec.key != "" && !rec.gone {
		err := s.remove(ctx, rec, unchanged...)
		if unchanged != nil && movedOn(err) {
			return s.reread(ctx, rec)
		}
		if err != nil {
			rec.ending = err
			return err
		}
	}
	rec.key, rec.doc, rec.values = "", nil, nil
	rec.err, rec.ending, rec.gone, rec.renewing = nil, nil, false, false
	rec.cookie = expiredCookie(rec.name, sess.Options)
	sess.ID = ""
	return nil
}

// remove deletes the document of a session, or of one that was not read, the document that it would have.
func (s *Store) remove(ctx context.Context, rec *record, unchanged ...firestore.Precondition) error {
	id, err := s.documentID(rec.name, rec.key)
	if err != nil {
		return rejected(err)
	}
	ref, doc := s.collection.Doc(id), rec.doc
	if s.cfg.AcceptPlainKeys && doc == nil {
		if doc, err = s.find(ctx, rec.name, rec.key); doc == nil {
			return err
		}
	}
	if doc == nil || doc.ref.ID == id {
		_, err = ref.Delete(ctx, unchanged...)
		return unavailable("delete session", err, id)
	}
	batch := s.cfg.Client.Batch().Delete(doc.ref, unchanged...) //nolint:staticcheck // as in replace
	if unchanged == nil {
		batch.Delete(ref) // where another request may have moved it
	}
	_, err = batch.Commit(ctx)
	return unavailable("delete session", err, id, doc.ref.ID)
}

// reread notes what another request has made of a session, and returns errMovedOn.
func (s *Store) reread(ctx context.Context, rec *record) error {
	stored, err := again(s.find(ctx, rec.name, rec.key))
	if err != nil {
		return inConflict(ctx, err)
	}
	if stored == nil {
		rec.gone = true
		return gone()
	}
	rec.doc = stored
	return errMovedOn
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
		doc.ref = s.collection.Doc(cred.id)
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
		result, err := doc.ref.Create(ctx, fields)
		switch {
		case err == nil:
			doc.updateTime = result.UpdateTime
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
			return unavailable("create session", err, cred.id)
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
		next.ref = s.collection.Doc(cred.id)
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
	unchanged := firestore.LastUpdateTime(prev.updateTime)
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
		result, err := next.ref.Update(ctx, s.updates(fields), unchanged)
		if err == nil {
			next.updateTime = result.UpdateTime
		}
		return unavailable("save session", err, prev.ref.ID)
	}
	//nolint:staticcheck // The successors of WriteBatch are no match: BulkWriter is not atomic, and a transaction costs
	// a call more to begin it.
	results, err := s.cfg.Client.Batch().
		Create(next.ref, all).
		Delete(prev.ref, unchanged).
		Commit(ctx)
	if err == nil {
		next.updateTime = results[0].UpdateTime
	}
	return unavailable("renew session", err, prev.ref.ID, next.ref.ID)
}

// maxAge returns the max age to store: that of the handler if it has set one, else what is stored.
func (s *Store) maxAge(sess *sessions.Session, rec *record, stored *document) int {
	if sess.Options.MaxAge != rec.maxAge {
		return sess.Options.MaxAge
	}
	return stored.maxAge
}

// touch keeps a session that was used and not changed: it extends it, if that is wanted and due, and gives it the
// document under the hash of its key, if it was found under the key itself. If that fails, no change of anybody's is
// lost, and the next request tries again.
func (s *Store) touch(ctx context.Context, sess *sessions.Session, rec *record) error {
	due := s.due(rec.doc)
	if rec.gone || !due && !s.cfg.AcceptPlainKeys {
		return nil
	}
	cred, err := s.credential(rec.name, rec.key)
	if err != nil {
		return err
	}
	moves := cred.id != rec.doc.ref.ID
	if !due && !moves {
		return nil
	}
	doc := *rec.doc
	doc.ref = s.collection.Doc(cred.id)
	if due {
		doc.expire = s.expiry(s.cfg.Now(), &doc)
	}
	ctx, cancel := s.detach(ctx)
	defer cancel()
	if moves {
		err = s.replace(ctx, rec.doc, &doc)
	} else {
		err = s.extend(ctx, &doc)
	}
	switch {
	case err == nil && due:
		s.saved(sess, rec, cred, &doc, rec.values)
	case err == nil: // the client's cookie is good as it is
		rec.stored(sess, cred, &doc, rec.values)
	case !movedOn(err): // a session that others saved meanwhile is extended already, and one that they ended stays ended
		s.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "session not extended or moved", slog.Any("error", err))
	}
	return nil
}

// due reports whether a session that is used now is to be extended.
func (s *Store) due(doc *document) bool {
	if s.cfg.TouchAfter == 0 {
		return false
	}
	gain := s.cfg.TouchAfter
	if half := time.Duration(doc.maxAge) * time.Second / 2; half > 0 {
		gain = min(gain, half) // a session of a short life of its own must not end while it is used
	}
	return s.expiry(s.cfg.Now(), doc).Sub(doc.expire) >= gain
}

func (s *Store) extend(ctx context.Context, doc *document) error {
	result, err := doc.ref.Update(ctx, []firestore.Update{{Path: fieldExpire, Value: doc.expire}},
		firestore.LastUpdateTime(doc.updateTime))
	if err == nil {
		doc.updateTime = result.UpdateTime
	}
	return unavailable("extend session", err, doc.ref.ID)
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
