package firestoretest_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"slices"
	"testing"
	"time"

	"cloud.google.com/go/firestore"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/echofirestore/echofirestore/firestoretest"
)

func ExampleNewServer() {
	ctx := context.Background()
	server, err := firestoretest.NewServer()
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	client, err := server.Client(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	if _, err := client.Doc("cities/tokyo").Create(ctx, map[string]any{"name": "東京"}); err != nil {
		log.Fatal(err)
	}
	_, err = client.Doc("cities/tokyo").Create(ctx, map[string]any{"name": "Edo"})
	fmt.Println(status.Code(err))
	// Output: AlreadyExists
}

func ExampleListen() {
	server, err := firestoretest.Listen("127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	write(server, "cities/tokyo")
	fmt.Println(server.Ops())
	// Output: 1 write
}

func ExampleNewForwarder() {
	// A second server stands for the emulator here.
	emulator, err := firestoretest.NewServer()
	if err != nil {
		log.Fatal(err)
	}
	defer emulator.Close()
	server, err := firestoretest.NewForwarder(emulator.Addr())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()

	write(server, "cities/tokyo")
	fmt.Println(server.Ops(), "here,", emulator.Ops(), "there")
	// Output: 1 write here, 1 write there
}

func ExampleStart() {
	var t testingT // in a test: the t of func TestX(t *testing.T)
	defer t.end()

	server, client := firestoretest.Start(&t)
	_, err := client.Doc("cities/tokyo").Get(context.Background())
	fmt.Println(status.Code(err), "for", server.Ops())
	// Output: NotFound for 1 read
}

func ExampleNewClient() {
	var t testingT // in a test: the t of func TestX(t *testing.T)
	defer t.end()

	client := firestoretest.NewClient(&t)
	_, err := client.Doc("cities/tokyo").Create(context.Background(), map[string]any{})
	fmt.Println(err)
	// Output: <nil>
}

func ExampleServer_Addr() {
	server, err := firestoretest.NewServer()
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	// For a program that is to use this server: FIRESTORE_EMULATOR_HOST=…
	var host, port string
	if _, err := fmt.Sscanf(server.Addr(), "%9s:%s", &host, &port); err != nil {
		log.Fatal(err)
	}
	fmt.Println(host)
	// Output: 127.0.0.1
}

func ExampleServer_Ops() {
	ctx := context.Background()
	server, client := newServer()
	defer server.Close()
	defer client.Close()
	write(server, "cities/tokyo")

	before := server.Ops()
	if _, err := client.Collection("cities").Documents(ctx).GetAll(); err != nil {
		log.Fatal(err)
	}
	if _, err := client.Doc("cities/tokyo").Delete(ctx); err != nil {
		log.Fatal(err)
	}
	fmt.Println(server.Ops().Sub(before))
	// Output: 1 read, 1 delete
}

func ExampleServer_Calls() {
	server, client := newServer()
	defer server.Close()
	defer client.Close()
	write(server, "cities/tokyo")
	write(server, "cities/oslo")
	fmt.Println(server.Calls())
	server.ResetOps()
	fmt.Println(server.Calls(), server.Ops())
	// Output:
	// map[Commit:2]
	// map[] nothing
}

// A write whose answer gets lost has been applied all the same.
func ExampleServer_Inject() {
	ctx := context.Background()
	server, client := newServer()
	defer server.Close()
	defer client.Close()
	remove := server.Inject(firestoretest.Fault{
		Method: "Commit",
		Times:  -1,
		Err:    status.Error(codes.Internal, "answer lost"),
		After:  true,
	})

	_, err := client.Doc("cities/tokyo").Create(ctx, map[string]any{})
	fmt.Println(status.Code(err))
	remove()
	_, err = client.Doc("cities/tokyo").Create(ctx, map[string]any{})
	fmt.Println(status.Code(err))
	// Output:
	// Internal
	// AlreadyExists
}

// A program that deletes many documents at once must also work with large ones. A limit that
// is smaller than the service's shows that with little data.
func ExampleServer_LimitTransactions() {
	ctx := context.Background()
	server, client := newServer()
	defer server.Close()
	defer client.Close()
	city := client.Doc("cities/tokyo")
	if _, err := city.Create(ctx, map[string]any{"map": make([]byte, 1000)}); err != nil {
		log.Fatal(err)
	}

	server.LimitTransactions(500) // the service's: firestoretest.TransactionLimit
	_, err := city.Delete(ctx)
	fmt.Println(status.Code(err), "for", server.Ops().Deletes, "deletes")
	// Output: InvalidArgument for 0 deletes
}

// Between a program's read and its write, another one writes.
func ExampleFault_do() {
	ctx := context.Background()
	server, client := newServer()
	defer server.Close()
	defer client.Close()
	write(server, "cities/tokyo")
	snap, err := client.Doc("cities/tokyo").Get(ctx)
	if err != nil {
		log.Fatal(err)
	}

	server.Inject(firestoretest.Fault{Method: "Commit", Do: func() { write(server, "cities/tokyo") }})
	_, err = client.Doc("cities/tokyo").Delete(ctx, firestore.LastUpdateTime(snap.UpdateTime))
	fmt.Println(status.Code(err))
	// Output: FailedPrecondition
}

// A program must not wait forever for a Firestore that doesn't answer.
func ExampleFault_delay() {
	server, client := newServer()
	defer server.Close()
	defer client.Close()
	server.Inject(firestoretest.Fault{Method: "BatchGetDocuments", Delay: time.Hour})

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	_, err := client.Doc("cities/tokyo").Get(ctx)
	fmt.Println(errors.Is(err, context.DeadlineExceeded) || status.Code(err) == codes.DeadlineExceeded)
	// Output: true
}

func newServer() (*firestoretest.Server, *firestore.Client) {
	server, err := firestoretest.NewServer()
	if err != nil {
		log.Fatal(err)
	}
	client, err := server.Client(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	return server, client
}

// write sets the document to something new.
func write(server *firestoretest.Server, path string) {
	ctx := context.Background()
	client, err := server.Client(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	update := map[string]any{"version": firestore.Increment(1)}
	if _, err := client.Doc(path).Set(ctx, update, firestore.MergeAll); err != nil {
		log.Fatal(err)
	}
}

// testingT does for an example what a *testing.T does for a test.
type testingT struct {
	testing.TB
	cleanups []func()
}

func (t *testingT) Helper()                      {}
func (t *testingT) Cleanup(f func())             { t.cleanups = append(t.cleanups, f) }
func (t *testingT) Fatal(args ...any)            { log.Fatal(args...) }
func (t *testingT) Errorf(f string, args ...any) { log.Printf(f, args...) }

func (t *testingT) end() {
	for _, f := range slices.Backward(t.cleanups) {
		f()
	}
}
