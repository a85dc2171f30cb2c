package firestoretest

import (
	"fmt"
	"math"
	"slices"
	"strings"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// query is a StructuredQuery as parsed and checked.
type query struct {
	parent      string // name of the document, or "…/documents", that the collection is under
	collection  string // ID
	descendants bool   // at any depth under the parent
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
	q, err := parseQuery(req.GetParent(), req.GetStructuredQuery())
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

func (m *memory) RunAggregationQuery(
	req *pb.RunAggregationQueryRequest, stream pb.Firestore_RunAggregationQueryServer,
) error {
	if req.GetExplainOptions() != nil {
		return unofferedError("explaining a query")
	}
	counts, err := parseCounts(req.GetStructuredAggregationQuery().GetAggregations())
	if err != nil {
		return err
	}
	q, err := parseQuery(req.GetParent(), req.GetStructuredAggregationQuery().GetStructuredQuery())
	if err != nil {
		return err
	}
	tx, err := m.join(stream.Context(), req)
	if err != nil {
		return err
	}
	if req.GetNewTransaction() != nil {
		if err := stream.Send(&pb.RunAggregationQueryResponse{Transaction: []byte(tx.id)}); err != nil {
			return err
		}
	}
	docs, readTime := m.query(tx, q)
	fields := make(map[string]*pb.Value, len(counts))
	for alias, upTo := range counts {
		fields[alias] = integerValue(min(int64(len(docs)), upTo))
	}
	return stream.Send(&pb.RunAggregationQueryResponse{
		Result:   &pb.AggregationResult{AggregateFields: fields},
		ReadTime: readTime,
	})
}

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
	slices.SortFunc(docs, q.ordering.compare)
	docs = docs[min(q.offset, len(docs)):]
	return docs[:min(q.limit, len(docs))]
}

// covers tells whether the query is about the collection of that name.
func (q *query) covers(collection string) bool {
	parent, id := splitName(collection)
	return id == q.collection && (parent == q.parent || q.descendants && strings.HasPrefix(parent, q.parent+"/"))
}

func (q *query) matches(doc *pb.Document) bool {
	return q.filter(doc) && q.ordering.covers(doc) &&
		(q.start == nil || q.start.precedes(doc)) &&
		(q.end == nil || !q.end.precedes(doc))
}

func parseQuery(parent string, req *pb.StructuredQuery) (*query, error) {
	if err := checkParent(parent); err != nil {
		return nil, err
	}
	if req.GetFindNearest() != nil {
		return nil, unofferedError("a vector search")
	}
	q := &query{parent: parent}
	if err := q.parseFrom(req.GetFrom()); err != nil {
		return nil, err
	}
	var (
		filters filterParser
		err     error
	)
	if q.filter, err = filters.parse(req.GetWhere()); err != nil {
		return nil, err
	}
	if q.ordering, err = parseOrdering(req.GetOrderBy(), filters.inequalities); err != nil {
		return nil, err
	}
	if byFields := filters.onFields || len(q.ordering) > 1; q.descendants && byFields && !isRoot(parent) {
		return nil, invalid("Collection group queries are only allowed at the root parent.")
	}
	if q.start, err = parseCursor(req.GetStartAt(), q.ordering, len(req.GetOrderBy())); err != nil {
		return nil, err
	}
	if q.end, err = parseCursor(req.GetEndAt(), q.ordering, len(req.GetOrderBy())); err != nil {
		return nil, err
	}
	if q.projection, err = parseProjection(req.GetSelect()); err != nil {
		return nil, err
	}
	return q, q.parseLimits(req)
}

func (q *query) parseFrom(from []*pb.StructuredQuery_CollectionSelector) error {
	switch {
	case len(from) == 0 || len(from) == 1 && from[0].GetCollectionId() == "":
		return unofferedError("a query of all collections")
	case len(from) > 1:
		return invalid("A query cannot have more than one collection selector.")
	}
	q.collection, q.descendants = from[0].GetCollectionId(), from[0].GetAllDescendants()
	if strings.Contains(q.collection, "/") {
		return invalid("Collection ID %q contains a slash.", q.collection)
	}
	return checkID(q.collection, true)
}

func (q *query) parseLimits(req *pb.StructuredQuery) error {
	q.offset, q.limit = int(req.GetOffset()), math.MaxInt
	if req.GetLimit() != nil {
		q.limit = int(req.GetLimit().GetValue())
	}
	if q.offset < 0 || q.limit < 0 {
		return invalid("The limit and the offset must not be negative.")
	}
	return nil
}

func parseProjection(req *pb.StructuredQuery_Projection) (mask, error) {
	if req == nil {
		return nil, nil
	}
	fields := &pb.DocumentMask{}
	for _, f := range req.GetFields() {
		fields.FieldPaths = append(fields.FieldPaths, f.GetFieldPath())
	}
	return parseMask(fields)
}

// parseCounts returns by alias up to what number results are to be counted.
func parseCounts(reqs []*pb.StructuredAggregationQuery_Aggregation) (map[string]int64, error) {
	if len(reqs) == 0 {
		return nil, invalid("There must be an aggregation.")
	}
	counts := make(map[string]int64, len(reqs))
	unnamed := 0
	for _, req := range reqs {
		if req.GetOperator() == nil {
			return nil, invalid("An aggregation must have an operator.")
		}
		op, ok := req.GetOperator().(*pb.StructuredAggregationQuery_Aggregation_Count_)
		if !ok {
			return nil, unofferedError("an aggregation other than count")
		}
		alias := req.GetAlias()
		if alias == "" {
			unnamed++
			alias = fmt.Sprintf("field_%d", unnamed)
		}
		if _, taken := counts[alias]; taken {
			return nil, invalid("Aggregation alias %q is used twice.", alias)
		}
		counts[alias] = math.MaxInt64
		if upTo := op.Count.GetUpTo(); upTo != nil {
			counts[alias] = upTo.GetValue()
		}
		if counts[alias] < 0 {
			return nil, invalid("A count must not be limited to less than zero.")
		}
	}
	return counts, nil
}
