package echofirestore_test

import (
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
)

// burst sends n requests that all load the session before the first saves it, and returns what the saves cost.
func burst(t *testing.T, a *app, n int, change func(c echo.Context, i int) error) firestoretest.Ops {
	t.Helper()
	var loaded, done sync.WaitGroup
	loaded.Add(n)
	gate := make(chan struct{})
	a.POST("/burst/:i", func(c echo.Context) error {
		session(c)
		loaded.Done()
		<-gate
		var i int
		if _, err := fmt.Sscan(c.Param("i"), &i); err != nil {
			return err
		}
		return change(c, i)
	})
	for i := range n {
		done.Go(func() {
			if got := a.browser().post(fmt.Sprintf("/burst/%d", i), withCookie("key")); got.StatusCode != http.StatusOK {
				t.Errorf("status %d: %s", got.StatusCode, got.body)
			}
		})
	}
	loaded.Wait()
	return a.cost(func() {
		close(gate)
		done.Wait()
	})
}

// TestBurst has many requests change one session at once: in one store, their saves share commits, and lose nothing.
func TestBurst(t *testing.T) {
	t.Parallel()
	const n = 20
	for _, delay := range []time.Duration{0, 10 * time.Millisecond} {
		t.Run(delay.String(), func(t *testing.T) {
			t.Parallel()
			a := newApp(t)
			a.putSession("key", `{"user": "alice"}`)
			a.firestore.Inject(firestoretest.Fault{Method: "Commit", Times: -1, Delay: delay})
			cost := burst(t, a, n, func(c echo.Context, i int) error {
				session(c).Values[fmt.Sprint("n", i)] = i
				return nil
			})
			t.Logf("%d changes at once, %v a commit: %v", n, delay, cost)
			if values := a.values("key"); len(values) != n+1 {
				t.Errorf("values %v", values)
			}
			if cost.Reads > 0 || delay > 0 && cost.Writes > 3 {
				t.Errorf("cost %v", cost)
			}
		})
	}
}

func TestBurstOfUpdates(t *testing.T) {
	t.Parallel()
	const n = 20
	a := newApp(t)
	a.putSession("key", `{"user": "alice"}`)
	a.firestore.Inject(firestoretest.Fault{Method: "Commit", Times: -1, Delay: time.Millisecond})
	cost := burst(t, a, n, func(c echo.Context, _ int) error { return echofirestore.Update(c, countUp) })
	if values := a.values("key"); values["n"] != n || cost != (firestoretest.Ops{Writes: n}) {
		t.Errorf("values %v for %v", values, cost)
	}
}

// TestBurstThatEmpties removes each value of a session in a request of its own: the session ends, and all clients hear of it.
func TestBurstThatEmpties(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	a.putSession("key", `{"n0": 1, "n1": 1, "n2": 1, "n3": 1}`)
	var mu sync.Mutex
	deleted := 0
	a.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			err := next(c)
			if err == nil {
				err = echofirestore.Save(c)
			}
			return err
		}
	})
	a.firestore.Inject(firestoretest.Fault{Method: "Commit", Times: -1, Delay: 20 * time.Millisecond})
	burst(t, a, 4, func(c echo.Context, i int) error {
		delete(session(c).Values, fmt.Sprint("n", i))
		if err := echofirestore.Save(c); err != nil {
			return err
		}
		if c.Response().Header().Get("Set-Cookie") == "" {
			return errors.New("no cookie")
		}
		mu.Lock()
		defer mu.Unlock()
		deleted++
		return nil
	})
	if docs := a.documents(); len(docs) != 0 || deleted != 4 {
		t.Errorf("documents %v, %d responses", docs, deleted)
	}
}
