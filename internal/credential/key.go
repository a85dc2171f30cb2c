package credential

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxIDBytes is how long a document ID may be, see https://firebase.google.com/docs/firestore/quotas.
const maxIDBytes = 1500

// otherNames begins the IDs of sessions with plain keys whose name is not Config.CookieName: "~prefs:key". No key may begin
// with it, so that a key issued under one name never opens a session of another.
const otherNames = "~"

// NoSessionID is the ID of a document that never holds a session, in any [Scheme]: a hash contains no tilde, no key begins
// with one, and every other ID that does contains a colon.
const NoSessionID = otherNames + "check"

// NewKey returns 256 random bits as 43 characters, like Python's secrets.token_urlsafe(32).
func NewKey() string {
	var b [32]byte
	rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

func validateKey(key string) error {
	if strings.Contains(key, versionEnd) {
		return errors.New("a session key must not contain a NUL")
	}
	if strings.HasPrefix(key, otherNames) {
		return fmt.Errorf("a session key must not begin with %q", otherNames)
	}
	return ValidateID(key)
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
