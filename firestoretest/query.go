package firestoretest

import (
	"slices"
	"strings"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// query is a StructuredQuery as parsed and checked.
type query struct {
	parent      string // name of the document, or "…/documents", that the collection is under
	collection  string // ID; "": all collections
	descendants bool   // at any depth under the parent
	missing     bool   // also documents that are missing and have collections
	filter      filter
	ordering    ordering
	start, end  *cursor // nil: from the first, to the last
	offset      int
	limit       int
	projection  mask // nil: whole documents
}

func (m *memory) RunQuery(req *pb.RunQueryRequest, stream pb.Firestore_RunQueryServer) error {
	if req.GetExplainOptions() != nil {
		return unofferedError("explaining a query")
	}
	if req.GetStructuredQuery() == nil {
		return invalid("A query must be structured.")
	}
	q, err := parseQuery(req.GetParent(), req.GetStructuredQuery(), nil)
	if err != nil {
		return err
	}
	tx, err := m.join(stream.Context(), req)
	if err != nil {
		return err
	}
	if req.GetNewTransaction() != nil {
		if err := stream.Send(&pb.RunQueryResponse{Transaction: []byte(tx.id)}); err != nil {
			return err
		}
	}
	docs, readTime := m.query(tx, q)
	if len(docs) == 0 {
		return stream.Send(&pb.RunQueryResponse{ReadTime: readTime, ContinuationSelector: done})
	}
	for i, doc := range docs {
		resp := &pb.RunQueryResponse{Document: q.projection.project(doc), ReadTime: readTime}
		if i == 0 {
			resp.SkippedResults = int32(q.offset)
		}
		if i == len(docs)-1 {
			resp.ContinuationSelector = done
		}
		if err := stream.Send(resp); err != nil {
			return err
		}
	}
	return nil
}

var done = &pb.RunQueryResponse_Done{Done: true}

// query returns the results as the transaction sees them, or without one as they are, and
// the time of the reading.
func (m *memory) query(tx *transaction, q *query) ([]*pb.Document, *timestamppb.Timestamp) {
	m.mu.Lock()
	defer m.mu.Unlock()
	source, readTime := m.view(tx)
	docs := q.run(source)
	tx.recordQuery(q, docs)
	return docs, readTime
}

// run returns the results in order, as whole documents.
func (q *query) run(source store) []*pb.Document {
	var docs []*pb.Document
	for name, collection := range source {
		if !q.covers(name) {
			continue
		}
		for _, doc := range collection {
			if q.matches(doc) {
				docs = append(docs, doc)
			}
		}
	}
	if q.missing {
		docs = append(docs, q.missingFrom(source)...)
	}
	slices.SortFunc(docs, q.ordering.compare)
	docs = docs[min(q.offset, len(docs)):]
	return docs[:min(q.limit, len(docs))]
}

// missingFrom returns documents of nothing but a name for those that are missing and have collections.
func (q *query) missingFrom(source store) []*pb.Document {
	var docs []*pb.Document
	collection := q.parent + "/" + q.collection
	for _, id := range source.below(collection) {
		doc := &pb.Document{Name: collection + "/" + id}
		if source.get(doc.GetName()) == nil && q.matches(doc) {
			docs = append(docs, doc)
		}
	}
	return docs
}

// covers reports whether the query is about the collection of that name.
func (q *query) covers(collection string) bool {
	parent, id := splitName(collection)
	return (id == q.collection || q.collection == "") && (parent == q.parent || q.descendants && strings.HasPrefix(parent, q.parent+"/"))
}

func (q *query) matches(doc *pb.Document) bool {
	return q.filter.matches(doc) && q.ordering.covers(doc) &&
		(q.start == nil || q.start.precedes(doc)) &&
		(q.end == nil || !q.end.precedes(doc))
}
