package echofirestore_test

import (
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/firestore"
	"github.com/google/go-cmp/cmp"
	"github.com/gorilla/sessions"
	"github.com/labstack/echo/v4"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
)

const clients, rounds = 20, 50

// values returns the values of the stored session called key.
func (a *app) values(key string) map[string]any {
	a.t.Helper()
	doc, ok := a.documents()[key]
	if !ok {
		a.t.Fatalf("no document %q", key)
	}
	payload, err := echofirestore.DecodeJSON(doc["data"].(string))
	if err != nil {
		a.t.Fatal(err)
	}
	return payload.Values
}

// atOnce runs f for 20 clients at once.
func (a *app) atOnce(f func(client int)) {
	var wg sync.WaitGroup
	for client := range clients {
		wg.Go(func() { f(client) })
	}
	wg.Wait()
}

// TestNoChangeIsLost has 20 requests at once, 50 times, set a key of their own in one session.
func TestNoChangeIsLost(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	a.put("key", map[string]any{"data": payload(a.clock.Now()), "max_age": nil})
	a.POST("/:key", func(c echo.Context) error {
		session(c).Values[c.Param("key")] = true
		return c.NoContent(http.StatusNoContent)
	})
	b := a.browser()
	for round := range rounds {
		a.atOnce(func(client int) {
			if got := b.post(fmt.Sprintf("/%d-%d", round, client), withCookie("key")); got.StatusCode != http.StatusNoContent {
				t.Errorf("status %d", got.StatusCode)
			}
		})
	}
	if got := len(a.values("key")) - 1; got != clients*rounds {
		t.Errorf("%d of %d keys lost", clients*rounds-got, clients*rounds)
	}
}

// TestUpdateIsExact has 20 requests at once, 50 times, count in one session.
func TestUpdateIsExact(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	a.put("key", map[string]any{"data": payload(a.clock.Now()), "max_age": nil})
	a.POST("/", func(c echo.Context) error {
		return echofirestore.Update(c, func(sess *sessions.Session) error {
			n, _ := sess.Values["n"].(int)
			sess.Values["n"] = n + 1
			return nil
		})
	})
	b := a.browser()
	for range rounds {
		a.atOnce(func(int) {
			if got := b.post("/", withCookie("key")); got.StatusCode != http.StatusOK {
				t.Errorf("status %d: %s", got.StatusCode, got.body)
			}
		})
	}
	if got := a.values("key")["n"]; got != clients*rounds {
		t.Errorf("counted %v, want %d", got, clients*rounds)
	}
}

// TestLogoutStands lets a request that began before a logout save after it, 100 times.
func TestLogoutStands(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	a.POST("/login", set("user", "alice"))
	a.POST("/logout", echofirestore.Destroy)
	loaded, proceed := make(chan struct{}), make(chan struct{})
	a.POST("/slow", func(c echo.Context) error {
		session(c).Values["n"] = 1
		loaded <- struct{}{}
		<-proceed
		return c.NoContent(http.StatusOK)
	})
	for range 100 {
		b := a.browser()
		key := b.post("/login").cookie("__session").Value
		slow := make(chan reply)
		go func() { slow <- a.browser().post("/slow", withCookie(key)) }()
		<-loaded
		b.post("/logout")
		proceed <- struct{}{}
		if got := (<-slow).cookie("__session"); got != nil {
			t.Errorf("the slow request touched the cookie: %v", got)
		}
	}
	if docs := a.documents(); len(docs) != 0 {
		t.Errorf("brought back: %v", docs)
	}
}

// TestConflictsEnd lets every save meet contention: the attempts must end.
func TestConflictsEnd(t *testing.T) {
	t.Parallel()
	a := newApp(t, func(cfg *echofirestore.Config) { cfg.Timeout = 200 * time.Millisecond })
	a.put("key", map[string]any{"data": payload(a.clock.Now()), "max_age": nil})
	a.POST("/", set("n", 1))
	a.POST("/save", func(c echo.Context) error {
		session(c).Values["n"] = 1
		err := echofirestore.Save(c)
		if !errors.Is(err, echofirestore.ErrConflict) && status.Code(err) != codes.DeadlineExceeded {
			t.Errorf("error %v", err)
		}
		return err
	})
	a.firestore.Inject(firestoretest.Fault{Method: "Commit", Times: -1, Err: status.Error(codes.Aborted, "contention")})
	for _, path := range []string{"/", "/save"} {
		if got := a.browser().post(path, withCookie("key")); got.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("%s: status %d", path, got.StatusCode)
		}
	}
}

// TestRenew renews a session while other requests use it and Firestore falters: there must be exactly one valid key.
func TestRenew(t *testing.T) {
	t.Parallel()
	unavailable := status.Error(codes.Unavailable, "went away")
	refused := status.Error(codes.PermissionDenied, "no")
	alice := map[string]any{"user": "alice", "admin": true}
	for _, tt := range []struct {
		name      string
		fault     *firestoretest.Fault
		meanwhile func(*testing.T, *firestore.DocumentRef) // before the commit is applied
		status    int
		values    map[string]any // under the new key; nil: the old one is the valid one
		gone      bool           // neither is
		cost      firestoretest.Ops
	}{
		{name: "undisturbed", status: 200, values: alice, cost: firestoretest.Ops{Reads: 1, Writes: 1, Deletes: 1}},
		{
			name: "changed meanwhile", status: 200, values: map[string]any{"user": "alice", "admin": true, "n": 1},
			meanwhile: func(t *testing.T, ref *firestore.DocumentRef) {
				if _, err := ref.Update(t.Context(), []firestore.Update{{Path: "data", Value: `{"created": 1, "session": {"user": "alice", "n": 1}}`}}); err != nil {
					t.Error(err)
				}
			},
			cost: firestoretest.Ops{Reads: 3, Writes: 2, Deletes: 1},
		},
		{
			name: "ended meanwhile", status: 200, gone: true,
			meanwhile: func(t *testing.T, ref *firestore.DocumentRef) {
				if _, err := ref.Delete(t.Context()); err != nil {
					t.Error(err)
				}
			},
			cost: firestoretest.Ops{Reads: 3, Deletes: 1},
		},
		{name: "refused", fault: &firestoretest.Fault{Err: refused}, status: 503, cost: firestoretest.Ops{Reads: 1}},
		{
			name: "unavailable once, not applied", fault: &firestoretest.Fault{Err: unavailable}, status: 200, values: alice,
			cost: firestoretest.Ops{Reads: 1, Writes: 1, Deletes: 1},
		},
		{
			name: "unavailable once, applied", fault: &firestoretest.Fault{Err: unavailable, After: true}, status: 200, values: alice,
			cost: firestoretest.Ops{Reads: 2, Writes: 1, Deletes: 1},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t, func(cfg *echofirestore.Config) { cfg.KeyFactory = func() string { return "new" } })
			now := a.clock.Now()
			ref := a.put("old", map[string]any{
				"data": payload(now), "max_age": 60, "expire": now.Add(time.Minute), "note": "mine", "started": now.Add(-time.Hour),
			})
			a.POST("/", func(c echo.Context) error {
				if err := errors.Join(echofirestore.Renew(c), echofirestore.Renew(c)); err != nil {
					return err
				}
				session(c).Values["admin"] = true
				return nil
			})
			if tt.fault != nil {
				tt.fault.Method = "Commit"
				a.firestore.Inject(*tt.fault)
			}
			if tt.meanwhile != nil {
				a.firestore.Inject(firestoretest.Fault{Method: "Commit", Do: func() { tt.meanwhile(t, ref) }})
			}
			var got reply
			if cost := a.cost(func() { got = a.browser().post("/", withCookie("old")) }); cost != tt.cost {
				t.Errorf("cost %v, want %v", cost, tt.cost)
			}
			if got.StatusCode != tt.status {
				t.Errorf("status %d: %s", got.StatusCode, got.body)
			}
			docs, cookie := a.documents(), got.cookie("__session")
			switch {
			case tt.gone:
				if len(docs) != 0 || cookie != nil {
					t.Errorf("documents %v, cookie %v", docs, cookie)
				}
			case tt.values == nil:
				if len(docs) != 1 || docs["old"] == nil || cookie != nil {
					t.Errorf("documents %v, cookie %v", docs, cookie)
				}
			default:
				if len(docs) != 1 || docs["new"] == nil || cookie == nil || cookie.Value != "new" {
					t.Fatalf("documents %v, cookie %v", docs, cookie)
				}
				if diff := cmp.Diff(tt.values, a.values("new")); diff != "" {
					t.Errorf("values (-want +got):\n%s", diff)
				}
				doc := docs["new"]
				delete(doc, "data")
				want := map[string]any{
					"max_age": int64(60), "expire": now.Add(time.Minute).UTC(), "note": "mine", "started": now.Add(-time.Hour).UTC(),
				}
				if diff := cmp.Diff(want, doc); diff != "" {
					t.Errorf("fields (-want +got):\n%s", diff)
				}
			}
		})
	}
}

// TestRenewByEmptyID renews as applications of other gorilla stores do.
func TestRenewByEmptyID(t *testing.T) {
	t.Parallel()
	a := newApp(t, func(cfg *echofirestore.Config) { cfg.KeyFactory = func() string { return "new" } })
	a.put("old", map[string]any{"data": payload(a.clock.Now()), "max_age": nil})
	a.POST("/", func(c echo.Context) error {
		session(c).ID = ""
		return session(c).Save(c.Request(), c.Response())
	})
	got := a.browser().post("/", withCookie("old")).cookie("__session")
	if docs := a.documents(); got == nil || got.Value != "new" || len(docs) != 1 || docs["new"] == nil {
		t.Errorf("cookie %v, documents %v", got, docs)
	}
}
