// Package firestoretest is an in-memory Firestore for tests and demos. It is a real
// gRPC server in the process, so the official client talks to it as it does to
// Google's, and nothing needs to be installed or cleaned up.
//
// A test takes one line for a client, or two names for the server behind it as well,
// which counts what is billed and can be told to fail:
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
// # What it does
//
// Documents are read and written with preconditions, masks and transforms, atomically
// or in batches, inside and outside of transactions; queries have every filter, order,
// limit and cursor, and can be counted. What Firestore refuses is refused, with the same
// codes; the messages are its own. Each of this is tested against the official emulator.
//
// Everything else answers codes.Unimplemented and says so: listeners, aggregations other
// than count, vector search, pipelines, partitions, reads of the past, lists of documents
// and of collections.
//
// In one respect it is unlike the emulator: a write outside of transactions never waits
// for one that has read the document. Instead, that transaction's commit fails with
// codes.Aborted, upon which the client runs it again.
//
// # On the emulator
//
// With FIRESTORE_EMULATOR_HOST in the environment, the same tests run on the emulator
// there: servers keep nothing in memory, but pass every call on to it, also those above
// that memory doesn't offer. Counters and faults stay.
package firestoretest
