package echofirestore_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/sessions"
	"github.com/labstack/echo/v4"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
	"github.com/echofirestore/echofirestore/internal/bubble"
)

// cached gives a Config a cache of 10 seconds.
func cached(cfg *echofirestore.Config) {
	cfg.SigningKeys = [][]byte{[]byte(strings.Repeat("h", 32))}
	cfg.CacheFor = 10 * time.Second
}

// newCachedApp starts an app whose routes do what the tests of the cache need. Its second store is another process.
func newCachedApp(t *testing.T, configure ...func(*echofirestore.Config)) *app {
	t.Helper()
	a := newApp(t, append([]func(*echofirestore.Config){cached}, configure...)...)
	addCacheRoutes(a)
	return a
}

// newCachedBubbleApp is newCachedApp for a bubble.
func newCachedBubbleApp(t *testing.T, n *bubble.Network) *app {
	t.Helper()
	a := newBubbleApp(t, n, cached)
	addCacheRoutes(a)
	return a
}

func addCacheRoutes(a *app) {
	show := func(c echo.Context) error {
		values := make(map[string]any)
		for key, value := range session(c).Values {
			values[key.(string)] = value
		}
		return c.JSON(http.StatusOK, values)
	}
	do := func(f func(c echo.Context, sess *sessions.Session) error) echo.HandlerFunc {
		return func(c echo.Context) error {
			sess, err := echofirestore.Get(c)
			if err != nil {
				return err
			}
			if err := f(c, sess); err != nil {
				return c.String(http.StatusOK, err.Error())
			}
			return show(c)
		}
	}
	updated := func(fn func(*sessions.Session) error) echo.HandlerFunc {
		return do(func(c echo.Context, _ *sessions.Session) error { return echofirestore.Update(c, fn) })
	}
	a.GET("/", do(func(echo.Context, *sessions.Session) error { return nil }))
	a.POST("/set/:key", do(func(c echo.Context, sess *sessions.Session) error {
		sess.Values[c.Param("key")] = 1
		return nil
	}))
	a.POST("/flush", do(func(_ echo.Context, sess *sessions.Session) error {
		clear(sess.Values)
		return nil
	}))
	a.POST("/short", do(func(_ echo.Context, sess *sessions.Session) error {
		sess.Options.MaxAge = 5
		sess.Values["a"] = 1
		return nil
	}))
	a.POST("/nest", do(func(_ echo.Context, sess *sessions.Session) error {
		sess.Values["a"] = map[string]any{"b": 1}
		return nil
	}))
	a.POST("/spoil", func(c echo.Context) error {
		session(c).Values["a"].(map[string]any)["b"] = "changed in place"
		session(c).Values["c"] = "set"
		return c.NoContent(http.StatusInternalServerError)
	})
	a.POST("/renew", do(func(c echo.Context, _ *sessions.Session) error { return echofirestore.Renew(c) }))
	a.POST("/destroy", do(func(c echo.Context, _ *sessions.Session) error { return echofirestore.Destroy(c) }))
	a.POST("/refresh", do(func(c echo.Context, _ *sessions.Session) error { return echofirestore.Refresh(c) }))
	a.POST("/refresh/:key", do(func(c echo.Context, sess *sessions.Session) error {
		sess.Values[c.Param("key")] = 1
		return echofirestore.Refresh(c)
	}))
	a.POST("/count", updated(countUp))
	a.POST("/keep", updated(func(*sessions.Session) error { return nil }))
	a.POST("/take/:key", func(c echo.Context) error { // as a token that is used once
		return updated(func(sess *sessions.Session) error {
			if _, ok := sess.Values[c.Param("key")]; !ok {
				return errors.New("no " + c.Param("key"))
			}
			delete(sess.Values, c.Param("key"))
			return nil
		})(c)
	})
}

// A cacheStep is a request with what it is answered and costs. "here/…" is served by one process, "there/…" by another one.
// The requests of a client's copy, "copy of here/…", come with the cookie that the client had when "copy" was a step.
type cacheStep struct {
	do   string
	want string
	cost firestoretest.Ops
}

// What steps cost.
var (
	costsNothing     = firestoretest.Ops{}
	costsARead       = firestoretest.Ops{Reads: 1}
	costsAWrite      = firestoretest.Ops{Writes: 1}
	costsADelete     = firestoretest.Ops{Deletes: 1}
	costsReadWrite   = firestoretest.Ops{Reads: 1, Writes: 1}
	costsReadDelete  = firestoretest.Ops{Reads: 1, Deletes: 1}
	costsWriteDelete = firestoretest.Ops{Writes: 1, Deletes: 1}
)

// overAlready is what an Update answers for a session that is over.
var overAlready = echofirestore.ErrGone.Error()

// TestCache tells stories of a client of two processes with a cache of 10 seconds each.
func TestCache(t *testing.T) {
	t.Parallel()
	stories := []struct {
		name      string
		configure func(*echofirestore.Config)
		steps     []cacheStep
	}{
		{name: "what was written is known", steps: []cacheStep{
			{"here/set/a", `{"a":1}`, costsAWrite},
			{"here/", `{"a":1}`, costsNothing},
			{"here/set/b", `{"a":1,"b":1}`, costsAWrite},
			{"here/", `{"a":1,"b":1}`, costsNothing},
			{"here/set/b", `{"a":1,"b":1}`, costsNothing},
			{"there/", `{"a":1,"b":1}`, costsARead},
			{"there/", `{"a":1,"b":1}`, costsNothing},
		}},
		{name: "for CacheFor", steps: []cacheStep{
			{"here/set/a", `{"a":1}`, costsAWrite},
			{"after 9.999999999s", "", costsNothing},
			{"here/", `{"a":1}`, costsNothing},
			{"after 1ns", "", costsNothing},
			{"here/", `{"a":1}`, costsARead},
			{"after 9.999999999s", "", costsNothing},
			{"here/", `{"a":1}`, costsNothing},
		}},
		{name: "not longer if the clock is set back", steps: []cacheStep{
			{"here/set/a", `{"a":1}`, costsAWrite},
			{"after -1h", "", costsNothing},
			{"here/", `{"a":1}`, costsARead},
		}},
		{name: "a client sees its own changes in every process", steps: []cacheStep{
			{"here/set/a", `{"a":1}`, costsAWrite},
			{"there/", `{"a":1}`, costsARead},
			{"there/set/b", `{"a":1,"b":1}`, costsAWrite},
			{"here/", `{"a":1,"b":1}`, costsARead},
			{"here/flush", `{}`, costsADelete},
			{"there/", `{}`, costsNothing},
			{"there/set/c", `{"c":1}`, costsAWrite},
			{"here/", `{"c":1}`, costsARead},
		}},
		{name: "others' changes come after CacheFor", steps: []cacheStep{
			{"here/set/a", `{"a":1}`, costsAWrite},
			{"copy", "", costsNothing},
			{"there/set/b", `{"a":1,"b":1}`, costsReadWrite},
			{"copy of here/", `{"a":1}`, costsNothing},
			{"after 10s", "", costsNothing},
			{"copy of here/", `{"a":1,"b":1}`, costsARead},
		}},
		{name: "others' changes come with Refresh", steps: []cacheStep{
			{"here/set/a", `{"a":1}`, costsAWrite},
			{"copy", "", costsNothing},
			{"there/set/b", `{"a":1,"b":1}`, costsReadWrite},
			{"copy of here/refresh/c", `{"a":1,"b":1,"c":1}`, costsReadWrite},
			{"copy of here/", `{"a":1,"b":1,"c":1}`, costsNothing},
		}},
		{name: "a save overwrites nothing that it has not seen", steps: []cacheStep{
			{"here/set/a", `{"a":1}`, costsAWrite},
			{"copy", "", costsNothing},
			{"there/set/b", `{"a":1,"b":1}`, costsReadWrite},
			{"copy of here/set/c", `{"a":1,"c":1}`, costsReadWrite},
			{"here/", `{"a":1,"b":1,"c":1}`, costsNothing},
		}},
		{name: "emptying deletes nothing that it has not seen", steps: []cacheStep{
			{"here/set/a", `{"a":1}`, costsAWrite},
			{"copy", "", costsNothing},
			{"there/set/b", `{"a":1,"b":1}`, costsReadWrite},
			{"copy of here/flush", `{}`, costsReadWrite},
			{"here/", `{"b":1}`, costsNothing},
		}},
		{name: "an Update counts exactly", steps: []cacheStep{
			{"here/count", `{"n":1}`, costsAWrite},
			{"copy", "", costsNothing},
			{"there/count", `{"n":2}`, costsReadWrite},
			{"there/count", `{"n":3}`, costsAWrite},
			{"copy of here/count", `{"n":4}`, costsReadWrite},
			{"copy of here/count", `{"n":5}`, costsAWrite},
		}},
		{name: "an Update takes what another has left", steps: []cacheStep{
			{"here/set/token", `{"token":1}`, costsAWrite},
			{"copy", "", costsNothing},
			{"there/take/token", `{}`, costsReadWrite},
			{"copy of here/take/token", "no token", costsARead},
		}},
		{name: "an Update that refuses has seen what is stored", steps: []cacheStep{
			{"here/set/a", `{"a":1}`, costsAWrite},
			{"copy", "", costsNothing},
			{"there/set/token", `{"a":1,"token":1}`, costsReadWrite},
			{"copy of here/take/token", `{"a":1}`, costsReadWrite},
			{"here/take/token", "no token", costsARead}, // the copy of the document may be an old one
			{"here/take/token", "no token", costsARead},
		}},
		{name: "an Update that changes nothing has seen what is stored", steps: []cacheStep{
			{"here/set/a", `{"a":1}`, costsAWrite},
			{"copy", "", costsNothing},
			{"there/set/b", `{"a":1,"b":1}`, costsReadWrite},
			{"copy of here/keep", `{"a":1,"b":1}`, costsARead},
			{"there/destroy", `{}`, costsADelete},
			{"copy of here/keep", overAlready, costsARead},
		}},
		{name: "an Update that refuses finds the session gone", steps: []cacheStep{
			{"here/set/a", `{"a":1}`, costsAWrite},
			{"copy", "", costsNothing},
			{"there/destroy", `{}`, costsReadDelete},
			{"copy of here/take/token", overAlready, costsARead},
			{"copy of here/", `{}`, costsARead},
		}},
		{name: "what is destroyed is over in the process at once", steps: []cacheStep{
			{"here/set/a", `{"a":1}`, costsAWrite},
			{"copy", "", costsNothing},
			{"here/destroy", `{}`, costsADelete},
			{"copy of here/", `{}`, costsARead},
			{"copy of here/", `{}`, costsARead}, // what is missing is not kept
		}},
		{name: "what is emptied is over in the process at once", steps: []cacheStep{
			{"here/set/a", `{"a":1}`, costsAWrite},
			{"copy", "", costsNothing},
			{"here/flush", `{}`, costsADelete},
			{"copy of here/", `{}`, costsARead},
		}},
		{name: "what is renewed is over in the process at once", steps: []cacheStep{
			{"here/set/a", `{"a":1}`, costsAWrite},
			{"copy", "", costsNothing},
			{"here/renew", `{"a":1}`, costsWriteDelete},
			{"here/", `{"a":1}`, costsNothing},
			{"copy of here/", `{}`, costsARead},
		}},
		{name: "what is destroyed elsewhere is over after CacheFor", steps: []cacheStep{
			{"here/set/a", `{"a":1}`, costsAWrite},
			{"copy", "", costsNothing},
			{"there/destroy", `{}`, costsReadDelete},
			{"copy of here/", `{"a":1}`, costsNothing},
			{"copy of here/set/b", `{"a":1,"b":1}`, costsARead}, // dropped
			{"copy of here/", `{}`, costsARead},
		}},
		{name: "Refresh finds out that the session is over", steps: []cacheStep{
			{"here/set/a", `{"a":1}`, costsAWrite},
			{"copy", "", costsNothing},
			{"there/destroy", `{}`, costsReadDelete},
			{"copy of here/refresh", overAlready, costsARead},
			{"copy of here/", `{}`, costsARead},
		}},
		{name: "Refresh reads what the process knows", steps: []cacheStep{
			{"here/set/a", `{"a":1}`, costsAWrite},
			{"here/refresh", `{"a":1}`, costsARead},
			{"after 9s", "", costsNothing},
			{"here/refresh", `{"a":1}`, costsARead},
			{"after 9s", "", costsNothing},
			{"here/", `{"a":1}`, costsNothing},
		}},
		{name: "revoked", steps: []cacheStep{
			{"here/set/user", `{"user":1}`, costsAWrite},
			{"revoke", "1", costsReadDelete},
			{"here/", `{}`, costsARead},
		}},
		{name: "revoked, after another process has done so", steps: []cacheStep{
			{"here/set/user", `{"user":1}`, costsAWrite},
			{"revoke there", "1", costsReadDelete},
			{"here/", `{"user":1}`, costsNothing},
			{"revoke", "0", costsARead},
			{"here/", `{}`, costsARead},
		}},
		{name: "revoked with all others, after another process has done so", steps: []cacheStep{
			{"here/set/user", `{"user":1}`, costsAWrite},
			{"revoke there", "1", costsReadDelete},
			{"here/", `{"user":1}`, costsNothing},
			{"revoke all", "0", costsARead},
			{"here/", `{}`, costsARead},
		}},
		{name: "revoked with all others", steps: []cacheStep{
			{"here/set/user", `{"user":1}`, costsAWrite},
			{"revoke all", "1", costsReadDelete},
			{"here/", `{}`, costsARead},
		}},
		{name: "swept", configure: func(cfg *echofirestore.Config) { cfg.MaxAge = 11 }, steps: []cacheStep{
			{"here/set/a", `{"a":1}`, costsAWrite},
			{"after 9s", "", costsNothing},
			{"there/", `{"a":1}`, costsARead},
			{"after 3s", "", costsNothing},
			{"sweep", "1", costsReadDelete},
			{"here/", `{}`, costsARead},
		}},
		{name: "expired", steps: []cacheStep{
			{"here/short", `{"a":1}`, costsAWrite},
			{"after 4s", "", costsNothing},
			{"here/", `{"a":1}`, costsNothing},
			{"after 1s", "", costsNothing},
			{"here/", `{}`, costsReadDelete},
		}},
		{name: "expired as it seems, but extended elsewhere", configure: func(cfg *echofirestore.Config) { cfg.TouchAfter = time.Second }, steps: []cacheStep{
			{"here/short", `{"a":1}`, costsAWrite},
			{"copy", "", costsNothing},
			{"after 4s", "", costsNothing},
			{"there/", `{"a":1}`, costsReadWrite},
			{"after 2s", "", costsNothing},
			{"copy of here/", `{"a":1}`, costsReadWrite},
		}},
		{name: "extended", configure: func(cfg *echofirestore.Config) { cfg.TouchAfter = 5 * time.Second }, steps: []cacheStep{
			{"here/set/a", `{"a":1}`, costsAWrite},
			{"copy", "", costsNothing},
			{"after 5s", "", costsNothing},
			{"here/", `{"a":1}`, costsAWrite},
			{"here/", `{"a":1}`, costsNothing},
			{"there/", `{"a":1}`, costsARead},
			{"after 5s", "", costsNothing},
			{"there/", `{"a":1}`, costsAWrite},
			{"copy of here/", `{"a":1}`, costsNothing}, // to extend the version of before fails, and drops it
			{"copy of here/", `{"a":1}`, costsARead},
			{"copy of here/", `{"a":1}`, costsNothing},
		}},
		{name: "values that a handler changes and does not save", steps: []cacheStep{
			{"here/nest", `{"a":{"b":1}}`, costsAWrite},
			{"here/spoil", ``, costsNothing},
			{"here/", `{"a":{"b":1}}`, costsNothing},
		}},
		{name: "encrypted, under a hash", configure: func(cfg *echofirestore.Config) {
			encrypting(t, newKey)(cfg)
			cfg.HashKeys = true
		}, steps: []cacheStep{
			{"here/set/a", `{"a":1}`, costsAWrite},
			{"here/", `{"a":1}`, costsNothing},
			{"here/set/b", `{"a":1,"b":1}`, costsAWrite},
			{"here/", `{"a":1,"b":1}`, costsNothing},
			{"there/", `{"a":1,"b":1}`, costsARead},
		}},
		{name: "by idle time", configure: func(cfg *echofirestore.Config) {
			cfg.MaxAge, cfg.IdleTimeout, cfg.TouchAfter = 0, 20*time.Second, 5*time.Second
		}, steps: []cacheStep{
			{"here/set/a", `{"a":1}`, costsAWrite},
			{"after 6s", "", costsNothing},
			{"here/", `{"a":1}`, costsAWrite},
			{"after 6s", "", costsNothing},
			{"here/", `{"a":1}`, costsAWrite},
			{"after 19s", "", costsNothing},
			{"here/", `{"a":1}`, costsReadWrite},
			{"after 20s", "", costsNothing},
			{"here/", `{}`, costsReadDelete},
		}},
	}
	for _, story := range stories {
		t.Run(story.name, func(t *testing.T) {
			t.Parallel()
			a := newCachedApp(t, func(cfg *echofirestore.Config) {
				cfg.UserKey = "user"
				if story.configure != nil {
					story.configure(cfg)
				}
			})
			client, copied := a.browser(), a.browser()
			for i, step := range story.steps {
				var got string
				cost := a.cost(func() { got = a.takeStep(step.do, client, copied) })
				if strings.TrimSpace(got) != step.want || cost != step.cost {
					t.Errorf("%d. %s: %s for %v, want %s for %v", i+1, step.do, got, cost, step.want, step.cost)
				}
			}
		})
	}
}

func (a *app) takeStep(do string, client, copied *browser) string {
	a.t.Helper()
	var n int
	var err error
	switch do {
	case "copy":
		address, err := url.Parse(client.url)
		if err != nil {
			a.t.Fatal(err)
		}
		copied.Jar.SetCookies(address, client.Jar.Cookies(address))
		return ""
	case "revoke":
		n, err = a.store.RevokeUser(a.t.Context(), "1")
	case "revoke there":
		n, err = a.second.RevokeUser(a.t.Context(), "1")
	case "revoke all":
		n, err = a.store.RevokeAll(a.t.Context())
	case "sweep":
		n, err = a.store.DeleteExpired(a.t.Context())
	default:
		if after, ok := strings.CutPrefix(do, "after "); ok {
			d, err := time.ParseDuration(after)
			if err != nil {
				a.t.Fatal(err)
			}
			a.clock.Advance(d)
			return ""
		}
		path, isCopy := strings.CutPrefix(do, "copy of ")
		b := client
		if isCopy {
			b = copied
		}
		where, path, _ := strings.Cut(path, "/")
		method := http.MethodPost
		if path == "" {
			method = http.MethodGet
		}
		return b.request(method, "/"+path, func(r *http.Request) {
			if where == "there" {
				r.Header.Set(elsewhereHeader, "1")
			}
		}).body
	}
	if err != nil {
		a.t.Error(err)
	}
	return fmt.Sprint(n)
}

// TestCookieWithoutAVersion has a process with a cache serve a client whose cookie is that of a process without one, and the
// other way round: nothing is lost, and the cache is of use once the cookie names a version.
func TestCookieWithoutAVersion(t *testing.T) {
	t.Parallel()
	a := newCachedApp(t)
	without := a.config
	without.CacheFor = 0
	var err error
	if a.second, err = echofirestore.NewStore(without); err != nil {
		t.Fatal(err)
	}
	client := a.browser()
	for i, step := range []cacheStep{
		{"there/set/a", `{"a":1}`, costsAWrite},
		{"here/", `{"a":1}`, costsARead},
		{"here/", `{"a":1}`, costsARead},
		{"there/set/b", `{"a":1,"b":1}`, costsReadWrite},
		{"here/", `{"a":1,"b":1}`, costsARead},
		{"here/set/c", `{"a":1,"b":1,"c":1}`, costsReadWrite},
		{"here/", `{"a":1,"b":1,"c":1}`, costsNothing},
		{"there/", `{"a":1,"b":1,"c":1}`, costsARead},
		{"there/set/d", `{"a":1,"b":1,"c":1,"d":1}`, costsReadWrite},
		{"here/", `{"a":1,"b":1,"c":1,"d":1}`, costsARead},
	} {
		var got string
		cost := a.cost(func() { got = a.takeStep(step.do, client, nil) })
		if strings.TrimSpace(got) != step.want || cost != step.cost {
			t.Errorf("%d. %s: %s for %v, want %s for %v", i+1, step.do, got, cost, step.want, step.cost)
		}
	}
}

// TestEmptiedWithoutACache has a process without a cache serve a client that empties its session, in which another request has
// stored a value meanwhile. The client's cookie names a version of before, which a process with a cache has.
func TestEmptiedWithoutACache(t *testing.T) {
	t.Parallel()
	a := newCachedApp(t)
	without := a.config
	without.CacheFor = 0
	var err error
	if a.second, err = echofirestore.NewStore(without); err != nil {
		t.Fatal(err)
	}
	client, copied := a.browser(), a.browser()
	a.POST("/empty", func(c echo.Context) error {
		sess := session(c)
		a.takeStep("copy of there/set/b", client, copied)
		clear(sess.Values)
		return nil
	})
	a.takeStep("here/set/a", client, copied)
	a.takeStep("copy", client, copied)
	a.takeStep("there/empty", client, copied)
	if got := a.takeStep("here/", client, copied); strings.TrimSpace(got) != `{"b":1}` {
		t.Errorf("the client that has emptied it sees %s", got)
	}
}

// TestRevokedElsewhere revokes one session in two processes: the one that comes second knows at once that it is over.
func TestRevokedElsewhere(t *testing.T) {
	t.Parallel()
	a := newCachedApp(t, func(cfg *echofirestore.Config) { cfg.UserKey = "user" })
	client := a.browser()
	a.takeStep("here/set/user", client, nil)
	infos, err := a.store.Sessions(t.Context(), "1")
	if len(infos) != 1 || err != nil {
		t.Fatalf("sessions %v, %v", infos, err)
	}
	if err := a.second.Revoke(t.Context(), "1", infos[0].ID); err != nil {
		t.Fatal(err)
	}
	if got := a.takeStep("here/", client, nil); strings.TrimSpace(got) != `{"user":1}` {
		t.Errorf("before: %s", got)
	}
	if err := a.store.Revoke(t.Context(), "1", infos[0].ID); !errors.Is(err, echofirestore.ErrGone) {
		t.Errorf("error %v", err)
	}
	if got := a.takeStep("here/", client, nil); strings.TrimSpace(got) != `{}` {
		t.Errorf("afterwards: %s", got)
	}
}
