package echofirestore_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"cloud.google.com/go/firestore"
	"github.com/google/go-cmp/cmp"
	"github.com/gorilla/sessions"
	"github.com/labstack/echo/v4"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
	"github.com/echofirestore/echofirestore/internal/bubble"
	"github.com/echofirestore/echofirestore/internal/emulator"
	"github.com/echofirestore/echofirestore/internal/testsize"
)

// writeIDs returns the IDs of Updates that the document of a session holds.
func (a *app) writeIDs(key string) []string {
	a.t.Helper()
	switch ids := a.documents()[key]["write"].(type) {
	case nil:
		return nil
	case string:
		if len(ids) == 0 || len(ids) > 2<<10 {
			a.t.Errorf("the field write has %d bytes", len(ids))
		}
		return strings.Fields(ids)
	default:
		a.t.Fatalf("the field write is a %T", ids)
		return nil
	}
}

// writeID returns the ID of an Update of another store that began a while ago; without a store, as older releases made it.
func writeID(store string, ago time.Duration) string {
	return store + strconv.FormatInt(time.Now().Add(-ago).Unix(), 36) + ".ABCDEFG"
}

// another returns another instance of the application, which keeps the same sessions.
func (a *app) another() *echo.Echo {
	a.t.Helper()
	e := echo.New()
	e.Use(echofirestore.Middleware(echofirestore.Config{Client: a.client, MaxAge: a.config.MaxAge, Now: a.clock.Now}))
	e.POST("/count", countOne)
	e.POST("/set", func(c echo.Context) error { session(c).Values["k"] = time.Now().String(); return nil })
	e.POST("/renew", echofirestore.Renew)
	return e
}

// ask posts to an instance of the application, with the key of a session. It returns the key that the client has then.
func (a *app) ask(e http.Handler, path, key string) string {
	a.t.Helper()
	req := httptest.NewRequestWithContext(a.t.Context(), http.MethodPost, path, http.NoBody)
	withCookie(key)(req)
	rec := httptest.NewRecorder()
	e.ServeHTTP(rec, req)
	cookie := reply{Response: rec.Result()}.cookie("__session")
	if rec.Code != http.StatusOK || cookie == nil {
		a.t.Fatalf("%s: status %d, cookie %v: %s", path, rec.Code, cookie, rec.Body)
	}
	return cookie.Value
}

// TestManyUpdates makes so many Updates of one session that remembering each would fill its document.
func TestManyUpdates(t *testing.T) {
	t.Parallel()
	updates := testsize.N(1000, 20_000)
	if raceDetector || emulator.Host() != "" {
		updates = 1000
	}
	a := newApp(t)
	a.putSession("key", `{"n": 0}`)
	a.POST("/", func(c echo.Context) error {
		for n := range updates {
			if err := countOne(c); err != nil {
				return err
			}
			if n%100 == 0 {
				if ids := a.writeIDs("key"); len(ids) != 1 {
					return fmt.Errorf("after %d Updates: %d IDs", n+1, len(ids))
				}
			}
		}
		return nil
	})
	if got := a.browser().post("/", withCookie("key")); got.StatusCode != http.StatusOK {
		t.Errorf("status %d: %s", got.StatusCode, got.body)
	}
	if got := a.values("key")["n"]; got != updates {
		t.Errorf("n = %v, want %d", got, updates)
	}
}

// TestUpdatesOfManyStores has instances of an application take turns: each remembers what the others may ask for.
func TestUpdatesOfManyStores(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ stores, rounds, want int }{
		{stores: 1, rounds: 30, want: 1},
		{stores: 20, rounds: 5, want: 20},
		{stores: 120, rounds: 1}, // more than there is room for
	} {
		t.Run(fmt.Sprint(tt.stores), func(t *testing.T) {
			t.Parallel()
			a := newApp(t)
			a.putSession("key", `{"n": 0}`)
			instances := make([]*echo.Echo, tt.stores)
			for i := range instances {
				instances[i] = a.another()
			}
			var before []string
			for range tt.rounds {
				for _, e := range instances {
					a.ask(e, "/count", "key")
					ids := a.writeIDs("key")
					if len(ids) == 0 || slices.Contains(before, ids[len(ids)-1]) {
						t.Fatalf("the latest of %q is no new one", ids)
					}
					before = ids
				}
			}
			if tt.want > 0 && len(before) != tt.want {
				t.Errorf("%d IDs, want %d", len(before), tt.want)
			}
			if n := a.values("key")["n"]; n != tt.stores*tt.rounds {
				t.Errorf("n = %v", n)
			}
		})
	}
}

// TestSavesForgetWrites looks at which IDs of Updates saves leave in a document: those that may be asked for.
func TestSavesForgetWrites(t *testing.T) {
	t.Parallel()
	const other, given, old, oldGiven = "{other}", "{given}", "{old}", "{old-given}"
	for _, tt := range []struct {
		name   string
		before []string // that the document holds
		calls  []string // "own" or "other" store, and what it does
		want   []string // that are left of those
		more   int      // IDs
	}{
		{name: "of an Update of its own", calls: []string{"own /count", "own /set"}},
		{name: "of another store's Update", calls: []string{"other /count", "own /set"}, more: 1},
		{name: "of both", calls: []string{"other /count", "own /count", "own /set"}, more: 1},
		{name: "that may be asked for", before: []string{other, old}, calls: []string{"own /set"}, want: []string{other, old}},
		{name: "whose Updates have given up", before: []string{given, oldGiven, "OLD", "100000.ABCDEFG"}, calls: []string{"own /set"}},
		{name: "all together", before: []string{given, other, oldGiven, old}, calls: []string{"own /count"}, want: []string{other, old}, more: 1},
		{name: "in a renewed session", before: []string{given, other}, calls: []string{"own /renew"}, want: []string{other}},
		{name: "that are too many for years", before: slices.Repeat([]string{oldGiven}, 20_000), calls: []string{"own /set"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t)
			ids := strings.NewReplacer( // made now, for they are of use for a time
				other, writeID("ANOTHER1.", 5*time.Second), given, writeID("ANOTHER1.", time.Hour),
				old, writeID("", 5*time.Second), oldGiven, writeID("", time.Hour),
			)
			fields := map[string]any{"data": payload(a.clock.Now()), "max_age": nil}
			if len(tt.before) > 0 {
				fields["write"] = ids.Replace(strings.Join(tt.before, " "))
			}
			a.put("key", fields)
			key := "key"
			instances := map[string]*echo.Echo{"own": a.another(), "other": a.another()}
			for _, call := range tt.calls {
				who, path, _ := strings.Cut(call, " ")
				key = a.ask(instances[who], path, key)
			}
			left, want := a.writeIDs(key), strings.Fields(ids.Replace(strings.Join(tt.want, " ")))
			if len(left) != len(want)+tt.more {
				t.Errorf("%d IDs, want %d", len(left), len(want)+tt.more)
			} else if diff := cmp.Diff(want, left[:len(want)]); diff != "" && len(want) > 0 {
				t.Errorf("IDs (-want +got):\n%s", diff)
			}
			if _, there := a.documents()[key]["write"]; there && len(left) == 0 {
				t.Error("the field is there for nothing")
			}
		})
	}
}

// TestWritesLeaveRoom saves a session that fits into its document only without the IDs of past Updates.
func TestWritesLeaveRoom(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	large := `{"blob": "` + strings.Repeat("x", 1<<20-1500) + `"}`
	a.put("key", map[string]any{
		"data": `{"created": 1, "session": ` + large + `}`, "max_age": nil, "write": strings.Repeat(writeID("ANOTHER1.", time.Hour)+" ", 40),
	})
	a.POST("/", set("k", strings.Repeat("y", 500)))
	if got := a.browser().post("/", withCookie("key")); got.StatusCode != http.StatusOK {
		t.Errorf("status %d: %s", got.StatusCode, got.body)
	}
	if ids := a.writeIDs("key"); len(ids) != 0 {
		t.Errorf("IDs %q", ids)
	}
}

// TestFullDocument saves a session that fits into its document only without the IDs that other Stores may still ask for.
func TestFullDocument(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		path string
		room int // for the IDs
		ids  int // that are left
	}{{"/set", 0, 0}, {"/count", 0, 1}, {"/set", 2000, 40}, {"/count", 2000, 41}} {
		t.Run(fmt.Sprint(tt.path, " with room for ", tt.room), func(t *testing.T) {
			t.Parallel()
			a := newApp(t, func(cfg *echofirestore.Config) { cfg.MaxAge = 0 })
			const overhead = 32 + 16 + len("echo_sessions/key") + 1 + len("data") + 1 + 1 + len("max_age") + 1 + 1 + 50 // and an ID
			k := strings.Repeat("y", 1000)
			values := func(blob string) string { return `{"blob":"` + blob + `","k":"` + k + `","n":1}` }
			blob := strings.Repeat("x", 1<<20-overhead-tt.room-len(`{"created":1700000000,"session":}`+values("")))
			a.put("key", map[string]any{
				"data": `{"created": 1700000000, "session": {"blob": "` + blob + `"}}`, "max_age": nil, "write": strings.Repeat(writeID("ANOTHER1.", time.Second)+" ", 40),
			})
			a.POST("/set", func(c echo.Context) error { session(c).Values["k"], session(c).Values["n"] = k, 1; return nil })
			a.POST("/count", func(c echo.Context) error { session(c).Values["k"] = k; return countOne(c) })
			if got := a.browser().post(tt.path, withCookie("key")); got.StatusCode != http.StatusOK {
				t.Errorf("status %d: %s", got.StatusCode, got.body)
			}
			if ids := a.writeIDs("key"); len(ids) != tt.ids {
				t.Errorf("%d IDs, want %d", len(ids), tt.ids)
			}
		})
	}
}

// TestSlowUpdateCountsOnce has the function of an Update take longer than other Stores keep IDs for. The answer to its
// commit is lost, and another Store saves the session before the client repeats that.
func TestSlowUpdateCountsOnce(t *testing.T) {
	t.Parallel()
	ours := bubble.NewNetwork(t)
	theirs := bubble.NewNetworkTo(t, ours.Server)
	ref := ours.Client.Collection(echofirestore.DefaultCollection).Doc("key")
	applied, saved := make(chan struct{}), make(chan struct{}) // made here, for the server is outside of the bubble
	synctest.Test(t, func(t *testing.T) {
		post := func(client *firestore.Client, handler echo.HandlerFunc) {
			e := echo.New()
			e.Use(echofirestore.Middleware(echofirestore.Config{Client: client, Logger: slog.New(slog.DiscardHandler)}))
			e.POST("/", handler)
			req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", http.NoBody)
			withCookie("key")(req)
			rec := httptest.NewRecorder()
			if e.ServeHTTP(rec, req); rec.Code != http.StatusOK {
				t.Errorf("status %d: %s", rec.Code, rec.Body)
			}
		}
		if _, err := ref.Create(t.Context(), map[string]any{"data": `{"created": 1, "session": {"n": 0}}`, "max_age": nil}); err != nil {
			t.Fatal(err)
		}
		ours.Server.Inject(firestoretest.Fault{
			Method: "Commit", After: true, Err: status.Error(codes.Unavailable, "lost"), Do: func() { close(applied); <-saved },
		})
		runs := 0
		post(ours.Client, func(c echo.Context) error {
			return echofirestore.Update(c, func(sess *sessions.Session) error {
				time.Sleep(5 * time.Minute)
				if runs++; runs == 1 {
					go func() {
						defer close(saved)
						<-applied
						post(theirs.Client, set("k", 1))
					}()
				}
				return countUp(sess)
			})
		})
		snap, err := ref.Get(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if payload, err := echofirestore.DecodeJSON(snap.Data()["data"].(string)); err != nil || payload.Values["n"] != 1 {
			t.Errorf("values %v, error %v", payload.Values, err)
		}
	})
}
