package echofirestore_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gorilla/sessions"
	"github.com/labstack/echo/v4"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
)

func hashing(cfg *echofirestore.Config) { cfg.HashKeys = true }

func moving(cfg *echofirestore.Config) { cfg.HashKeys, cfg.AcceptPlainKeys = true, true }

func hashOf(key string) string {
	sum := sha256.Sum256([]byte(key))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// TestHashedKeys looks for what could open a session in the database. An ID that is found there opens none, and ends
// none.
func TestHashedKeys(t *testing.T) {
	t.Parallel()
	for name, configure := range map[string]func(*echofirestore.Config){"hashed": hashing, "plain keys accepted": moving} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t, configure)
			a.POST("/", func(c echo.Context) error {
				prefs, err := a.store.Get(c.Request(), "prefs")
				session(c).Values["user"], prefs.Values["theme"] = "alice", "dark"
				return err
			})
			a.GET("/", func(c echo.Context) error {
				prefs, err := a.store.Get(c.Request(), "prefs")
				if err != nil {
					return err
				}
				return c.JSON(http.StatusOK, []any{session(c).Values["user"], prefs.Values["theme"]})
			})
			a.POST("/out", echofirestore.Destroy)
			b := a.browser()
			first := b.post("/")
			key, prefs := first.cookie("__session").Value, first.cookie("prefs").Value
			ids := []string{hashOf(key), "~prefs:" + hashOf(prefs)}
			docs := a.documents()
			for _, id := range ids {
				if doc := docs[id]; doc == nil || doc["hashed"] != true {
					t.Errorf("document %s: %v", id, doc)
				}
			}
			if len(docs) != len(ids) {
				t.Errorf("documents %v", docs)
			}
			if got := b.get("/"); got.body != `["alice","dark"]`+"\n" {
				t.Errorf("body %s", got.body)
			}
			for _, id := range append(ids, hashOf(prefs)) {
				cookies := func(r *http.Request) { r.Header.Set("Cookie", "__session="+id+"; prefs="+id) }
				if got := b.get("/", cookies); got.body != "[null,null]\n" {
					t.Errorf("the ID %s opens %s", id, got.body)
				}
				if got := b.post("/out", cookies); got.StatusCode != http.StatusOK || len(a.documents()) != len(ids) {
					t.Errorf("the ID %s ends a session", id)
				}
			}
		})
	}
}

// TestPlainKeysWithoutConsent lets a session that is stored under its key meet a store that hashes keys.
func TestPlainKeysWithoutConsent(t *testing.T) {
	t.Parallel()
	a := newApp(t, hashing)
	a.GET("/", see)
	a.putSession("key", `{"user":"alice"}`)
	if got := a.browser().get("/", withCookie("key")); !strings.Contains(got.body, `"isNew":true`) {
		t.Errorf("body %s", got.body)
	}
}

// TestPlainKeysMove lets sessions that are stored under their keys meet a store that hashes keys, and accepts those.
func TestPlainKeysMove(t *testing.T) {
	t.Parallel()
	type ops = firestoretest.Ops
	nothing := func(echo.Context) error { return nil }
	id := hashOf("key")
	for _, tt := range []struct {
		name    string
		handler echo.HandlerFunc
		fields  map[string]any // of the stored document, beside its data
		cost    ops
		at      string         // the ID of the one document that there is afterwards; "" for none
		values  map[string]any // that it holds
	}{
		{name: "not touched", handler: nothing, at: "key"},
		{name: "read", handler: see, cost: ops{Reads: 2, Writes: 1, Deletes: 1}, at: id},
		{
			name: "changed", handler: set("n", 2), cost: ops{Reads: 2, Writes: 1, Deletes: 1}, at: id,
			values: map[string]any{"user": "alice", "n": 2},
		},
		{
			name: "updated", cost: ops{Reads: 2, Writes: 1, Deletes: 1}, at: id, values: map[string]any{"user": "alice", "n": 1},
			handler: func(c echo.Context) error {
				return echofirestore.Update(c, func(sess *sessions.Session) error {
					n, _ := sess.Values["n"].(int)
					sess.Values["n"] = n + 1
					return nil
				})
			},
		},
		{name: "renewed", handler: echofirestore.Renew, cost: ops{Reads: 2, Writes: 1, Deletes: 1}, at: hashOf("new")},
		{name: "destroyed", handler: echofirestore.Destroy, cost: ops{Reads: 2, Deletes: 2}},
		{name: "read and destroyed", handler: func(c echo.Context) error { _ = session(c); return echofirestore.Destroy(c) }, cost: ops{Reads: 2, Deletes: 2}},
		{name: "emptied", handler: func(c echo.Context) error { clear(session(c).Values); return nil }, cost: ops{Reads: 2, Deletes: 2}},
		{name: "emptied by an Update", cost: ops{Reads: 2, Deletes: 1}, handler: func(c echo.Context) error {
			return echofirestore.Update(c, func(sess *sessions.Session) error { clear(sess.Values); return nil })
		}},
		{name: "expired", handler: see, fields: map[string]any{"expire": time.Unix(1, 0)}, cost: ops{Reads: 3, Deletes: 1}},
		{name: "expired, destroyed", handler: echofirestore.Destroy, fields: map[string]any{"expire": time.Unix(1, 0)}, cost: ops{Reads: 3, Deletes: 1}},
		{name: "malformed, destroyed", handler: echofirestore.Destroy, fields: map[string]any{"max_age": "long"}, cost: ops{Reads: 2, Deletes: 2}},
		{name: "malformed", handler: see, fields: map[string]any{"max_age": "long"}, cost: ops{Reads: 2}, at: "key"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t, moving, func(cfg *echofirestore.Config) { cfg.KeyFactory = func() string { return "new" } })
			now := a.clock.Now()
			fields := map[string]any{
				"data": payload(now), "max_age": int64(60), "expire": now.Add(time.Minute).UTC(), "note": "mine", "started": now.Add(-time.Hour).UTC(),
			}
			maps.Copy(fields, tt.fields)
			a.put("key", fields)
			a.POST("/", tt.handler)
			a.GET("/", see)
			var got reply
			if cost := a.cost(func() { got = a.browser().post("/", withCookie("key")) }); cost != tt.cost || got.StatusCode != http.StatusOK {
				t.Errorf("status %d, cost %v, want %v", got.StatusCode, cost, tt.cost)
			}
			docs := a.documents()
			if tt.at == "" {
				if len(docs) > 0 {
					t.Errorf("documents %v", docs)
				}
				return
			}
			doc := docs[tt.at]
			if len(docs) != 1 || doc == nil {
				t.Fatalf("documents %v, want %s", docs, tt.at)
			}
			if tt.at == "key" {
				return
			}
			if tt.values == nil {
				tt.values = map[string]any{"user": "alice"}
			}
			if diff := cmp.Diff(tt.values, a.values(tt.at)); diff != "" {
				t.Errorf("values (-want +got):\n%s", diff)
			}
			for _, name := range []string{"max_age", "expire", "note", "started"} {
				if diff := cmp.Diff(fields[name], doc[name]); diff != "" {
					t.Errorf("%s (-want +got):\n%s", name, diff)
				}
			}
			cookie := "key"
			if set := got.cookie("__session"); set != nil {
				cookie = set.Value
			}
			again := a.cost(func() { got = a.browser().get("/", withCookie(cookie)) })
			if want := (ops{Reads: 1}); again != want || !strings.Contains(got.body, `"user":"alice"`) {
				t.Errorf("the next request costs %v and sees %s", again, got.body)
			}
		})
	}
}

// TestPlainKeysMoveAlone has sessions move that are only read: they are extended if that is due, and else not.
func TestPlainKeysMoveAlone(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		touchAfter, left time.Duration // of a session of two minutes that has been used after 20 s
	}{
		{touchAfter: 0, left: 100 * time.Second},
		{touchAfter: 20 * time.Second, left: 120 * time.Second},
		{touchAfter: 21 * time.Second, left: 100 * time.Second},
	} {
		t.Run(fmt.Sprintf("TouchAfter %v", tt.touchAfter), func(t *testing.T) {
			t.Parallel()
			a := newApp(t, moving, func(cfg *echofirestore.Config) { cfg.MaxAge, cfg.TouchAfter = 120, tt.touchAfter })
			a.GET("/", see)
			now := a.clock.Now()
			a.put("key", map[string]any{"data": payload(now), "max_age": 120, "expire": now.Add(100 * time.Second)})
			var got reply
			if cost := a.cost(func() { got = a.browser().get("/", withCookie("key")) }); cost != (firestoretest.Ops{Reads: 2, Writes: 1, Deletes: 1}) {
				t.Errorf("cost %v", cost)
			}
			if cookie := got.cookie("__session"); (cookie != nil) != (tt.left == 120*time.Second) {
				t.Errorf("cookie %v, which is for what is extended", cookie)
			}
			if got, want := a.documents()[hashOf("key")]["expire"], now.Add(tt.left).UTC(); got != want {
				t.Errorf("expires at %v, want %v", got, want)
			}
		})
	}
}

// TestPlainKeysMoveOnce has another request come between any two calls of one, and move the session, change or end it.
func TestPlainKeysMoveOnce(t *testing.T) {
	t.Parallel()
	for _, other := range []struct {
		name, path string
		want       map[string]any // in the end; nil for no document at all
		readsOnly  map[string]any // if the request changes nothing
	}{
		{name: "moves it", path: "/read", want: map[string]any{"user": "alice", "a": 1}, readsOnly: map[string]any{"user": "alice"}},
		{name: "changes it", path: "/change-b", want: map[string]any{"user": "alice", "a": 1, "b": 2}, readsOnly: map[string]any{"user": "alice", "b": 2}},
		{name: "ends it", path: "/out"},
	} {
		for _, path := range []string{"/read", "/change-a", "/renew-a", "/out"} {
			for _, fault := range []firestoretest.Fault{{Method: "BatchGetDocuments"}, {Method: "BatchGetDocuments", Skip: 1}, {Method: "Commit"}} {
				t.Run(fmt.Sprintf("%s while another %s, before %s %d", path, other.name, fault.Method, fault.Skip+1), func(t *testing.T) {
					t.Parallel()
					a := newApp(t, moving)
					a.putSession("key", `{"user":"alice"}`)
					a.POST("/read", func(c echo.Context) error { _ = session(c); return nil })
					a.POST("/change-a", set("a", 1))
					a.POST("/renew-a", func(c echo.Context) error {
						session(c).Values["a"] = 1
						return echofirestore.Renew(c)
					})
					a.POST("/change-b", set("b", 2))
					a.POST("/out", echofirestore.Destroy)
					fault.Do = func() {
						if got := a.browser().post(other.path, withCookie("key")); got.StatusCode != http.StatusOK {
							t.Errorf("%s: status %d", other.path, got.StatusCode)
						}
					}
					a.firestore.Inject(fault)
					got := a.browser().post(path, withCookie("key"))
					if got.StatusCode != http.StatusOK {
						t.Errorf("status %d: %s", got.StatusCode, got.body)
					}
					want := other.want
					switch {
					case path == "/out":
						want = nil
					case path == "/read" && want != nil:
						want = other.readsOnly
					case want == nil && path != "/read" && fault.Method == "BatchGetDocuments":
						want = map[string]any{"a": 1} // of a new session: the request came after the end of the old one
					}
					docs := a.documents()
					if want == nil {
						if len(docs) > 0 {
							t.Errorf("documents %v", docs)
						}
						return
					}
					if len(docs) != 1 {
						t.Fatalf("documents %v", docs)
					}
					for id := range docs {
						if diff := cmp.Diff(want, a.values(id)); diff != "" {
							t.Errorf("values (-want +got):\n%s", diff)
						}
					}
				})
			}
		}
	}
}

// TestPlainKeysMoveWithoutExpiry moves a session as Python's version 0.1.1 stored it: it lives as long as it would have.
func TestPlainKeysMoveWithoutExpiry(t *testing.T) {
	t.Parallel()
	a := newApp(t, moving)
	a.GET("/", see)
	now := a.clock.Now()
	a.put("key", map[string]any{"data": payload(now), "max_age": 60})
	b := a.browser()
	for _, step := range []struct {
		advance time.Duration
		alive   bool
	}{{0, true}, {59 * time.Second, true}, {time.Second, false}} {
		a.clock.Advance(step.advance)
		got := b.get("/", withCookie("key"))
		if alive := strings.Contains(got.body, `"user":"alice"`); alive != step.alive || got.cookie("__session") != nil {
			t.Errorf("%v after it was stored: body %s, cookie %v", a.clock.Now().Sub(now), got.body, got.cookie("__session"))
		}
	}
}

// TestPlainKeyTooLong sends a key that has a place under its hash, but none under itself.
func TestPlainKeyTooLong(t *testing.T) {
	t.Parallel()
	a := newApp(t, moving)
	a.GET("/", func(c echo.Context) error {
		_, err := a.store.Get(c.Request(), "prefs")
		return err
	})
	got := a.browser().get("/", func(r *http.Request) { r.Header.Set("Cookie", "prefs="+strings.Repeat("k", 1500)) })
	if got.StatusCode != http.StatusOK {
		t.Errorf("status %d", got.StatusCode)
	}
}

// TestHashedKeysElsewhere has an instance that hashes no keys meet documents of one that does, as in a deployment.
func TestHashedKeysElsewhere(t *testing.T) {
	t.Parallel()
	a := newApp(t, hashing)
	a.POST("/", set("user", "alice"))
	key := a.browser().post("/").cookie("__session").Value
	plain := newApp(t, func(cfg *echofirestore.Config) { cfg.Client = a.client })
	plain.GET("/", see)
	for _, cookie := range []string{key, hashOf(key)} {
		if got := plain.browser().get("/", withCookie(cookie)); !strings.Contains(got.body, `"isNew":true`) {
			t.Errorf("%s opens %s", cookie, got.body)
		}
	}
}

// TestPlainKeysMoveUnderAnUpdate has another request come before the commit of an Update that counts in a session stored
// under its key, or that takes all it holds: it must do so exactly, wherever the session is by then.
func TestPlainKeysMoveUnderAnUpdate(t *testing.T) {
	t.Parallel()
	type outcome struct {
		N           int // as fn saw it last
		Gone, Ended bool
	}
	for _, tt := range []struct {
		name, path, other string
		want              outcome
		left              map[string]any // in the end; nil for no document
	}{
		{name: "counts while it moves", path: "/count", other: "/read", want: outcome{N: 1}, left: map[string]any{"n": 2}},
		{name: "counts while another counts", path: "/count", other: "/count", want: outcome{N: 2}, left: map[string]any{"n": 3}},
		{name: "counts while it ends", path: "/count", other: "/out", want: outcome{N: 1, Gone: true, Ended: true}},
		{name: "takes while it moves", path: "/take", other: "/read", want: outcome{N: 1}},
		{name: "takes while another counts", path: "/take", other: "/count", want: outcome{N: 2}},
		{name: "takes while another takes", path: "/take", other: "/take", want: outcome{N: 1, Gone: true, Ended: true}},
		{name: "takes while it ends", path: "/take", other: "/out", want: outcome{N: 1, Gone: true, Ended: true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t, moving)
			a.putSession("key", `{"n":1}`)
			update := func(fn func(*sessions.Session, int)) echo.HandlerFunc {
				return func(c echo.Context) error {
					var got outcome
					err := echofirestore.Update(c, func(sess *sessions.Session) error {
						got.N = sess.Values["n"].(int)
						fn(sess, got.N)
						return nil
					})
					got.Gone, got.Ended = errors.Is(err, echofirestore.ErrGone), a.store.Ended(session(c))
					if err != nil && !got.Gone {
						return err
					}
					return c.JSON(http.StatusOK, got)
				}
			}
			a.POST("/count", update(func(sess *sessions.Session, n int) { sess.Values["n"] = n + 1 }))
			a.POST("/take", update(func(sess *sessions.Session, _ int) { clear(sess.Values) }))
			a.POST("/read", func(c echo.Context) error { _ = session(c); return nil })
			a.POST("/out", echofirestore.Destroy)
			a.firestore.Inject(firestoretest.Fault{Method: "Commit", Do: func() { a.browser().post(tt.other, withCookie("key")) }})
			var got outcome
			if err := json.Unmarshal([]byte(a.browser().post(tt.path, withCookie("key")).body), &got); err != nil || got != tt.want {
				t.Errorf("%+v, want %+v, error %v", got, tt.want, err)
			}
			docs := a.documents()
			if tt.left == nil {
				if len(docs) > 0 {
					t.Errorf("documents %v", docs)
				}
				return
			}
			if len(docs) != 1 || docs[hashOf("key")] == nil {
				t.Fatalf("documents %v", docs)
			}
			if diff := cmp.Diff(tt.left, a.values(hashOf("key"))); diff != "" {
				t.Errorf("values (-want +got):\n%s", diff)
			}
		})
	}
}
