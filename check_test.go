package echofirestore_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
	"github.com/echofirestore/echofirestore/internal/bubble"
)

// TestCheck reads one document, with a collection and a Timeout of its own, and leaves nothing behind.
func TestCheck(t *testing.T) {
	t.Parallel()
	a := newApp(t, func(cfg *echofirestore.Config) { cfg.Collection = "other" })
	a.putSession("key", `{"user": "alice"}`)
	cost := a.cost(func() {
		if err := a.store.Check(t.Context()); err != nil {
			t.Error(err)
		}
	})
	if want := (firestoretest.Ops{Reads: 1}); cost != want {
		t.Errorf("cost %v, want %v", cost, want)
	}
	if docs := a.documents(); len(docs) != 1 {
		t.Errorf("documents %v", docs)
	}
}

// TestCheckThatFails has Firestore refuse the read, or not answer it. The error says which database, and how long.
func TestCheckThatFails(t *testing.T) {
	t.Parallel()
	const timeout = 3 * time.Second
	for _, tt := range []struct {
		name string
		code codes.Code // of the answer; OK for none
		ends bool       // the context
		want codes.Code
		says string
		is   error
	}{
		{name: "not reachable", code: codes.Unavailable, want: codes.Unavailable, says: ": rpc error: code = Unavailable"},
		{name: "not allowed", code: codes.PermissionDenied, want: codes.PermissionDenied, says: ": rpc error: code = PermissionDenied"},
		{name: "no such database", code: codes.NotFound, want: codes.NotFound, says: ": rpc error: code = NotFound"},
		{name: "no answer", want: codes.DeadlineExceeded, says: " did not answer within 3s", is: context.DeadlineExceeded},
		{name: "the probe is over", ends: true, want: codes.Canceled, says: ": rpc error: code = Canceled", is: context.Canceled},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			n := bubble.NewNetwork(t)
			synctest.Test(t, func(t *testing.T) {
				a := newBubbleApp(t, n, func(cfg *echofirestore.Config) { cfg.Timeout = timeout })
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				switch {
				case tt.ends:
					cancel()
				case tt.code != codes.OK:
					a.firestore.Inject(firestoretest.Fault{Method: "BatchGetDocuments", Times: -1, Err: status.Error(tt.code, "fault")})
				default:
					n.Silent = "BatchGetDocuments"
				}
				start := time.Now()
				err := a.store.Check(ctx)
				if took := time.Since(start); took > timeout {
					t.Errorf("it took %v", took)
				}
				begins := "echofirestore: check: Firestore (project " + n.Server.Project() + ", database (default)"
				if err == nil || !strings.HasPrefix(err.Error(), begins) || !strings.Contains(err.Error(), ")"+tt.says) {
					t.Fatalf("error %v, want %s…)%s…", err, begins, tt.says)
				}
				if status.Code(err) != tt.want || tt.is != nil && !errors.Is(err, tt.is) {
					t.Errorf("code %v, want %v; error %v", status.Code(err), tt.want, err)
				}
			})
		})
	}
}

// TestCheckIsNoSession shows the ID that Check reads as a cookie: it opens nothing, even if somebody has stored a document
// there, and costs nothing.
func TestCheckIsNoSession(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"__session", "prefs"} {
		a := newApp(t, func(cfg *echofirestore.Config) { cfg.CookieName = name })
		a.putSession("~check", `{"user": "alice"}`)
		a.GET("/", see)
		var got reply
		cost := a.cost(func() { got = a.browser().get("/", func(r *http.Request) { r.Header.Set("Cookie", name+"=~check") }) })
		if strings.Contains(got.body, "alice") || cost != (firestoretest.Ops{}) {
			t.Errorf("%s: %s, cost %v", name, got.body, cost)
		}
	}
}
