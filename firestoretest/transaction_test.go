package firestoretest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/firestore"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// patientServer is a server whose transactions wait as long as it takes.
func patientServer(t *testing.T) (*memory, *Server) {
	t.Helper()
	m := newMemory()
	m.patience = time.Hour
	s, err := serve(anyPort, memoryProject, m)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return m, s
}

func TestContendingTransactionsTakeTurns(t *testing.T) {
	t.Parallel()
	const n = 10
	_, s := patientServer(t)
	tg := serverTarget(t, s)
	doc := tg.Doc("c/d")
	written(t)(doc.Set(t.Context(), map[string]any{"n": 0}))
	s.ResetOps()
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			err := tg.RunTransaction(t.Context(), func(_ context.Context, tx *firestore.Transaction) error {
				snap, err := tx.Get(doc)
				if err != nil {
					return err
				}
				return tx.Set(doc, map[string]any{"n": snap.Data()["n"].(int64) + 1})
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := s.Calls()["Commit"]; got != n {
		t.Errorf("%d commits, want %d: none is tried again", got, n)
	}
	tg.wantData(t, "c/d", map[string]any{"n": int64(n)})
}

func TestTransactionIsAbortedWhenWhatItReadHasChanged(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(*testing.T, target)
		want   codes.Code
	}{
		{"nothing", func(*testing.T, target) {}, codes.OK},
		{"another document", func(t *testing.T, tg target) { tg.set(t, map[string]map[string]any{"x/y": {}}) }, codes.OK},
		{"rewritten as it was", func(t *testing.T, tg target) { tg.set(t, map[string]map[string]any{"c/read": {"n": 1}}) }, codes.OK},
		{"changed", func(t *testing.T, tg target) { tg.set(t, map[string]map[string]any{"c/read": {"n": 2}}) }, codes.Aborted},
		{"changed there and back", func(t *testing.T, tg target) {
			tg.set(t, map[string]map[string]any{"c/read": {"n": 2}})
			tg.set(t, map[string]map[string]any{"c/read": {"n": 1}})
		}, codes.Aborted},
		{"deleted", func(t *testing.T, tg target) { written(t)(tg.Doc("c/read").Delete(t.Context())) }, codes.Aborted},
		{"missing one created", func(t *testing.T, tg target) { tg.set(t, map[string]map[string]any{"c/missing": {}}) }, codes.Aborted},
		{"new result of its query", func(t *testing.T, tg target) { tg.set(t, map[string]map[string]any{"q/2": {"n": 1}}) }, codes.Aborted},
		{"result of its query changed", func(t *testing.T, tg target) { tg.set(t, map[string]map[string]any{"q/1": {"n": 1, "x": 1}}) }, codes.Aborted},
		{"document that its query ignores", func(t *testing.T, tg target) { tg.set(t, map[string]map[string]any{"q/3": {"n": 2}}) }, codes.OK},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, s := patientServer(t)
			tg := serverTarget(t, s)
			tg.set(t, map[string]map[string]any{"c/read": {"n": 1}, "q/1": {"n": 1}})
			err := tg.RunTransaction(t.Context(), func(_ context.Context, tx *firestore.Transaction) error {
				if _, err := tx.GetAll([]*firestore.DocumentRef{tg.Doc("c/read"), tg.Doc("c/missing")}); err != nil {
					return err
				}
				if _, err := tx.Documents(tg.Collection("q").Where("n", "==", 1)).GetAll(); err != nil {
					return err
				}
				c.change(t, tg)
				return tx.Set(tg.Doc("c/written"), map[string]any{})
			}, firestore.MaxAttempts(1))
			wantCode(t, err, c.want)
		})
	}
}

// Each of two transactions holds what the other wants. Neither may wait for the other.
func TestTransactionsDoNotDeadlock(t *testing.T) {
	t.Parallel()
	_, s := patientServer(t)
	tg := serverTarget(t, s)
	first, second := tg.begin(t, readWrite), tg.begin(t, readWrite)
	for _, read := range []struct {
		tx   []byte
		path string
	}{{first, "c/1"}, {second, "c/2"}, {first, "c/2"}, {second, "c/1"}} {
		_, err := tg.readIn(t, read.tx, read.path)
		wantCode(t, err, codes.NotFound)
	}
	wantCode(t, tg.commitIn(t, first, setWrite(tg.name("c/1"), nil), setWrite(tg.name("c/2"), nil)), codes.OK)
	wantCode(t, tg.commitIn(t, second, setWrite(tg.name("c/1"), nil), setWrite(tg.name("c/2"), nil)), codes.Aborted)
}

func TestLocksEndWithTheirClient(t *testing.T) {
	t.Parallel()
	_, s := patientServer(t)
	gone, tg := serverTarget(t, s), serverTarget(t, s)
	holder, waiter := gone.begin(t, readWrite), tg.begin(t, readWrite)
	_, err := gone.readIn(t, holder, "c/d")
	wantCode(t, err, codes.NotFound)
	s.Inject(Fault{Method: "GetDocument", Do: func() { gone.conn.Close() }})
	_, err = tg.readIn(t, waiter, "c/d")
	wantCode(t, err, codes.NotFound)
	wantCode(t, tg.commitIn(t, waiter, setWrite(tg.name("c/d"), nil)), codes.OK)
}

func TestLocksAreTakenFromTheSlow(t *testing.T) {
	t.Parallel()
	m, s := patientServer(t)
	m.patience = time.Nanosecond
	tg := serverTarget(t, s)
	slow, quick := tg.begin(t, readWrite), tg.begin(t, readWrite)
	for _, tx := range [][]byte{slow, quick} {
		_, err := tg.readIn(t, tx, "c/d")
		wantCode(t, err, codes.NotFound)
	}
	wantCode(t, tg.commitIn(t, quick, setWrite(tg.name("c/d"), nil)), codes.OK)
	wantCode(t, tg.commitIn(t, slow, setWrite(tg.name("c/d"), nil)), codes.Aborted)
}

func TestWaitForALockEndsWhenTheCallerGivesUp(t *testing.T) {
	t.Parallel()
	m, _ := patientServer(t)
	names := []string{"projects/p/databases/d/documents/c/d"}
	ctx := connTagger{}.TagConn(t.Context(), nil)
	holder, err := m.begin(ctx, "projects/p/databases/d", readWrite, false)
	if err != nil {
		t.Fatal(err)
	}
	waiter, err := m.begin(ctx, "projects/p/databases/d", readWrite, false)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := m.read(ctx, holder, names); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	_, _, err = m.read(ctx, waiter, names)
	wantCode(t, err, codes.Canceled)
}

func TestNothingIsLeftOfTransactions(t *testing.T) {
	t.Parallel()
	m, s := patientServer(t)
	tg := serverTarget(t, s)
	for i, end := range []func([]byte) error{
		func(tx []byte) error { return tg.commitIn(t, tx, setWrite(tg.name("c/d"), nil)) },
		func(tx []byte) error { return tg.commitIn(t, tx, ifExists(false, setWrite(tg.name("c/d"), nil))) },
		func(tx []byte) error { return tg.rollback(t, tx) },
		func(tx []byte) error { // nobody ends it, until another begins much later
			m.mu.Lock()
			m.transactions[string(tx)].began = time.Now().Add(-time.Hour)
			m.mu.Unlock()
			return tg.rollback(t, tg.begin(t, readWrite))
		},
	} {
		tx := tg.begin(t, readWrite)
		if _, err := tg.readIn(t, tx, fmt.Sprintf("c/%d", i)); status.Code(err) != codes.NotFound {
			t.Error(err)
		}
		_ = end(tx)
		m.mu.Lock()
		if len(m.transactions) != 0 || len(m.locks) != 0 {
			t.Errorf("end %d: %d transactions and %d locks are left", i, len(m.transactions), len(m.locks))
		}
		m.mu.Unlock()
	}
}
