package echofirestore_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/sessions"
	"github.com/labstack/echo/v4"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
)

// TestLifetimeOverride stores a max age of the session's own, finds it again, and lets the session die of it.
func TestLifetimeOverride(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name             string
		standard, own    int
		alive, overAfter time.Duration // overAfter 0: never
	}{
		{name: "longer", standard: 60, own: 3600, alive: 120 * time.Second, overAfter: 3600 * time.Second},
		{name: "shorter", standard: 3600, own: 60, alive: 30 * time.Second, overAfter: 60 * time.Second},
		{name: "none instead of some", standard: 60, own: 0, alive: 24 * time.Hour},
		{name: "some instead of none", standard: 0, own: 60, alive: 30 * time.Second, overAfter: 60 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t, func(cfg *echofirestore.Config) { cfg.MaxAge = tt.standard })
			a.POST("/", func(c echo.Context) error {
				session(c).Values["user"] = "alice"
				session(c).Options.MaxAge = tt.own
				return nil
			})
			a.POST("/again", set("again", true))
			a.GET("/", see)
			b := a.browser()
			cookie := b.post("/").cookie("__session")
			if cookie == nil || cookie.MaxAge != tt.own {
				t.Fatalf("cookie %v, want Max-Age %d", cookie, tt.own)
			}
			lives := func(want bool) {
				t.Helper()
				var got seen
				if err := json.Unmarshal([]byte(b.get("/", withCookie(cookie.Value)).body), &got); err != nil {
					t.Fatal(err)
				}
				if got.IsNew == want || want && got.MaxAge != tt.own {
					t.Errorf("after %v: session %+v, want it alive: %v", a.clock.Now(), got, want)
				}
			}
			a.clock.Advance(tt.alive)
			lives(true)
			if got := b.post("/again", withCookie(cookie.Value)).cookie("__session"); got == nil || got.MaxAge != tt.own {
				t.Errorf("cookie of a later save %v, want Max-Age %d", got, tt.own)
			}
			if tt.overAfter == 0 {
				return
			}
			a.clock.Advance(tt.overAfter - time.Second)
			lives(true)
			a.clock.Advance(time.Second)
			lives(false)
		})
	}
}

// TestChangesExtend makes sure that each save, of whatever change, gives the session another max age.
func TestChangesExtend(t *testing.T) {
	t.Parallel()
	a := newApp(t, func(cfg *echofirestore.Config) { cfg.MaxAge = 60 })
	a.GET("/", see)
	a.POST("/", set("preferences", map[string]any{"theme": "light"}))
	a.POST("/dark", func(c echo.Context) error {
		session(c).Values["preferences"].(map[string]any)["theme"] = "dark"
		return nil
	})
	b := a.browser()
	key := b.post("/").cookie("__session").Value
	a.clock.Advance(50 * time.Second)
	b.post("/dark", withCookie(key))
	a.clock.Advance(59 * time.Second)
	if got := b.get("/", withCookie(key)); !strings.Contains(got.body, `"theme":"dark"`) {
		t.Errorf("body %s", got.body)
	}
	a.clock.Advance(time.Second)
	if got := b.get("/", withCookie(key)); !strings.Contains(got.body, `"isNew":true`) {
		t.Errorf("body %s", got.body)
	}
}

// TestTouchOfAShortLife reads a session whose own max age is shorter than TouchAfter: it must not end while it is used.
func TestTouchOfAShortLife(t *testing.T) {
	t.Parallel()
	a := newApp(t, func(cfg *echofirestore.Config) { cfg.TouchAfter = 10 * time.Minute })
	a.GET("/", see)
	now := a.clock.Now()
	a.put("key", map[string]any{"data": payload(now), "max_age": 300, "expire": now.Add(300 * time.Second)})
	b := a.browser()
	for _, step := range []struct {
		advance time.Duration
		writes  int
	}{{100 * time.Second, 0}, {49 * time.Second, 0}, {time.Second, 1}, {290 * time.Second, 1}, {290 * time.Second, 1}} {
		a.clock.Advance(step.advance)
		cost := a.cost(func() {
			if got := b.get("/", withCookie("key")); !strings.Contains(got.body, `"user":"alice"`) {
				t.Errorf("%v later: %s", a.clock.Now().Sub(now), got.body)
			}
		})
		if want := (firestoretest.Ops{Reads: 1, Writes: step.writes}); cost != want {
			t.Errorf("%v later: cost %v, want %v", a.clock.Now().Sub(now), cost, want)
		}
	}
}

// TestTouch extends a session that is used, its document and its cookie, and then does more in the same request.
func TestTouch(t *testing.T) {
	t.Parallel()
	type ops = firestoretest.Ops
	for _, tt := range []struct {
		name string
		then echo.HandlerFunc // what follows the reading; nil for nothing
		cost ops
		gone bool
	}{
		{name: "read", cost: ops{Reads: 1, Writes: 1}},
		{name: "saved twice", then: func(c echo.Context) error {
			return errors.Join(echofirestore.Save(c), echofirestore.Save(c))
		}, cost: ops{Reads: 1, Writes: 1}},
		{name: "saved, then changed", then: func(c echo.Context) error {
			return errors.Join(echofirestore.Save(c), set("n", 1)(c))
		}, cost: ops{Reads: 1, Writes: 2}},
		{name: "saved, then updated", then: func(c echo.Context) error {
			return errors.Join(echofirestore.Save(c), echofirestore.Update(c, func(sess *sessions.Session) error {
				sess.Values["n"] = 1
				return nil
			}))
		}, cost: ops{Reads: 1, Writes: 2}},
		{name: "saved, then ended", then: func(c echo.Context) error {
			return errors.Join(echofirestore.Save(c), echofirestore.Destroy(c))
		}, cost: ops{Reads: 1, Writes: 1, Deletes: 1}, gone: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t, func(cfg *echofirestore.Config) { cfg.TouchAfter = time.Minute })
			a.POST("/", func(c echo.Context) error {
				if _ = session(c); tt.then == nil {
					return nil
				}
				return tt.then(c)
			})
			now := a.clock.Now()
			a.put("key", map[string]any{"data": payload(now), "max_age": 3600, "expire": now.Add(time.Hour)})
			a.clock.Advance(time.Minute)
			var got reply
			if cost := a.cost(func() { got = a.browser().post("/", withCookie("key")) }); cost != tt.cost {
				t.Errorf("cost %v, want %v", cost, tt.cost)
			}
			doc, cookie := a.documents()["key"], got.cookie("__session")
			if tt.gone {
				if doc != nil || cookie == nil || cookie.MaxAge != -1 {
					t.Errorf("document %v, cookie %v", doc, cookie)
				}
				return
			}
			if want := now.Add(61 * time.Minute).UTC(); doc["expire"] != want {
				t.Errorf("the document expires at %v, want %v", doc["expire"], want)
			}
			if cookie == nil || cookie.MaxAge != 3600 || cookie.Value != "key" {
				t.Errorf("cookie %v, want one for an hour", cookie)
			}
		})
	}
}

// TestTouchOvertaken has another request save a session, or end it, before it is extended: that is nothing to report.
func TestTouchOvertaken(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/", "/change", "/out"} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			a := newApp(t, func(cfg *echofirestore.Config) { cfg.TouchAfter = time.Minute })
			a.POST("/", see)
			a.POST("/change", set("n", 1))
			a.POST("/out", echofirestore.Destroy)
			now := a.clock.Now()
			a.put("key", map[string]any{"data": payload(now), "max_age": 3600, "expire": now.Add(time.Hour)})
			a.clock.Advance(time.Minute)
			a.firestore.Inject(firestoretest.Fault{Method: "Commit", Do: func() { a.elsewhere().post(path, withCookie("key")) }})
			got := a.browser().post("/", withCookie("key"))
			if got.StatusCode != http.StatusOK || got.cookie("__session") != nil || a.log.String() != "" {
				t.Errorf("status %d, cookie %v, log %s", got.StatusCode, got.cookie("__session"), a.log)
			}
			if alive := a.documents()["key"] != nil; alive != (path != "/out") {
				t.Errorf("documents %v", a.documents())
			}
		})
	}
}

// TestLifetimeOfOldDocuments meets documents that were stored before there was a Lifetime: they bear no expiry.
func TestLifetimeOfOldDocuments(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		age   time.Duration
		alive bool
	}{
		"just before its end": {time.Hour - time.Second, true},
		"at its end":          {time.Hour, false},
		"after its end":       {time.Hour + time.Second, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t, func(cfg *echofirestore.Config) { cfg.MaxAge, cfg.Lifetime = 0, time.Hour })
			a.GET("/", see)
			now := a.clock.Now()
			a.put("key", map[string]any{"data": payload(now), "max_age": nil, "started": now.Add(-tt.age)})
			got := a.browser().get("/", withCookie("key"))
			if alive := strings.Contains(got.body, `"user":"alice"`); alive != tt.alive {
				t.Errorf("alive: %v, body %s", alive, got.body)
			}
		})
	}
}
