package firestoretest

import (
	"slices"
	"strings"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
)

// order is a field that results are ordered by, and how.
type order struct {
	path       fieldPath
	descending bool
}

// ordering is the fields that results are ordered by, the most important first. In a complete one, the
// last is the name, so that no two documents are equal.
type ordering []order

// parseOrders returns the order that a query asks for.
func parseOrders(reqs []*pb.StructuredQuery_Order) (ordering, error) {
	var asked ordering
	for _, req := range reqs {
		o, err := parseOrder(req)
		switch {
		case err != nil:
			return nil, err
		case asked.includes(o.path):
			return nil, invalid("The query orders by field %v twice.", o.path)
		case asked.includes(namePath):
			return nil, invalid("The query orders by field %v after the name.", o.path)
		}
		asked = append(asked, o)
	}
	return asked, nil
}

// complete returns the order asked for with what Firestore adds to it: the fields that filters
// compare, those that are aggregated, and the name, all in the direction of the last field asked for.
// byName reports whether a filter is about the name. Nothing but the name itself can then be added after fields
// that filters compare.
func (os ordering) complete(compared, aggregated []fieldPath, byName bool) (ordering, error) {
	orders := slices.Clone(os)
	descending := len(os) > 0 && os[len(os)-1].descending
	add := func(paths []fieldPath) {
		slices.SortFunc(paths, slices.Compare)
		for _, path := range paths {
			if !path.isName() && !orders.includes(path) {
				orders = append(orders, order{path, descending})
			}
		}
	}
	add(compared)
	afterCompared := len(orders)
	add(aggregated)
	if os.includes(namePath) && len(orders) > len(os) || byName && len(orders) > afterCompared {
		return nil, invalid("The query cannot be ordered by field %v after the name.", orders[len(orders)-1].path)
	}
	if !orders.includes(namePath) {
		orders = append(orders, order{namePath, descending})
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

func (os ordering) isAscendingByName() bool {
	return !slices.ContainsFunc(os, func(o order) bool { return !o.path.isName() || o.descending })
}

func (os ordering) includes(path fieldPath) bool {
	return slices.ContainsFunc(os, func(o order) bool { return slices.Equal(o.path, path) })
}

// covers reports whether the document has all of the fields. If not, the results don't include it.
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
	return compareValues(indexed(v), indexed(w))
}

// cursor is a place among ordered results: before or after those that have its values in the first fields
// of the order.
type cursor struct {
	ordering ordering // as many fields as there are values
	values   []*pb.Value
	before   bool
}

// parseCursor reads a cursor of a query of the database that asked for that order. It returns nil for no cursor.
func parseCursor(req *pb.Cursor, asked ordering, database string) (*cursor, error) {
	if req == nil {
		return nil, nil
	}
	values := req.GetValues()
	if len(values) > len(asked) {
		return nil, invalid("Cursor has too many values.")
	}
	for i, v := range values {
		if err := normalizeOperand(strings.Join(asked[i].path, "."), v); err != nil {
			return nil, err
		}
		if !asked[i].path.isName() {
			continue
		}
		if err := checkNameOperand(v, database); err != nil {
			return nil, err
		}
	}
	return &cursor{asked[:len(values)], values, req.GetBefore()}, nil
}

// precedes reports whether the cursor's place is before the document.
func (c *cursor) precedes(doc *pb.Document) bool {
	for i, o := range c.ordering {
		if d := o.compare(c.values[i], o.path.in(doc)); d != 0 {
			return d < 0
		}
	}
	return c.before
}
