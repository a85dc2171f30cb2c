package firestoretest

import (
	"context"
	"sync"
	"time"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// memory is a backend that keeps its documents in maps.
//
// What it has stored it never changes: a write puts a new document in place of the old
// one. So a stored document may be sent, or kept by a transaction, without being copied,
// and as long as the same pointer is found, the document has not changed. Requests are
// fresh from the wire and nobody else's, so their values may be stored.
type memory struct {
	unoffered

	mu           sync.Mutex
	docs         store
	clock        clock
	begun        int                     // how many transactions have been
	transactions map[string]*transaction // those under way, by ID
	locks        map[string]*lock        // by name of the document
	patience     time.Duration           // with those who hold locks
}

func newMemory() *memory {
	return &memory{
		docs:         store{},
		transactions: map[string]*transaction{},
		locks:        map[string]*lock{},
		patience:     lockPatience,
	}
}

// Close does nothing: memory has no goroutines, and the collector does the rest.
func (m *memory) Close() error { return nil }

// store is documents by the name of their collection, then by their ID.
type store map[string]map[string]*pb.Document

// get returns the document of that name, nil if there is none.
func (s store) get(name string) *pb.Document {
	collection, id := splitName(name)
	return s[collection][id]
}

// put stores the document under the name, or with nil deletes what is there.
func (s store) put(name string, doc *pb.Document) {
	collection, id := splitName(name)
	docs := s[collection]
	switch {
	case doc == nil:
		delete(docs, id)
		if len(docs) == 0 {
			delete(s, collection)
		}
	case docs == nil:
		s[collection] = map[string]*pb.Document{id: doc}
	default:
		docs[id] = doc
	}
}

// clock tells the time in Firestore's precision, microseconds, and never the same twice.
type clock struct{ last time.Time }

func (c *clock) now() *timestamppb.Timestamp {
	now := time.Now().Truncate(time.Microsecond)
	if !now.After(c.last) {
		now = c.last.Add(time.Microsecond)
	}
	c.last = now
	return timestamppb.New(now)
}

func (m *memory) BatchGetDocuments(
	req *pb.BatchGetDocumentsRequest, stream pb.Firestore_BatchGetDocumentsServer,
) error {
	if err := checkDatabase(req.GetDatabase()); err != nil {
		return err
	}
	for _, name := range req.GetDocuments() {
		if err := checkDocumentName(name); err != nil {
			return err
		}
	}
	mask, err := parseMask(req.GetMask())
	if err != nil {
		return err
	}
	tx, err := m.join(stream.Context(), req)
	if err != nil {
		return err
	}
	if req.GetNewTransaction() != nil {
		if err := stream.Send(&pb.BatchGetDocumentsResponse{Transaction: []byte(tx.id)}); err != nil {
			return err
		}
	}
	docs, readTime, err := m.read(stream.Context(), tx, req.GetDocuments())
	if err != nil {
		return err
	}
	for name, doc := range docs {
		resp := &pb.BatchGetDocumentsResponse{ReadTime: readTime}
		if doc != nil {
			resp.Result = &pb.BatchGetDocumentsResponse_Found{Found: mask.project(doc)}
		} else {
			resp.Result = &pb.BatchGetDocumentsResponse_Missing{Missing: name}
		}
		if err := stream.Send(resp); err != nil {
			return err
		}
	}
	return nil
}

func (m *memory) GetDocument(ctx context.Context, req *pb.GetDocumentRequest) (*pb.Document, error) {
	if err := checkDocumentName(req.GetName()); err != nil {
		return nil, err
	}
	mask, err := parseMask(req.GetMask())
	if err != nil {
		return nil, err
	}
	tx, err := m.join(ctx, oldTransaction{req})
	if err != nil {
		return nil, err
	}
	docs, _, err := m.read(ctx, tx, []string{req.GetName()})
	if err != nil {
		return nil, err
	}
	if docs[req.GetName()] == nil {
		return nil, status.Errorf(codes.NotFound, "Document %q not found.", req.GetName())
	}
	return mask.project(docs[req.GetName()]), nil
}

// oldTransaction makes a [consistency] of a request that cannot begin a transaction.
type oldTransaction struct{ snapshotted }

func (oldTransaction) GetNewTransaction() *pb.TransactionOptions { return nil }

// read returns the documents of these names as the transaction sees them, or without
// one as they are, nil for each that is missing, and the time of the reading.
func (m *memory) read(
	ctx context.Context, tx *transaction, names []string,
) (map[string]*pb.Document, *timestamppb.Timestamp, error) {
	if err := m.acquire(ctx, tx, names); err != nil {
		return nil, nil, err
	}
	docs := make(map[string]*pb.Document, len(names))
	m.mu.Lock()
	defer m.mu.Unlock()
	source, readTime := m.view(tx)
	for _, name := range names {
		docs[name] = source.get(name)
		tx.recordRead(name, docs[name])
	}
	return docs, readTime, nil
}
