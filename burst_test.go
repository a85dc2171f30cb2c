package echofirestore_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
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
	"github.com/echofirestore/echofirestore/firestoretest"
	"github.com/echofirestore/echofirestore/internal/bubble"
	"github.com/echofirestore/echofirestore/internal/testsize"
)

// burst sends n requests that all load the session "key" before the first saves it, and returns what the saves cost.
func burst(t *testing.T, a *app, n int, change func(c echo.Context, i int) error) firestoretest.Ops {
	t.Helper()
	_, saves := newBurst(a, n, change).send(t, withCookie("key"))
	return saves
}

// bursts is a route of an app for n requests at once.
type bursts struct {
	app    *app
	n      int
	loaded *sync.WaitGroup
	gate   chan struct{}
}

func newBurst(a *app, n int, change func(c echo.Context, i int) error) *bursts {
	b := &bursts{app: a, n: n}
	a.POST("/burst/:i", func(c echo.Context) error {
		loaded, gate := b.loaded, b.gate
		session(c)
		loaded.Done()
		<-gate
		var i int
		if _, err := fmt.Sscan(c.Param("i"), &i); err != nil {
			return err
		}
		return change(c, i)
	})
	return b
}

// send sends the requests, and returns what it costs that all load the session, and then that all save it.
func (b *bursts) send(t *testing.T, with func(*http.Request)) (loads, saves firestoretest.Ops) {
	t.Helper()
	b.loaded, b.gate = new(sync.WaitGroup), make(chan struct{})
	b.loaded.Add(b.n)
	var done sync.WaitGroup
	loads = b.app.cost(func() {
		for i := range b.n {
			done.Go(func() {
				if got := b.app.browser().post(fmt.Sprintf("/burst/%d", i), with); got.StatusCode != http.StatusOK {
					t.Errorf("status %d: %s", got.StatusCode, got.body)
				}
			})
		}
		b.loaded.Wait()
	})
	saves = b.app.cost(func() {
		close(b.gate)
		done.Wait()
	})
	return loads, saves
}

// TestBurst has many requests change one session at once: in one store, their saves share commits, and lose nothing. With a
// cache, they share the read as well.
func TestBurst(t *testing.T) {
	t.Parallel()
	const n = 20
	for _, tt := range []struct {
		name   string
		delay  time.Duration // of a commit
		update bool
		cached bool
		reads  int
		writes int // at most
	}{
		{"changes", 10 * time.Millisecond, false, false, n, 3},
		{"changes, no delay", 0, false, false, n, n},
		{"Updates", 10 * time.Millisecond, true, false, n, n},
		{"Updates, no delay", 0, true, false, n, n},
		{"changes, cached", 10 * time.Millisecond, false, true, 1, 3},
		{"changes, cached, no delay", 0, false, true, 1, n},
		{"Updates, cached", 10 * time.Millisecond, true, true, 1, n},
		{"Updates, cached, no delay", 0, true, true, 1, n},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t, func(cfg *echofirestore.Config) {
				if tt.cached {
					cached(cfg)
				}
			})
			round := 0
			a.POST("/begin", set("user", "alice"))
			b := newBurst(a, n, func(c echo.Context, i int) error {
				if tt.update {
					return echofirestore.Update(c, countUp)
				}
				session(c).Values[fmt.Sprint("n", i)] = round
				return nil
			})
			cookie := a.elsewhere().post("/begin").cookie("__session")
			a.firestore.Inject(firestoretest.Fault{Method: "Commit", Times: -1, Delay: tt.delay})
			var writes []int
			for round = range testsize.N(5, 50) {
				a.clock.Advance(time.Minute) // what is in the cache is too old
				loads, saves := b.send(t, func(r *http.Request) { r.AddCookie(cookie) })
				writes = append(writes, saves.Writes)
				if loads != (firestoretest.Ops{Reads: tt.reads}) || saves.Reads > 0 || saves.Writes > tt.writes {
					t.Errorf("round %d: loads %v, saves %v", round, loads, saves)
				}
				for _, doc := range a.documents() {
					payload, err := echofirestore.DecodeJSON(doc["data"].(string))
					if err != nil {
						t.Fatal(err)
					}
					for i := range n {
						if !tt.update && payload.Values[fmt.Sprint("n", i)] != round || tt.update && payload.Values["n"] != (round+1)*n {
							t.Fatalf("round %d: lost a change: %v", round, payload.Values)
						}
					}
				}
			}
			t.Logf("%s: %d at once, %v a commit: %d reads, and writes by round: %v", tt.name, n, tt.delay, tt.reads, writes)
		})
	}
}

// TestBurstThatEmpties removes each value of a session in a request of its own. Those that share the commit that deletes the
// session all delete the cookie.
func TestBurstThatEmpties(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	a.putSession("key", `{"n0": 1, "n1": 1, "n2": 1, "n3": 1}`)
	var mu sync.Mutex
	cookies := make(map[string]int)
	a.firestore.Inject(firestoretest.Fault{Method: "Commit", Times: -1, Delay: 20 * time.Millisecond})
	burst(t, a, 4, func(c echo.Context, i int) error {
		delete(session(c).Values, fmt.Sprint("n", i))
		if err := echofirestore.Save(c); err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		cookie, err := http.ParseSetCookie(c.Response().Header().Get("Set-Cookie"))
		if err != nil {
			return err
		}
		cookies[touched(cookie)]++
		return nil
	})
	want := map[string]int{"set to key": 1, "deleted": 3}
	if diff := cmp.Diff(want, cookies); diff != "" || len(a.documents()) != 0 {
		t.Errorf("cookies (-want +got):\n%s\ndocuments %v", diff, a.documents())
	}
}

// TestBurstOfLargeValues has requests add more at once than a document can hold: those that do not fit get ErrTooLarge, the
// others are saved.
func TestBurstOfLargeValues(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	a.putSession("key", `{"user": "alice"}`)
	a.firestore.Inject(firestoretest.Fault{Method: "Commit", Times: -1, Delay: 20 * time.Millisecond})
	var refused atomic.Int32
	cost := burst(t, a, 6, func(c echo.Context, i int) error {
		sess := session(c)
		sess.Values[fmt.Sprint("n", i)] = strings.Repeat("x", 400<<10)
		err := echofirestore.Save(c)
		if errors.Is(err, echofirestore.ErrTooLarge) {
			refused.Add(1)
			delete(sess.Values, fmt.Sprint("n", i))
			return nil
		}
		return err
	})
	if values := a.values("key"); len(values) != 3 || refused.Load() != 4 || cost.Writes > 2 {
		t.Errorf("%d values, %d refused, %v", len(values), refused.Load(), cost)
	}
}

// TestBurstThatFails refuses the common commit: each of its requests gets the error response.
func TestBurstThatFails(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	a.putSession("key", `{"user": "alice"}`)
	a.firestore.Inject(firestoretest.Fault{Method: "Commit", Delay: 20 * time.Millisecond})
	a.firestore.Inject(firestoretest.Fault{Method: "Commit", Err: status.Error(codes.PermissionDenied, "no")})
	var failed atomic.Int32
	burst(t, a, 5, func(c echo.Context, i int) error {
		session(c).Values[fmt.Sprint("n", i)] = i
		if err := echofirestore.Save(c); err != nil {
			if status.Code(err) != codes.PermissionDenied {
				t.Errorf("error %v", err)
			}
			failed.Add(1)
			delete(session(c).Values, fmt.Sprint("n", i))
		}
		return nil
	})
	if values := a.values("key"); len(values) != 2 || failed.Load() != 4 {
		t.Errorf("values %v, %d failed", values, failed.Load())
	}
}

// TestBurstWhoseSaverPanics has an Encoder panic in the commit that others share: their changes are saved all the same.
func TestBurstWhoseSaverPanics(t *testing.T) {
	t.Parallel()
	var panicked atomic.Bool
	a := newApp(t, func(cfg *echofirestore.Config) {
		cfg.Decoder = echofirestore.DecodeJSON
		cfg.Encoder = func(p echofirestore.Payload) (string, error) {
			if len(p.Values) > 3 && panicked.CompareAndSwap(false, true) {
				panic("encoder")
			}
			return echofirestore.EncodeJSON(p)
		}
	})
	a.putSession("key", `{"user": "alice"}`)
	a.firestore.Inject(firestoretest.Fault{Method: "Commit", Times: -1, Delay: 20 * time.Millisecond})
	burst(t, a, 5, func(c echo.Context, i int) (err error) {
		defer func() {
			if p := recover(); p != nil {
				delete(session(c).Values, fmt.Sprint("n", i))
			}
		}()
		session(c).Values[fmt.Sprint("n", i)] = i
		return echofirestore.Save(c)
	})
	if values := a.values("key"); len(values) != 5 || !panicked.Load() {
		t.Errorf("values %v", values)
	}
}

// TestBurstWithARenewal has one of the requests renew the session: changes that are saved after that are dropped.
func TestBurstWithARenewal(t *testing.T) {
	t.Parallel()
	a := newApp(t, func(cfg *echofirestore.Config) { cfg.KeyFactory = func() string { return "new" } })
	a.putSession("key", `{"user": "alice"}`)
	a.firestore.Inject(firestoretest.Fault{Method: "Commit", Times: -1, Delay: 20 * time.Millisecond})
	var saved atomic.Int32
	burst(t, a, 10, func(c echo.Context, i int) error {
		if i == 0 {
			if err := echofirestore.Renew(c); err != nil {
				return err
			}
			return echofirestore.Save(c)
		}
		session(c).Values[fmt.Sprint("n", i)] = i
		switch err := echofirestore.Save(c); {
		case err == nil:
			saved.Add(1)
			return nil
		case errors.Is(err, echofirestore.ErrGone):
			return nil
		default:
			return err
		}
	})
	if docs := a.documents(); len(docs) != 1 || docs["new"] == nil {
		t.Errorf("documents %v", docs)
	} else if values := a.values("new"); len(values) != 1+int(saved.Load()) {
		t.Errorf("values %v, %d saved", values, saved.Load())
	}
}

// TestSlowUpdateLetsOthersGo has the function of an Update take long: after a second, others are saved, and it runs again on
// what they have stored.
func TestSlowUpdateLetsOthersGo(t *testing.T) {
	t.Parallel()
	n := bubble.NewNetwork(t)
	synctest.Test(t, func(t *testing.T) {
		a := newBubbleApp(t, n)
		a.putSession("key", `{"n": 1}`)
		runs := 0
		a.POST("/slow", func(c echo.Context) error {
			return echofirestore.Update(c, func(sess *sessions.Session) error {
				if runs++; runs == 1 {
					time.Sleep(5 * time.Second)
				}
				return countUp(sess)
			})
		})
		a.POST("/count", countOne)
		var slow sync.WaitGroup
		slow.Go(func() { a.browser().post("/slow", withCookie("key")) })
		synctest.Wait()
		start := time.Now()
		a.browser().post("/count", withCookie("key"))
		if took := time.Since(start); took < time.Second || took > 2*time.Second {
			t.Errorf("the other Update has waited for %v", took)
		}
		slow.Wait()
		if values := a.values("key"); values["n"] != 3 || runs != 2 {
			t.Errorf("values %v after %d runs", values, runs)
		}
	})
}

// TestUpdateOfAnUpdate has the function of an Update call what would save its session: that is an error at once, and loses
// nothing.
func TestUpdateOfAnUpdate(t *testing.T) {
	t.Parallel()
	for name, call := range map[string]func(c echo.Context) error{
		"Save":    echofirestore.Save,
		"Update":  countOne,
		"Renew":   echofirestore.Renew,
		"Destroy": echofirestore.Destroy,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t)
			a.putSession("key", `{"n": 1}`)
			a.POST("/", func(c echo.Context) error {
				return echofirestore.Update(c, func(sess *sessions.Session) error {
					if err := call(c); err == nil || !strings.Contains(err.Error(), "the function of an Update must not") {
						t.Errorf("error %v", err)
					}
					return countUp(sess)
				})
			})
			cost := a.cost(func() {
				if got := a.browser().post("/", withCookie("key")); got.StatusCode != http.StatusOK {
					t.Errorf("status %d: %s", got.StatusCode, got.body)
				}
			})
			if values := a.values("key"); values["n"] != 2 || cost != (firestoretest.Ops{Reads: 1, Writes: 1}) {
				t.Errorf("values %v for %v", values, cost)
			}
		})
	}
}
