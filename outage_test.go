package echofirestore_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/labstack/echo/v4"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
)

// TestOutages lets every call to Firestore fail in every way for as long as the request lasts, before or after it was
// applied. The client must get the error response, whole, and keep its session. It prints what it expected and saw.
func TestOutages(t *testing.T) {
	t.Parallel()
	change := func(c echo.Context) error {
		session(c).Values["n"] = 1
		return c.String(http.StatusOK, "handler's")
	}
	steps := []struct {
		name    string
		method  string // the RPC that fails
		new     bool   // the request has no session yet
		advance time.Duration
		handler echo.HandlerFunc
		status  int
		renewed bool // if it was applied, the client's key is dead
		ended   bool // if it was applied, the session is over
		settles bool // ABORTED for ever, or an answer that is lost, is no failure: a document that has expired need not be deleted by us
		found   bool // if it was applied and the answer does not tell, it is looked up
	}{
		{name: "load, Get", method: "BatchGetDocuments", handler: see, status: 503},
		{name: "load, c.Get", method: "BatchGetDocuments", handler: change, status: 503},
		{name: "load, error ignored", method: "BatchGetDocuments", handler: func(c echo.Context) error {
			sess, _ := echofirestore.Get(c)
			sess.Values["n"] = 1
			return c.String(http.StatusOK, "handler's")
		}, status: 503},
		{name: "delete expired", method: "Commit", advance: 2 * time.Hour, handler: see, status: 503, ended: true, settles: true, found: true},
		{name: "create", method: "Commit", new: true, handler: change, status: 503, found: true},
		{name: "update", method: "Commit", handler: change, status: 503, found: true},
		{name: "touch", method: "Commit", advance: 30 * time.Minute, handler: see, status: 200},
		{name: "emptied", method: "Commit", handler: func(c echo.Context) error { clear(session(c).Values); return nil }, status: 503, ended: true, found: true},
		{name: "destroy", method: "Commit", handler: echofirestore.Destroy, status: 503, ended: true, found: true},
		{name: "destroy, error ignored", method: "Commit", handler: func(c echo.Context) error {
			_ = echofirestore.Destroy(c)
			return c.String(http.StatusOK, "handler's")
		}, status: 503, ended: true, found: true},
		{name: "renew", method: "Commit", handler: func(c echo.Context) error {
			if err := echofirestore.Renew(c); err != nil {
				return err
			}
			return change(c)
		}, status: 503, renewed: true, found: true},
	}
	faults := map[string]firestoretest.Fault{"slow": {Delay: time.Hour}}
	for _, code := range []codes.Code{
		codes.Unavailable, codes.ResourceExhausted, codes.Aborted, codes.DeadlineExceeded, codes.Internal, codes.Unknown, codes.PermissionDenied,
	} {
		faults[code.String()] = firestoretest.Fault{Err: status.Error(code, "fault")}
	}

	var mu sync.Mutex
	var rows []string
	t.Cleanup(func() {
		table := new(strings.Builder)
		w := tabwriter.NewWriter(table, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "call\tfault\texpected\tseen")
		slices.Sort(rows)
		for _, row := range rows {
			fmt.Fprintln(w, row)
		}
		w.Flush()
		t.Log("\n" + table.String())
	})
	for _, step := range steps {
		for _, name := range slices.Sorted(maps.Keys(faults)) {
			for _, after := range []bool{false, true} {
				if after && step.method != "Commit" {
					continue // reading has no effect
				}
				fault := faults[name]
				fault.Method, fault.After, fault.Times = step.method, after, -1
				label, want := name, step.status
				if after {
					label += ", applied"
				}
				unclear := fault.Err != nil && slices.Contains([]codes.Code{codes.DeadlineExceeded, codes.Internal, codes.Unknown}, status.Code(fault.Err))
				if step.settles && (name == codes.Aborted.String() || unclear) || after && step.found && unclear {
					want = http.StatusOK
				}
				t.Run(step.name+"/"+label, func(t *testing.T) {
					t.Parallel()
					timeout := 50 * time.Millisecond
					if want == http.StatusOK {
						timeout = time.Second // for what must not run out of time
					}
					a := newApp(t, func(cfg *echofirestore.Config) { cfg.Timeout, cfg.TouchAfter = timeout, time.Minute })
					a.GET("/", step.handler)
					now := a.clock.Now()
					var request []func(*http.Request)
					if !step.new {
						a.put("key", map[string]any{"data": payload(now), "max_age": 3600, "expire": now.Add(time.Hour)})
						request = append(request, withCookie("key"))
					}
					a.clock.Advance(step.advance)
					remove := a.firestore.Inject(fault)
					got := a.browser().get("/", request...)
					remove()

					mu.Lock()
					rows = append(rows, fmt.Sprintf("%s\t%s\t%d\t%d", step.name, label, want, got.StatusCode))
					mu.Unlock()
					if got.StatusCode != want {
						t.Errorf("status %d, want %d: %s", got.StatusCode, want, got.body)
					}
					if got.StatusCode == http.StatusOK {
						return
					}
					if strings.Contains(got.body, "handler's") || got.cookie("__session") != nil {
						t.Errorf("body %q, cookie %v", got.body, got.cookie("__session"))
					}
					if step.new || after && (step.renewed || step.ended) || step.advance > time.Hour {
						return
					}
					patient := newApp(t, func(cfg *echofirestore.Config) { cfg.Client, cfg.Now = a.client, a.clock.Now })
					patient.GET("/", see)
					if got := patient.browser().get("/", request...); !strings.Contains(got.body, `"user":"alice"`) {
						t.Errorf("afterwards: %s", got.body)
					}
				})
			}
		}
	}
}

func TestFirestoreUnreachable(t *testing.T) {
	t.Parallel()
	a := newApp(t, func(cfg *echofirestore.Config) { cfg.Timeout = 100 * time.Millisecond })
	a.GET("/", see)
	a.GET("/untouched", func(c echo.Context) error { return c.NoContent(http.StatusOK) })
	if err := a.firestore.Close(); err != nil {
		t.Fatal(err)
	}
	if got := a.browser().get("/", withCookie("key")); got.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("status %d", got.StatusCode)
	}
	if got := a.browser().get("/untouched", withCookie("key")); got.StatusCode != http.StatusOK {
		t.Errorf("status %d", got.StatusCode)
	}
}
