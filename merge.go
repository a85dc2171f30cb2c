package echofirestore

import (
	"maps"
	"reflect"
)

// A change is what a request did to the values of its session: the keys that it set, and those that it removed.
type change struct {
	set     map[string]any
	removed []string
}

// diff returns the change that leads from base to now. Values are compared deep, so one that was changed in place
// counts.
func diff(base, now map[string]any) change {
	ch := change{set: make(map[string]any)}
	for key, v := range now {
		if old, ok := base[key]; !ok || !reflect.DeepEqual(old, v) {
			ch.set[key] = v
		}
	}
	for key := range base {
		if _, ok := now[key]; !ok {
			ch.removed = append(ch.removed, key)
		}
	}
	return ch
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
