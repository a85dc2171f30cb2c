package cache

import (
	"context"
	"time"

	"github.com/echofirestore/echofirestore/internal/document"
)

// A Call reads or writes a document in Firestore.
type Call struct {
	cache *Cache
	id    string
	began time.Time
	order uint64        // in which the calls of a cache begin
	done  chan struct{} // closed when a read has ended; nil for a write

	// Guarded by the mutex of the cache.
	spoilt bool      // the document was, or may have been, deleted meanwhile
	least  time.Time // a version that was stored meanwhile

	// What a read has found, or a write has stored. It is written before done is closed.
	doc       *document.Stored // nil if there is none
	err       error
	abandoned bool // a read failed for a reason that concerns only the request that made it
}

func (c *Cache) begin(id string, now time.Time, done chan struct{}) *Call {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.beginLocked(id, now, done)
}

// beginLocked is begin for a caller that holds c.mu.
func (c *Cache) beginLocked(id string, now time.Time, done chan struct{}) *Call {
	c.begun++
	call := &Call{cache: c, id: id, began: now, order: c.begun, done: done}
	c.calls[id] = append(c.calls[id], call)
	return call
}

// Write stores a document by store, at the time now. If store returns an error, or panics, nobody knows what is stored.
func (c *Cache) Write(id string, now time.Time, store func() (*document.Stored, error)) error {
	if c == nil {
		_, err := store()
		return err
	}
	call := c.begin(id, now, nil)
	defer call.endWrite()
	call.doc, call.err = store()
	return call.err
}

func (call *Call) endWrite() {
	c := call.cache
	c.mu.Lock()
	defer c.mu.Unlock()
	c.remove(call)
	if call.err != nil || call.doc == nil {
		c.spoil(call.id)
		return
	}
	call.keep(call.doc)
	c.outdate(call.id, call.doc.Updated)
}

// keep puts what a call tells of its document into the cache, unless it was overtaken. The caller holds the mutex of the cache.
func (call *Call) keep(doc *document.Stored) {
	if !call.spoilt && !doc.Updated.Before(call.least) {
		call.cache.keep(doc, call.began)
	}
}

// Read reads a document by get, which returns nil if there is none, at the time now.
func (c *Cache) Read(ctx context.Context, id string, now time.Time, get Get) (*document.Stored, error) {
	if c == nil {
		return get(ctx)
	}
	return c.begin(id, now, make(chan struct{})).read(ctx, get)
}

func (call *Call) read(ctx context.Context, get Get) (*document.Stored, error) {
	call.abandoned = true // unless get returns
	defer call.endRead()
	call.doc, call.err = get(ctx)
	call.abandoned = call.err != nil && ctx.Err() != nil
	return call.doc, call.err
}

func (call *Call) endRead() {
	c := call.cache
	c.mu.Lock()
	defer c.mu.Unlock()
	defer close(call.done)
	c.remove(call)
	switch {
	case call.abandoned || call.err != nil:
	case call.doc != nil:
		call.keep(call.doc)
	default:
		c.drop(call.id)
	}
}
