package firestoretest

import (
	"fmt"
	"slices"
	"strings"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// read returns a request for documents, for what they add up to, or for IDs of collections.
//
// It leaves out what the emulator fails at, with codes.Unknown: more than five aggregations, the
// second page of an ordered list, and in read-write transactions, queries of all collections.
func (g *generator) read() proto.Message {
	switch n := g.IntN(100); {
	case n < 10:
		return g.list()
	case n < 12:
		return &pb.ListCollectionIdsRequest{Parent: g.parent(), PageSize: int32(g.IntN(4))}
	case n < 30:
		parent, q := g.query()
		req := aggregationRequest(parent, q, g.aggregations()...)
		if opts := g.transaction(q); opts != nil {
			req.ConsistencySelector = &pb.RunAggregationQueryRequest_NewTransaction{NewTransaction: opts}
		}
		return req
	default:
		parent, q := g.query()
		req := &pb.RunQueryRequest{Parent: parent, QueryType: &pb.RunQueryRequest_StructuredQuery{StructuredQuery: q}}
		if opts := g.transaction(q); opts != nil {
			req.ConsistencySelector = &pb.RunQueryRequest_NewTransaction{NewTransaction: opts}
		}
		return req
	}
}

// transaction returns what kind of transaction the query begins, nil for none.
func (g *generator) transaction(q *pb.StructuredQuery) *pb.TransactionOptions {
	switch {
	case g.chance(90):
		return nil
	case g.chance(50) || q.GetFrom()[0].GetCollectionId() == "":
		return readOnly
	default:
		return readWrite
	}
}

// list returns a request for the documents of a collection: in pages, or in an order.
func (g *generator) list() *pb.ListDocumentsRequest {
	req := &pb.ListDocumentsRequest{Parent: g.parent(), CollectionId: pick(g, "c", "c", "d", "none", "")}
	switch {
	case g.chance(40):
		req.ShowMissing = true
		req.PageSize = int32(g.IntN(6))
	case g.chance(50):
		req.PageSize = int32(g.IntN(6))
	default:
		var clauses []string
		for _, o := range g.orders() {
			clause := o.GetField().GetFieldPath()
			if o.GetDirection() == pb.StructuredQuery_DESCENDING {
				clause += pick(g, " desc", "  DESC")
			}
			clauses = append(clauses, clause)
		}
		req.OrderBy = strings.Join(clauses, pick(g, ",", ", ", " , "))
	}
	if g.chance(30) {
		req.Mask = &pb.DocumentMask{FieldPaths: some(g.IntN(3), g.field)}
	}
	return req
}

// parent returns the root's name, or that of a document with collections, which may be missing itself.
func (g *generator) parent() string {
	if g.chance(70) {
		return g.root()
	}
	return g.name(pick(g, "c/a", "c/1", "d/x"))
}

// query returns a query of documents below the parent.
func (g *generator) query() (parent string, q *pb.StructuredQuery) {
	from := &pb.StructuredQuery_CollectionSelector{CollectionId: pick(g, "c", "c", "c", "c", "c", "c", "d", "none")}
	q = &pb.StructuredQuery{From: []*pb.StructuredQuery_CollectionSelector{from}}
	parent = g.parent()
	from.AllDescendants = g.chance(25)
	if from.AllDescendants && g.chance(90) {
		parent = g.root()
	}
	if g.chance(3) {
		g.queryAllCollections(q)
		return parent, q
	}
	if g.chance(75) {
		q.Where = g.filter(2)
	}
	if g.chance(60) {
		q.OrderBy = g.orders()
	}
	if g.chance(30) {
		q.StartAt = g.cursor(q.OrderBy)
	}
	if g.chance(20) {
		q.EndAt = g.cursor(q.OrderBy)
	}
	if g.chance(40) {
		q.Limit = wrapperspb.Int32(int32(g.IntN(8)))
	}
	if g.chance(20) {
		q.Offset = int32(g.IntN(5))
	}
	if g.chance(20) {
		q.Select = &pb.StructuredQuery_Projection{}
		for range g.IntN(4) {
			q.Select.Fields = append(q.Select.Fields, fieldReference(g.path()))
		}
	}
	return parent, q
}

// queryAllCollections makes a query one of all collections, which can ask for little else.
func (g *generator) queryAllCollections(q *pb.StructuredQuery) {
	q.From[0].CollectionId = ""
	if g.chance(80) {
		op := pick(g, fieldOperators...)
		q.Where = fieldFilter(nameField, op, g.operand(nameField, op))
	}
	switch {
	case g.chance(50):
		q.OrderBy = orders(nameField)
		q.StartAt = g.cursor(q.OrderBy)
	case g.chance(20):
		q.OrderBy = g.orders()
	}
}

// orders returns an order by fields, and often by the name at the end.
func (g *generator) orders() []*pb.StructuredQuery_Order {
	var orders []*pb.StructuredQuery_Order
	add := func(path string) {
		direction := pick(g, pb.StructuredQuery_ASCENDING, pb.StructuredQuery_DESCENDING)
		if n := len(orders); n > 0 && g.chance(70) {
			direction = orders[n-1].Direction
		}
		orders = append(orders, &pb.StructuredQuery_Order{Field: fieldReference(path), Direction: direction})
	}
	for range g.IntN(4) {
		path := g.field()
		isThere := func(o *pb.StructuredQuery_Order) bool { return o.GetField().GetFieldPath() == path }
		if g.chance(2) || !slices.ContainsFunc(orders, isThere) {
			add(path)
		}
	}
	if g.chance(40) {
		add(nameField)
	}
	if g.chance(1) { // which nothing can follow
		add(g.field())
	}
	return orders
}

// cursor returns a cursor in that order, mostly at the values of a document.
func (g *generator) cursor(orders []*pb.StructuredQuery_Order) *pb.Cursor {
	doc := pick(g, g.docs...)
	n := len(orders)
	if g.chance(30) {
		n = g.IntN(n + 1)
	}
	c := &pb.Cursor{Before: g.chance(50)}
	for _, o := range orders[:n] {
		v := g.valueOf(o.GetField().GetFieldPath())
		if path, err := parseFieldPath(o.GetField().GetFieldPath()); err == nil && path.in(doc) != nil && g.chance(80) {
			v = path.in(doc)
		}
		c.Values = append(c.Values, v)
	}
	if g.chance(2) {
		c.Values = append(c.Values, g.any())
	}
	return c
}

// filter returns a filter that combines others up to that depth.
func (g *generator) filter(depth int) *pb.StructuredQuery_Filter {
	if depth > 0 && g.chance(45) {
		filters := some(1+g.IntN(3), func() *pb.StructuredQuery_Filter { return g.filter(depth - 1) })
		if g.chance(5) {
			filters = append(filters, filters[0])
		}
		return composite(pick(g, and, and, or), filters...)
	}
	path := g.path()
	if g.chance(8) {
		return unaryFilter(path, pick(
			g, pb.StructuredQuery_UnaryFilter_IS_NULL, pb.StructuredQuery_UnaryFilter_IS_NAN,
			pb.StructuredQuery_UnaryFilter_IS_NOT_NULL, pb.StructuredQuery_UnaryFilter_IS_NOT_NAN,
		))
	}
	op := pick(g, fieldOperators...)
	return fieldFilter(path, op, g.operand(path, op))
}

// fieldOperators are all of them, those that are refused the least often twice.
var fieldOperators = []operator{
	equals, less, lessEqual, greater, greaterEqual, in, equals, less, lessEqual, greater, greaterEqual, in,
	notEquals, notIn, hasElement, hasAny,
}

func (g *generator) operand(path string, op operator) *pb.Value {
	one := func() *pb.Value {
		switch {
		case g.chance(5):
			return g.any()
		case path == "t" && (op == hasElement || op == hasAny):
			return g.element()
		default:
			return g.valueOf(path)
		}
	}
	switch op {
	case in, notIn, hasAny:
		if g.chance(97) {
			return arrayValue(some(pick(g, 1, 1, 2, 2, 3, 4, 6, 11), one))
		}
	}
	return one()
}

// aggregations returns up to five, as many as are allowed.
func (g *generator) aggregations() []*pb.StructuredAggregationQuery_Aggregation {
	list := some(pick(g, 1, 1, 2, 3, 5), func() *pb.StructuredAggregationQuery_Aggregation {
		switch field := g.field(); g.IntN(4) {
		case 0:
			return count()
		case 1:
			return countUpTo("", int64(g.IntN(12)))
		case 2:
			if g.chance(1) {
				field = nameField
			}
			return sumOf(field)
		default:
			return averageOf(field)
		}
	})
	for i, a := range list {
		if g.chance(20) {
			a.Alias = pick(g, "a", "b", "`x y`", "field_1", fmt.Sprint("a", i), "x y", "__a__", "a.b", "`", "1")
		}
	}
	return list
}

// path returns a field's, or the name's.
func (g *generator) path() string {
	if g.chance(15) {
		return nameField
	}
	return g.field()
}

func (g *generator) field() string {
	switch {
	case g.chance(40):
		return pick(g, "n", "K")
	case g.chance(2):
		return "none"
	default:
		return pick(g, fieldPaths...)
	}
}
