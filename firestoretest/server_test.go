package firestoretest

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"runtime"
	"runtime/pprof"
	"strings"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/firestore"
	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
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

func TestUnoffered(t *testing.T) {
	t.Parallel()
	tg := serverTarget(t, memoryServer(t))
	first := func(err error, recv func() error) error {
		if err != nil {
			return err
		}
		return recv()
	}
	ctx := t.Context()
	for name, call := range map[string]func() error{
		"PartitionQuery": func() error {
			_, err := tg.raw.PartitionQuery(ctx, &pb.PartitionQueryRequest{})
			return err
		},
		"ExecutePipeline": func() error {
			stream, err := tg.raw.ExecutePipeline(ctx, &pb.ExecutePipelineRequest{})
			return first(err, func() error { _, err := stream.Recv(); return err })
		},
		"Write": func() error {
			stream, err := tg.raw.Write(ctx)
			return first(err, func() error { _, err := stream.Recv(); return err })
		},
		"Listen": func() error {
			stream, err := tg.raw.Listen(ctx)
			return first(err, func() error { _, err := stream.Recv(); return err })
		},
		"past time": func() error {
			_, err := tg.WithReadOptions(firestore.ReadTime(time.Now())).Doc("c/d").Get(ctx)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := call()
			wantCode(t, err, codes.Unimplemented)
			if msg := fmt.Sprint(err); !strings.Contains(msg, "firestoretest") || !strings.Contains(msg, name) || !strings.Contains(msg, "RunQuery") {
				t.Errorf("%q doesn't tell what is missing, and what is there", msg)
			}
		})
	}
}
