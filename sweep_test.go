package echofirestore_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cloud.google.com/go/firestore"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
)

// putSessions stores n sessions of a user, many at a time.
func (a *app) putSessions(n int, user string, fields map[string]any) {
	a.t.Helper()
	for from := 0; from < n; from += 500 {
		batch := a.client.Batch() //nolint:staticcheck // the quickest way
		for i := from; i < min(n, from+500); i++ {
			doc := map[string]any{"data": payload(a.clock.Now()), "max_age": nil, "user": user}
			maps.Copy(doc, fields)
			batch.Set(a.collection().Doc(fmt.Sprintf("%s-%04d", user, i)), doc)
		}
		if _, err := batch.Commit(a.t.Context()); err != nil {
			a.t.Fatal(err)
		}
	}
}

// TestDeleteExpired sweeps more sessions than one batch holds, and one that is extended just in time.
func TestDeleteExpired(t *testing.T) {
	t.Parallel()
	a := newUserApp(t)
	now := a.clock.Now()
	a.putSessions(600, "over", map[string]any{"expire": now.Add(-time.Second)})
	a.putSessions(20, "alive", map[string]any{"expire": now.Add(time.Second)})
	a.putSessions(20, "unlimited", nil)
	extended := a.put("over-just-not", map[string]any{"data": payload(now), "max_age": 60, "expire": now.Add(-time.Minute)})
	a.firestore.Inject(firestoretest.Fault{Method: "BeginTransaction", Do: func() {
		if _, err := extended.Update(t.Context(), []firestore.Update{{Path: "expire", Value: now.Add(time.Minute)}}); err != nil {
			t.Error(err)
		}
	}})
	var n int
	cost := a.cost(func() {
		var err error
		if n, err = a.store.DeleteExpired(t.Context()); err != nil {
			t.Error(err)
		}
	})
	if want := (firestoretest.Ops{Reads: 600, Writes: 1, Deletes: 600}); cost != want { // the write is that of the extension
		t.Errorf("cost %v, want %v", cost, want)
	}
	docs := a.documents()
	if n != 600 || len(docs) != 41 || docs["over-just-not"] == nil {
		t.Errorf("deleted %d, left %d", n, len(docs))
	}
	if cost := a.cost(func() { n, _ = a.store.DeleteExpired(t.Context()) }); n != 0 || cost != (firestoretest.Ops{Reads: 1}) {
		t.Errorf("again: deleted %d, cost %v", n, cost)
	}
	a.clock.Advance(time.Second)
	if n, err := a.store.DeleteExpired(t.Context()); n != 20 || err != nil {
		t.Errorf("a second later: deleted %d, error %v", n, err)
	}
}

// TestSweepStops ends the context of a sweep between two of its batches, and has Firestore fail.
func TestSweepStops(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	for _, tt := range []struct {
		name  string
		ctx   context.Context
		fault firestoretest.Fault
		is    error
		code  codes.Code
	}{
		{name: "ctx ends", ctx: ctx, fault: firestoretest.Fault{Do: cancel}, is: context.Canceled},
		{name: "refused", ctx: t.Context(), fault: firestoretest.Fault{Err: status.Error(codes.PermissionDenied, "no")}, code: codes.PermissionDenied},
		{name: "unavailable", ctx: t.Context(), fault: firestoretest.Fault{Err: status.Error(codes.Unavailable, "went away")}, is: context.DeadlineExceeded},
		{name: "late, as Firestore says", ctx: t.Context(), fault: firestoretest.Fault{Err: status.Error(codes.DeadlineExceeded, "late")}, is: context.DeadlineExceeded},
		{name: "no answer", ctx: t.Context(), fault: firestoretest.Fault{Delay: time.Hour}, is: context.DeadlineExceeded},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := newUserApp(t, func(cfg *echofirestore.Config) { cfg.Timeout = 5 * time.Second })
			a.putSessions(700, "alice", map[string]any{"expire": a.clock.Now()})
			tt.fault.Method, tt.fault.Skip, tt.fault.Times = "RunQuery", 1, -1
			remove := a.firestore.Inject(tt.fault)
			n, err := a.store.DeleteExpired(tt.ctx)
			remove()
			if n != 500 || len(a.documents()) != 200 {
				t.Errorf("deleted %d, left %d", n, len(a.documents()))
			}
			if err == nil || !strings.HasPrefix(err.Error(), "echofirestore: delete expired sessions: ") ||
				tt.is != nil && !errors.Is(err, tt.is) || tt.is == nil && status.Code(err) != tt.code {
				t.Errorf("error %v", err)
			}
		})
	}
}

// TestSweepCountsOnce has a sweep's commit refused, and so tried again: each document is counted once.
func TestSweepCountsOnce(t *testing.T) {
	t.Parallel()
	for _, code := range []codes.Code{codes.Aborted, codes.InvalidArgument, codes.Unavailable} {
		t.Run(code.String(), func(t *testing.T) {
			t.Parallel()
			a := newUserApp(t)
			a.putSessions(600, "alice", nil)
			a.firestore.Inject(firestoretest.Fault{Method: "Commit", Err: status.Error(code, "try again")})
			if n, err := a.store.RevokeUser(t.Context(), "alice"); n != 600 || err != nil || len(a.documents()) > 0 {
				t.Errorf("ended %d, left %d, error %v", n, len(a.documents()), err)
			}
		})
	}
}

// TestSweepsAtOnce runs several sweeps of the same documents, as every instance of an application may: none of them
// fails, and each document is counted once.
func TestSweepsAtOnce(t *testing.T) {
	t.Parallel()
	a := newUserApp(t)
	a.putSessions(700, "over", map[string]any{"expire": a.clock.Now()})
	var sweeps sync.WaitGroup
	var total atomic.Int64
	for range 3 {
		sweeps.Go(func() {
			n, err := a.store.DeleteExpired(t.Context())
			if err != nil {
				t.Error(err)
			}
			total.Add(int64(n))
		})
	}
	sweeps.Wait()
	if n := total.Load(); n != 700 || len(a.documents()) > 0 {
		t.Errorf("deleted %d, left %d", n, len(a.documents()))
	}
}

// TestSweepsThatLoseAnswers has the answers to commits of a sweep get lost, one or several in a row.
func TestSweepsThatLoseAnswers(t *testing.T) {
	t.Parallel()
	lost := func(skip int) firestoretest.Fault {
		return firestoretest.Fault{Method: "Commit", Skip: skip, After: true, Err: status.Error(codes.Unavailable, "went away")}
	}
	for name, faults := range map[string][]firestoretest.Fault{
		"one":                 {lost(0)},
		"of the second batch": {lost(1)},
		"two in a row":        {lost(0), lost(1)},
		"one of each batch":   {lost(0), lost(2)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newUserApp(t)
			a.putSessions(600, "alice", nil)
			for _, fault := range faults {
				a.firestore.Inject(fault)
			}
			n, err := a.store.RevokeUser(t.Context(), "alice")
			if left := len(a.documents()); n != 600 || left != 0 || err != nil {
				t.Errorf("ended %d, left %d, error %v", n, left, err)
			}
		})
	}
}
