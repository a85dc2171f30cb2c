package session

import (
	"context"
	"errors"
	"log/slog"

	"github.com/echofirestore/echofirestore/internal/document"
	"github.com/echofirestore/echofirestore/internal/telemetry"
)

// A loading is what has come of a load.
type loading struct {
	outcome   telemetry.Outcome
	missing   bool                       // a key of the client has no document, or one that is over
	malformed []*document.MalformedError // the documents that were ignored
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
		l.outcome = telemetry.Failed
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

// reportLoad logs that a document was ignored, or could not be read, because the caller may not get that error or not report
// it. If the client disconnected meanwhile, the level is debug. At that level it also logs why a session is new.
func (s *Store) reportLoad(ctx context.Context, rec *record, l *loading) {
	for _, ignored := range l.malformed {
		s.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "session document ignored", slog.Any("error", ignored),
			slog.String("collection", s.cfg.Collection), slog.Time("update_time", ignored.Updated))
	}
	unread := rec.unreadFor()
	switch {
	case unread != nil:
		s.logUnread(ctx, unread)
	case l.outcome != telemetry.Found && l.outcome != telemetry.Cached && s.cfg.Logger.Enabled(ctx, slog.LevelDebug):
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
