package echofirestore_test

import (
	"errors"
	"flag"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"
	"time"

	"github.com/echofirestore/echofirestore/firestoretest"
	"github.com/labstack/echo/v5"
	"github.com/labstack/echo/v5/middleware"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/echofirestore/echofirestore/v5"
)

var leaksFlag = flag.Bool("leaks", false, "have TestLeaks make 200,000 requests, however long they take")

// TestLeaks makes many requests of every kind, and looks for what they leave behind: goroutines and memory. Echo keeps
// contexts, but what a context has of its last request is gone when it serves the next one.
func TestLeaks(t *testing.T) { //nolint:paralleltest // it measures the process
	requests := []struct {
		path    string
		handler echo.HandlerFunc
		fault   *firestoretest.Fault
	}{
		{path: "/nothing", handler: func(*echo.Context) error { return nil }},
		{path: "/begin", handler: count},
		{path: "/read", handler: func(c *echo.Context) error { _ = echofirestore.Session(c); return nil }},
		{path: "/change", handler: change},
		{path: "/fail", handler: func(c *echo.Context) error { return errors.Join(change(c), errors.New("no")) }},
		{path: "/panic", handler: func(c *echo.Context) error { _ = change(c); panic("trouble") }},
		{
			path: "/unread", handler: count,
			fault: &firestoretest.Fault{Method: "BatchGetDocuments", Err: status.Error(codes.PermissionDenied, "no")},
		},
		{
			path: "/unsaved", handler: count,
			fault: &firestoretest.Fault{Method: "Commit", Err: status.Error(codes.PermissionDenied, "no")},
		},
		{path: "/renew", handler: echofirestore.Renew},
		{path: "/end", handler: echofirestore.Destroy},
	}
	rounds, limit := 10_000/len(requests), time.Second
	switch {
	case testing.Short():
		t.Skip("takes seconds")
	case *leaksFlag:
		rounds, limit = rounds*20, time.Hour
	}
	a := newApp(t, func(cfg *echofirestore.Config) { cfg.Logger = slog.New(slog.DiscardHandler) })
	a.Use(middleware.Recover(), middleware.Gzip(), a.store.Middleware(), middleware.BodyDump(func(*echo.Context, []byte, []byte, error) {}))
	for _, r := range requests {
		a.POST(r.path, r.handler)
	}
	round := func() {
		key := ""
		for _, r := range requests {
			if r.fault != nil {
				a.firestore.Inject(*r.fault)
			}
			req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, r.path, http.NoBody)
			if key != "" {
				withKey(key)(req)
			}
			rec := httptest.NewRecorder()
			a.ServeHTTP(rec, req)
			for _, cookie := range rec.Result().Cookies() {
				key = cookie.Value
			}
		}
		if key != "" {
			t.Fatal("the session has not ended")
		}
	}
	for range rounds / 10 {
		round()
	}
	goroutines, heap, made := runtime.NumGoroutine(), liveHeap(), 0
	for begun := time.Now(); rounds > 0 && time.Since(begun) < limit; rounds-- {
		round()
		made += len(requests)
	}
	// Of all requests, a record of one session in a hundred would be more than this.
	if grown := int64(liveHeap()) - int64(heap); grown > 128<<10 {
		t.Errorf("the heap has grown by %d bytes in %d requests", grown, made)
	} else {
		t.Logf("%d requests, the heap has grown by %d bytes", made, grown)
	}
	if n := len(a.stored()); n != 0 {
		t.Errorf("%d documents are left", n)
	}
	// The client's connection may start or end a goroutine of its own at any time, but not one for each request.
	if n := runtime.NumGoroutine(); n > goroutines+5 {
		t.Errorf("%d goroutines, %d before", n, goroutines)
	}
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
