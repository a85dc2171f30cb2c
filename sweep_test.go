package echofirestore_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"cloud.google.com/go/firestore"
	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
	"github.com/echofirestore/echofirestore/internal/bubble"
	"github.com/echofirestore/echofirestore/internal/testsize"
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
	for _, tt := range []struct {
		name string
		err  error // of Firestore; nil for no answer
		ends bool  // the context
		is   error
		code codes.Code
	}{
		{name: "ctx ends", ends: true, is: context.Canceled},
		{name: "refused", err: status.Error(codes.PermissionDenied, "no"), code: codes.PermissionDenied},
		{name: "unavailable", err: status.Error(codes.Unavailable, "went away"), is: context.DeadlineExceeded},
		{name: "late, as Firestore says", err: status.Error(codes.DeadlineExceeded, "late"), is: context.DeadlineExceeded},
		{name: "no answer", is: context.DeadlineExceeded},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			n := bubble.NewNetwork(t)
			synctest.Test(t, func(t *testing.T) {
				a := newBubbleApp(t, n)
				a.putSessions(700, "alice", map[string]any{"expire": a.clock.Now()})
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				queries := 0
				n.Carry = func(ctx context.Context, c *bubble.Call) bool {
					if c.Method != "RunQuery" {
						return false
					}
					if queries++; queries == 1 {
						return false
					}
					if tt.ends {
						cancel()
					}
					if c.Err = tt.err; c.Err == nil {
						<-ctx.Done()
						c.Err = status.FromContextError(ctx.Err()).Err()
					}
					return true
				}
				deleted, err := a.store.DeleteExpired(ctx)
				n.Carry = nil
				if left := len(a.documents()); deleted != 500 || left != 200 {
					t.Errorf("deleted %d, left %d", deleted, left)
				}
				if err == nil || !strings.HasPrefix(err.Error(), "echofirestore: delete expired sessions: ") ||
					tt.is != nil && !errors.Is(err, tt.is) || tt.is == nil && status.Code(err) != tt.code {
					t.Errorf("error %v", err)
				}
			})
		})
	}
}

// TestSweepCountsOnce has a sweep's commit refused, and so tried again: each document is counted once.
func TestSweepCountsOnce(t *testing.T) {
	t.Parallel()
	for _, code := range []codes.Code{codes.Aborted, codes.InvalidArgument, codes.Unavailable} {
		t.Run(code.String(), func(t *testing.T) {
			t.Parallel()
			network := bubble.NewNetwork(t)
			synctest.Test(t, func(t *testing.T) {
				a := newBubbleApp(t, network, byUser)
				a.putSessions(600, "alice", nil)
				a.firestore.Inject(firestoretest.Fault{Method: "Commit", Err: status.Error(code, "try again")})
				if n, err := a.store.RevokeUser(t.Context(), "alice"); n != 600 || err != nil || len(a.documents()) > 0 {
					t.Errorf("ended %d, left %d, error %v", n, len(a.documents()), err)
				}
			})
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

// TestSweepsThatLoseAnswers has the answers to commits of a sweep get lost, one or several in a row, or be that of the
// commit's repetition: each document is counted once, also where Firestore refuses some batches for their size.
func TestSweepsThatLoseAnswers(t *testing.T) {
	t.Parallel()
	lost := func(skip int, code codes.Code) firestoretest.Fault {
		return firestoretest.Fault{Method: "Commit", Skip: skip, After: true, Err: status.Error(code, "went away")}
	}
	for name, faults := range map[string][]firestoretest.Fault{
		"none":                {},
		"one":                 {lost(0, codes.Unavailable)},
		"of the second batch": {lost(1, codes.Unavailable)},
		"two in a row":        {lost(0, codes.Unavailable), lost(1, codes.Unavailable)},
		"one of each batch":   {lost(0, codes.Unavailable), lost(2, codes.Unavailable)},
		"answered as closed":  {lost(0, codes.InvalidArgument)},
		"all but the first":   {lost(1, codes.InvalidArgument), lost(2, codes.InvalidArgument), lost(3, codes.InvalidArgument)},
		"unclear":             {lost(0, codes.Internal)},
		"unclear, two":        {lost(0, codes.Unknown), lost(1, codes.DeadlineExceeded)},
		"unclear, the last":   {lost(1, codes.Internal)},
		"unclear and closed":  {lost(0, codes.InvalidArgument), lost(1, codes.Internal), lost(2, codes.InvalidArgument)},
		"not applied":         {{Method: "Commit", Err: status.Error(codes.Internal, "went away")}},
	} {
		for _, limit := range []int{0, 400_000} { // in bytes; all 600 have 280 KB more, with their index entries
			t.Run(fmt.Sprintf("%s, limit %d", name, limit), func(t *testing.T) {
				t.Parallel()
				a := newUserApp(t)
				a.putSessions(600, "alice", nil)
				a.firestore.LimitTransactions(limit)
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
}

// TestSweepThatGetsNoAnswers has the answers to all commits of a sweep be lost after the first one, none of which is applied: it
// tries each batch once more, and counts what is gone.
func TestSweepThatGetsNoAnswers(t *testing.T) {
	t.Parallel()
	for _, code := range []codes.Code{codes.Internal, codes.Unknown, codes.DeadlineExceeded} {
		t.Run(code.String(), func(t *testing.T) {
			t.Parallel()
			a := newUserApp(t)
			a.putSessions(600, "alice", nil)
			a.firestore.Inject(firestoretest.Fault{Method: "Commit", Skip: 1, Times: -1, Err: status.Error(code, "went away")})
			a.firestore.ResetOps()
			n, err := a.store.RevokeUser(t.Context(), "alice")
			if commits := a.firestore.Calls()["Commit"]; n != 500 || status.Code(err) != code || commits != 3 {
				t.Errorf("ended %d, error %v, %d commits", n, err, commits)
			}
		})
	}
}

// TestNobodyEscapesASweep has a session renewed between two batches, such that its place is before what the first one has
// deleted.
func TestNobodyEscapesASweep(t *testing.T) {
	t.Parallel()
	for name, sweep := range map[string]func(context.Context, *echofirestore.Store) (int, error){
		"RevokeUser": func(ctx context.Context, s *echofirestore.Store) (int, error) { return s.RevokeUser(ctx, "alice") },
		"RevokeAll":  func(ctx context.Context, s *echofirestore.Store) (int, error) { return s.RevokeAll(ctx) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			keys := []string{"zzz", "000"} // in the order of their making
			a := newUserApp(t, func(cfg *echofirestore.Config) {
				cfg.KeyFactory = func() string {
					defer func() { keys = keys[1:] }()
					return keys[0]
				}
			})
			a.putSessions(600, "alice", nil)
			thief := a.login("alice")
			a.firestore.Inject(firestoretest.Fault{Method: "BeginTransaction", Skip: 1, Do: func() { thief.post("/renew") }})
			n, err := sweep(t.Context(), a.store)
			if left := len(a.documents()); n != 601 || left != 0 || err != nil || len(keys) > 0 {
				t.Errorf("ended %d, left %d, error %v", n, left, err)
			}
			if user := thief.user(); user != "" {
				t.Errorf("signed in is %q", user)
			}
		})
	}
}

// TestSweepsOfLargeSessions sweeps sessions of which a transaction takes few, of 10 MiB as Firestore says, or none. Those
// that were read for a transaction that was refused are read again.
func TestSweepsOfLargeSessions(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		sizes []int // bytes of sessions, in the order of their IDs
		limit int
		cost  firestoretest.Ops // of RevokeUser and RevokeAll, which look once more after several batches
	}{
		{"few small ones", slices.Repeat([]int{300}, 20), firestoretest.TransactionLimit, firestoretest.Ops{Reads: 20, Deletes: 20}},
		{"many of 24 KiB", slices.Repeat([]int{24 << 10}, 600), firestoretest.TransactionLimit, firestoretest.Ops{Reads: 500 + 600 + 1, Deletes: 600}},
		{"20 of 600 KiB", slices.Repeat([]int{600 << 10}, 20), firestoretest.TransactionLimit, firestoretest.Ops{Reads: 20 + 20 + 1 + 1, Deletes: 20}},
		{"a region of large ones", slices.Concat(
			slices.Repeat([]int{300}, 500), slices.Repeat([]int{60 << 10}, 100), slices.Repeat([]int{300}, 900),
		), 2 << 20, firestoretest.Ops{Reads: 500 + (500 + 250 + 125 + 62) + 1000 + 1, Deletes: 1500}},
		{"one at a time", slices.Repeat([]int{50 << 10}, 3), 60 << 10, firestoretest.Ops{Reads: 3 + 3 + 1 + 1, Deletes: 3}},
	} {
		for name, sweep := range map[string]func(context.Context, *echofirestore.Store) (int, error){
			"RevokeUser":    func(ctx context.Context, s *echofirestore.Store) (int, error) { return s.RevokeUser(ctx, "alice") },
			"RevokeAll":     func(ctx context.Context, s *echofirestore.Store) (int, error) { return s.RevokeAll(ctx) },
			"DeleteExpired": func(ctx context.Context, s *echofirestore.Store) (int, error) { return s.DeleteExpired(ctx) },
		} {
			if name != "RevokeUser" && !testsize.Try(tt.name+"/"+name) {
				continue
			}
			t.Run(tt.name+"/"+name, func(t *testing.T) {
				t.Parallel()
				a := newUserApp(t)
				a.putSessionsOf(tt.sizes)
				a.firestore.LimitTransactions(tt.limit)
				var n int
				var err error
				cost := a.cost(func() { n, err = sweep(t.Context(), a.store) })
				if want := len(tt.sizes); n != want || err != nil || len(a.documents()) > 0 {
					t.Errorf("ended %d of %d, left %d, error %v", n, want, len(a.documents()), err)
				}
				want := tt.cost
				if name == "DeleteExpired" && want.Reads > want.Deletes {
					want.Reads-- // it does not look once more
				}
				if cost != want {
					t.Errorf("cost %v, want %v", cost, want)
				}
				t.Logf("ended %d of %d for %v", n, len(tt.sizes), cost)
			})
		}
	}
}

// putSessionsOf stores sessions of Alice's that have expired, with data of the given sizes.
func (a *app) putSessionsOf(sizes []int) {
	a.t.Helper()
	batch, bytes := a.client.Batch(), 0 //nolint:staticcheck // the quickest way
	for i, size := range sizes {
		batch.Set(a.collection().Doc(fmt.Sprintf("key-%04d", i)), map[string]any{
			"data": strings.Repeat("x", size), "max_age": 60, "expire": a.clock.Now(), "user": "alice",
		})
		if bytes += 1000 + size; bytes > 500_000 || i == len(sizes)-1 {
			if _, err := batch.Commit(a.t.Context()); err != nil {
				a.t.Fatal(err)
			}
			batch, bytes = a.client.Batch(), 0 //nolint:staticcheck // as above
		}
	}
}

// TestSweepsGrowAgain sweeps large sessions first, and small ones after them: the batches do not stay small.
func TestSweepsGrowAgain(t *testing.T) {
	t.Parallel()
	a := newUserApp(t)
	a.putSessionsOf(slices.Concat(slices.Repeat([]int{60 << 10}, 3), slices.Repeat([]int{300}, 600)))
	a.firestore.LimitTransactions(200_000)
	a.firestore.ResetOps()
	if n, err := a.store.RevokeAll(t.Context()); n != 603 || err != nil {
		t.Errorf("ended %d, error %v", n, err)
	}
	// 8 until a batch of 3 passes, then 16 of each 3, 6 and 12, and the rest.
	if n := a.firestore.Calls()["BeginTransaction"]; n < 50 || n > 80 {
		t.Errorf("%d transactions", n)
	}
}

// TestSweepsStayLarge has an answer get lost, which looks as if the sessions were too large: they are not, so that the
// batches after the next are full again.
func TestSweepsStayLarge(t *testing.T) {
	t.Parallel()
	a := newUserApp(t)
	a.putSessions(1200, "alice", nil)
	a.firestore.Inject(firestoretest.Fault{Method: "Commit", After: true, Err: status.Error(codes.InvalidArgument, "Transaction is invalid or closed.")})
	a.firestore.ResetOps()
	if n, err := a.store.RevokeAll(t.Context()); n != 1200 || err != nil {
		t.Errorf("ended %d, error %v", n, err)
	}
	if n := a.firestore.Calls()["BeginTransaction"]; n != 4 { // of 500, 250 and 450, and the last look
		t.Errorf("%d transactions", n)
	}
}

// TestSweepOfTheUndeletable has Firestore refuse one session for good, in a transaction, or also by itself. Those before
// it have ended, and are counted.
func TestSweepOfTheUndeletable(t *testing.T) {
	t.Parallel()
	a := newUserApp(t)
	a.putSessionsOf([]int{300, 300, 300, 2000, 300})
	a.firestore.LimitTransactions(2000)
	n, err := a.store.RevokeAll(t.Context())
	if left := len(a.documents()); n != 3 || left != 2 || status.Code(err) != codes.InvalidArgument {
		t.Errorf("ended %d, left %d, error %v", n, left, err)
	}
	a.firestore.LimitTransactions(0)
	a.firestore.Inject(firestoretest.Fault{Method: "Commit", Times: 2, Err: status.Error(codes.InvalidArgument, "too big")})
	n, err = a.store.RevokeAll(t.Context()) // both, one, and that by itself
	if left := len(a.documents()); n != 2 || left != 0 || err != nil {
		t.Errorf("ended %d, left %d, error %v", n, left, err)
	}
}

// TestSweepsGoOnBehind looks at where the queries of a sweep begin: behind what was deleted, and at the end where nothing
// may escape, at the beginning.
func TestSweepsGoOnBehind(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		sweep func(context.Context, *echofirestore.Store) (int, error)
		want  []string // the IDs behind which each query begins, "" for the beginning
	}{
		"RevokeUser": {
			func(ctx context.Context, s *echofirestore.Store) (int, error) { return s.RevokeUser(ctx, "alice") },
			[]string{"", "alice-0499", "alice-0999", ""},
		},
		"RevokeAll": {
			func(ctx context.Context, s *echofirestore.Store) (int, error) { return s.RevokeAll(ctx) },
			[]string{"", "alice-0499", "alice-0999", ""},
		},
		"DeleteExpired": {
			func(ctx context.Context, s *echofirestore.Store) (int, error) { return s.DeleteExpired(ctx) },
			[]string{"", "alice-0499", "alice-0999"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newUserApp(t)
			a.putSessions(1200, "alice", map[string]any{"expire": a.clock.Now()})
			var got []string
			store := a.watched(func(query *pb.StructuredQuery) {
				var behind string
				for _, v := range query.GetStartAt().GetValues() {
					behind = path.Base(v.GetReferenceValue())
				}
				got = append(got, behind)
			})
			if n, err := tt.sweep(t.Context(), store); n != 1200 || err != nil {
				t.Errorf("ended %d, error %v", n, err)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("queries begin behind %q, want %q", got, tt.want)
			}
		})
	}
}

// watched returns a store as that of a, whose queries are shown to see.
func (a *app) watched(see func(*pb.StructuredQuery)) *echofirestore.Store {
	a.t.Helper()
	conn, err := grpc.NewClient("passthrough:///"+a.firestore.Addr(), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithStreamInterceptor(func(
			ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, streamer grpc.Streamer, opts ...grpc.CallOption,
		) (grpc.ClientStream, error) {
			stream, err := streamer(ctx, desc, cc, method, opts...)
			return watchedStream{stream, see}, err
		}))
	if err != nil {
		a.t.Fatal(err)
	}
	cfg := a.config
	if cfg.Client, err = firestore.NewClient(a.t.Context(), a.firestore.Project(), option.WithGRPCConn(conn)); err != nil {
		a.t.Fatal(err)
	}
	a.t.Cleanup(func() { cfg.Client.Close() })
	store, err := echofirestore.NewStore(cfg)
	if err != nil {
		a.t.Fatal(err)
	}
	return store
}

type watchedStream struct {
	grpc.ClientStream
	see func(*pb.StructuredQuery)
}

func (s watchedStream) SendMsg(m any) error {
	if req, ok := m.(*pb.RunQueryRequest); ok {
		s.see(req.GetStructuredQuery())
	}
	return s.ClientStream.SendMsg(m)
}
