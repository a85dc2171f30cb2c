package echofirestore_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
)

func TestSessionsAtMost(t *testing.T) {
	t.Parallel()
	a := newUserApp(t)
	for i := range 30 {
		a.put(fmt.Sprint("key", i), map[string]any{"data": payload(a.clock.Now()), "max_age": nil, "user": "alice"})
	}
	for _, tt := range []struct{ atMost, want int }{{1, 1}, {10, 10}, {30, 30}, {1000, 30}} {
		var got []echofirestore.SessionInfo
		cost := a.cost(func() {
			var err error
			if got, err = a.store.Sessions(t.Context(), "alice", echofirestore.AtMost(tt.atMost)); err != nil {
				t.Fatal(err)
			}
		})
		if len(got) != tt.want || cost != (firestoretest.Ops{Reads: tt.want}) {
			t.Errorf("at most %d: %d sessions for %v", tt.atMost, len(got), cost)
		}
	}
	for _, n := range []int{0, -1} {
		if _, err := a.store.Sessions(t.Context(), "alice", echofirestore.AtMost(n)); err == nil ||
			!strings.Contains(err.Error(), fmt.Sprintf("AtMost(%d): it must be at least 1", n)) {
			t.Errorf("at most %d: %v", n, err)
		}
	}
}

// TestAll iterates over sessions of several pages, among which are documents without a living session.
func TestAll(t *testing.T) {
	t.Parallel()
	a := newUserApp(t)
	now := a.clock.Now()
	want := make(map[string]bool)
	for i := range 250 {
		fields := map[string]any{"data": payload(now), "max_age": nil}
		switch i % 10 {
		case 0:
			fields["expire"] = now
		case 1:
			fields["data"] = "?"
		default:
			want[fmt.Sprint("user", i)] = true
		}
		fields["user"] = fmt.Sprint("user", i)
		if fields["data"] != "?" {
			fields["data"] = fmt.Sprintf(`{"created": %d, "session": {"user": "user%d"}}`, now.Unix(), i)
		}
		a.put(fmt.Sprint("key", i), fields)
	}
	cost := a.cost(func() {
		for info, err := range a.store.All(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			user, _ := echofirestore.Value[string](info.Values, "user")
			if !want[user] || info.User != user || info.ID == "" || !info.Began.Before(time.Now().Add(time.Minute)) {
				t.Errorf("session %+v", info)
			}
			delete(want, user)
		}
	})
	if len(want) > 0 || cost != (firestoretest.Ops{Reads: 250}) {
		t.Errorf("not seen: %v; cost %v", want, cost)
	}
	cost = a.cost(func() {
		for _, err := range a.store.All(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			break
		}
	})
	if cost != (firestoretest.Ops{Reads: 100}) {
		t.Errorf("one that ends at the first session costs %v", cost)
	}
}

func TestAllOfNone(t *testing.T) {
	t.Parallel()
	a := newUserApp(t)
	cost := a.cost(func() {
		for info, err := range a.store.All(t.Context()) {
			t.Errorf("session %+v, error %v", info, err)
		}
	})
	if cost != (firestoretest.Ops{Reads: 1}) {
		t.Errorf("cost %v", cost)
	}
}

// TestAllThatFails gets an error in its second page, after the sessions of the first.
func TestAllThatFails(t *testing.T) {
	t.Parallel()
	a := newUserApp(t)
	for i := range 150 {
		a.put(fmt.Sprint("key", i), map[string]any{"data": payload(a.clock.Now()), "max_age": nil})
	}
	a.firestore.Inject(firestoretest.Fault{Method: "RunQuery", Skip: 1, Err: status.Error(codes.PermissionDenied, "no")})
	seen, errs := 0, 0
	for _, err := range a.store.All(t.Context()) {
		if err == nil {
			seen++
		} else if errs++; status.Code(err) != codes.PermissionDenied {
			t.Errorf("error %v", err)
		}
	}
	if seen != 100 || errs != 1 {
		t.Errorf("%d sessions and %d errors", seen, errs)
	}
}

func TestValueOfSessionInfo(t *testing.T) {
	t.Parallel()
	info := echofirestore.SessionInfo{Values: map[string]any{"since": 1_714_566_645_123, "n": 3}}
	if since, ok := echofirestore.Value[time.Time](info.Values, "since"); !ok || !since.Equal(time.UnixMilli(1_714_566_645_123)) {
		t.Errorf("%v, %t", since, ok)
	}
	if _, ok := echofirestore.Value[string](info.Values, "n"); ok {
		t.Error("a number is a string")
	}
	if _, ok := echofirestore.Value[int](info.Values, "none"); ok {
		t.Error("there is a value that is not there")
	}
	if _, ok := echofirestore.Value[int](echofirestore.SessionInfo{}.Values, "n"); ok {
		t.Error("no values have a value")
	}
}
