package firesession

import (
	"github.com/gorilla/sessions"

	"github.com/echofirestore/echofirestore/internal/codec"
)

// Value returns the session value stored under key as a T, and whether there is one.
//
// A value that was stored in an earlier request has been through the codec. [EncodeJSON] keeps the data but not the Go type:
// a struct comes back as map[string]any, a time.Time as an int of milliseconds, a []string as []any, an int64 as int. Value
// turns each of these back into a T, if that loses nothing. It reports false if the key has no value, or one that is not a T.
// A struct is read as encoding/json reads it, which ignores unknown keys.
func Value[T any](sess *sessions.Session, key string) (value T, ok bool) {
	stored, ok := sess.Values[key]
	if !ok {
		return value, false
	}
	return codec.Convert[T](stored)
}
