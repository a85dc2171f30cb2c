package echofirestore

import (
	"context"
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
	maxSaves = 50 // attempts at saving a session that others keep changing
	maxKeys  = 5  // attempts at creating a document whose key is taken
)

// commit stores what has become of a session since it was loaded or last committed, with the least that it takes.
// On success the record knows the cookie to send, if any.
func (s *Store) commit(ctx context.Context, sess *sessions.Session, rec *record) error {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.cfg.Timeout)
	defer cancel()

	if sess.Options == nil {
		sess.Options = s.options(false)
	}
	if rec.ending != nil || sess.Options.MaxAge < 0 {
		return s.end(ctx, sess, rec)
	}
	if rec.err != nil {
		return rec.err
	}
	change, err := diff(rec.values, sess.Values)
	switch {
	case err != nil:
		return rejected(err)
	case rec.doc == nil && change.empty():
		return nil
	case rec.doc == nil:
		return s.create(ctx, sess, rec, change)
	case change.empty() && sess.Options.MaxAge == rec.maxAge:
		return s.touch(ctx, sess, rec)
	case len(sess.Values) == 0 && !change.empty():
		return s.end(ctx, sess, rec)
	default:
		return s.update(ctx, sess, rec, change)
	}
}

// destroy ends the session, which need not have been read.
func (s *Store) destroy(ctx context.Context, sess *sessions.Session, rec *record) error {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.cfg.Timeout)
	defer cancel()
	return s.end(ctx, sess, rec)
}

// end deletes the session's document, whatever other requests did to it meanwhile.
func (s *Store) end(ctx context.Context, sess *sessions.Session, rec *record) error {
	if rec.key != "" && !rec.gone {
		id, err := s.documentID(rec.name, rec.key)
		if err != nil {
			return rejected(err)
		}
		if _, err := s.collection.Doc(id).Delete(ctx); err != nil {
			rec.ending = unavailable("delete session", err, id)
			return rec.ending
		}
	}
	rec.key, rec.doc, rec.values = "", nil, nil
	rec.err, rec.ending, rec.gone = nil, nil, false
	rec.cookie = expiredCookie(rec.name, sess.Options)
	sess.ID = ""
	return nil
}

// create stores a new session under a new key. A document that is already there may be our own, by a commit that was
// applied, then answered as unavailable and repeated by the client.
func (s *Store) create(ctx context.Context, sess *sessions.Session, rec *record, change change) error {
	if rec.sealed {
		return rejected(ErrCommitted)
	}
	doc, err := s.next(nil, change.set, sess.Options.MaxAge)
	if err != nil {
		return err
	}
	for range maxKeys {
		key, id, err := s.issueKey(rec.name)
		if err != nil {
			return err
		}
		doc.ref = s.collection.Doc(id)
		if s.tooLarge(doc) {
			return rejected(ErrTooLarge)
		}
		result, err := doc.ref.Create(ctx, s.fields(doc))
		switch {
		case err == nil:
			doc.updateTime = result.UpdateTime
		case status.Code(err) == codes.AlreadyExists:
			stored, err := s.read(ctx, id)
			if err != nil {
				return err
			}
			if stored == nil || !stored.sameAs(doc) {
				continue
			}
			doc = stored
		default:
			return unavailable("create session", err, id)
		}
		rec.key, sess.ID = key, key
		s.saved(sess, rec, doc, doc.values)
		return nil
	}
	return rejected(fmt.Errorf("echofirestore: Config.KeyFactory returned %d keys that are all in use", maxKeys))
}

// update stores what was changed in a session that has a document. If the document has moved on since it was read,
// the change is made to what is there now.
func (s *Store) update(ctx context.Context, sess *sessions.Session, rec *record, change change) error {
	if rec.gone {
		return gone()
	}
	prev := rec.doc
	next, err := s.next(prev, change.applyTo(prev.values), s.maxAge(sess, rec, prev))
	if err != nil {
		return err
	}
	change = change.stored(rec.values, next.values)
	if change.empty() && sess.Options.MaxAge == rec.maxAge {
		return s.touch(ctx, sess, rec)
	}
	for attempt := range maxSaves {
		if s.tooLarge(next) {
			return rejected(ErrTooLarge)
		}
		result, err := next.ref.Update(ctx, s.updates(next), firestore.LastUpdateTime(prev.updateTime))
		if err == nil {
			next.updateTime = result.UpdateTime
			s.saved(sess, rec, next, change.applyTo(rec.values))
			return nil
		}
		if !movedOn(err) {
			return unavailable("save session", err, next.ref.ID)
		}
		prev, err = s.read(ctx, next.ref.ID)
		switch {
		case err != nil:
			return err
		case prev == nil:
			rec.gone = true
			return gone()
		case prev.sameAs(next): // applied, answered as unavailable, repeated by the client
			s.saved(sess, rec, prev, change.applyTo(rec.values))
			return nil
		}
		if !pause(ctx, attempt) {
			break
		}
		if next, err = s.next(prev, change.applyTo(prev.values), s.maxAge(sess, rec, prev)); err != nil {
			return err
		}
	}
	return conflict()
}

// maxAge returns the max age to store: that of the handler if it has set one, else what is stored.
func (s *Store) maxAge(sess *sessions.Session, rec *record, stored *document) int {
	if sess.Options.MaxAge != rec.maxAge {
		return sess.Options.MaxAge
	}
	return stored.maxAge
}

// touch extends a session that was used and not changed, if that is wanted and due. A session that others saved
// meanwhile is extended already, and one that they ended stays ended.
func (s *Store) touch(ctx context.Context, sess *sessions.Session, rec *record) error {
	doc := *rec.doc
	doc.expire = s.expiry(s.cfg.Now(), &doc)
	if s.cfg.TouchAfter == 0 || rec.gone || doc.expire.Sub(rec.doc.expire) < s.cfg.TouchAfter {
		return nil
	}
	result, err := doc.ref.Update(ctx, []firestore.Update{{Path: fieldExpire, Value: doc.expire}},
		firestore.LastUpdateTime(doc.updateTime))
	switch {
	case err == nil:
		doc.updateTime = result.UpdateTime
		s.saved(sess, rec, &doc, rec.values)
	case !movedOn(err):
		// No change of anybody's is lost, and the next request tries again.
		s.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "session not extended",
			slog.Any("error", unavailable("extend session", err, doc.ref.ID)))
	}
	return nil
}

// saved notes that doc is what is stored of a session now, and that the session holds values.
func (s *Store) saved(sess *sessions.Session, rec *record, doc *document, values map[string]any) {
	rec.doc, rec.values, rec.maxAge = doc, values, sess.Options.MaxAge
	if !rec.sealed {
		rec.cookie = s.newCookie(rec.name, rec.key, sess.Options, doc)
	}
}

// pause waits before the attempt that follows the given one, longer each time and at random, so that requests which
// collided do not collide again. It reports false if ctx ended first.
func pause(ctx context.Context, attempt int) bool {
	const shortest, longest = 4 * time.Millisecond, 500 * time.Millisecond
	limit := min(shortest<<min(attempt, 10), longest)
	timer := time.NewTimer(rand.N(limit))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
