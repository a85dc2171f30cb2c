// Package merge compares the values of a session with those that were loaded, and applies the difference to what other requests
// have stored meanwhile.
package merge

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"time"
)

// A Change is what a request did to the values of its session: the keys that it set, and those that it removed.
type Change struct {
	Set     map[string]any
	Removed []string
}

// Diff returns the change that leads from base to the values of a session. Its error names the type of a key that is not a
// string: the key itself may be a secret.
func Diff(base map[string]any, session map[any]any) (Change, error) {
	var ch Change
	for key, v := range session {
		name, ok := key.(string)
		if !ok {
			return Change{}, fmt.Errorf("echofirestore: the session has a key of type %T: keys must be strings", key)
		}
		if old, ok := base[name]; !ok || !Equal(old, v) {
			if ch.Set == nil {
				ch.Set = make(map[string]any)
			}
			ch.Set[name] = v
		}
	}
	for key := range base {
		if _, ok := session[key]; !ok {
			ch.Removed = append(ch.Removed, key)
		}
	}
	return ch, nil
}

// Stored returns the change as it comes back from the codec, to which values may be equal that are not in Go, such as
// 5 and int64(5). Decoded are the values after the change.
func (ch Change) Stored(base, decoded map[string]any) Change {
	kept := Change{Set: make(map[string]any), Removed: ch.Removed}
	for key := range ch.Set {
		if old, ok := base[key]; !ok || !Equal(old, decoded[key]) {
			kept.Set[key] = decoded[key]
		}
	}
	return kept
}

// Empty reports whether nothing was changed.
func (ch Change) Empty() bool { return len(ch.Set) == 0 && len(ch.Removed) == 0 }

// ApplyTo returns values with the change made to them. Where both changed a key, the change wins.
func (ch Change) ApplyTo(values map[string]any) map[string]any {
	merged := maps.Clone(values)
	if merged == nil {
		merged = make(map[string]any, len(ch.Set))
	}
	maps.Copy(merged, ch.Set)
	for _, key := range ch.Removed {
		delete(merged, key)
	}
	return merged
}

// Equal is reflect.DeepEqual, but allocates nothing for the types that DecodeJSON returns. It runs in every request
// that has read its session.
func Equal(a, b any) bool {
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) || (a == nil) != (b == nil) {
			return false
		}
		for key, v := range a {
			if other, ok := b[key]; !ok || !Equal(v, other) {
				return false
			}
		}
		return true
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) || (a == nil) != (b == nil) {
			return false
		}
		for i, v := range a {
			if !Equal(v, b[i]) {
				return false
			}
		}
		return true
	case nil, bool, string, int, int64, float64, json.Number:
		return a == b
	default:
		return reflect.DeepEqual(a, b)
	}
}

// Clone returns a deep copy of v. It reports false for a type that DecodeJSON never returns.
func Clone(v any) (any, bool) {
	switch v := v.(type) {
	case map[string]any:
		copied := make(map[string]any, len(v))
		for key, elem := range v {
			c, ok := Clone(elem)
			if !ok {
				return nil, false
			}
			copied[key] = c
		}
		return copied, true
	case []any:
		copied := make([]any, len(v))
		for i, elem := range v {
			c, ok := Clone(elem)
			if !ok {
				return nil, false
			}
			copied[i] = c
		}
		return copied, true
	case nil, bool, string, int, int64, float64, json.Number, time.Time:
		return v, true
	default:
		return nil, false
	}
}
