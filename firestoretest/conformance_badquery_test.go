package firestoretest

import (
	"errors"
	"io"
	"testing"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

func malformedQueries(t *testing.T, tg target) {
	const (
		eq  = equals
		ne  = notEquals
		nin = notIn
		ac  = hasElement
		aca = hasAny

		desc = pb.StructuredQuery_DESCENDING
	)
	one := integerValue(1)
	list := func(n int64) *pb.Value { return numbers(0, n) }
	for name, where := range map[string]*pb.StructuredQuery_Filter{
		"bad path":                           fieldFilter("a b", eq, one),
		"reserved name":                      fieldFilter("__a__", eq, one),
		"no value":                           fieldFilter("a", eq, nil),
		"no operator":                        fieldFilter("a", 0, one),
		"in what is no array":                fieldFilter("a", in, one),
		"in nothing":                         fieldFilter("a", in, list(0)),
		"in too many":                        fieldFilter("a", in, list(31)),
		"not in too many":                    fieldFilter("a", nin, list(11)),
		"contains any of too many":           fieldFilter("a", aca, list(31)),
		"two not equal":                      composite(and, fieldFilter("a", ne, one), fieldFilter("b", ne, one)),
		"not in and not equal":               composite(and, fieldFilter("a", nin, list(1)), fieldFilter("b", ne, one)),
		"not in and in":                      composite(and, fieldFilter("a", nin, list(1)), fieldFilter("b", in, list(1))),
		"two array-contains":                 composite(and, fieldFilter("a", ac, one), fieldFilter("b", aca, list(1))),
		"no unary operator":                  unaryFilter("a", 0),
		"no composite operator":              composite(0, fieldFilter("a", eq, one)),
		"name in a list of a name in a list": fieldFilter("__name__", in, arrayValue([]*pb.Value{arrayValue([]*pb.Value{referenceValue(tg.name("c/d"))})})),
		"name equals a list":                 fieldFilter("__name__", eq, arrayValue([]*pb.Value{referenceValue(tg.name("c/d"))})),
		"name of another database":           fieldFilter("__name__", eq, referenceValue("projects/p/databases/d/documents/c/d")),
		"name contains":                      fieldFilter("__name__", ac, referenceValue(tg.name("c/d"))),
		"name contains any":                  fieldFilter("__name__", aca, arrayValue([]*pb.Value{referenceValue(tg.name("c/d"))})),
		"name is null":                       unaryFilter("__name__", pb.StructuredQuery_UnaryFilter_IS_NULL),
		"name is not null":                   unaryFilter("__name__", pb.StructuredQuery_UnaryFilter_IS_NOT_NULL),
		"name equals, field less":            composite(and, fieldFilter("__name__", eq, referenceValue(tg.name("c/d"))), fieldFilter("a", less, one)),
		"name in, field not equal":           composite(or, fieldFilter("__name__", in, arrayValue([]*pb.Value{referenceValue(tg.name("c/d"))})), fieldFilter("a", ne, one)),
		"malformed within an or":             composite(or, fieldFilter("a", eq, one), fieldFilter("a b", eq, one)),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := tg.tryQuery(t, queryRequest(tg.root, "c", where))
			wantCode(t, err, codes.InvalidArgument)
		})
	}
	type request = pb.RunQueryRequest
	type structured = pb.StructuredQuery
	for name, c := range map[string]struct {
		change func(*request, *structured)
		want   codes.Code
	}{
		"negative limit":      {func(_ *request, q *structured) { q.Limit = wrapperspb.Int32(-1) }, codes.InvalidArgument},
		"negative offset":     {func(_ *request, q *structured) { q.Offset = -1 }, codes.InvalidArgument},
		"order twice":         {func(_ *request, q *structured) { q.OrderBy = orders("a", "a") }, codes.InvalidArgument},
		"order after name":    {func(_ *request, q *structured) { q.OrderBy = orders("__name__", "a") }, codes.InvalidArgument},
		"order by bad path":   {func(_ *request, q *structured) { q.OrderBy = orders("a b") }, codes.InvalidArgument},
		"order unknown":       {func(_ *request, q *structured) { q.OrderBy = directed("a", 7) }, codes.InvalidArgument},
		"names descending":    {func(_ *request, q *structured) { q.OrderBy = directed("__name__", desc) }, codes.FailedPrecondition},
		"cursor too long":     {func(_ *request, q *structured) { q.StartAt = cursorAt(one) }, codes.InvalidArgument},
		"end cursor too long": {func(_ *request, q *structured) { q.EndAt = cursorAt(one) }, codes.InvalidArgument},
		"cursor of no name": {func(_ *request, q *structured) {
			q.OrderBy, q.StartAt = orders("__name__"), cursorAt(stringValue("a"))
		}, codes.InvalidArgument},
		"cursor of another database": {func(_ *request, q *structured) {
			q.OrderBy, q.EndAt = orders("__name__"), cursorAt(referenceValue("projects/p/databases/d/documents/c/d"))
		}, codes.InvalidArgument},
		"names descending, cursor too long": {func(_ *request, q *structured) {
			q.OrderBy, q.EndAt = directed("__name__", desc), cursorAt(referenceValue(tg.name("c/d")), one)
		}, codes.InvalidArgument},
		"no query": {func(r *request, _ *structured) { r.QueryType = nil }, codes.InvalidArgument},
		"select bad path": {func(_ *request, q *structured) {
			q.Select = &pb.StructuredQuery_Projection{Fields: []*pb.StructuredQuery_FieldReference{fieldReference("a b")}}
		}, codes.InvalidArgument},
		"two collections":     {func(_ *request, q *structured) { q.From = append(q.From, q.From[0]) }, codes.InvalidArgument},
		"reserved collection": {func(_ *request, q *structured) { q.From[0].CollectionId = "__x__" }, codes.InvalidArgument},
		"collection path":     {func(_ *request, q *structured) { q.From[0].CollectionId = "a/b" }, codes.InvalidArgument},
		"group by field under a parent": {func(r *request, q *structured) {
			r.Parent, q.From[0].AllDescendants, q.OrderBy = tg.name("c/d"), true, orders("a")
		}, codes.InvalidArgument},
		"parent collection": {func(r *request, _ *structured) { r.Parent = tg.name("c") }, codes.InvalidArgument},
		"parent database":   {func(r *request, _ *structured) { r.Parent = tg.database }, codes.InvalidArgument},
		"parent slash":      {func(r *request, _ *structured) { r.Parent = tg.root + "/" }, codes.InvalidArgument},
	} {
		t.Run(name, func(t *testing.T) {
			req := queryRequest(tg.root, "c", nil)
			c.change(req, req.GetStructuredQuery())
			_, err := tg.tryQuery(t, req)
			wantCode(t, err, c.want)
		})
	}
}

// queryRequest is a raw query of the collection with that filter; nil: all of it.
func queryRequest(parent, collection string, where *pb.StructuredQuery_Filter) *pb.RunQueryRequest {
	return &pb.RunQueryRequest{Parent: parent, QueryType: &pb.RunQueryRequest_StructuredQuery{
		StructuredQuery: filtered(inCollection(collection), where),
	}}
}

func inCollection(id string) *pb.StructuredQuery {
	return &pb.StructuredQuery{From: []*pb.StructuredQuery_CollectionSelector{{CollectionId: id}}}
}

func inGroup(id string) *pb.StructuredQuery {
	return &pb.StructuredQuery{From: []*pb.StructuredQuery_CollectionSelector{{CollectionId: id, AllDescendants: true}}}
}

func filtered(q *pb.StructuredQuery, where *pb.StructuredQuery_Filter) *pb.StructuredQuery {
	q.Where = where
	return q
}

func ordered(q *pb.StructuredQuery, by ...*pb.StructuredQuery_Order) *pb.StructuredQuery {
	q.OrderBy = by
	return q
}

// tryQuery returns the IDs of a raw query's results in order.
func (tg target) tryQuery(t *testing.T, req *pb.RunQueryRequest) ([]string, error) {
	stream, err := tg.raw.RunQuery(owner(t), req)
	if err != nil {
		return nil, err
	}
	var ids []string
	for {
		resp, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return ids, nil
		}
		if err != nil {
			return nil, err
		}
		if doc := resp.GetDocument(); doc != nil {
			_, id := splitName(doc.GetName())
			ids = append(ids, id)
		}
	}
}

// query returns the IDs of a raw query's results, as found does.
func (tg target) query(t *testing.T, req *pb.RunQueryRequest) string {
	t.Helper()
	ids, err := tg.tryQuery(t, req)
	if err != nil {
		t.Fatal(err)
	}
	return ranges(ids)
}

func fieldReference(path string) *pb.StructuredQuery_FieldReference {
	return &pb.StructuredQuery_FieldReference{FieldPath: path}
}

func fieldFilter(path string, op pb.StructuredQuery_FieldFilter_Operator, v *pb.Value) *pb.StructuredQuery_Filter {
	return &pb.StructuredQuery_Filter{FilterType: &pb.StructuredQuery_Filter_FieldFilter{
		FieldFilter: &pb.StructuredQuery_FieldFilter{Field: fieldReference(path), Op: op, Value: v},
	}}
}

func unaryFilter(path string, op pb.StructuredQuery_UnaryFilter_Operator) *pb.StructuredQuery_Filter {
	return &pb.StructuredQuery_Filter{FilterType: &pb.StructuredQuery_Filter_UnaryFilter{
		UnaryFilter: &pb.StructuredQuery_UnaryFilter{
			OperandType: &pb.StructuredQuery_UnaryFilter_Field{Field: fieldReference(path)},
			Op:          op,
		},
	}}
}

const (
	and = pb.StructuredQuery_CompositeFilter_AND
	or  = pb.StructuredQuery_CompositeFilter_OR
)

func composite(op pb.StructuredQuery_CompositeFilter_Operator, filters ...*pb.StructuredQuery_Filter) *pb.StructuredQuery_Filter {
	return &pb.StructuredQuery_Filter{FilterType: &pb.StructuredQuery_Filter_CompositeFilter{
		CompositeFilter: &pb.StructuredQuery_CompositeFilter{Op: op, Filters: filters},
	}}
}

func orders(paths ...string) []*pb.StructuredQuery_Order {
	var reqs []*pb.StructuredQuery_Order
	for _, path := range paths {
		reqs = append(reqs, &pb.StructuredQuery_Order{Field: fieldReference(path)})
	}
	return reqs
}

func directed(path string, direction pb.StructuredQuery_Direction) []*pb.StructuredQuery_Order {
	return []*pb.StructuredQuery_Order{{Field: fieldReference(path), Direction: direction}}
}

func cursorAt(values ...*pb.Value) *pb.Cursor {
	return &pb.Cursor{Values: values, Before: true}
}
