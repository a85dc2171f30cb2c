package echofirestore_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
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

// behind has one request save the session, which takes a second, and others wait for its turn meanwhile, in their order: they
// share the commit after it. It returns the responses.
func behind(a *app, paths ...string) []reply {
	got := make([]reply, len(paths))
	var done sync.WaitGroup
	for i, path := range paths {
		done.Go(func() { got[i] = a.browser().post(path, withCookie("key")) })
		synctest.Wait()
	}
	done.Wait()
	return got
}

// TestSharedCommits has requests share a commit, and looks at the cookies that each of them sets.
func TestSharedCommits(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name      string
		paths     []string // behind another one
		meanwhile string   // what another process does before their commit
		cookies   []string
		maxAges   []int // of the cookies
		values    map[string]any
		maxAge    any // of the document
	}{
		{
			name:  "one gives the session a max age",
			paths: []string{"/set/a", "/age", "/set/b"}, cookies: []string{"set to key", "set to key", "set to key"},
			maxAges: []int{60, 60, 60}, maxAge: int64(60),
			values: map[string]any{"first": 1, "x": 0, "a": 1, "b": 1},
		},
		{
			name:  "one removes what another has set, and more",
			paths: []string{"/set/x", "/remove/x", "/remove/first"}, cookies: []string{"deleted", "deleted", "deleted"},
		},
		{
			name:  "some empty the session, and another gives it a max age",
			paths: []string{"/remove/x", "/remove/first", "/age"}, cookies: []string{"deleted", "deleted", "deleted"},
		},
		{
			name:  "one removes all that it has seen, and another sets a value",
			paths: []string{"/remove/x", "/set/a"}, cookies: []string{"set to key", "set to key"}, maxAges: []int{3600, 3600}, maxAge: int64(3600),
			values: map[string]any{"first": 1, "a": 1},
		},
		{
			name: "another process has ended the session that they empty", meanwhile: "/destroy",
			paths: []string{"/remove/x", "/remove/first"}, cookies: []string{"left alone", "left alone"},
		},
		{
			name: "another process has ended the session", meanwhile: "/destroy",
			paths: []string{"/set/a", "/set/b"}, cookies: []string{"left alone", "left alone"},
		},
		{
			name: "another process has changed the session that they empty", meanwhile: "/set/a",
			paths: []string{"/remove/x", "/remove/first"}, cookies: []string{"set to key", "set to key"}, maxAges: []int{3600, 3600}, maxAge: int64(3600),
			values: map[string]any{"a": 1},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			n := bubble.NewNetwork(t)
			synctest.Test(t, func(t *testing.T) {
				a := newBubbleApp(t, n)
				a.put("key", map[string]any{
					"data":    `{"created": 1, "session": {"x": 0, "first": 0}}`,
					"max_age": 3600, "expire": a.clock.Now().Add(time.Hour),
				})
				a.POST("/first", set("first", 1))
				a.POST("/set/:name", func(c echo.Context) error { return set(c.Param("name"), 1)(c) })
				a.POST("/age", func(c echo.Context) error { session(c).Options.MaxAge = 60; return nil })
				a.POST("/remove/:name", func(c echo.Context) error { delete(session(c).Values, c.Param("name")); return nil })
				a.POST("/destroy", echofirestore.Destroy)
				var commits atomic.Int32
				n.Carry = func(_ context.Context, c *bubble.Call) bool {
					if c.Method != "Commit" {
						return false
					}
					switch commits.Add(1) {
					case 1:
						time.Sleep(time.Second)
					case 2:
						if tt.meanwhile != "" {
							a.elsewhere().post(tt.meanwhile, withCookie("key"))
						}
					}
					return false
				}
				got := behind(a, append([]string{"/first"}, tt.paths...)...)
				for i, want := range tt.cookies {
					cookie := got[i+1].cookie("__session")
					if touched(cookie) != want || want == "set to key" && cookie.MaxAge != tt.maxAges[i] {
						t.Errorf("%s: cookie %v, want it %s", tt.paths[i], cookie, want)
					}
					if got[i+1].StatusCode != http.StatusOK {
						t.Errorf("%s: status %d", tt.paths[i], got[i+1].StatusCode)
					}
				}
				doc := a.documents()["key"]
				if tt.values == nil {
					if doc != nil {
						t.Errorf("document %v", doc)
					}
				} else if diff := cmp.Diff(tt.values, a.values("key")); diff != "" || doc["max_age"] != tt.maxAge {
					t.Errorf("max age %v, values (-want +got):\n%s", doc["max_age"], diff)
				}
			})
		})
	}
}

// TestExpiryInTheQueue has a session expire while a save waits for its turn: the save does not bring it back.
func TestExpiryInTheQueue(t *testing.T) {
	t.Parallel()
	n := bubble.NewNetwork(t)
	synctest.Test(t, func(t *testing.T) {
		a := newBubbleApp(t, n)
		a.put("key", map[string]any{"data": payload(a.clock.Now()), "max_age": 3600, "expire": a.clock.Now().Add(time.Hour)})
		a.POST("/first", set("first", 1))
		a.POST("/save", func(c echo.Context) error {
			session(c).Values["n"] = 1
			if err := echofirestore.Save(c); !errors.Is(err, echofirestore.ErrGone) {
				t.Errorf("error %v, want %v", err, echofirestore.ErrGone)
			}
			return nil
		})
		a.POST("/empty", func(c echo.Context) error {
			clear(session(c).Values)
			return echofirestore.Save(c)
		})
		var failed atomic.Bool
		n.Carry = func(_ context.Context, c *bubble.Call) bool {
			if c.Method != "Commit" || !failed.CompareAndSwap(false, true) {
				return false
			}
			time.Sleep(time.Second)
			a.clock.Advance(time.Hour)
			c.Err = status.Error(codes.PermissionDenied, "no")
			return true
		}
		for i, got := range behind(a, "/first", "/save", "/empty") {
			if i > 0 && (got.StatusCode != http.StatusOK || got.cookie("__session") != nil) {
				t.Errorf("request %d: status %d, cookie %v", i, got.StatusCode, got.cookie("__session"))
			}
		}
		if docs := a.documents(); len(docs) > 0 {
			t.Errorf("documents %v", docs)
		}
	})
}

// TestTimeoutOfTurns has commits take so long that a save runs out of time: the time that it has waited for its turn, and that of
// earlier attempts, count.
func TestTimeoutOfTurns(t *testing.T) {
	t.Parallel()
	save := func(c echo.Context) error {
		session(c).Values["mine"] = 1
		return echofirestore.Save(c)
	}
	for name, call := range map[string]func(echo.Context) error{"Save": save, "Update": countOne} {
		for _, tt := range []struct {
			name     string
			conflict bool // other processes keep changing the session
			carry    func(ctx context.Context, elsewhere func()) error
		}{
			{
				name: "it waits for a commit without an answer, and gets none",
				carry: func(ctx context.Context, _ func()) error {
					<-ctx.Done()
					return status.FromContextError(ctx.Err()).Err()
				},
			},
			{
				name: "others save the session during each of its commits", conflict: true,
				carry: func(ctx context.Context, elsewhere func()) error {
					elsewhere()
					select {
					case <-time.After(3 * time.Second):
						return nil
					case <-ctx.Done():
						return status.FromContextError(ctx.Err()).Err()
					}
				},
			},
		} {
			t.Run(name+"/"+tt.name, func(t *testing.T) {
				t.Parallel()
				n := bubble.NewNetwork(t)
				synctest.Test(t, func(t *testing.T) {
					a := newBubbleApp(t, n)
					a.putSession("key", `{"n": 1}`)
					a.POST("/first", set("first", 1))
					a.POST("/other", func(c echo.Context) error { return set("other", time.Now())(c) })
					var err error
					a.POST("/", func(c echo.Context) error {
						session(c)
						err = call(c)
						return c.NoContent(http.StatusInternalServerError)
					})
					calm := false
					n.Carry = func(ctx context.Context, c *bubble.Call) bool {
						if c.Method != "Commit" || calm {
							return false
						}
						c.Err = tt.carry(ctx, func() {
							calm = true
							a.elsewhere().post("/other", withCookie("key"))
							calm = false
						})
						return c.Err != nil
					}
					var first sync.WaitGroup
					if !tt.conflict {
						first.Go(func() { a.browser().post("/first", withCookie("key")) })
						time.Sleep(time.Second)
					}
					start := time.Now()
					a.browser().post("/", withCookie("key"))
					if took := time.Since(start).Round(time.Second); took != 10*time.Second || errors.Is(err, echofirestore.ErrConflict) != tt.conflict {
						t.Errorf("after %v: %v", took, err)
					}
					first.Wait()
				})
			})
		}
	}
}
