// Package firestoretest is an in-memory Firestore for tests and demos. It is a gRPC server
// inside the test's process, and the official client talks to it as it does to the service.
// There is nothing to install or clean up.
//
// [NewClient] returns a client for a test. [Start] also returns the server, which counts billed
// operations and fails on request:
//
//	package visits
//
//	import (
//		"testing"
//
//		"cloud.google.com/go/firestore"
//		"google.golang.org/grpc/codes"
//		"google.golang.org/grpc/status"
//
//		"github.com/echofirestore/echofirestore/firestoretest"
//	)
//
//	func TestVisit(t *testing.T) {
//		server, client := firestoretest.Start(t)
//		server.Inject(firestoretest.Fault{
//			Method: "Commit",
//			Err:    status.Error(codes.Aborted, "try again"),
//		})
//
//		doc := client.Doc("visits/today")
//		update := map[string]any{"n": firestore.Increment(1)}
//		if _, err := doc.Set(t.Context(), update, firestore.MergeAll); status.Code(err) != codes.Aborted {
//			t.Fatalf("first visit: %v, want Aborted", err)
//		}
//		if _, err := doc.Set(t.Context(), update, firestore.MergeAll); err != nil {
//			t.Fatalf("second visit: %v", err)
//		}
//		if got := server.Ops().String(); got != "1 write" {
//			t.Errorf("two visits cost %s, want 1 write", got)
//		}
//	}
//
// # What it offers
//
//   - Reads and writes of documents, one by one, in commits, in batches and by a BulkWriter,
//     with preconditions, masks and transforms.
//   - Transactions, read-write and read-only.
//   - Queries with every filter, order, limit, cursor and projection, of a collection or a
//     collection group, and their aggregations count, sum and average.
//   - Lists of documents, also of missing ones, and of collections.
//   - Values of every type, vectors included, in Firestore's order and within its limits.
//
// Requests that Firestore refuses are refused with the same code. The messages are different.
// The same tests run on the official emulator. Where the two differ, the emulator is right.
//
// # What it does not offer
//
// Each of these fails with codes.Unimplemented and a message that says what to use instead. The
// emulator offers:
//
//   - listeners (Snapshots, onSnapshot),
//   - the stream of writes that the web SDK opens,
//   - REST, as with [firestore.NewRESTClient], and WebChannel, as in browsers,
//   - vector search,
//   - reads at a time in the past,
//   - explanations of queries.
//
// The emulator does not offer these either:
//
//   - pipelines,
//   - partitions of a query,
//   - the administration of indexes and databases.
//
// Indexes are not needed, so a query works here that fails on the service until its composite
// index exists. There are no security rules: every client may do everything. There are no
// time-to-live policies: nothing is deleted by itself.
//
// # Transactions
//
// A write outside of transactions never waits here for a transaction that has read the
// document. Instead, the commit of that transaction fails with codes.Aborted, and the client
// runs the transaction again. So does the service in its optimistic mode. In its pessimistic
// mode, the default of the Standard edition, and on the emulator, the transaction holds a lock,
// and the write waits until the transaction is over
// (https://cloud.google.com/firestore/docs/transaction-data-contention). To pass on both, a
// test must not depend on how often a transaction runs, or on which of two contending writes
// comes first.
//
// The service refuses a transaction of more than 10 MiB. By default, neither the emulator nor
// this package does: see [Server.LimitTransactions].
//
// # On the emulator
//
// If FIRESTORE_EMULATOR_HOST is set in the environment, the same tests run on that emulator.
// Servers then keep nothing in memory. They forward each call to the emulator, including calls
// that they do not offer themselves. Counters and faults work as in memory.
package firestoretest
