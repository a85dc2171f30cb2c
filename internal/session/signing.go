package session

import (
	"net/http"
	"slices"

	"github.com/gorilla/securecookie"
)

// newSigners returns the codecs of the pairs in Config.SigningKeys. A cookie is valid for as long as its session lives,
// so they have no time limit of their own.
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

// cookieValue returns what the cookie called name holds for a key.
func (s *Store) cookieValue(name, key string) (string, error) {
	if len(s.signers) == 0 {
		return key, nil
	}
	return securecookie.EncodeMulti(name, []byte(key), s.signers[0])
}

// keyIn returns the key in a cookie, and reports whether the cookie is one that this store's keys have signed.
func (s *Store) keyIn(cookie *http.Cookie) (string, bool) {
	if len(s.signers) == 0 {
		return cookie.Value, true
	}
	var key []byte
	err := securecookie.DecodeMulti(cookie.Name, cookie.Value, &key, s.signers...)
	return string(key), err == nil
}
