package echofirestore_test

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/labstack/echo/v4"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
	"github.com/echofirestore/echofirestore/internal/bubble"
	"github.com/echofirestore/echofirestore/internal/testclock"
)

var aborted = status.Error(codes.Aborted, "Too much contention on these documents. Please try again.")

// A writer is a request whose handler writes to Firestore in one of the ways there are.
type writer struct {
	name    string
	new     bool          // there is no session yet
	advance time.Duration // after the session was stored
	handler func(c echo.Context, s *echofirestore.Store) error
	cost    firestoretest.Ops

	inTransaction bool // what it deletes is read again with each attempt
	harmless      bool // the client need not be told that it failed
}

var writers = []writer{
	{name: "create", new: true, handler: change, cost: firestoretest.Ops{Writes: 1}},
	{name: "update", handler: change, cost: firestoretest.Ops{Reads: 1, Writes: 1}},
	{name: "Update", handler: func(c echo.Context, _ *echofirestore.Store) error { return countOne(c) }, cost: firestoretest.Ops{Reads: 1, Writes: 1}},
	{name: "touch", advance: 30 * time.Minute, handler: look, harmless: true, cost: firestoretest.Ops{Reads: 1, Writes: 1}},
	{name: "empty", handler: func(c echo.Context, _ *echofirestore.Store) error { clear(session(c).Values); return nil }, cost: firestoretest.Ops{Reads: 1, Deletes: 1}},
	{name: "destroy", handler: func(c echo.Context, _ *echofirestore.Store) error { return echofirestore.Destroy(c) }, cost: firestoretest.Ops{Deletes: 1}},
	{name: "renew", handler: func(c echo.Context, _ *echofirestore.Store) error { return echofirestore.Renew(c) }, cost: firestoretest.Ops{Reads: 1, Writes: 1, Deletes: 1}},
	{name: "delete expired", advance: 2 * time.Hour, handler: look, harmless: true, cost: firestoretest.Ops{Reads: 1, Deletes: 1}},
	{name: "Revoke", handler: func(c echo.Context, s *echofirestore.Store) error {
		infos, err := s.Sessions(c.Request().Context(), "alice")
		if err != nil {
			return err
		}
		return s.Revoke(c.Request().Context(), "alice", infos[0].ID)
	}, cost: firestoretest.Ops{Reads: 2, Deletes: 1}},
	{name: "RevokeUser", inTransaction: true, handler: func(c echo.Context, s *echofirestore.Store) error {
		_, err := s.RevokeUser(c.Request().Context(), "alice")
		return err
	}, cost: firestoretest.Ops{Reads: 1, Deletes: 1}},
	{name: "DeleteExpired", inTransaction: true, advance: 2 * time.Hour, handler: func(c echo.Context, s *echofirestore.Store) error {
		_, err := s.DeleteExpired(c.Request().Context())
		return err
	}, cost: firestoretest.Ops{Reads: 1, Deletes: 1}},
}

func change(c echo.Context, _ *echofirestore.Store) error { session(c).Values["n"] = 1; return nil }
func look(c echo.Context, _ *echofirestore.Store) error   { _ = session(c); return nil }

// serve has a writer served, while fail makes things fail. It returns the response, and the error that
// Config.ErrorHandler was given.
func (w writer) serve(t *testing.T, n *bubble.Network, fail func()) (_ *httptest.ResponseRecorder, told error) {
	t.Helper()
	clock := testclock.New()
	store, err := echofirestore.NewStore(echofirestore.Config{
		Client: n.Client, UserKey: "user", MaxAge: 3600, TouchAfter: time.Minute, Now: clock.Now,
		Logger: slog.New(slog.DiscardHandler),
		ErrorHandler: func(_ echo.Context, err error) error {
			told = err
			return echo.NewHTTPError(http.StatusServiceUnavailable)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	e := echo.New()
	e.Use(store.Middleware())
	e.GET("/", func(c echo.Context) error { return w.handler(c, store) })
	req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
	if !w.new {
		now := clock.Now()
		if _, err := n.Client.Collection(echofirestore.DefaultCollection).Doc("key").Create(t.Context(), map[string]any{
			"data": payload(now), "max_age": 3600, "expire": now.Add(time.Hour), "user": "alice",
		}); err != nil {
			t.Fatal(err)
		}
		req.AddCookie(&http.Cookie{Name: "__session", Value: "key"})
	}
	clock.Advance(w.advance)
	n.Server.ResetOps()
	fail()
	rec := httptest.NewRecorder()
	e.ServeHTTP(rec, req)
	return rec, told
}

// TestContention has Firestore abort the commit of each kind of write a few times: the write succeeds, and costs what it
// costs without that. In a transaction, what it has read is read again.
func TestContention(t *testing.T) {
	t.Parallel()
	for _, w := range writers {
		for _, times := range []int{1, 3} {
			t.Run(fmt.Sprintf("%s, %d times", w.name, times), func(t *testing.T) {
				t.Parallel()
				n := bubble.NewNetwork(t)
				synctest.Test(t, func(t *testing.T) {
					start := time.Now()
					got, _ := w.serve(t, n, func() {
						n.Server.Inject(firestoretest.Fault{Method: "Commit", Times: times, Err: aborted})
					})
					if took := time.Since(start); got.Code != http.StatusOK || took > 4*time.Second {
						t.Errorf("status %d after %v: %s", got.Code, took, got.Body)
					}
				})
				want, calls := w.cost, n.Server.Calls()
				if w.inTransaction {
					want.Reads += times
				}
				if got := n.Server.Ops(); got != want || calls["Commit"] != times+1 {
					t.Errorf("cost %v, want %v; %d commits", got, want, calls["Commit"])
				}
			})
		}
	}
}

// TestLastingContention has Firestore abort every commit. The write gives up at the end of its time, having tried seldom
// enough to let the contention pass, and without another read.
func TestLastingContention(t *testing.T) {
	t.Parallel()
	for _, w := range writers {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			n := bubble.NewNetwork(t)
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				got, err := w.serve(t, n, func() {
					n.Server.Inject(firestoretest.Fault{Method: "Commit", Times: -1, Err: aborted})
				})
				took, reads, commits := time.Since(start), n.Server.Ops().Reads, n.Server.Calls()["Commit"]
				t.Logf("%d after %v, %d commits and %d reads: %v", got.Code, took, commits, reads, err)
				if commits < 6 || commits > 18 || took < 7*time.Second || took > 10*time.Second {
					t.Errorf("%d commits in %v", commits, took)
				}
				if !w.inTransaction && reads != w.cost.Reads {
					t.Errorf("%d reads, want %d", reads, w.cost.Reads)
				}
				if w.harmless {
					if got.Code != http.StatusOK {
						t.Errorf("status %d", got.Code)
					}
				} else if got.Code != http.StatusServiceUnavailable || status.Code(err) != codes.Aborted || !errors.Is(err, echofirestore.ErrConflict) {
					t.Errorf("status %d, error %v", got.Code, err)
				}
			})
		})
	}
}

// TestContentionKeepsPreconditions has another request come first, and Firestore abort the commit then: what the other
// one did stays.
func TestContentionKeepsPreconditions(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		path    string // of the other request
		handler echo.HandlerFunc
		want    string // the values that are left
	}{
		{"change", "/other", set("n", 1), "map[n:1 other:true user:alice]"},
		{"change of what has ended", "/out", set("n", 1), "map[]"},
		{"renewal", "/other", echofirestore.Renew, "map[other:true user:alice]"},
		{"renewal of what has ended", "/out", echofirestore.Renew, "map[]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := newUserApp(t)
			a.POST("/other", set("other", true))
			a.POST("/", tt.handler)
			b := a.login("alice")
			elsewhere := a.elsewhere()
			elsewhere.Jar = b.Jar
			a.firestore.Inject(firestoretest.Fault{Method: "Commit", Err: aborted, Do: func() {
				if got := elsewhere.post(tt.path); got.StatusCode != http.StatusOK {
					t.Errorf("status %d", got.StatusCode)
				}
			}})
			b.post("/")
			left := map[string]any{}
			for _, info := range a.sessions("alice") {
				maps.Copy(left, info.Values)
			}
			if got := fmt.Sprint(left); got != tt.want {
				t.Errorf("left is %v, want %v", left, tt.want)
			}
		})
	}
}
