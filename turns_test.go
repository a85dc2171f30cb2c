package echofirestore_test

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/sessions"
	"github.com/labstack/echo/v4"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

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

// TestUpdateBesideASave has two goroutines of a request update and save its session, while another request saves it.
func TestUpdateBesideASave(t *testing.T) {
	t.Parallel()
	n := bubble.NewNetwork(t)
	synctest.Test(t, func(t *testing.T) {
		a := newBubbleApp(t, n)
		a.putSession("key", `{"n": 1}`)
		slowCommits(n, time.Second)
		a.POST("/other", set("other", 1))
		a.POST("/", func(c echo.Context) error {
			session(c).Values["mine"] = 1
			var other, update sync.WaitGroup
			other.Go(func() { a.browser().post("/other", withCookie("key")) })
			synctest.Wait() // the other request has the turn
			update.Go(func() {
				if err := countOne(c); err != nil {
					t.Errorf("Update: %v", err)
				}
			})
			time.Sleep(time.Second / 2)
			if err := echofirestore.Save(c); err != nil {
				t.Errorf("Save: %v", err)
			}
			update.Wait()
			other.Wait()
			return c.NoContent(http.StatusOK)
		})
		start := time.Now()
		a.browser().post("/", withCookie("key"))
		if took := time.Since(start); took > 4*time.Second {
			t.Errorf("it took %v", took)
		}
		if values := a.values("key"); values["n"] != 2 || values["mine"] != 1 || values["other"] != 1 {
			t.Errorf("values %v", values)
		}
	})
}

// TestLoggerOfAnUpdate has the Logger, which is told by an Update that the session could not be extended, send a request that
// saves the session.
func TestLoggerOfAnUpdate(t *testing.T) {
	t.Parallel()
	n := bubble.NewNetwork(t)
	synctest.Test(t, func(t *testing.T) {
		var logged func()
		a := newBubbleApp(t, n, func(cfg *echofirestore.Config) {
			cfg.TouchAfter = time.Minute
			cfg.Logger = slog.New(callingHandler{slog.DiscardHandler, func() { logged() }})
		})
		a.put("key", map[string]any{"data": payload(a.clock.Now()), "max_age": 3600, "expire": a.clock.Now().Add(time.Hour)})
		a.clock.Advance(10 * time.Minute)
		a.POST("/set", set("n", 1))
		a.POST("/", func(c echo.Context) error {
			session(c)
			n.Carry = func(_ context.Context, c *bubble.Call) bool {
				c.Err = status.Error(codes.PermissionDenied, "no")
				return true
			}
			return echofirestore.Update(c, func(*sessions.Session) error { return nil })
		})
		logs := 0
		logged = func() {
			if logs++; logs > 1 {
				return
			}
			n.Carry = nil
			start := time.Now()
			if got := a.browser().post("/set", withCookie("key")); got.StatusCode != http.StatusOK || time.Since(start) > 0 {
				t.Errorf("status %d after %v: %s", got.StatusCode, time.Since(start), got.body)
			}
		}
		a.browser().post("/", withCookie("key"))
		if logs != 1 || a.values("key")["n"] != 1 {
			t.Errorf("%d lines logged, values %v", logs, a.values("key"))
		}
	})
}

// A callingHandler calls a function for each line.
type callingHandler struct {
	slog.Handler
	call func()
}

func (callingHandler) Enabled(context.Context, slog.Level) bool { return true }

func (h callingHandler) Handle(context.Context, slog.Record) error {
	h.call()
	return nil
}
