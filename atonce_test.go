package echofirestore_test

import (
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
	"github.com/echofirestore/echofirestore/internal/testsize"
)

// TestAtOnce has many requests change one session at once, in several processes, and prints how many calls of Firestore that
// takes for each request. Nothing is lost.
func TestAtOnce(t *testing.T) {
	t.Parallel()
	aboutResponses(t)
	text := new(strings.Builder)
	w := tabwriter.NewWriter(text, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "a commit takes\tCacheFor\tprocesses\t")
	sizes := []int{20, 50, 100, 200}[:testsize.N(2, 4)]
	for _, n := range sizes {
		fmt.Fprintf(w, "%d at once\t", n)
	}
	fmt.Fprintln(w)
	for _, delay := range []time.Duration{0, 10 * time.Millisecond} {
		for _, cacheFor := range []time.Duration{0, 10 * time.Second} {
			for _, processes := range []int{1, 2, 4} {
				fmt.Fprintf(w, "%v\t%v\t%d\t", delay, cacheFor, processes)
				for _, n := range sizes {
					calls := changeAtOnce(t, processes, n, cacheFor, delay)
					fmt.Fprintf(w, "%.2f\t", float64(calls)/float64(n))
					// One load each without a cache; a request alone commits once. What several processes cost more is bounded
					// by their number: each has its turns.
					if most := float64(n)*2 + float64(processes*processes)*8; float64(calls) > most {
						t.Errorf("%d at once in %d processes: %d calls, more than %.0f", n, processes, calls, most)
					}
				}
				fmt.Fprintln(w)
			}
		}
	}
	w.Flush()
	t.Logf("calls of Firestore for each request:\n%s", text)
}

// changeAtOnce returns how many calls it takes that n requests, which have all loaded the session, change it at once.
func changeAtOnce(t *testing.T, processes, n int, cacheFor, delay time.Duration) int {
	t.Helper()
	server, client := firestoretest.Start(t)
	var loaded sync.WaitGroup
	gate := make(chan struct{})
	apps := make([]*echo.Echo, processes)
	for i := range apps {
		apps[i] = echo.New()
		apps[i].Use(echofirestore.Middleware(echofirestore.Config{
			Client: client, SigningKeys: [][]byte{hashKey}, CacheFor: cacheFor, Timeout: time.Minute,
		}))
		apps[i].POST("/begin", set("user", "alice"))
		apps[i].POST("/change/:i", func(c echo.Context) error {
			sess := session(c)
			loaded.Done()
			<-gate
			sess.Values["n"+c.Param("i")] = 1
			return c.NoContent(http.StatusOK)
		})
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	send(t, apps[0], jar, "/begin")
	server.Inject(firestoretest.Fault{Method: "Commit", Times: -1, Delay: delay})
	server.ResetOps()
	loaded.Add(n)
	var done sync.WaitGroup
	for i := range n {
		done.Go(func() { send(t, apps[i%processes], jar, fmt.Sprintf("/change/%d", i)) })
	}
	loaded.Wait()
	close(gate)
	done.Wait()
	calls := 0
	for _, times := range server.Calls() {
		calls += times
	}
	snaps, err := client.Collection(echofirestore.DefaultCollection).Documents(t.Context()).GetAll()
	if err != nil || len(snaps) != 1 {
		t.Fatalf("%d documents, %v", len(snaps), err)
	}
	payload, err := echofirestore.DecodeJSON(snaps[0].Data()["data"].(string))
	if err != nil || len(payload.Values) != n+1 {
		t.Errorf("%d at once in %d processes: %d values, %v", n, processes, len(payload.Values), err)
	}
	return calls
}
