package cache

import (
	"context"
	"slices"
	"time"

	"github.com/echofirestore/echofirestore/internal/document"
)

// A Get reads a document from Firestore. It returns nil if there is none.
type Get func(context.Context) (*document.Stored, error)

// Load returns a document of the version least or a later one, from the cache or from a read that is under way. If neither
// has it, it reads the document by get, or shares the read of another request that does so, and returns what is found,
// whatever version that is. Then it reports that the document was fresh: it was stored when Load was called, or later.
func (c *Cache) Load(
	ctx context.Context, id string, least time.Time, clock func() time.Time, get Get,
) (doc *document.Stored, fresh bool, err error) {
	if c == nil {
		doc, err = get(ctx)
		return doc, true, err
	}
	doc, call, begun := c.find(id, least, clock())
	if doc != nil {
		return doc, false, nil
	}
	if !begun { // it began before this
		if err := call.wait(ctx); err != nil {
			return nil, false, err
		}
		if doc := call.result(least, clock()); doc != nil {
			return doc, false, nil
		}
		// The latest read was too early. One that has begun after it has begun after this, too.
		if call, begun = c.join(id, call.order, clock()); !begun {
			if err := call.wait(ctx); err != nil {
				return nil, false, err
			}
			if !call.abandoned {
				return call.doc, true, call.err
			}
			call = c.begin(id, clock(), make(chan struct{}))
		}
	}
	doc, err = call.read(ctx, get)
	return doc, true, err
}

// find returns the copy of a document, if that is of the version least or a later one and young, or else what join returns.
func (c *Cache) find(id string, least, now time.Time) (doc *document.Stored, call *Call, begun bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if k, ok := c.copies.Get(id); ok && !k.doc.Updated.Before(least) && c.young(k.as, now) {
		return k.doc, nil, false
	}
	call, begun = c.joinLocked(id, 0, now)
	return nil, call, begun
}

// join returns the latest read of a document that is under way, and began after a call with the given order. If there is none,
// it begins one.
func (c *Cache) join(id string, after uint64, now time.Time) (call *Call, begun bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.joinLocked(id, after, now)
}

// joinLocked is join for a caller that holds c.mu.
func (c *Cache) joinLocked(id string, after uint64, now time.Time) (call *Call, begun bool) {
	for _, call := range slices.Backward(c.calls[id]) {
		if call.done != nil && !call.spoilt && call.order > after {
			return call, false
		}
	}
	return c.beginLocked(id, now, make(chan struct{})), true
}

// wait returns nil once a read has ended, or the error of ctx.
func (call *Call) wait(ctx context.Context) error {
	select {
	case <-call.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// result returns what a read has found, if that will do for a request that came after it began: a document of the version
// least or a later one that may still be used now, and that is not known to be over.
func (call *Call) result(least, now time.Time) *document.Stored {
	c := call.cache
	c.mu.Lock()
	defer c.mu.Unlock()
	if call.err != nil || call.doc == nil || call.spoilt || call.doc.Updated.Before(least) || call.doc.Updated.Before(call.least) ||
		!c.young(call.began, now) {
		return nil
	}
	return call.doc
}
