package cache

import (
	"math"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/echofirestore/echofirestore/internal/document"
)

// A Cache keeps documents. Those that it returns are shared, and must not be changed. A nil Cache keeps nothing.
//
// Every call to Firestore that reads or writes a document is made through it. A call that was overtaken by another one leaves
// nothing in the cache that the other one knows to be over.
type Cache struct {
	maxAge   time.Duration
	maxBytes int

	mu     sync.Mutex // guards what follows, and the fields of all calls that are said to be
	copies *simplelru.LRU[string, kept]
	bytes  int                // of all copies
	calls  map[string][]*Call // under way, by document ID, in the order in which they began
	begun  uint64             // how many calls have begun
}

// kept is a copy of a document.
type kept struct {
	doc   *document.Stored
	as    time.Time // it was stored at this time, or later
	bytes int
}

// New returns a cache of documents that were stored less than maxAge ago. They take about maxBytes of memory. It returns nil
// if maxAge is 0.
func New(maxAge time.Duration, maxBytes int) *Cache {
	if maxAge == 0 {
		return nil
	}
	c := &Cache{maxAge: maxAge, maxBytes: maxBytes, calls: make(map[string][]*Call)}
	c.copies, _ = simplelru.NewLRU(math.MaxInt, func(_ string, k kept) { c.bytes -= k.bytes }) // fails for a size of 0
	return c
}

// young reports whether a copy that was stored at some time may be used now. The wall clock may have been set back, and the
// monotonic clock stands still while a machine is suspended: so the copy must be young by both.
func (c *Cache) young(as, now time.Time) bool {
	return c.isAge(now.Sub(as)) && c.isAge(now.Round(0).Sub(as.Round(0)))
}

// isAge reports whether a copy that may be used can have this age.
func (c *Cache) isAge(age time.Duration) bool { return 0 <= age && age < c.maxAge }

// keep makes doc the copy of its ID, unless there is a later version. The caller holds c.mu.
func (c *Cache) keep(doc *document.Stored, as time.Time) {
	k, ok := c.copies.Peek(doc.ID)
	if ok && (k.doc.Updated.After(doc.Updated) || k.doc.Updated.Equal(doc.Updated) && k.as.After(as)) {
		return
	}
	c.drop(doc.ID)
	k = kept{doc: doc, as: as, bytes: weigh(doc)}
	if k.bytes > c.maxBytes {
		return
	}
	c.copies.Add(doc.ID, k)
	for c.bytes += k.bytes; c.bytes > c.maxBytes; {
		c.copies.RemoveOldest()
	}
}

// drop forgets the copy of a document. The caller holds c.mu.
func (c *Cache) drop(id string) { c.copies.Remove(id) }

// Drop forgets documents that are deleted, or that may have been.
func (c *Cache) Drop(ids ...string) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, id := range ids {
		c.spoil(id)
	}
}

// DropIf forgets the documents that are over: another process may have deleted them.
func (c *Cache) DropIf(over func(*document.Stored) bool) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, k := range c.copies.Values() {
		if over(k.doc) {
			c.spoil(k.doc.ID)
		}
	}
}

// spoil forgets a document, and what the calls that are under way will tell of it. The caller holds c.mu.
func (c *Cache) spoil(id string) {
	c.drop(id)
	for _, call := range c.calls[id] {
		call.spoilt = true
	}
}

// dropBefore forgets the copy of a document if it is older than a version. The caller holds c.mu.
func (c *Cache) dropBefore(id string, version time.Time) {
	if k, ok := c.copies.Peek(id); ok && k.doc.Updated.Before(version) {
		c.drop(id)
	}
}

// outdate notes that a version was stored: calls under way that tell of an earlier one are too late. The caller holds c.mu.
func (c *Cache) outdate(id string, version time.Time) {
	for _, call := range c.calls[id] {
		if version.After(call.least) {
			call.least = version
		}
	}
}

// remove takes a call out of those under way. The caller holds c.mu.
func (c *Cache) remove(call *Call) {
	calls := c.calls[call.id]
	i := slices.Index(calls, call)
	if calls = slices.Delete(calls, i, i+1); len(calls) == 0 {
		delete(c.calls, call.id)
	} else {
		c.calls[call.id] = calls
	}
}
