package session

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"time"
)

// A change is what a request did to the values of its session: the keys that it set, and those that it removed.
type change struct {
	set     map[string]any
	removed []string
}

// diff returns the change that leads from base to the values of a session. Its error names the type of a key that is not a
// string: the key itself may be a secret.
func diff(base map[string]any, session map[any]any) (change, error) {
	var ch change
	for key, v := range session {
		name, ok := key.(string)
		if !ok {
			return change{}, fmt.Errorf("echofirestore: a session key is a %T: it must be a string", key)
		}
		if old, ok := base[name]; !ok || !equal(old, v) {
			if ch.set == nil {
				ch.set = make(map[string]any)
			}
			ch.set[name] = v
		}
	}
	for key := range base {
		if _, ok := session[key]; !ok {
			ch.removed = append(ch.removed, key)
		}
	}
	return ch, nil
}

// stored returns the change as it comes back from the codec, to which values may be equal that are not in Go, such as
// 5 and int64(5). Decoded are the values after the change.
func (ch change) stored(base, decoded map[string]any) change {
	kept := change{set: make(map[string]any), removed: ch.removed}
	for key := range ch.set {
		if old, ok := base[key]; !ok || !equal(old, decoded[key]) {
			kept.set[key] = decoded[key]
		}
	}
	return kept
}

func (ch change) empty() bool { return len(ch.set) == 0 && len(ch.removed) == 0 }

// applyTo returns values with the change made to them. Where both changed a key, the change wins.
func (ch change) applyTo(values map[string]any) map[string]any {
	merged := maps.Clone(values)
	if merged == nil {
		merged = make(map[string]any, len(ch.set))
	}
	maps.Copy(merged, ch.set)
	for _, key := range ch.removed {
		delete(merged, key)
	}
	return merged
}

// equal is reflect.DeepEqual, but allocates nothing for the types that DecodeJSON returns. It runs in every request
// that has read its session.
func equal(a, b any) bool {
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) || (a == nil) != (b == nil) {
			return false
		}
		for key, v := range a {
			if other, ok := b[key]; !ok || !equal(v, other) {
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
			if !equal(v, b[i]) {
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

// clone returns a deep copy of v. It reports false for a type that DecodeJSON never returns.
func clone(v any) (any, bool) {
	switch v := v.(type) {
	case map[string]any:
		copied := make(map[string]any, len(v))
		for key, elem := range v {
			c, ok := clone(elem)
			if !ok {
				return nil, false
			}
			copied[key] = c
		}
		return copied, true
	case []any:
		copied := make([]any, len(v))
		for i, elem := range v {
			c, ok := clone(elem)
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
