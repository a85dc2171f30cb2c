package echofirestore

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"reflect"
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
	values, err := stringKeyed(sess.Values)
	if err != nil {
		return rejected(err)
	}
	if rec.doc == nil {
		if len(values) == 0 {
			return nil
		}
		return s.create(ctx, sess, rec, values)
	}
	return s.update(ctx, sess, rec, values)
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
	rec.key, rec.doc, rec.err, rec.ending, rec.gone = "", nil, nil, nil, false
	rec.cookie = expiredCookie(rec.name, sess.Options)
	sess.ID = ""
	return nil
}

// create stores a new session under a new key. A document that is already there may be our own, by a commit that was
// applied, then answered as unavailable and repeated by the client.
func (s *Store) create(ctx context.Context, sess *sessions.Session, rec *record, values map[string]any) error {
	if rec.sealed {
		return rejected(ErrCommitted)
	}
	doc, err := s.next(nil, values, sess.Options.MaxAge)
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
			stored, _, err := s.read(ctx, id)
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
		rec.key, rec.doc, sess.ID = key, doc, key
		rec.cookie = s.newCookie(rec.name, key, sess.Options, doc.expire)
		return nil
	}
	return rejected(fmt.Errorf("echofirestore: Config.KeyFactory returned %d keys that are all in use", maxKeys))
}

// update stores what was changed in a session that has a document. If the document has moved on since it was read,
// the change is made to what is there now.
func (s *Store) update(ctx context.Context, sess *sessions.Session, rec *record, values map[string]any) error {
	base, err := s.decode(rec.doc)
	if err != nil {
		return rejected(err)
	}
	if len(values) == 0 && len(base) > 0 {
		return s.end(ctx, sess, rec)
	}
	maxAge := sess.Options.MaxAge
	if maxAge == rec.doc.maxAge && reflect.DeepEqual(base, values) {
		return s.touch(ctx, sess, rec)
	}
	if rec.gone {
		return gone()
	}
	next, err := s.next(rec.doc, values, maxAge)
	if err != nil {
		return err
	}
	// Compare what would come back: to the codec, 5 and int64(5) may be the same.
	if values, err = s.decode(next); err != nil {
		return rejected(fmt.Errorf("echofirestore: Config.Decoder refuses what Config.Encoder wrote: %w", err))
	}
	change := diff(base, values)
	if maxAge == rec.doc.maxAge && change.empty() {
		return s.touch(ctx, sess, rec)
	}
	setsMaxAge := maxAge != rec.doc.maxAge

	prev := rec.doc
	for attempt := range maxSaves {
		if s.tooLarge(next) {
			return rejected(ErrTooLarge)
		}
		result, err := next.ref.Update(ctx, s.updates(next), firestore.LastUpdateTime(prev.updateTime))
		if err == nil {
			next.updateTime = result.UpdateTime
			s.saved(sess, rec, next)
			return nil
		}
		if !movedOn(err) {
			return unavailable("save session", err, next.ref.ID)
		}
		stored, latest, err := s.read(ctx, next.ref.ID)
		switch {
		case err != nil:
			return err
		case stored == nil:
			rec.gone = true
			return gone()
		case stored.sameAs(next): // applied, answered as unavailable, repeated by the client
			s.saved(sess, rec, stored)
			return nil
		}
		if !pause(ctx, attempt) {
			break
		}
		if !setsMaxAge {
			maxAge = stored.maxAge
		}
		prev = stored
		if next, err = s.next(prev, change.applyTo(latest), maxAge); err != nil {
			return err
		}
	}
	return conflict()
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
		s.saved(sess, rec, &doc)
	case !movedOn(err):
		// No change of anybody's is lost, and the next request tries again.
		s.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "session not extended",
			slog.Any("error", unavailable("extend session", err, doc.ref.ID)))
	}
	return nil
}

// saved notes that doc is what is stored of a session now.
func (s *Store) saved(sess *sessions.Session, rec *record, doc *document) {
	rec.doc = doc
	if !rec.sealed {
		rec.cookie = s.newCookie(rec.name, rec.key, sess.Options, doc.expire)
	}
}

// stringKeyed returns the values of a session for the codec.
func stringKeyed(values map[any]any) (map[string]any, error) {
	keyed := make(map[string]any, len(values))
	for key, v := range values {
		text, ok := key.(string)
		if !ok {
			return nil, fmt.Errorf("echofirestore: the session key %v is a %T: it must be a string", key, key)
		}
		keyed[text] = v
	}
	return keyed, nil
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
