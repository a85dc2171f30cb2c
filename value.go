package echofirestore

import (
	"encoding/json"
	"time"

	"github.com/gorilla/sessions"
)

// Value returns the session value stored under key as a T, and whether there is one.
//
// A value that was stored in an earlier request has been through the codec, and [EncodeJSON] keeps the data but not the
// Go type: a struct comes back as map[string]any, a time.Time as an int of milliseconds, a []string as []any, an int64
// as int. Value turns each of these into the T that it was, if the data fit without loss; a time.Time only if it is the
// value itself, not a part of it. It reports false if the key has no value, or one that is no T.
func Value[T any](sess *sessions.Session, key string) (value T, ok bool) {
	stored, ok := sess.Values[key]
	if !ok {
		return value, false
	}
	if v, ok := stored.(T); ok {
		return v, true
	}
	if t, ok := any(&value).(*time.Time); ok {
		millis, ok := stored.(int64)
		if i, isInt := stored.(int); isInt {
			millis, ok = int64(i), true
		}
		if !ok {
			return value, false
		}
		*t = time.UnixMilli(millis).UTC()
		return value, true
	}
	text, err := appendValue(nil, stored, 0)
	if err != nil || string(text) == "null" {
		return value, false
	}
	if err := json.Unmarshal(text, &value); err != nil {
		var zero T
		return zero, false
	}
	return value, true
}
