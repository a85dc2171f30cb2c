package firestoretest

import (
	"context"
	"time"

	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"
)

// lockPatience is how long a transaction waits for another to end before it
// reads the same document regardless.
const lockPatience = 250 * time.Millisecond

// lock makes read-write transactions that read the same document take turns, rather than
// abort each other. It is a courtesy, and correctness does not hang on it: what a
// transaction has read is verified when it commits. So a lock can be taken from a holder
// that keeps it too long or is gone, and writes outside of transactions don't wait for it.
type lock struct {
	holder   *transaction
	released chan struct{} // closed when the holder has ended, or lost it
}

// acquire locks the documents for the transaction. If others hold any of them, it waits
// until they end, or takes the locks from them when its patience does. A transaction that
// holds a lock already doesn't wait, since the others might be waiting for that one, but
// takes only what is free: so there are no deadlocks.
func (m *memory) acquire(ctx context.Context, tx *transaction, names []string) error {
	if !tx.tracks() {
		return nil
	}
	for {
		blocker := m.tryAcquire(tx, names)
		if blocker == nil {
			return nil
		}
		patience := time.NewTimer(m.patience)
		select {
		case <-blocker.released:
		case <-blocker.holder.conn.closed:
			m.seize(blocker)
		case <-patience.C:
			m.seize(blocker)
		case <-ctx.Done():
			patience.Stop()
			return status.FromContextError(ctx.Err()).Err()
		}
		patience.Stop()
	}
}

// tryAcquire gives the transaction the locks that are free, if all of them are or it holds
// one already. Otherwise it returns a lock to wait for.
func (m *memory) tryAcquire(tx *transaction, names []string) *lock {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.transactions[tx.id] != tx { // ended while it waited
		return nil
	}
	if len(tx.locked) == 0 {
		for _, name := range names {
			if l := m.locks[name]; l != nil {
				return l
			}
		}
	}
	for _, name := range names {
		if m.locks[name] == nil {
			m.locks[name] = &lock{holder: tx, released: make(chan struct{})}
			tx.locked = append(tx.locked, name)
		}
	}
	return nil
}

// seize ends all locks of the holder of this one.
func (m *memory) seize(l *lock) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.release(l.holder)
}

// release frees what the transaction holds for those that wait.
func (m *memory) release(tx *transaction) {
	for _, name := range tx.locked {
		close(m.locks[name].released)
		delete(m.locks, name)
	}
	tx.locked = nil
}

// conn is the connection by which a transaction was begun.
type conn struct{ closed chan struct{} }

type connKey struct{}

// connOf returns the connection by which a call came.
func connOf(ctx context.Context) *conn {
	return ctx.Value(connKey{}).(*conn)
}

// connTagger is a [stats.Handler] that puts a call's connection into its context.
type connTagger struct{}

func (connTagger) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context {
	return context.WithValue(ctx, connKey{}, &conn{closed: make(chan struct{})})
}

func (connTagger) HandleConn(ctx context.Context, s stats.ConnStats) {
	if _, ok := s.(*stats.ConnEnd); ok {
		close(connOf(ctx).closed)
	}
}

func (connTagger) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }
func (connTagger) HandleRPC(context.Context, stats.RPCStats)                       {}
