// Package leaktest looks for what requests leave behind: goroutines, memory and documents. Every host of sessions must pass
// [Run].
package leaktest

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"flag"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"runtime/pprof"
	"testing"

	"github.com/gorilla/sessions"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/echofirestore/echofirestore/firesession"
	"github.com/echofirestore/echofirestore/firestoretest"
	"github.com/echofirestore/echofirestore/internal/model"
	"github.com/echofirestore/echofirestore/internal/testsize"
)

var leaksFlag = flag.Int("leaks", 0, "how many requests package leaktest makes")

// Run makes many requests of every kind, and looks for what they leave behind. What the library knows of a session must go
// with the session. Each round ends its session, so Firestore is empty again too. Run measures the process, so a test that
// calls it must not be parallel.
func Run(t *testing.T, host model.Host) {
	t.Helper()
	firestore, client := firestoretest.Start(t)
	server := host(t, firesession.Config{Client: client, Logger: slog.New(slog.DiscardHandler)},
		func(w http.ResponseWriter, r *http.Request, s model.Sessions) error {
			return r.Context().Value(requestKey{}).(request).handler(w, s)
		})
	round := func(n int) {
		cookie := ""
		for _, r := range requests {
			if r.waits && n%10 > 0 {
				continue
			}
			if r.fault != nil {
				firestore.Inject(*r.fault)
			}
			cookie = r.serve(t.Context(), server, cookie)
		}
		if cookie != "" {
			t.Fatal("the session has not ended")
		}
	}
	rounds := cmp.Or(*leaksFlag, testsize.N(1300, 6500)) / len(requests)
	for n := range rounds / 10 {
		round(n)
	}
	goroutines, heap, made := runtime.NumGoroutine(), liveHeap(), rounds*len(requests)
	for n := range rounds {
		round(n)
	}
	// It is less than the record that each of 1,300 requests has of its session, or one in a hundred of 200,000.
	if grown := int64(liveHeap()) - int64(heap); grown > 128<<10 {
		t.Errorf("the heap has grown by %d bytes in %d requests", grown, made)
	} else {
		t.Logf("%d requests, the heap has grown by %d bytes", made, grown)
	}
	docs, err := client.Collection(firesession.DefaultCollection).Documents(t.Context()).GetAll()
	if len(docs) != 0 || err != nil {
		t.Errorf("%d documents are left, error %v", len(docs), err)
	}
	// The client's connection may start or end a goroutine of its own at any time, but not one for each request.
	if n := runtime.NumGoroutine(); n > goroutines+5 {
		t.Errorf("%d goroutines, %d before", n, goroutines)
	}
	for _, stack := range libraryStacks(t) {
		t.Errorf("a goroutine is left in the library:\n%s", stack)
	}
}

// libraryStacks returns the stacks of all goroutines that are in the library, but for tests that wait for their turn.
func libraryStacks(t *testing.T) (left []string) {
	t.Helper()
	var stacks bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&stacks, 2); err != nil {
		t.Fatal(err)
	}
	for stack := range bytes.SplitSeq(stacks.Bytes(), []byte("\n\n")) {
		for _, pkg := range []string{"echofirestore.", "echofirestore/firesession.", "echofirestore/internal/session."} {
			if bytes.Contains(stack, []byte("github.com/echofirestore/"+pkg)) && !bytes.Contains(stack, []byte("testing.(*T).Parallel")) {
				left = append(left, string(stack))
				break
			}
		}
	}
	return left
}

// A request is one of a round.
type request struct {
	handler func(http.ResponseWriter, model.Sessions) error
	fault   *firestoretest.Fault
	leaves  bool // the client, before the request has begun
	waits   bool // before it tries again, so that it is only in every tenth round
}

type requestKey struct{}

// requests are one round: a session's life, with what can go wrong in it.
var requests = []request{
	{handler: func(http.ResponseWriter, model.Sessions) error { return nil }},
	{handler: set("n", 0)},
	{handler: func(_ http.ResponseWriter, s model.Sessions) error { _ = s.Session(); return nil }},
	{handler: set("k", "v")},
	{handler: count},
	{handler: set("k", "w"), leaves: true},
	{handler: func(_ http.ResponseWriter, s model.Sessions) error {
		s.Session().Values["k"] = 1
		return errors.New("the handler fails")
	}},
	{handler: func(_ http.ResponseWriter, s model.Sessions) error {
		s.Session().Values["k"] = 1
		panic(http.ErrAbortHandler)
	}},
	{handler: set("k", 2), fault: refusal("BatchGetDocuments", codes.PermissionDenied)},
	{handler: set("k", 3), fault: refusal("Commit", codes.PermissionDenied)},
	{handler: count, fault: refusal("Commit", codes.FailedPrecondition)}, // it has changed meanwhile
	{handler: count, fault: refusal("Commit", codes.Aborted), waits: true},
	{handler: func(_ http.ResponseWriter, s model.Sessions) error { return s.Renew() }},
	{handler: func(_ http.ResponseWriter, s model.Sessions) error { return s.Destroy() }},
}

func refusal(method string, code codes.Code) *firestoretest.Fault {
	return &firestoretest.Fault{Method: method, Err: status.Error(code, "no")}
}

func set(key string, value any) func(http.ResponseWriter, model.Sessions) error {
	return func(w http.ResponseWriter, s model.Sessions) error {
		s.Session().Values[key] = value
		w.WriteHeader(http.StatusOK)
		return nil
	}
}

func count(_ http.ResponseWriter, s model.Sessions) error {
	return s.Update(func(sess *sessions.Session) error {
		n, _ := sess.Values["n"].(int)
		sess.Values["n"] = n + 1
		return nil
	})
}

// serve makes the request without a network, and returns the cookie that the client has then.
func (r request) serve(ctx context.Context, server http.Handler, cookie string) string {
	ctx, cancel := context.WithCancel(context.WithValue(ctx, requestKey{}, r))
	defer cancel()
	if r.leaves {
		cancel()
	}
	req := httptest.NewRequestWithContext(ctx, http.MethodPost, "/", http.NoBody)
	if cookie != "" {
		req.Header.Set("Cookie", cookie)
	}
	rec := httptest.NewRecorder()
	func() {
		defer func() {
			if p := recover(); p != nil && p != http.ErrAbortHandler { //nolint:errorlint // as net/http compares it
				panic(p)
			}
		}()
		server.ServeHTTP(rec, req)
	}()
	for _, set := range rec.Result().Cookies() {
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
