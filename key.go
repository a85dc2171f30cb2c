package echofirestore

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"
)

// maxIDBytes is how long a document ID may be, see https://firebase.google.com/docs/firestore/quotas.
const maxIDBytes = 1500

// otherNames marks the IDs of sessions that go by another name than Config.CookieName: "~prefs:key". No key may begin
// with it, and no cookie name contains the colon, so a key issued under one name never opens a session of another.
const otherNames = "~"

// newKey returns 256 random bits as 43 characters, like Python's secrets.token_urlsafe(32).
func newKey() string {
	var b [32]byte
	rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// documentID returns the ID of the document that holds the session called name with the given key. It fails if no
// session can have that key, whoever claims it.
func (s *Store) documentID(name, key string) (string, error) {
	if strings.HasPrefix(key, otherNames) {
		return "", fmt.Errorf("a session key must not begin with %q", otherNames)
	}
	if err := validateID(key); err != nil {
		return "", err
	}
	if name == s.cfg.CookieName {
		return key, nil
	}
	id := otherNames + name + ":" + key
	return id, validateID(id)
}

// issueKey takes a new key from the factory. The client returns it in a cookie, so it must fit into one.
func (s *Store) issueKey(name string) (key, id string, err error) {
	key = s.cfg.KeyFactory()
	id, err = s.documentID(name, key)
	if err == nil {
		err = (&http.Cookie{Name: name, Value: key}).Valid()
	}
	if err != nil {
		// Neither the key nor what net/http says of it is shown: it may be the credential of somebody.
		return "", "", rejected(errors.New("echofirestore: Config.KeyFactory returned an unusable key: " +
			"it must be a Firestore document ID (1 to 1500 bytes of UTF-8, no slash, not '.', '..' or '__…__'), " +
			"fit into a cookie, and not begin with '~'"))
	}
	return key, id, nil
}

var (
	errIDEmpty    = errors.New("must not be empty")
	errIDLong     = errors.New("must not be longer than 1500 bytes")
	errIDSlash    = errors.New("must not contain a slash")
	errIDDots     = errors.New("must not be '.' or '..'")
	errIDReserved = errors.New("must not have the reserved form '__…__'")
	errIDUTF8     = errors.New("must be valid UTF-8")
)

// validateID says why Firestore would refuse id for a document or collection,
// see https://firebase.google.com/docs/firestore/quotas.
func validateID(id string) error {
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
