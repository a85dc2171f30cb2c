package session

import (
	"crypto/rand"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// writes are the Updates of a store that are under way. Each has an ID, which contains the store and the time in seconds. The
// document keeps the ID until it is known whether the commit was applied, so that the Update can find out.
type writes struct {
	store string        // begins each ID
	stay  time.Duration // how long the IDs of other stores stay: their Updates have ended by then

	mu       sync.Mutex
	underWay map[string]bool // a set of IDs
}

func newWrites(timeout time.Duration) *writes {
	return &writes{store: rand.Text()[:8], stay: 2*timeout + time.Minute, underWay: make(map[string]bool)}
}

// begin returns the ID of an Update, until end is called with it.
func (w *writes) begin() string {
	id := w.store + "." + strconv.FormatInt(time.Now().Unix(), 36) + "." + rand.Text()[:7]
	w.mu.Lock()
	defer w.mu.Unlock()
	w.underWay[id] = true
	return id
}

func (w *writes) end(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.underWay, id)
}

// keep returns the IDs in a document that a write must preserve: of this store, the Updates that are under way; of other
// stores, those that may be.
func (w *writes) keep(ids []string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	oldest := time.Now().Add(-w.stay).Unix()
	return slices.DeleteFunc(slices.Clone(ids), func(id string) bool {
		parts := strings.Split(id, ".")
		if parts[0] == w.store {
			return !w.underWay[id]
		}
		if len(parts) < 2 {
			return true
		}
		began, err := strconv.ParseInt(parts[len(parts)-2], 36, 64) // an older release's did not name the store
		return err != nil || began < oldest
	})
}
