package echofirestore

import (
	"context"
	"log/slog"
	"time"

	"cloud.google.com/go/firestore"
	"github.com/gorilla/sessions"
)

// touch extends a session that was used and not changed, if that is wanted and due. If that fails, no change of anybody's
// is lost, and the next request tries again.
func (s *Store) touch(ctx context.Context, sess *sessions.Session, rec *record) error {
	if rec.gone || !s.due(rec.doc) {
		return nil
	}
	cred, err := s.credential(rec.name, rec.key)
	if err != nil {
		return err
	}
	doc := *rec.doc
	doc.expire = s.expiry(s.cfg.Now(), &doc)
	ctx, cancel := s.detach(ctx)
	defer cancel()
	doc.updateTime, err = s.firestore.update(ctx, "extend session", doc.ref, rec.doc.updateTime,
		[]firestore.Update{{Path: fieldExpire, Value: doc.expire}})
	switch {
	case err == nil:
		s.saved(sess, rec, cred, &doc, rec.values)
	case !movedOn(err): // a session that others saved meanwhile is extended already, and one that they ended stays ended
		s.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "session not extended", slog.Any("error", err))
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
