package credential

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/securecookie"
)

const (
	// maxCookies is how many cookies of one name in a request are considered.
	maxCookies = 3

	// maxCookieBytes is how long a cookie may be, its name and value together: browsers drop a longer one (RFC 6265bis,
	// section 5.6).
	maxCookieBytes = 4096
)

// A Credential is the key of a session in its three forms.
type Credential struct {
	Key    string
	Cookie string // the value of the client's cookie: the key, signed if there are signing keys
	ID     string // of the session's document: the key, or with HashKeys the hash of name and key
}

// A Sent key is one that a client has sent.
type Sent struct {
	Key     string
	Version time.Time // of the document that its cookie was made for; zero if the cookie does not say
}

// A Lack says why a request has no key.
type Lack string

// The reasons. Of several cookies, the last one counts.
const (
	NoCookie     Lack = "no cookie"
	NotAKey      Lack = "not a key"     // no document can have that ID
	BadSignature Lack = "bad signature" // or none, or one of keys that are not in the Config any more
)

// A Scheme says how keys are made, and how they are converted.
type Scheme struct {
	cookieName string
	hashKeys   bool
	signers    []securecookie.Codec // the first signs, all verify; none if cookies are not signed
	newKey     func() string
}

// NewScheme returns the Scheme of the Config whose fields it is given.
func NewScheme(cookieName string, keyFactory func() string, hashKeys bool, signingKeys [][]byte) *Scheme {
	return &Scheme{cookieName: cookieName, hashKeys: hashKeys, signers: newSigners(signingKeys), newKey: keyFactory}
}

// newSigners returns the codecs of pairs of keys. A cookie is valid for as long as its session lives, so they have no time
// limit of their own.
func newSigners(keys [][]byte) []securecookie.Codec {
	pairs := make([][]byte, len(keys))
	for i, key := range keys {
		if len(key) > 0 { // an empty block key is none
			pairs[i] = slices.Clone(key)
		}
	}
	codecs := securecookie.CodecsFromPairs(pairs...)
	for _, codec := range codecs {
		codec.(*securecookie.SecureCookie).MaxAge(0).SetSerializer(securecookie.NopEncoder{})
	}
	return codecs
}

// Of returns the credential of a key that a client has, for the session with the given name.
func (s *Scheme) Of(name, key string) (Credential, error) {
	id, err := s.DocumentID(name, key)
	if err != nil {
		return Credential{}, err
	}
	cookie, err := s.sign(name, key)
	if err != nil {
		return Credential{}, err
	}
	return Credential{Key: key, Cookie: cookie, ID: id}, nil
}

// errUnusable does not quote the key, or net/http's message about it: it may be somebody's credential.
var errUnusable = errors.New("echofirestore: Config.KeyFactory returned an unusable key: " +
	"it must be a Firestore document ID (1 to 1500 bytes of UTF-8, no slash or NUL, not '.', '..' or '__…__'), " +
	"fit into a cookie, and not begin with '~'")

// Issue returns a credential with a new key. The client returns it in a cookie, so it must fit into one.
func (s *Scheme) Issue(name string) (Credential, error) {
	cred, err := s.Of(name, s.newKey())
	if err != nil || len(name)+len(cred.Cookie) > maxCookieBytes ||
		(&http.Cookie{Name: name, Value: cred.Cookie}).Valid() != nil {
		return Credential{}, errUnusable
	}
	return cred, nil
}

// Sent returns the keys in the request's cookies with the given name, each once and with the latest version, in the order
// in which the client sends them. It passes over cookies that cannot be keys, such as empty ones and those that are not signed. If
// there is no key, lack says why.
func (s *Scheme) Sent(r *http.Request, name string) (keys []Sent, lack Lack) {
	lack = NoCookie
	for _, cookie := range r.CookiesNamed(name) {
		sent, ok := s.verify(cookie)
		if !ok {
			lack = BadSignature
			continue
		}
		if _, err := s.DocumentID(name, sent.Key); err != nil {
			lack = NotAKey
			continue
		}
		i := slices.IndexFunc(keys, func(other Sent) bool { return other.Key == sent.Key })
		switch {
		case i >= 0 && sent.Version.After(keys[i].Version):
			keys[i].Version = sent.Version
		case i < 0 && len(keys) < maxCookies:
			keys = append(keys, sent)
		}
	}
	return keys, lack
}

// Versioned returns the value of a cookie that names the version of the session's document, too. It is that of cred if
// cookies are not signed, for clients could make up versions, or if there is no room for it.
func (s *Scheme) Versioned(name string, cred Credential, version time.Time) string {
	if len(s.signers) == 0 {
		return cred.Cookie
	}
	value, err := s.sign(name, strconv.FormatInt(version.UnixNano(), 10)+versionEnd+cred.Key)
	if err != nil || len(name)+len(value) > maxCookieBytes {
		return cred.Cookie
	}
	return value
}

// versionEnd ends the version in a signed cookie, in nanoseconds since 1970, before the key. No key contains it.
const versionEnd = "\x00"

// DocumentID returns the ID of the document that holds the session with the given name and key. It fails if no session can
// have that key, whoever claims it.
func (s *Scheme) DocumentID(name, key string) (string, error) {
	if err := validateKey(key); err != nil {
		return "", err
	}
	switch { // no name contains a colon, so no other name and key give the same ID
	case s.hashKeys:
		return hash(name + ":" + key), nil // in every store, whatever its CookieName is
	case name == s.cookieName:
		return key, nil
	default:
		id := otherNames + name + ":" + key
		return id, ValidateID(id)
	}
}

// sign returns what the cookie called name holds for a key, which a version may precede.
func (s *Scheme) sign(name, key string) (string, error) {
	if len(s.signers) == 0 {
		return key, nil
	}
	return securecookie.EncodeMulti(name, []byte(key), s.signers[0])
}

// verify returns what a cookie holds, and reports whether the cookie is one that this scheme's keys have signed.
func (s *Scheme) verify(cookie *http.Cookie) (Sent, bool) {
	if len(s.signers) == 0 {
		return Sent{Key: cookie.Value}, true
	}
	var value []byte
	if err := securecookie.DecodeMulti(cookie.Name, cookie.Value, &value, s.signers...); err != nil {
		return Sent{}, false
	}
	version, key, versioned := strings.Cut(string(value), versionEnd)
	if !versioned {
		return Sent{Key: version}, true
	}
	nanoseconds, err := strconv.ParseInt(version, 10, 64)
	return Sent{Key: key, Version: time.Unix(0, nanoseconds)}, err == nil
}

// PublicID returns an identifier of the session in a document that opens nothing: 128 bits of the hash of the document's ID.
func PublicID(documentID string) string { return hash(documentID)[:22] }

// hash returns the SHA-256 of text in base64url. A key has 256 random bits, so that nobody finds it from its hash.
func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
