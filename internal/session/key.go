package session

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"unicode/utf8"
)

// maxIDBytes is how long a document ID may be, see https://firebase.google.com/docs/firestore/quotas.
const maxIDBytes = 1500

// otherNames begins the IDs of sessions with plain keys whose name is not Config.CookieName: "~prefs:key". No key may begin
// with it, so that a key issued under one name never opens a session of another.
const otherNames = "~"

const (
	maxCookies = 3  // of one name in a request are considered
	minKeyLen  = 16 // characters, below which a key can hardly be unpredictable
)

// NewKey returns 256 random bits as 43 characters, like Python's secrets.token_urlsafe(32).
func NewKey() string {
	var b [32]byte
	rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// maxCookieBytes is how long a cookie may be, its name and value together: browsers drop a longer one (RFC 6265bis,
// section 5.6).
const maxCookieBytes = 4096

// A credential is the key of a session in its three forms.
type credential struct {
	key    string
	cookie string // the value of the client's cookie: the key, signed if there are Config.SigningKeys
	id     string // of the session's document: the key, or with Config.HashKeys the hash of name and key
}

// credential returns the credential of a key that the client has.
func (s *Store) credential(name, key string) (credential, error) {
	id, err := s.documentID(name, key)
	if err != nil {
		return credential{}, rejected(err)
	}
	cookie, err := s.cookieValue(name, key)
	if err != nil {
		return credential{}, rejected(err)
	}
	return credential{key: key, cookie: cookie, id: id}, nil
}

// issue takes a new key from the factory. The client returns it in a cookie, so it must fit into one.
func (s *Store) issue(name string) (credential, error) {
	cred, err := s.credential(name, s.cfg.KeyFactory())
	if err == nil {
		err = (&http.Cookie{Name: name, Value: cred.cookie}).Valid()
	}
	if err != nil || len(name)+len(cred.cookie) > maxCookieBytes {
		// The error does not quote the key, or net/http's message about it: it may be somebody's credential.
		return credential{}, rejected(errors.New("echofirestore: Config.KeyFactory returned an unusable key: " +
			"it must be a Firestore document ID (1 to 1500 bytes of UTF-8, no slash, not '.', '..' or '__…__'), " +
			"fit into a cookie, and not begin with '~'"))
	}
	s.shortKey.note(cred.key)
	return cred, nil
}

// A shortKeyWarning is due when Config.KeyFactory has returned a short key, and given once.
type shortKeyWarning struct {
	length atomic.Int32 // of the first short key, in characters; 0 if there was none, and -1 once the warning is given
}

func (w *shortKeyWarning) note(key string) {
	if n := utf8.RuneCountInString(key); n < minKeyLen {
		w.length.CompareAndSwap(0, int32(n))
	}
}

// reportShortKey logs the warning if it is due.
func (s *Store) reportShortKey(ctx context.Context) {
	if n := s.shortKey.length.Load(); n > 0 && s.shortKey.length.CompareAndSwap(n, -1) {
		s.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "session keys of Config.KeyFactory are short, and may be guessed",
			slog.Int("characters", int(n)))
	}
}

// requestKeys returns the keys in the request's cookies called name, each once, in the order in which the client sends
// them. It passes over cookies that cannot be keys, such as empty ones and those that are not signed.
func (s *Store) requestKeys(r *http.Request, name string) []string {
	var keys []string
	for _, cookie := range r.CookiesNamed(name) {
		key, ok := s.keyIn(cookie)
		if _, err := s.documentID(name, key); !ok || err != nil || slices.Contains(keys, key) {
			continue
		}
		if keys = append(keys, key); len(keys) == maxCookies {
			break
		}
	}
	return keys
}

// documentID returns the ID of the document that holds the session with the given name with the given key. It fails if no
// session can have that key, whoever claims it.
func (s *Store) documentID(name, key string) (string, error) {
	if err := validateKey(key); err != nil {
		return "", err
	}
	switch { // no name contains a colon, so no other name and key give the same ID
	case s.cfg.HashKeys:
		return hash(name + ":" + key), nil // in every store, whatever its CookieName is
	case name == s.cfg.CookieName:
		return key, nil
	default:
		id := otherNames + name + ":" + key
		return id, ValidateID(id)
	}
}

func validateKey(key string) error {
	if strings.HasPrefix(key, otherNames) {
		return fmt.Errorf("a session key must not begin with %q", otherNames)
	}
	return ValidateID(key)
}

// hash returns the SHA-256 of text in base64url. A key has 256 random bits, so that nobody finds it from its hash.
func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

var (
	errIDEmpty    = errors.New("must not be empty")
	errIDLong     = errors.New("must not be longer than 1500 bytes")
	errIDSlash    = errors.New("must not contain a slash")
	errIDDots     = errors.New("must not be '.' or '..'")
	errIDReserved = errors.New("must not have the reserved form '__…__'")
	errIDUTF8     = errors.New("must be valid UTF-8")
)

// ValidateID says why Firestore would refuse id for a document or collection,
// see https://firebase.google.com/docs/firestore/quotas.
func ValidateID(id string) error {
	switch {
	case id == "":
		return errIDEmpty
	case len(id) > maxIDBytes:
		return errIDLong
	case strings.Contains(id, "/"):
		return errIDSlash
	case id == "." || id == "..":
		return errIDDots
	case strings.HasPrefix(id, "__") && strings.HasSuffix(id, "__"):
		return errIDReserved
	case !utf8.ValidString(id):
		return errIDUTF8
	}
	return nil
}
