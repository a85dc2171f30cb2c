package echofirestore_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/sessions"
	"github.com/labstack/echo/v4"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/internal/bubble"
)

// slowCommits makes each commit take a time.
func slowCommits(n *bubble.Network, took time.Duration) {
	n.Carry = func(_ context.Context, c *bubble.Call) bool {
		if c.Method == "Commit" {
			time.Sleep(took)
		}
		return false
	}
}

// TestRenewalAmongSaves renews a session that other requests never stop changing.
func TestRenewalAmongSaves(t *testing.T) {
	t.Parallel()
	n := bubble.NewNetwork(t)
	synctest.Test(t, func(t *testing.T) {
		a := newBubbleApp(t, n)
		a.putSession("key", `{"user": "alice"}`)
		slowCommits(n, 100*time.Millisecond)
		a.POST("/set", func(c echo.Context) error { return set("at", time.Now())(c) })
		a.POST("/renew", func(c echo.Context) error {
			session(c)
			return echofirestore.Renew(c)
		})
		ctx, cancel := context.WithCancel(t.Context())
		var others sync.WaitGroup
		for i := range 5 {
			others.Go(func() {
				for time.Sleep(time.Duration(i*23) * time.Millisecond); ctx.Err() == nil; {
					a.browser().post("/set", withCookie("key"))
				}
			})
		}
		time.Sleep(time.Second)
		start := time.Now()
		got := a.browser().post("/renew", withCookie("key"))
		if took := time.Since(start); took > time.Second || got.StatusCode != http.StatusOK {
			t.Errorf("status %d after %v", got.StatusCode, took)
		}
		cancel()
		others.Wait()
	})
}

// TestSlowUpdateWithAShortTimeout has the function of an Update take longer than Config.Timeout: others are saved meanwhile.
func TestSlowUpdateWithAShortTimeout(t *testing.T) {
	t.Parallel()
	n := bubble.NewNetwork(t)
	synctest.Test(t, func(t *testing.T) {
		a := newBubbleApp(t, n, func(cfg *echofirestore.Config) { cfg.Timeout = time.Second / 2 })
		a.putSession("key", `{"n": 1}`)
		a.POST("/slow", func(c echo.Context) error {
			return echofirestore.Update(c, func(sess *sessions.Session) error {
				time.Sleep(900 * time.Millisecond)
				return countUp(sess)
			})
		})
		a.POST("/", set("other", 1))
		var slow sync.WaitGroup
		slow.Go(func() { a.browser().post("/slow", withCookie("key")) })
		synctest.Wait()
		if got := a.browser().post("/", withCookie("key")); got.StatusCode != http.StatusOK {
			t.Errorf("status %d: %s", got.StatusCode, got.body)
		}
		slow.Wait()
		if values := a.values("key"); values["n"] != 2 || values["other"] != 1 {
			t.Errorf("values %v", values)
		}
	})
}
