package firestoretest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"runtime"
	"runtime/pprof"
	"strings"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/firestore"
	"google.golang.org/grpc/codes"
)

func TestClientIgnoresTheEnvironment(t *testing.T) {
	s := memoryServer(t)
	t.Setenv("FIRESTORE_EMULATOR_HOST", "127.0.0.1:1") // where nobody answers
	client, err := s.Client(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := client.Doc("c/d").Create(t.Context(), map[string]any{}); err != nil {
		t.Error(err)
	}
	if got, want := s.Calls()["Commit"], 1; got != want {
		t.Errorf("the server was called %d times, want %d", got, want)
	}
}

func TestAddrSuitsTheEnvironment(t *testing.T) {
	s := memoryServer(t)
	t.Setenv("FIRESTORE_EMULATOR_HOST", s.Addr())
	client, err := firestore.NewClient(t.Context(), s.Project())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := client.Doc("c/d").Create(t.Context(), map[string]any{}); err != nil {
		t.Error(err)
	}
	serverTarget(t, s).wantData(t, "c/d", map[string]any{})
}

func TestServersDoNotShareDocuments(t *testing.T) {
	t.Parallel()
	one, two := NewClient(t), NewClient(t)
	written(t)(one.Doc("c/d").Create(t.Context(), map[string]any{}))
	_, err := two.Doc("c/d").Get(t.Context())
	wantCode(t, err, codes.NotFound)
}

func TestCloseFreesThePortOnce(t *testing.T) {
	t.Parallel()
	s := memoryServer(t)
	for range 2 {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	var dialer net.Dialer
	if conn, err := dialer.DialContext(t.Context(), "tcp", s.Addr()); err == nil {
		conn.Close()
		t.Errorf("somebody listens on %s still", s.Addr())
	}
}

// A client may connect and then be slow, or only look whether somebody listens.
func TestCloseWaitsForNoConnection(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]string{
		"silence":                  "",
		"a byte":                   "P",
		"half an HTTP/2 preface":   "PRI * HTTP/2.0\r\n",
		"half an HTTP/1.1 request": "POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := memoryServer(t)
			conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", s.Addr())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := io.WriteString(conn, begin); err != nil {
				t.Fatal(err)
			}
			serverTarget(t, s).wantData(t, "c/d", nil) // a later client is served meanwhile
			closed := make(chan struct{})
			go func() {
				defer close(closed)
				s.Close()
			}()
			select {
			case <-closed:
			case <-time.After(10 * time.Second):
				t.Error("the server still waits for the connection")
			}
		})
	}
}

func TestCloseEndsCallsUnderWay(t *testing.T) {
	t.Parallel()
	s := memoryServer(t)
	tg := serverTarget(t, s)
	waiting, failed := make(chan struct{}), make(chan error, 1)
	returned := false
	s.Inject(Fault{Method: "Commit", Delay: time.Hour, Do: func() {
		close(waiting)
		wantCode(t, <-failed, codes.Unavailable)
		for range 1000 {
			runtime.Gosched()
		}
		returned = true
	}})
	go func() {
		_, err := tg.commit(t, setWrite(tg.name("c/d"), nil))
		failed <- err
	}()
	<-waiting
	s.Close()
	if !returned {
		t.Error("the server is closed, but a call still under way")
	}
}

// The test labels the goroutines that it starts, to tell them from those of other tests.
func TestCloseLeavesNoGoroutines(t *testing.T) {
	t.Parallel()
	pprof.Do(t.Context(), pprof.Labels("test", t.Name()), func(context.Context) {
		s := memoryServer(t)
		tg := serverTarget(t, s)
		written(t)(tg.Doc("c/d").Create(t.Context(), map[string]any{}))
		if got := stacks(t); !strings.Contains(got, "grpc.(*Server).Serve") {
			t.Errorf("the test finds no goroutine of a running server among\n%s", got)
		}
		s.Close()
		left := func() bool {
			got := stacks(t)
			return strings.Contains(got, "grpc.(*Server)") || strings.Contains(got, "http2Server")
		}
		for deadline := time.Now().Add(10 * time.Second); left(); runtime.Gosched() { // the last ones are on their way out
			if time.Now().After(deadline) {
				t.Fatalf("the closed server left goroutines:\n%s", stacks(t))
			}
		}
	})
}

// stacks returns the stacks of the goroutines that are labelled with the test's name.
func stacks(t *testing.T) string {
	t.Helper()
	var profile bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&profile, 1); err != nil {
		t.Fatal(err)
	}
	var labelled []string
	for stack := range strings.SplitSeq(profile.String(), "\n\n") {
		if strings.Contains(stack, fmt.Sprintf("%q", t.Name())) {
			labelled = append(labelled, stack)
		}
	}
	return strings.Join(labelled, "\n\n")
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	s := memoryServer(t)
	tg := serverTarget(t, s)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			doc := tg.Doc(fmt.Sprintf("c/%d", i%3))
			for range 20 {
				_, err := doc.Set(t.Context(), map[string]any{"n": firestore.Increment(1), "m": map[string]any{"i": i}}, firestore.MergeAll)
				wantCode(t, err, codes.OK)
				_, err = doc.Get(t.Context())
				wantCode(t, err, codes.OK)
				_, err = tg.Collection("c").Where("n", ">", 0).Documents(t.Context()).GetAll()
				wantCode(t, err, codes.OK)
				s.Ops()
				s.Calls()
				s.Inject(Fault{Method: "none"})()
			}
		})
	}
	wg.Wait()
	if got, want := s.Calls()["Commit"], 160; got != want {
		t.Errorf("%d commits, want %d", got, want)
	}
	tg.wantData(t, "c/none", nil)
}

func TestListen(t *testing.T) {
	free := memoryServer(t)
	addr := free.Addr()
	if _, err := Listen(addr); err == nil {
		t.Errorf("two servers listen on %s", addr)
	}
	free.Close()
	t.Setenv("FIRESTORE_EMULATOR_HOST", "127.0.0.1:1") // where nobody answers
	s, err := Listen(addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if s.Addr() != addr {
		t.Errorf("listens on %s, want %s", s.Addr(), addr)
	}
	tg := serverTarget(t, s)
	written(t)(tg.Doc("c/d").Create(t.Context(), map[string]any{}))
	tg.wantData(t, "c/d", map[string]any{})
}
