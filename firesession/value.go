package firesession

import (
	"github.com/gorilla/sessions"

	"github.com/echofirestore/echofirestore/internal/codec"
)

// Value returns the session value stored under key as a T, and whether there is one.
//
// A value that was stored in an earlier request has been through the codec. [EncodeJSON] keeps the data but not the Go
// type: a struct comes back as map[string]any, a time.Time as an int of milliseconds, a []string as []any, an int64 as int.
// Value turns each of these back into a T, if that loses nothing. It reports false if the key has no value, or a value that
// cannot become a T. A struct is read as encoding/json reads it, and unknown keys are ignored.
//
// Value also reads the values of a [SessionInfo]: Value[string](info.Values, "device").
func Value[T any, S Values](from S, key string) (value T, ok bool) {
	var stored any
	switch from := any(from).(type) {
	case *sessions.Session:
		stored, ok = from.Values[key]
	case map[string]any:
		stored, ok = from[key]
	}
	if !ok {
		return value, false
	}
	return codec.Convert[T](stored)
}

// Values is what [Value] reads from: a session, or the values of a [SessionInfo].
type Values interface {
	*sessions.Session | map[string]any
}
