package firestoretest

import (
	"context"
	"errors"
	"testing"
	"time"

	"cloud.google.com/go/firestore"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

var errBroken = status.Error(codes.DataLoss, "broken")

func TestFaultsHitTheCallsTheyShould(t *testing.T) {
	t.Parallel()
	const ok, broken = codes.OK, codes.DataLoss
	other := status.Error(codes.Internal, "other")
	for _, c := range []struct {
		name   string
		faults []Fault
		want   []codes.Code // of commits, one after another
	}{
		{"next one", []Fault{{Err: errBroken}}, []codes.Code{broken, ok, ok}},
		{"of that method", []Fault{{Method: "Commit", Err: errBroken}}, []codes.Code{broken, ok}},
		{"of another method", []Fault{{Method: "RunQuery", Err: errBroken}}, []codes.Code{ok, ok}},
		{"after some", []Fault{{Skip: 2, Err: errBroken}}, []codes.Code{ok, ok, broken, ok}},
		{"several", []Fault{{Skip: 1, Times: 2, Err: errBroken}}, []codes.Code{ok, broken, broken, ok}},
		{"all", []Fault{{Times: -1, Err: errBroken}}, []codes.Code{broken, broken, broken, broken}},
		{"one after another", []Fault{{Err: errBroken}, {Err: other}}, []codes.Code{broken, codes.Internal, ok}},
		{"skipped calls are those that pass", []Fault{{Err: errBroken}, {Skip: 1, Err: other}}, []codes.Code{broken, ok, codes.Internal, ok}},
		{"without an error", []Fault{{Times: 2}}, []codes.Code{ok, ok}},
		{"error without a code", []Fault{{Err: errors.New("odd")}}, []codes.Code{codes.Unknown, ok}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, client := Start(t)
			for _, f := range c.faults {
				s.Inject(f)
			}
			var got []codes.Code
			for range c.want {
				_, err := client.Doc("c/d").Set(t.Context(), map[string]any{})
				got = append(got, status.Code(err))
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestFaultIsRemoved(t *testing.T) {
	t.Parallel()
	s, client := Start(t)
	doc := client.Doc("c/d")
	remove := s.Inject(Fault{Times: -1, Err: errBroken})
	s.Inject(Fault{Skip: 1, Err: status.Error(codes.Internal, "other")})
	_, err := doc.Set(t.Context(), map[string]any{})
	wantCode(t, err, codes.DataLoss)
	remove()
	remove()
	for _, want := range []codes.Code{codes.OK, codes.Internal, codes.OK} {
		_, err := doc.Set(t.Context(), map[string]any{})
		wantCode(t, err, want)
	}
}

func TestFaultBeforeOrAfterTheCall(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		fault   Fault
		code    codes.Code
		during  string // what has been billed while the call waits
		applied bool   // in the end
	}{
		{"before", Fault{Err: errBroken}, codes.DataLoss, "nothing", false},
		{"after", Fault{Err: errBroken, After: true}, codes.DataLoss, "1 write", true},
		{"before, without an error", Fault{}, codes.OK, "nothing", true},
		{"after, without an error", Fault{After: true}, codes.OK, "1 write", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, client := Start(t)
			var during string
			c.fault.Method, c.fault.Delay = "Commit", time.Nanosecond
			c.fault.Do = func() { during = s.Ops().String() }
			s.Inject(c.fault)

			_, err := client.Doc("c/d").Set(t.Context(), map[string]any{})
			wantCode(t, err, c.code)
			if during != c.during {
				t.Errorf("billed %s during the wait, want %s", during, c.during)
			}
			snap, _ := client.Doc("c/d").Get(t.Context())
			if snap.Exists() != c.applied || (s.Ops().Writes == 1) != c.applied {
				t.Errorf("document exists: %v, billed: %v; want it applied: %v", snap.Exists(), s.Ops(), c.applied)
			}
		})
	}
}

func TestFaultAfterHidesHowTheCallWent(t *testing.T) {
	t.Parallel()
	s, client := Start(t)
	doc := client.Doc("c/d")
	written(t)(doc.Create(t.Context(), map[string]any{}))
	s.Inject(Fault{Err: errBroken, After: true})
	_, err := doc.Create(t.Context(), map[string]any{})
	wantCode(t, err, codes.DataLoss)
	s.Inject(Fault{After: true})
	_, err = doc.Create(t.Context(), map[string]any{})
	wantCode(t, err, codes.AlreadyExists)
}

func TestFaultsHitStreams(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		fault Fault
		code  codes.Code
		ops   string
	}{
		{"before", Fault{Err: errBroken}, codes.DataLoss, "nothing"},
		{"after", Fault{Err: errBroken, After: true}, codes.DataLoss, "2 reads"},
		{"before, without an error", Fault{}, codes.OK, "2 reads"},
		{"after, without an error", Fault{After: true}, codes.OK, "2 reads"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, client := Start(t)
			serverTarget(t, s).set(t, map[string]map[string]any{"c/1": {}, "c/2": {}})
			s.ResetOps()
			c.fault.Method = "RunQuery"
			s.Inject(c.fault)
			it := client.Collection("c").Documents(t.Context())
			defer it.Stop()
			snaps, err := it.GetAll()
			wantCode(t, err, c.code)
			if want := map[codes.Code]int{codes.OK: 2}[c.code]; len(snaps) != want {
				t.Errorf("%d results, want %d", len(snaps), want)
			}
			if got := s.Ops().String(); got != c.ops {
				t.Errorf("cost %s, want %s", got, c.ops)
			}
		})
	}
}

func TestDelayEndsWhenTheCallerGivesUp(t *testing.T) {
	t.Parallel()
	for name, after := range map[string]bool{"before": false, "after": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, client := Start(t)
			ctx, cancel := context.WithCancel(t.Context())
			s.Inject(Fault{Method: "Commit", Delay: time.Hour, Do: cancel, After: after})
			_, err := client.Doc("c/d").Set(ctx, map[string]any{})
			wantCode(t, err, codes.Canceled)
			if err := s.Close(); err != nil { // waits for the call to end
				t.Error(err)
			}
			if got, want := s.Ops().Writes == 1, after; got != want {
				t.Errorf("the write was applied: %v, want %v", got, want)
			}
		})
	}
}

func TestDoChangesWhatTheCallFinds(t *testing.T) {
	t.Parallel()
	s, client := Start(t)
	doc := client.Doc("c/d")
	first := written(t)(doc.Set(t.Context(), map[string]any{"by": "first"}))
	s.Inject(Fault{Method: "Commit", Do: func() {
		if _, err := doc.Set(t.Context(), map[string]any{"by": "other"}); err != nil {
			t.Error(err)
		}
	}})
	_, err := doc.Update(t.Context(), []firestore.Update{{Path: "by", Value: "second"}}, firestore.LastUpdateTime(first.UpdateTime))
	wantCode(t, err, codes.FailedPrecondition)
	serverTarget(t, s).wantData(t, "c/d", map[string]any{"by": "other"})
}
