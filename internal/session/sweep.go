package session

import (
	"context"
	"slices"
	"time"

	"cloud.google.com/go/firestore"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/echofirestore/echofirestore/internal/credential"
	"github.com/echofirestore/echofirestore/internal/document"
	"github.com/echofirestore/echofirestore/internal/telemetry"
)

const (
	maxBatch  = 500 // documents that a transaction deletes
	growAfter = 16  // batches in a row, smaller than that since documents are large, before a larger one is tried
)

// DeleteExpired deletes the documents of expired sessions and returns how many. It is for databases without a TTL policy on
// the field expire. It needs an index on that field, which Firestore has by default. A session that another request extends
// meanwhile survives.
//
// It costs one read and one delete for each document, and one read if it finds none, or none after a full batch. A batch is
// a transaction that deletes 500 documents. If Firestore refuses that many because they are too large, a batch is smaller,
// and the documents of the refused batch are read again.
//
// Config.Timeout limits each batch. If a batch fails or ctx ends, the documents that were deleted stay deleted and are
// counted, and the next call continues.
func (s *Store) DeleteExpired(ctx context.Context, progress Progress) (int, error) {
	expired := s.firestore.collection.Where(document.FieldExpire, "<=", s.cfg.Now())
	return s.sweep(ctx, sweep{
		kind:     telemetry.DeleteExpired,
		attempt:  "delete expired sessions",
		query:    expired.Select(document.FieldExpire), // the order, to go on from
		progress: progress,
	})
}

// Progress is told after each batch how many documents a call has deleted so far, or looked at. If it returns an error, the
// call ends and returns that. It may be nil.
type Progress func(deleted int) error

// A sweep deletes results of a query.
type sweep struct {
	kind     telemetry.Kind
	attempt  string
	query    firestore.Query
	spare    []string // IDs of sessions that stay
	complete bool     // no document may escape by being renewed while it is under way
	progress Progress

	size  int // how many documents a batch deletes
	grown int // how many batches in a row had that size
}

// sweep deletes what w says, and returns how many documents. Each batch begins behind the one before, since Firestore is
// slow to pass over what was just deleted. A document that is renewed gets another place, which may be before that: so
// nothing has escaped only once a single transaction has seen all that is left.
func (s *Store) sweep(ctx context.Context, w sweep) (deleted int, err error) {
	ctx, op := s.begin(ctx, w.kind)
	defer func() { endDeleting(op, err) }()
	w.size = w.largest()
	for again := true; again; {
		again = false
		var last *firestore.DocumentSnapshot
		for more := true; more; {
			b, err := s.sweepBatch(ctx, &w, last)
			if deleted += len(b.docs); err != nil {
				return deleted, err
			}
			if w.progress != nil {
				if err := w.progress(deleted); err != nil {
					return deleted, err
				}
			}
			last, more = b.last, b.full
			again = again || more && w.complete
		}
	}
	return deleted, nil
}

// sweepBatch deletes the first results behind last. Firestore refuses them as an invalid argument if they are too large
// for a transaction, but also if it has deleted them, its answer was lost, and the client has repeated the commit. Where the
// client does not repeat it, nobody knows either. What the next transaction finds tells one from the other. With an error,
// sweepBatch returns what it has deleted nevertheless.
func (s *Store) sweepBatch(ctx context.Context, w *sweep, last *firestore.DocumentSnapshot) (batch, error) {
	var done, failed batch
	for size := w.size; ; {
		b, err := s.sweepOnce(ctx, w, last)
		again := b.meets(failed)
		if looked := err == nil || b.last != nil; looked && !again {
			done.docs = append(done.docs, failed.docs...)
			w.size = size
		}
		switch {
		case err == nil:
			w.grow(b)
			b.docs = append(done.docs, b.docs...)
			return b, nil
		case len(b.docs) > 0 && b.lost && (!failed.lost || !again): // one retry is enough, see conditionally
			size = w.size
		case len(b.docs) > 0 && b.refused(err):
			size = w.size
			w.size, w.grown = max(1, len(b.docs)/2), 0
		default:
			return done, err
		}
		failed = b
	}
}

// sweepOnce deletes the first results behind last, if Firestore takes as many in a transaction. A single one may be too
// large for that and is then deleted by itself.
func (s *Store) sweepOnce(ctx context.Context, w *sweep, last *firestore.DocumentSnapshot) (batch, error) {
	start := time.Now()
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	query := w.query
	if last != nil {
		query = query.StartAfter(last)
	}
	doomed := func(snap *firestore.DocumentSnapshot) bool {
		return !slices.Contains(w.spare, credential.PublicID(snap.Ref.ID))
	}
	limit := max(w.size, len(w.spare)+1) // more than can be spared, or the sweep would not end
	b, err := s.firestore.deleteBatch(ctx, w.attempt, query, w.size, limit, doomed)
	if len(b.docs) == 1 && status.Code(err) == codes.InvalidArgument {
		err = s.firestore.delete(ctx, w.attempt, b.docs[0].Ref.ID, firestore.LastUpdateTime(b.docs[0].UpdateTime))
		b.full = true // what is behind it was not looked at
	}
	b.lost = outcomeUnknown(err) && ctx.Err() == nil && time.Since(start) < s.cfg.Timeout/2
	return b, err
}

// refused reports whether an error says that Firestore has refused to delete b or, as an effect of that, has deleted it
// before: of a single document, which was tried by itself, its precondition says so.
func (b batch) refused(err error) bool {
	return status.Code(err) == codes.InvalidArgument && len(b.docs) > 1 || movedOn(err) && len(b.docs) == 1
}

// meets reports whether b and other have a document in common.
func (b batch) meets(other batch) bool {
	return slices.ContainsFunc(b.docs, func(doc *firestore.DocumentSnapshot) bool {
		return slices.ContainsFunc(other.docs, func(o *firestore.DocumentSnapshot) bool { return o.Ref.ID == doc.Ref.ID })
	})
}

// largest returns the size of a batch that is not to be smaller. With those that are spared it still has maxBatch others.
func (w *sweep) largest() int { return maxBatch + len(w.spare) }

// grow lets the batches after b be larger, if they had to be small for long enough.
func (w *sweep) grow(b batch) {
	if w.grown++; b.full && w.grown >= growAfter {
		w.size, w.grown = min(2*w.size, w.largest()), 0
	}
}
