package firestoretest

import (
	"context"
	"slices"
	"sync/atomic"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// TransactionLimit is the size in bytes above which Firestore refuses a transaction: 10 MiB
// (https://firebase.google.com/docs/firestore/manage-data/transactions#transaction_failure).
const TransactionLimit = 10 << 20

// LimitTransactions makes the server refuse a commit whose size is more than that many bytes,
// inside or outside of a transaction, with codes.InvalidArgument and "Transaction too big".
// Nothing of it is applied, and the transaction is over. 0, the default, means no limit. The
// service has a limit, see [TransactionLimit], but the emulator has none. The limit works in
// memory and on the emulator.
//
// The size of a commit is the sum of
//
//   - the size of each document that it writes, as it will be, and of each that it deletes, as it was;
//   - the size of each index entry that it adds or removes.
//
// A delete of a missing document counts nothing. Index entries are those of the automatic
// single-field indexes, by the rules of https://firebase.google.com/docs/firestore/storage-size:
// two for each value, ascending and descending, also in maps, and one for each element of an array.
// Composite indexes and index exemptions are unknown here.
func (s *Server) LimitTransactions(bytes int) {
	s.limit.most.Store(int64(bytes))
}

// transactionLimit is the layer that refuses large commits.
type transactionLimit struct {
	most    atomic.Int64 // 0: no limit
	backend backend
}

func (l *transactionLimit) unary(
	ctx context.Context, req any, _ *grpc.UnaryServerInfo, handle grpc.UnaryHandler,
) (any, error) {
	commit, ok := req.(*pb.CommitRequest)
	if most := l.most.Load(); ok && most > 0 {
		// What is wrong with the request otherwise, the backend says.
		if size, err := l.size(ctx, commit); err == nil && int64(size) > most {
			return nil, l.refuse(ctx, commit)
		}
	}
	return handle(ctx, req)
}

func (l *transactionLimit) refuse(ctx context.Context, commit *pb.CommitRequest) error {
	if tx := commit.GetTransaction(); len(tx) > 0 {
		_, err := l.backend.Rollback(ctx, &pb.RollbackRequest{Database: commit.GetDatabase(), Transaction: tx})
		if err != nil {
			return err
		}
	}
	return invalid("Transaction too big. Decrease transaction size.")
}

// size returns the size of a commit, from what it would make of the documents as they are now.
func (l *transactionLimit) size(ctx context.Context, commit *pb.CommitRequest) (int, error) {
	commit = proto.CloneOf(commit) // transforms change its fields
	writes, err := parseWrites(commit.GetDatabase(), commit.GetWrites())
	if err != nil {
		return 0, err
	}
	base, err := l.read(ctx, commit.GetDatabase(), writes)
	if err != nil {
		return 0, err
	}
	c := changes{base: base, time: timestamppb.Now(), docs: make(map[string]*pb.Document, len(writes))}
	for _, w := range writes {
		if _, err := c.add(w); err != nil {
			return 0, err
		}
	}
	return c.size(), nil
}

// read returns the documents that the writes are about, as they are outside of any transaction.
func (l *transactionLimit) read(ctx context.Context, database string, writes []write) (store, error) {
	names := make([]string, len(writes))
	for i, w := range writes {
		names[i] = w.name
	}
	slices.Sort(names)
	found := foundStream{ctx: ctx, docs: store{}}
	return found.docs, l.backend.BatchGetDocuments(
		&pb.BatchGetDocumentsRequest{Database: database, Documents: slices.Compact(names)}, found)
}

// foundStream keeps the documents of a BatchGetDocuments that is called within the server.
type foundStream struct {
	grpc.ServerStream
	ctx  context.Context
	docs store
}

func (s foundStream) Context() context.Context { return s.ctx }

func (s foundStream) Send(resp *pb.BatchGetDocumentsResponse) error {
	if doc := resp.GetFound(); doc != nil {
		s.docs.put(doc.GetName(), doc)
	}
	return nil
}

// size returns the size of the changes as [Server.LimitTransactions] describes it.
func (c *changes) size() int {
	sum := 0
	for name, doc := range c.docs {
		old := c.base.get(name)
		switch {
		case doc != nil:
			sum += documentSize(doc)
		case old != nil:
			sum += documentSize(old)
		}
		before, after := indexEntriesOf(old), indexEntriesOf(doc)
		sum += before.sizeWithout(after) + after.sizeWithout(before)
	}
	return sum
}
