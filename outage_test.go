package echofirestore_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"text/tabwriter"
	"time"

	"github.com/labstack/echo/v4"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
	"github.com/echofirestore/echofirestore/internal/bubble"
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
	outages := []outage{{name: "slow"}}
	for _, code := range []codes.Code{
		codes.Unavailable, codes.ResourceExhausted, codes.Aborted, codes.DeadlineExceeded, codes.Internal, codes.Unknown, codes.PermissionDenied,
	} {
		outages = append(outages, outage{code.String(), code})
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
		for _, fault := range outages {
			for _, after := range []bool{false, true} {
				if after && step.method != "Commit" {
					continue // reading has no effect
				}
				label, want := fault.name, step.status
				if after {
					label += ", applied"
				}
				unclear := slices.Contains([]codes.Code{codes.DeadlineExceeded, codes.Internal, codes.Unknown}, fault.code)
				if step.settles && (fault.code == codes.Aborted || unclear) || after && step.found && unclear {
					want = http.StatusOK
				}
				t.Run(step.name+"/"+label, func(t *testing.T) {
					t.Parallel()
					n := bubble.NewNetwork(t)
					synctest.Test(t, func(t *testing.T) {
						a := newBubbleApp(t, n, func(cfg *echofirestore.Config) { cfg.TouchAfter = time.Minute })
						a.GET("/", step.handler)
						now := a.clock.Now()
						var request []func(*http.Request)
						if !step.new {
							a.put("key", map[string]any{"data": payload(now), "max_age": 3600, "expire": now.Add(time.Hour)})
							request = append(request, withCookie("key"))
						}
						a.clock.Advance(step.advance)
						repair := fault.begin(n, step.method, after)
						got := a.browser().get("/", request...)
						repair()

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
						a.GET("/see", see)
						if got := a.browser().get("/see", request...); !strings.Contains(got.body, `"user":"alice"`) {
							t.Errorf("afterwards: %s", got.body)
						}
					})
				})
			}
		}
	}
}

// An outage is what becomes of all calls of a method.
type outage struct {
	name string
	code codes.Code // of the answer; OK for none
}

// begin lets the outage begin, after calls were applied or before. It returns the function that ends it.
func (o outage) begin(n *bubble.Network, method string, after bool) (end func()) {
	if o.code != codes.OK {
		return n.Server.Inject(firestoretest.Fault{Method: method, After: after, Times: -1, Err: status.Error(o.code, "fault")})
	}
	n.Carry = func(ctx context.Context, c *bubble.Call) bool {
		if c.Method != method {
			return false
		}
		if after {
			n.Make(c)
		}
		<-ctx.Done()
		c.Err = status.FromContextError(ctx.Err()).Err()
		return true
	}
	return func() { n.Carry = nil }
}
