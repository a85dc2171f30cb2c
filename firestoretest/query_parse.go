package firestoretest

import (
	"math"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// parseQuery parses a query of documents under the parent. If fields of its results are to be
// aggregated, it finds only documents that have all of these.
func parseQuery(parent string, req *pb.StructuredQuery, aggregated []fieldPath) (*query, error) {
	if err := checkParent(parent); err != nil {
		return nil, err
	}
	if req.GetFindNearest() != nil {
		return nil, unofferedError("a vector search")
	}
	if len(aggregated) > 0 && req.GetSelect() != nil {
		return nil, invalid("A query that aggregates fields cannot select others.")
	}
	q := &query{parent: parent}
	if err := q.parseFrom(req.GetFrom()); err != nil {
		return nil, err
	}
	asked, err := parseOrders(req.GetOrderBy())
	if err != nil {
		return nil, err
	}
	filters := filterParser{database: databaseOf(parent), most: maxFilters - len(asked)}
	if !isRoot(parent) {
		filters.most--
	}
	if q.filter, err = filters.parse(req.GetWhere()); err != nil {
		return nil, err
	}
	namesDown := !filters.onFields && len(asked) == 1 && asked[0].path.isName() && asked[0].descending
	if namesDown {
		aggregated = nil // this one is refused for another reason
	}
	if q.ordering, err = asked.complete(q.filter.inequalities, aggregated, filters.onName); err != nil {
		return nil, err
	}
	switch byFields := filters.onFields || len(q.ordering) > 1; {
	case q.collection == "" && (filters.onFields || !asked.isAscendingByName()):
		return nil, invalid("A query of all collections can be filtered by name alone, and ordered by name alone, ascending.")
	case q.descendants && byFields && !isRoot(parent):
		return nil, invalid("Collection group queries are only allowed at the root parent.")
	}
	if q.start, err = parseCursor(req.GetStartAt(), q.ordering[:len(asked)], filters.database); err != nil {
		return nil, err
	}
	if q.end, err = parseCursor(req.GetEndAt(), q.ordering[:len(asked)], filters.database); err != nil {
		return nil, err
	}
	if q.projection, err = parseProjection(req.GetSelect()); err != nil {
		return nil, err
	}
	if err := q.parseLimits(req); err != nil {
		return nil, err
	}
	if namesDown {
		return nil, status.Error(codes.FailedPrecondition, "Firestore does not support descending key scans.")
	}
	return q, nil
}

func (q *query) parseFrom(from []*pb.StructuredQuery_CollectionSelector) error {
	if len(from) > 1 {
		return invalid("A query cannot have more than one collection selector.")
	}
	for _, f := range from {
		q.collection, q.descendants = f.GetCollectionId(), f.GetAllDescendants()
	}
	if q.collection == "" {
		return nil
	}
	return checkCollectionID(q.collection)
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
