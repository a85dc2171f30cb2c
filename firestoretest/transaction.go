package firestoretest

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// transactionLife is how long a transaction lasts that nobody ends, as in Firestore
// (https://cloud.google.com/firestore/quotas).
const transactionLife = 270 * time.Second

// transaction is one under way. What changes of it is guarded by its memory's mutex.
//
// A read-write one sees the documents as they are and remembers what it saw; if any of
// that has changed when it commits, it is aborted. A read-only one sees all documents as
// they were when it began.
type transaction struct {
	id       string
	database string
	began    time.Time
	conn     *conn
	snapshot store                  // of a read-only one; nil otherwise
	readTime *timestamppb.Timestamp // of the snapshot

	reads   map[string]*pb.Document // documents read by name, nil for a missing one
	queries []queryRead
	locked  []string // documents that it holds locks on
}

// queryRead is a query that a transaction ran, and what it found.
type queryRead struct {
	query *query
	found []*pb.Document
}

// consistency is what requests say about the transaction they belong to.
type consistency interface {
	snapshotted
	GetNewTransaction() *pb.TransactionOptions
}

// snapshotted is what those say that cannot begin one.
type snapshotted interface {
	GetTransaction() []byte
	GetReadTime() *timestamppb.Timestamp
}

func (m *memory) BeginTransaction(
	ctx context.Context, req *pb.BeginTransactionRequest,
) (*pb.BeginTransactionResponse, error) {
	if err := checkDatabase(req.GetDatabase()); err != nil {
		return nil, err
	}
	tx, err := m.begin(ctx, req.GetDatabase(), req.GetOptions(), req.GetOptions().GetReadOnly() != nil)
	if err != nil {
		return nil, err
	}
	return &pb.BeginTransactionResponse{Transaction: []byte(tx.id)}, nil
}

// Rollback of a transaction that is over already is no error.
func (m *memory) Rollback(_ context.Context, req *pb.RollbackRequest) (*emptypb.Empty, error) {
	if err := checkDatabase(req.GetDatabase()); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.checkIssued(req.GetTransaction()); err != nil {
		return nil, err
	}
	if tx, ok := m.transactions[string(req.GetTransaction())]; ok {
		if err := tx.checkDatabase(req.GetDatabase()); err != nil {
			return nil, err
		}
		m.end(tx)
	}
	return &emptypb.Empty{}, nil
}

// join returns the transaction that a read belongs to, nil if it is in none.
func (m *memory) join(ctx context.Context, req consistency) (*transaction, error) {
	switch {
	case req.GetReadTime() != nil:
		return nil, unofferedError("reading at a past time")
	case req.GetNewTransaction() != nil: // unlike BeginTransaction, reads don't write by default
		return m.begin(ctx, requestDatabase(req), req.GetNewTransaction(), req.GetNewTransaction().GetReadWrite() == nil)
	case req.GetTransaction() != nil:
		m.mu.Lock()
		defer m.mu.Unlock()
		tx, err := m.transaction(req.GetTransaction())
		if err != nil {
			return nil, err
		}
		return tx, tx.checkDatabase(requestDatabase(req))
	default:
		return nil, nil
	}
}

func (m *memory) begin(
	ctx context.Context, database string, opts *pb.TransactionOptions, readOnly bool,
) (*transaction, error) {
	if opts.GetReadOnly().GetReadTime() != nil {
		return nil, unofferedError("reading at a past time")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if retried := opts.GetReadWrite().GetRetryTransaction(); len(retried) > 0 {
		if err := m.checkIssued(retried); err != nil {
			return nil, err
		}
		if isReadOnly(retried) {
			return nil, invalid("A read-only transaction cannot be retried.")
		}
	}
	m.expire()
	m.begun++
	tx := &transaction{id: strconv.Itoa(m.begun), database: database, began: time.Now(), conn: connOf(ctx)}
	if readOnly {
		tx.id += readOnlySuffix
		tx.snapshot = m.docs.clone()
		tx.readTime = m.clock.now()
	}
	m.transactions[tx.id] = tx
	return tx, nil
}

// readOnlySuffix distinguishes the IDs of read-only transactions, also when they are over.
const readOnlySuffix = "r"

func isReadOnly(id []byte) bool {
	return strings.HasSuffix(string(id), readOnlySuffix)
}

// checkIssued returns an error unless there is a transaction with that ID, or has been.
func (m *memory) checkIssued(id []byte) error {
	if n, err := strconv.Atoi(strings.TrimSuffix(string(id), readOnlySuffix)); err != nil || n < 1 || n > m.begun {
		return invalid("Invalid transaction.")
	}
	return nil
}

// checkDatabase returns an error unless the transaction is of that database.
func (tx *transaction) checkDatabase(name string) error {
	if tx.database != name {
		return invalid("The transaction is of database %q, not %q.", tx.database, name)
	}
	return nil
}

// expire ends the transactions that nobody else has ended in their time.
func (m *memory) expire() {
	for _, tx := range m.transactions {
		if time.Since(tx.began) > transactionLife {
			m.end(tx)
		}
	}
}

// transaction returns the one with that ID.
func (m *memory) transaction(id []byte) (*transaction, error) {
	tx, ok := m.transactions[string(id)]
	if !ok {
		return nil, invalid("Transaction is invalid or closed.")
	}
	return tx, nil
}

// end forgets the transaction and releases its locks.
func (m *memory) end(tx *transaction) {
	delete(m.transactions, tx.id)
	m.release(tx)
}

// verify returns an error if something that the transaction read is no longer so.
func (m *memory) verify(tx *transaction) error {
	for name, doc := range tx.reads {
		if m.docs.get(name) != doc {
			return status.Errorf(codes.Aborted, "%s has changed since the transaction read it. Please try again.", name)
		}
	}
	for _, q := range tx.queries {
		if !slices.EqualFunc(q.query.run(m.docs), q.found, isUnchanged) {
			return status.Error(codes.Aborted, "What the transaction found has changed since. Please try again.")
		}
	}
	return nil
}

// isUnchanged reports whether both are one version of a document, or the same missing one.
func isUnchanged(a, b *pb.Document) bool {
	return a == b || a.GetUpdateTime() == nil && b.GetUpdateTime() == nil && a.GetName() == b.GetName()
}

// view returns the documents that the transaction sees, and as of when.
func (m *memory) view(tx *transaction) (store, *timestamppb.Timestamp) {
	if tx != nil && tx.snapshot != nil {
		return tx.snapshot, tx.readTime
	}
	return m.docs, m.clock.now()
}

// tracks reports whether what the transaction reads must still be so when it commits.
func (tx *transaction) tracks() bool {
	return tx != nil && tx.snapshot == nil
}

func (tx *transaction) recordRead(name string, doc *pb.Document) {
	if !tx.tracks() {
		return
	}
	if tx.reads == nil {
		tx.reads = map[string]*pb.Document{}
	}
	if _, again := tx.reads[name]; !again { // the first reading is what the others build on
		tx.reads[name] = doc
	}
}

func (tx *transaction) recordQuery(q *query, found []*pb.Document) {
	if tx.tracks() {
		tx.queries = append(tx.queries, queryRead{q, found})
	}
}

// clone returns a store with the same documents.
func (s store) clone() store {
	c := make(store, len(s))
	for name, docs := range s {
		c[name] = maps.Clone(docs)
	}
	return c
}
