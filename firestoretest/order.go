package firestoretest

import (
	"slices"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// order is a field that results are ordered by, and how.
type order struct {
	path       fieldPath
	descending bool
}

// ordering is the fields that results are ordered by, the most important first. The last one is
// always the name, so that no two documents are equal.
type ordering []order

// parseOrdering adds to the order asked for what Firestore does: the fields that the
// filters compare, and the name, in the direction of the last one asked for.
func parseOrdering(reqs []*pb.StructuredQuery_Order, inequalities []fieldPath) (ordering, error) {
	var orders ordering
	for _, req := range reqs {
		o, err := parseOrder(req)
		if err != nil {
			return nil, err
		}
		if orders.includes(o.path) {
			return nil, invalid("The query orders by field %q twice.", req.GetField().GetFieldPath())
		}
		if len(orders) > 0 && orders[len(orders)-1].path.isName() {
			return nil, invalid("The query orders by a field after the name.")
		}
		orders = append(orders, o)
	}
	if len(orders) == 1 && orders[0].path.isName() && orders[0].descending {
		return nil, status.Error(codes.FailedPrecondition, "Firestore does not support descending key scans.")
	}

	descending := len(orders) > 0 && orders[len(orders)-1].descending
	slices.SortFunc(inequalities, slices.Compare)
	for _, path := range append(inequalities, fieldPath{nameField}) {
		if !orders.includes(path) && !orders.includes(fieldPath{nameField}) {
			orders = append(orders, order{path, descending})
		}
	}
	return orders, nil
}

func parseOrder(req *pb.StructuredQuery_Order) (order, error) {
	path, err := parseFieldPath(req.GetField().GetFieldPath())
	if err != nil {
		return order{}, err
	}
	switch req.GetDirection() {
	case pb.StructuredQuery_ASCENDING, pb.StructuredQuery_DIRECTION_UNSPECIFIED:
		return order{path, false}, nil
	case pb.StructuredQuery_DESCENDING:
		return order{path, true}, nil
	default:
		return order{}, invalid("Unknown direction of an order.")
	}
}

func (os ordering) includes(path fieldPath) bool {
	return slices.ContainsFunc(os, func(o order) bool { return slices.Equal(o.path, path) })
}

// covers tells whether the document has all of the fields. If not, the results don't include it.
func (os ordering) covers(doc *pb.Document) bool {
	return !slices.ContainsFunc(os, func(o order) bool { return o.path.in(doc) == nil })
}

func (os ordering) compare(a, b *pb.Document) int {
	for _, o := range os {
		if c := o.compare(o.path.in(a), o.path.in(b)); c != 0 {
			return c
		}
	}
	return 0
}

func (o order) compare(v, w *pb.Value) int {
	if o.descending {
		v, w = w, v
	}
	return compareValues(v, w)
}

// cursor is a place among ordered results: before or after those that have its values in the first fields
// of the order.
type cursor struct {
	ordering ordering // as many fields as there are values
	values   []*pb.Value
	before   bool
}

// parseCursor reads a cursor of a query with that order, of which so many fields were asked for.
// It returns nil for no cursor.
func parseCursor(req *pb.Cursor, orders ordering, asked int) (*cursor, error) {
	if req == nil {
		return nil, nil
	}
	values := req.GetValues()
	if len(values) > asked {
		return nil, invalid("Cursor has too many values.")
	}
	for i, v := range values {
		if !orders[i].path.isName() {
			continue
		}
		if err := checkNameOperand(v); err != nil {
			return nil, err
		}
	}
	return &cursor{orders[:len(values)], values, req.GetBefore()}, nil
}

// precedes tells whether the cursor's place is before the document.
func (c *cursor) precedes(doc *pb.Document) bool {
	for i, o := range c.ordering {
		if d := o.compare(c.values[i], o.path.in(doc)); d != 0 {
			return d < 0
		}
	}
	return c.before
}
