package echofirestore_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"runtime/pprof"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
)

var leaksFlag = flag.Bool("leaks", false, "have TestLeaks make 200,000 requests, however long they take")

// TestLeaks makes many requests of every kind, and looks for what they leave behind: goroutines and memory. What the
// library knows of a session must go with the session. Each round ends its session, so Firestore is empty again too.
func TestLeaks(t *testing.T) { //nolint:paralleltest // it measures the process
	rounds, limit := 20_000/len(leakRequests), 2*time.Second
	switch {
	case testing.Short():
		t.Skip("takes seconds")
	case *leaksFlag:
		rounds, limit = rounds*10, time.Hour
	}
	a := newApp(t, func(cfg *echofirestore.Config) { cfg.Logger = slog.New(slog.DiscardHandler) })
	for _, r := range leakRequests {
		a.POST(r.path, r.handler)
	}
	round := func() {
		cookie := ""
		for _, r := range leakRequests {
			cookie = a.serve(r, cookie)
		}
		if cookie != "" {
			t.Fatal("the session has not ended")
		}
	}
	for range rounds / 10 {
		round()
	}
	goroutines, heap, requests := runtime.NumGoroutine(), liveHeap(), 0
	for begun := time.Now(); rounds > 0 && time.Since(begun) < limit; rounds-- {
		round()
		requests += len(leakRequests)
	}
	// Of all requests, a record of one session in a hundred would be more than this.
	if grown := int64(liveHeap()) - int64(heap); grown > 128<<10 {
		t.Errorf("the heap has grown by %d bytes in %d requests", grown, requests)
	} else {
		t.Logf("%d requests, the heap has grown by %d bytes", requests, grown)
	}
	if n := len(a.documents()); n != 0 {
		t.Errorf("%d documents are left", n)
	}
	// The client's connection may start or end a goroutine of its own at any time, but not one for each request.
	if n := runtime.NumGoroutine(); n > goroutines+5 {
		t.Errorf("%d goroutines, %d before", n, goroutines)
	}
	var stacks bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&stacks, 2); err != nil {
		t.Fatal(err)
	}
	for stack := range bytes.SplitSeq(stacks.Bytes(), []byte("\n\n")) {
		if bytes.Contains(stack, []byte("github.com/echofirestore/echofirestore.")) && !bytes.Contains(stack, []byte("testing.(*T).Parallel")) {
			t.Errorf("a goroutine is left in the library:\n%s", stack)
		}
	}
}

type leakRequest struct {
	path    string
	handler echo.HandlerFunc
	fault   *firestoretest.Fault
	leaves  bool // the client, before the request has begun
}

// leakRequests are one round: a session's life, with what can go wrong in it.
var leakRequests = []leakRequest{
	{path: "/nothing", handler: func(echo.Context) error { return nil }},
	{path: "/begin", handler: set("n", 0)},
	{path: "/read", handler: func(c echo.Context) error { _ = session(c); return nil }},
	{path: "/change", handler: set("k", "v")},
	{path: "/update", handler: countOne},
	{path: "/away", handler: set("k", "w"), leaves: true},
	{path: "/fail", handler: func(c echo.Context) error { session(c).Values["k"] = 1; return errors.New("no") }},
	{
		path: "/unread", handler: set("k", 2),
		fault: &firestoretest.Fault{Method: "BatchGetDocuments", Err: status.Error(codes.PermissionDenied, "no")},
	},
	{
		path: "/unsaved", handler: set("k", 3),
		fault: &firestoretest.Fault{Method: "Commit", Err: status.Error(codes.PermissionDenied, "no")},
	},
	{
		path: "/conflict", handler: countOne,
		fault: &firestoretest.Fault{Method: "Commit", Err: status.Error(codes.Aborted, "again")},
	},
	{path: "/renew", handler: echofirestore.Renew},
	{path: "/end", handler: echofirestore.Destroy},
}

// serve makes a request without a network, and returns the cookie that the client has then.
func (a *app) serve(r leakRequest, cookie string) string {
	ctx, cancel := context.WithCancel(a.t.Context())
	defer cancel()
	if r.leaves {
		cancel()
	}
	if r.fault != nil {
		a.firestore.Inject(*r.fault)
	}
	req := httptest.NewRequestWithContext(ctx, http.MethodPost, r.path, http.NoBody)
	if cookie != "" {
		req.Header.Set("Cookie", cookie)
	}
	rec := httptest.NewRecorder()
	a.ServeHTTP(rec, req)
	if set := (reply{Response: rec.Result()}).cookie("__session"); set != nil {
		if cookie = ""; set.MaxAge >= 0 {
			cookie = set.Name + "=" + set.Value
		}
	}
	return cookie
}

// liveHeap returns how much of the heap is in use, when what can be cleaned up has been: that takes some collections,
// since cleanups run after the one that finds something unreachable.
func liveHeap() uint64 {
	least := ^uint64(0)
	for range 10 {
		runtime.GC()
		runtime.Gosched()
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		least = min(least, stats.HeapAlloc)
	}
	return least
}
