package echofirestore_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/labstack/echo/v4"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
	"github.com/echofirestore/echofirestore/internal/bubble"
)

// TestOvertakenReads has a read begin before something happens to the session, and end after it: what it has found does not get
// into the cache.
func TestOvertakenReads(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		do   func(a *app, c echo.Context) error
		step cacheStep // the next request of the client whose read was overtaken
	}{
		{"by a save", func(_ *app, c echo.Context) error {
			session(c).Values["b"] = 1
			return echofirestore.Save(c)
		}, cacheStep{"copy of here/", `{"a":1,"b":1}`, costsNothing}},
		{"by an Update", func(_ *app, c echo.Context) error {
			return echofirestore.Update(c, countUp)
		}, cacheStep{"copy of here/", `{"a":1,"n":1}`, costsNothing}},
		{"by a renewal", func(_ *app, c echo.Context) error {
			if err := echofirestore.Renew(c); err != nil {
				return err
			}
			return echofirestore.Save(c)
		}, cacheStep{"copy of here/", `{}`, costsARead}},
		{"by Destroy", func(_ *app, c echo.Context) error {
			return echofirestore.Destroy(c)
		}, cacheStep{"copy of here/", `{}`, costsARead}},
		{"by emptying", func(_ *app, c echo.Context) error {
			clear(session(c).Values)
			return echofirestore.Save(c)
		}, cacheStep{"copy of here/", `{}`, costsARead}},
		{"by Revoke", func(a *app, c echo.Context) error {
			return a.store.Revoke(c.Request().Context(), "1", a.store.SessionID(session(c)))
		}, cacheStep{"copy of here/", `{}`, costsARead}},
		{"by RevokeUser", func(a *app, c echo.Context) error {
			_, err := a.store.RevokeUser(c.Request().Context(), "1")
			return err
		}, cacheStep{"copy of here/", `{}`, costsARead}},
		{"by RevokeAll", func(a *app, c echo.Context) error {
			_, err := a.store.RevokeAll(c.Request().Context())
			return err
		}, cacheStep{"copy of here/", `{}`, costsARead}},
		{"by DeleteExpired", func(a *app, c echo.Context) error {
			a.clock.Advance(time.Hour)
			_, err := a.store.DeleteExpired(c.Request().Context())
			a.clock.Advance(-time.Hour)
			return err
		}, cacheStep{"copy of here/", `{}`, costsARead}},
		{"by a Refresh that finds it over", func(a *app, c echo.Context) error {
			if _, err := a.second.RevokeAll(c.Request().Context()); err != nil {
				return err
			}
			if err := echofirestore.Refresh(c); !errors.Is(err, echofirestore.ErrGone) {
				return fmt.Errorf("refreshed: %w", err)
			}
			return nil
		}, cacheStep{"copy of here/", `{}`, costsARead}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := newCachedApp(t, func(cfg *echofirestore.Config) { cfg.UserKey = "a" })
			loaded, overtake := make(chan struct{}), make(chan struct{})
			a.POST("/overtake", func(c echo.Context) error {
				session(c)
				close(loaded)
				<-overtake
				return tt.do(a, c)
			})
			client, copied, other := a.browser(), a.browser(), a.browser()
			a.takeStep("there/set/a", client, copied)
			a.takeStep("copy", client, copied)
			a.takeStep("copy", client, other)
			var overtaking sync.WaitGroup
			overtaking.Go(func() {
				if got := other.post("/overtake"); got.StatusCode != http.StatusOK {
					t.Errorf("status %d: %s", got.StatusCode, got.body)
				}
			})
			<-loaded
			a.clock.Advance(10 * time.Second) // the copy that it has left in the cache is too old
			a.firestore.Inject(firestoretest.Fault{Method: "BatchGetDocuments", After: true, Do: func() {
				close(overtake)
				overtaking.Wait()
			}})
			if got := a.takeStep("copy of here/", client, copied); strings.TrimSpace(got) != `{"a":1}` {
				t.Errorf("the overtaken request has found %s", got)
			}
			var got string
			cost := a.cost(func() { got = a.takeStep(tt.step.do, client, copied) })
			if strings.TrimSpace(got) != tt.step.want || cost != tt.step.cost {
				t.Errorf("the next one has found %s for %v, want %s for %v", got, cost, tt.step.want, tt.step.cost)
			}
		})
	}
}

// TestOvertakenWrites has a write be applied before the session is revoked, and answered after it.
func TestOvertakenWrites(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/set/b", "/count", "/"} { // the last one extends the session
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			a := newCachedApp(t, func(cfg *echofirestore.Config) { cfg.UserKey, cfg.TouchAfter = "a", 5*time.Second })
			client, copied := a.browser(), a.browser()
			a.takeStep("here/set/a", client, copied)
			a.clock.Advance(5 * time.Second)
			a.firestore.Inject(firestoretest.Fault{Method: "Commit", After: true, Do: func() {
				if n, err := a.store.RevokeUser(t.Context(), "1"); n != 1 || err != nil {
					t.Errorf("%d revoked, %v", n, err)
				}
			}})
			a.takeStep("here"+path, client, copied)
			var got string
			cost := a.cost(func() { got = a.takeStep("here/", client, copied) })
			if strings.TrimSpace(got) != `{}` || cost != costsARead {
				t.Errorf("a session that was revoked: %s for %v", got, cost)
			}
		})
	}
}

// TestRevokedAndAborted has Firestore apply the deletes of a revocation, and answer that it has aborted them.
func TestRevokedAndAborted(t *testing.T) {
	t.Parallel()
	for _, do := range []string{"revoke", "revoke all"} {
		t.Run(do, func(t *testing.T) {
			t.Parallel()
			a := newCachedApp(t, func(cfg *echofirestore.Config) { cfg.UserKey = "user" })
			client := a.browser()
			a.takeStep("here/set/user", client, nil)
			a.firestore.Inject(firestoretest.Fault{Method: "Commit", After: true, Err: status.Error(codes.Aborted, "aborted")})
			a.takeStep(do, client, nil)
			if len(a.documents()) > 0 {
				t.Error("it was not revoked")
			}
			if got := a.takeStep("here/", client, nil); strings.TrimSpace(got) != `{}` {
				t.Errorf("a session that was revoked: %s", got)
			}
		})
	}
}

// TestSpoiltWrites has a write fail while another one is under way. A request between the two reads the version before. Later
// ones of this process see what was written.
func TestSpoiltWrites(t *testing.T) {
	t.Parallel()
	a := newCachedApp(t, func(cfg *echofirestore.Config) { cfg.TouchAfter = 5 * time.Second })
	a.GET("/fail", func(c echo.Context) error { // and so extend nothing
		return c.String(http.StatusInternalServerError, fmt.Sprint(session(c).Values))
	})
	client, copied := a.browser(), a.browser()
	a.takeStep("here/set/a", client, copied)
	a.takeStep("copy", client, copied)
	a.clock.Advance(5 * time.Second)
	a.firestore.Inject(firestoretest.Fault{Method: "Commit", Do: func() {
		a.firestore.Inject(firestoretest.Fault{Method: "Commit", Err: status.Error(codes.PermissionDenied, "no")})
		a.takeStep("copy of here/", client, copied)
		if got := copied.get("/fail"); got.body != "map[a:1]" {
			t.Errorf("before the write: %s", got.body)
		}
	}})
	a.takeStep("here/set/b", client, copied)
	if got := copied.get("/fail"); got.body != "map[a:1 b:1]" {
		t.Errorf("after the write: %s", got.body)
	}
}

// TestSharedReads has many requests of one session come at once, while nothing of it is in the cache.
func TestSharedReads(t *testing.T) {
	t.Parallel()
	const n = 20
	unavailable := status.Error(codes.PermissionDenied, "no")
	for _, tt := range []struct {
		name   string
		before string // a step
		carry  func(ctx context.Context, reads int) error
		want   map[string]int
		cost   firestoretest.Ops
	}{
		{name: "living", want: map[string]int{`{"a":1}`: n + 1}, cost: costsARead},
		{name: "over", before: "there/destroy", want: map[string]int{`{}`: n + 1}, cost: firestoretest.Ops{Reads: 2}},
		{
			name: "a read that fails is nobody else's",
			carry: func(_ context.Context, reads int) error {
				if reads == 1 {
					return unavailable
				}
				return nil
			},
			want: map[string]int{"503": 1, `{"a":1}`: n}, cost: costsARead,
		},
		{
			name:  "reads that fail",
			carry: func(context.Context, int) error { return unavailable },
			want:  map[string]int{"503": n + 1},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			network := bubble.NewNetwork(t)
			synctest.Test(t, func(t *testing.T) {
				a := newCachedBubbleApp(t, network)
				client, copied := a.browser(), a.browser()
				a.takeStep("there/set/a", client, copied)
				a.takeStep("copy", client, copied)
				if tt.before != "" {
					a.takeStep(tt.before, client, copied)
				}
				reads := 0
				network.Carry = func(ctx context.Context, call *bubble.Call) bool {
					if call.Method != "BatchGetDocuments" {
						return false
					}
					reads++
					time.Sleep(time.Second)
					if tt.carry != nil {
						call.Err = tt.carry(ctx, reads)
					}
					return call.Err != nil
				}
				var mu sync.Mutex
				got := make(map[string]int)
				cost := a.cost(func() {
					var requests sync.WaitGroup
					for i := range n + 1 {
						requests.Go(func() {
							reply := copied.get("/")
							mu.Lock()
							defer mu.Unlock()
							if reply.StatusCode == http.StatusOK {
								got[strings.TrimSpace(reply.body)]++
							} else {
								got[fmt.Sprint(reply.StatusCode)]++
							}
						})
						if i == 0 {
							synctest.Wait() // it is the one that reads
						}
					}
					requests.Wait()
				})
				if fmt.Sprint(got) != fmt.Sprint(tt.want) || cost != tt.cost {
					t.Errorf("%v for %v, want %v for %v", got, cost, tt.want, tt.cost)
				}
			})
		})
	}
}
