package session

import (
	"slices"
	"strconv"
	"testing"
	"time"
)

// writeIDOf returns the ID of an Update of a store that began a while ago; without a store, as older releases made it.
func writeIDOf(store string, ago time.Duration) string {
	id := strconv.FormatInt(time.Now().Add(-ago).Unix(), 36) + ".ABCDEFG"
	if store != "" {
		id = store + "." + id
	}
	return id
}

// TestWritesKeep looks at which IDs a save leaves in the document.
func TestWritesKeep(t *testing.T) {
	t.Parallel()
	const timeout = 10 * time.Second // so that those of others stay for 80 seconds
	w := newWrites(timeout)
	underWay, over := w.begin(), w.begin()
	w.end(over)
	for _, tt := range []struct {
		name string
		id   string
		want bool
	}{
		{"of this store, under way", underWay, true},
		{"of this store, over", over, false},
		{"of this store, unknown", writeIDOf(w.store, 0), false},
		{"of another store, just begun", newWrites(timeout).begin(), true},
		{"of another store, may be under way", writeIDOf("ANOTHER1", 75*time.Second), true},
		{"of another store, given up", writeIDOf("ANOTHER1", 90*time.Second), false},
		{"of another store, whose clock is ahead", writeIDOf("ANOTHER1", -30*time.Second), true},
		{"of an older release, just begun", writeIDOf("", 0), true},
		{"of an older release, given up", writeIDOf("", 90*time.Second), false},
		{"no time", "ANOTHER1.!.ABCDEFG", false},
		{"no ID", "ABCDEFG", false},
		{"empty", "", false},
	} {
		ids := []string{tt.id}
		if got := w.keep(ids); slices.Contains(got, tt.id) != tt.want {
			t.Errorf("%s: keeps %q of %q", tt.name, got, ids)
		}
		if ids[0] != tt.id {
			t.Errorf("%s: the document that was read has changed", tt.name)
		}
	}
}
