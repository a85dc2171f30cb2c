package session

import (
	"context"
	"log/slog"
	"sync/atomic"
	"unicode/utf8"

	"github.com/echofirestore/echofirestore/internal/credential"
)

// minKeyLen is in characters. A shorter key can hardly be unpredictable.
const minKeyLen = 16

// A shortKeyWarning is due when Config.KeyFactory has returned a short key, and given once.
type shortKeyWarning struct {
	length atomic.Int32 // of the first short key, in characters; 0 if there was none, and -1 once the warning is given
}

func (w *shortKeyWarning) note(key string) {
	if n := utf8.RuneCountInString(key); n < minKeyLen {
		w.length.CompareAndSwap(0, int32(n))
	}
}

// issue returns a new credential for the session with the given name.
func (s *Store) issue(name string) (credential.Credential, error) {
	cred, err := s.credentials.Issue(name)
	if err != nil {
		return cred, rejected(err)
	}
	s.shortKey.note(cred.Key)
	return cred, nil
}

// credential returns the credential of a key that the client has.
func (s *Store) credential(name, key string) (credential.Credential, error) {
	cred, err := s.credentials.Of(name, key)
	if err != nil {
		return cred, rejected(err)
	}
	return cred, nil
}

// reportShortKey logs the warning if it is due.
func (s *Store) reportShortKey(ctx context.Context) {
	if n := s.shortKey.length.Load(); n > 0 && s.shortKey.length.CompareAndSwap(n, -1) {
		s.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "session keys of Config.KeyFactory are short, and may be guessed",
			slog.Int("characters", int(n)))
	}
}
