package echofirestore_test

import (
	"cmp"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
	"github.com/echofirestore/echofirestore/internal/testclock"
)

var billUsers = flag.Int("bill", 20, "how many users TestBill has")

// Prices of 100,000 operations in dollars, in the location nam5 (United States, multi-region), as of November 2026:
// https://cloud.google.com/firestore/pricing.
const (
	priceOfReads   = 0.06
	priceOfWrites  = 0.18
	priceOfDeletes = 0.02
)

// dollars returns what operations cost.
func dollars(ops firestoretest.Ops) float64 {
	return (priceOfReads*float64(ops.Reads) + priceOfWrites*float64(ops.Writes) + priceOfDeletes*float64(ops.Deletes)) / 100_000
}

// A pageLoad is that of one user: a page, and then six calls of an API at once.
type pageLoad struct {
	user  int
	after time.Duration // since the beginning of the day
	do    [7]string     // what each of the requests does: nothing, read or change
}

// aDay returns the page loads of a day, in order of time: two visits of each user, of five page loads each, half a minute apart
// on average. Of the requests, 70 % do not touch the session, 25 % read it, and 5 % change it.
func aDay(users int, random *rand.Rand) []pageLoad {
	var loads []pageLoad
	for user := range users {
		for range 2 {
			at := time.Duration(random.Int64N(int64(24*time.Hour - time.Hour)))
			for range 5 {
				load := pageLoad{user: user, after: at}
				for i := range load.do {
					switch p := random.IntN(100); {
					case p < 70:
						load.do[i] = "nothing"
					case p < 95:
						load.do[i] = "read"
					default:
						load.do[i] = "change"
					}
				}
				loads = append(loads, load)
				at += time.Duration(random.ExpFloat64() * float64(30*time.Second))
			}
		}
	}
	slices.SortFunc(loads, func(a, b pageLoad) int { return cmp.Compare(a.after, b.after) })
	return loads
}

// TestBill replays a day of an application, and prints what its sessions cost, by the number of processes and CacheFor. Every
// request goes to any of the processes, as on Cloud Run. More users (-bill) give the same costs for each request.
func TestBill(t *testing.T) {
	t.Parallel()
	aboutResponses(t)
	type bill struct {
		processes int
		cacheFor  time.Duration
		requests  int
		ops       firestoretest.Ops
	}
	var mu sync.Mutex
	var bills []bill
	t.Run("day", func(t *testing.T) {
		for _, processes := range []int{1, 2, 8} {
			for _, cacheFor := range []time.Duration{0, 5 * time.Second, time.Minute} {
				t.Run(fmt.Sprintf("%d processes, CacheFor %v", processes, cacheFor), func(t *testing.T) {
					t.Parallel()
					requests, ops := replay(t, processes, cacheFor)
					mu.Lock()
					defer mu.Unlock()
					bills = append(bills, bill{processes, cacheFor, requests, ops})
				})
			}
		}
	})
	slices.SortFunc(bills, func(a, b bill) int {
		return cmp.Or(cmp.Compare(a.processes, b.processes), cmp.Compare(a.cacheFor, b.cacheFor))
	})
	text := new(strings.Builder)
	w := tabwriter.NewWriter(text, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "processes\tCacheFor\treads\twrites\tdollars\tof those without a cache\t")
	without := 0.0
	for _, b := range bills {
		million := func(n int) int { return int(float64(n) * 1e6 / float64(b.requests)) }
		cost := dollars(firestoretest.Ops{Reads: million(b.ops.Reads), Writes: million(b.ops.Writes), Deletes: million(b.ops.Deletes)})
		if b.cacheFor == 0 {
			without = cost
		}
		fmt.Fprintf(w, "%d\t%v\t%d\t%d\t%.3f\t%.0f %%\t\n", b.processes, b.cacheFor, million(b.ops.Reads), million(b.ops.Writes), cost, 100*cost/without)
		if b.cacheFor > 0 && cost >= without {
			t.Errorf("%d processes, CacheFor %v: the cache saves little", b.processes, b.cacheFor)
		}
	}
	w.Flush()
	t.Logf("for a million requests of a day with %d users:\n%s", *billUsers, text)
}

// replay replays a day, and returns how many requests it had and what they cost.
func replay(t *testing.T, processes int, cacheFor time.Duration) (requests int, ops firestoretest.Ops) {
	t.Helper()
	server, client := firestoretest.Start(t)
	clock := testclock.New()
	midnight := clock.Now()
	apps := make([]*echo.Echo, processes)
	for i := range apps {
		apps[i] = echo.New()
		apps[i].Use(echofirestore.Middleware(echofirestore.Config{
			Client: client, MaxAge: 14 * 86400, SigningKeys: [][]byte{hashKey}, CacheFor: cacheFor, Now: clock.Now,
		}))
		apps[i].POST("/signin", set("user", "alice"))
		apps[i].POST("/nothing/:i", func(c echo.Context) error { return c.NoContent(http.StatusOK) })
		apps[i].POST("/read/:i", func(c echo.Context) error { return c.String(http.StatusOK, fmt.Sprint(session(c).Values["user"])) })
		apps[i].POST("/change/:i", func(c echo.Context) error {
			session(c).Values["seen"+c.Param("i")] = clock.Now().UnixMilli()
			return c.NoContent(http.StatusOK)
		})
	}
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same day each time
	day := aDay(*billUsers, random)
	jars := make([]*cookiejar.Jar, *billUsers)
	request := func(user, process int, path string) { send(t, apps[process], jars[user], path) }
	for user := range jars {
		var err error
		if jars[user], err = cookiejar.New(nil); err != nil {
			t.Fatal(err)
		}
		request(user, random.IntN(processes), "/signin")
	}
	before := server.Ops()
	for _, load := range day {
		clock.Set(midnight.Add(load.after))
		request(load.user, random.IntN(processes), "/"+load.do[0]+"/0")
		var calls sync.WaitGroup
		for i, do := range load.do[1:] {
			process := random.IntN(processes)
			calls.Go(func() { request(load.user, process, fmt.Sprintf("/%s/%d", do, i+1)) })
		}
		calls.Wait()
		requests += len(load.do)
	}
	return requests, server.Ops().Sub(before)
}

// send sends a request to a process, with the cookies of a user.
func send(t *testing.T, app *echo.Echo, jar *cookiejar.Jar, path string) {
	t.Helper()
	address := &url.URL{Scheme: "https", Host: "app.test", Path: path}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address.String(), http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	for _, cookie := range jar.Cookies(address) {
		req.AddCookie(cookie)
	}
	resp, err := directTransport{app}.RoundTrip(req)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("%s: %v, %v", path, resp.Status, err)
		return
	}
	resp.Body.Close()
	jar.SetCookies(address, resp.Cookies())
}
