package session

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/echofirestore/echofirestore/internal/document"
)

const (
	// maxWaiting is how many saves of one session wait for their turn.
	maxWaiting = 500

	// maxHold is how long the function of an Update can hold the turn, but for a short Config.Timeout.
	maxHold = time.Second
)

// The turns of a store make the saves of one session wait for each other, where they would collide in Firestore. Those that
// wait together are stored by one commit, and the next one knows the version that it replaces. Nothing depends on it: every
// commit has its precondition, and other processes have turns of their own.
type turns struct {
	mu sync.Mutex
	of map[string]*turn // by document ID; guarded, with all in it, by mu
}

// A turn is that of one session. It exists while a request has the session loaded, or a save waits or goes on.
type turn struct {
	holders int // requests that have the session loaded, and saves
	taken   bool
	queue   []*member          // in order of arrival
	known   *document.Document // the latest version that is known to be stored; nil if none is
}

// A member is a save that waits for its turn.
type member struct {
	*commit
	alone    bool // it shares its commit with no other: an Update, or a renewal
	deadline time.Time
	ready    chan struct{} // closed when it has the turn or an outcome
	group    []*member     // those for which it is to commit, itself among them, in order of arrival
	outcome  outcome
}

// An outcome is what a commit for a group has done.
type outcome struct {
	done   bool               // there is an outcome
	err    error              // the session could not be saved
	of     *document.Document // the version that it follows
	doc    *document.Document // what is stored; nil if nothing is
	merged bool               // with what other requests have changed
	erased bool               // the group has emptied the session, and its document is deleted
	over   bool               // the group was to do that, but another request has ended the session
}

func newTurns() *turns { return &turns{of: make(map[string]*turn)} }

// hold keeps the turn of a document until release. The document was just read.
func (ts *turns) hold(doc *document.Document) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	ts.enter(doc.ID).learn(doc)
}

// release undoes hold.
func (ts *turns) release(id string) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	ts.leave(id)
}

// latest returns the latest version that is known of the document of which a request has doc: doc itself, if there is no other.
func (ts *turns) latest(doc *document.Document) *document.Document {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if t := ts.of[doc.ID]; t != nil && t.known != nil && t.known.Version.After(doc.Version) {
		return t.known
	}
	return doc
}

// learn notes that doc is stored.
func (ts *turns) learn(doc *document.Document) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if t := ts.of[doc.ID]; t != nil {
		t.learn(doc)
	}
}

// forget notes that a version is not stored any more, or that nobody knows.
func (ts *turns) forget(id string) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if t := ts.of[id]; t != nil {
		t.known = nil
	}
}

func (t *turn) learn(doc *document.Document) {
	if t.known == nil || doc.Version.After(t.known.Version) {
		t.known = doc
	}
}

// take waits until m has the turn of the document, or an outcome. It fails if too many wait, or if ctx ends before that. If it
// does not fail and m has no outcome, m holds the turn until pass.
func (ts *turns) take(ctx context.Context, id string, m *member) error {
	m.ready = make(chan struct{})
	m.deadline, _ = ctx.Deadline()
	if err := ts.join(id, m); err != nil {
		return err
	}
	select {
	case <-m.ready:
		return nil
	case <-ctx.Done():
		if ts.quit(id, m) {
			return conflict()
		}
		<-m.ready // it is being committed for
		return nil
	}
}

// join puts m into the queue.
func (ts *turns) join(id string, m *member) error {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	t := ts.enter(id)
	if len(t.queue) >= maxWaiting {
		ts.leave(id)
		return conflict()
	}
	t.queue = append(t.queue, m)
	t.next()
	return nil
}

// quit takes m out of the queue. It reports false if m is not in it.
func (ts *turns) quit(id string, m *member) bool {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	t := ts.of[id]
	if t == nil {
		return false // m has its outcome, and was the last
	}
	i := slices.Index(t.queue, m)
	if i < 0 {
		return false
	}
	t.queue = slices.Delete(t.queue, i, i+1)
	ts.leave(id)
	return true
}

// pass ends the turn that m holds. Members of its group that have no outcome wait again, before all others.
func (ts *turns) pass(id string, m *member) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	t := ts.of[id]
	var again []*member
	for _, each := range m.group {
		switch {
		case each == m:
			ts.leave(id)
		case each.outcome.done:
			ts.leave(id)
			close(each.ready)
		default:
			again = append(again, each)
		}
	}
	t.queue = slices.Concat(again, t.queue)
	t.taken = false
	t.next()
}

// next gives the turn to those that are first in the queue, if nobody has it. The one with the most time left commits.
func (t *turn) next() {
	if t.taken || len(t.queue) == 0 {
		return
	}
	n := 1
	for n < len(t.queue) && !t.queue[0].alone && !t.queue[n].alone {
		n++
	}
	group := slices.Clone(t.queue[:n])
	t.queue = slices.Delete(t.queue, 0, n)
	leader := slices.MaxFunc(group, func(a, b *member) int { return a.deadline.Compare(b.deadline) })
	leader.group = group
	t.taken = true
	close(leader.ready)
}

// enter returns the turn of a document, for one more holder. The caller holds ts.mu.
func (ts *turns) enter(id string) *turn {
	t := ts.of[id]
	if t == nil {
		t = new(turn)
		ts.of[id] = t
	}
	t.holders++
	return t
}

// leave is called when a holder of a turn goes. The caller holds ts.mu.
func (ts *turns) leave(id string) {
	t := ts.of[id]
	if t.holders--; t.holders == 0 {
		delete(ts.of, id)
	}
}
