package firestoretest

import (
	"fmt"
	"math"
	"testing"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc/codes"
)

// disjunctions are counted in the filter's normal form, where filters that are written the same are one.
func disjunctions(t *testing.T, tg target) {
	const lt, gt = less, greater
	one, null := integerValue(1), nullValue
	n := func(op operator, v *pb.Value) *pb.StructuredQuery_Filter { return fieldFilter("n", op, v) }
	k := func(op operator, v *pb.Value) *pb.StructuredQuery_Filter { return fieldFilter("k", op, v) }
	a := func(op operator, v *pb.Value) *pb.StructuredQuery_Filter { return fieldFilter("a", op, v) }
	for _, c := range []struct {
		name  string
		where *pb.StructuredQuery_Filter
		want  codes.Code
	}{
		{"30 in a list", n(in, numbers(0, 30)), codes.OK},
		{"30 in two lists", composite(and, n(in, numbers(0, 6)), k(in, numbers(0, 5))), codes.OK},
		{"36 in two lists", composite(and, n(in, numbers(0, 6)), k(in, numbers(0, 6))), codes.InvalidArgument},
		{"31 in an or", composite(or, n(in, numbers(0, 30)), k(equals, one)), codes.InvalidArgument},
		{"31 with one in both", composite(or, n(in, numbers(0, 30)), n(equals, one)), codes.OK},
		{"31 of which one says more", composite(or, n(in, numbers(0, 30)), composite(and, n(equals, one), k(equals, one))), codes.InvalidArgument},
		{"the same pairs in another order", composite(and, n(in, numbers(0, 7)), n(in, numbers(0, 6))), codes.OK},
		{"pairs that exclude each other", composite(and, n(in, numbers(0, 6)), n(in, numbers(6, 12))), codes.InvalidArgument},
		{"an element twice", composite(and, n(in, numbers(0, 16)), k(in, arrayValue([]*pb.Value{one, one}))), codes.OK},
		{"integer and double", composite(and, n(in, numbers(0, 16)), k(in, arrayValue([]*pb.Value{one, doubleValue(1)}))), codes.InvalidArgument},
		{"inequalities", composite(and, n(in, numbers(0, 16)), composite(or, k(gt, one), k(lt, one))), codes.InvalidArgument},
		{"an inequality twice", composite(and, n(in, numbers(0, 16)), composite(or, k(gt, one), k(gt, one))), codes.OK},
		{"array contains any", composite(and, a(hasAny, numbers(0, 16)), k(in, numbers(0, 2))), codes.InvalidArgument},
		{"array contains any, and one of them", composite(or, a(hasAny, numbers(0, 30)), a(hasElement, one)), codes.OK},
		{"what matches nothing twice", composite(or, n(in, numbers(0, 29)), k(equals, doubleValue(math.NaN())), k(lt, null)), codes.OK},
		{"what matches nothing on two fields", composite(or, n(in, numbers(0, 29)), a(lt, null), k(lt, null)), codes.InvalidArgument},
		{"null and is null", composite(or, n(in, numbers(0, 29)), k(equals, null), unaryFilter("k", pb.StructuredQuery_UnaryFilter_IS_NULL)), codes.InvalidArgument},
		{"2 to the power of 5", composite(and, each2(5)...), codes.InvalidArgument},
		{"2 to the power of 4", composite(and, each2(4)...), codes.OK},
		{"2 to the power of 40", composite(and, each2(40)...), codes.InvalidArgument},

		{"array-contains twice, the same", composite(and, a(hasElement, one), a(hasElement, one)), codes.OK},
		{"array-contains twice in an inner and", composite(and, a(hasElement, one), composite(and, a(hasElement, one), n(equals, one))), codes.InvalidArgument},
		{"array-contains in ands that are the same", composite(and, composite(and, a(hasElement, one), n(equals, one)), composite(and, n(equals, one), a(hasElement, one))), codes.OK},
		{"array-contains-any twice in another order", composite(and, a(hasAny, numbers(0, 2)), a(hasAny, arrayValue([]*pb.Value{one, integerValue(0)}))), codes.OK},
		{"array-contains and one any", composite(and, a(hasAny, numbers(0, 1)), a(hasElement, integerValue(0))), codes.InvalidArgument},
		{"array-contains in each part of an or", composite(or, a(hasElement, one), a(hasElement, integerValue(2))), codes.OK},

		{"not equal twice, the same", composite(and, n(notEquals, one), n(notEquals, one)), codes.InvalidArgument},
		{"not in, in an or of one", composite(or, n(notIn, numbers(0, 1))), codes.InvalidArgument},
		{"an or of nothing", composite(or), codes.InvalidArgument},
		{"an and of nothing", composite(and), codes.OK},
		{"a filter of no type", &pb.StructuredQuery_Filter{}, codes.InvalidArgument},
		{"an inner filter of no type", composite(and, &pb.StructuredQuery_Filter{}), codes.InvalidArgument},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := tg.tryQuery(t, queryRequest(tg.root, "c", c.where))
			wantCode(t, err, c.want)
		})
	}
}

func sizesOfQueries(t *testing.T, tg target) {
	fields := func(n int, op operator) []*pb.StructuredQuery_Filter {
		var filters []*pb.StructuredQuery_Filter
		for i := range n {
			filters = append(filters, fieldFilter(fmt.Sprint("f", i), op, integerValue(1)))
		}
		return filters
	}
	paths := func(n int) []*pb.StructuredQuery_Order {
		var list []*pb.StructuredQuery_Order
		for i := range n {
			list = append(list, orders(fmt.Sprint("o", i))...)
		}
		return list
	}
	byName := fieldFilter("__name__", greater, referenceValue(tg.name("c/d")))
	same := make([]*pb.StructuredQuery_Filter, 150)
	for i := range same {
		same[i] = fieldFilter("f", equals, integerValue(1))
	}
	for _, c := range []struct {
		name   string
		parent string
		where  []*pb.StructuredQuery_Filter
		orders int
		want   codes.Code
	}{
		{"100 filters", tg.root, fields(100, equals), 0, codes.OK},
		{"101 filters", tg.root, fields(101, equals), 0, codes.InvalidArgument},
		{"one filter 150 times", tg.root, same, 0, codes.OK},
		{"100 filters below a document", tg.name("c/d"), fields(100, equals), 0, codes.InvalidArgument},
		{"99 filters below a document", tg.name("c/d"), fields(99, equals), 0, codes.OK},
		{"60 filters, 40 orders", tg.root, fields(60, equals), 40, codes.OK},
		{"60 filters, 41 orders", tg.root, fields(60, equals), 41, codes.InvalidArgument},
		{"101 orders", tg.root, nil, 101, codes.InvalidArgument},
		{"inequalities on 10 fields", tg.root, fields(10, greater), 0, codes.OK},
		{"inequalities on 11 fields", tg.root, fields(11, greater), 0, codes.InvalidArgument},
		{"inequalities on 9 fields and the name", tg.root, append(fields(9, greater), byName), 0, codes.OK},
		{"inequalities on 10 fields and the name", tg.root, append(fields(10, greater), byName), 0, codes.InvalidArgument},
	} {
		t.Run(c.name, func(t *testing.T) {
			req := queryRequest(c.parent, "c", composite(and, c.where...))
			req.GetStructuredQuery().OrderBy = paths(c.orders)
			_, err := tg.tryQuery(t, req)
			wantCode(t, err, c.want)
		})
	}
}

// numbers is an array of integers.
func numbers(from, to int64) *pb.Value {
	var list []*pb.Value
	for i := from; i < to; i++ {
		list = append(list, integerValue(i))
	}
	return arrayValue(list)
}

// each2 is that many filters, each of which two values pass.
func each2(n int) []*pb.StructuredQuery_Filter {
	var filters []*pb.StructuredQuery_Filter
	for i := range n {
		filters = append(filters, fieldFilter(fmt.Sprint("f", i), in, numbers(0, 2)))
	}
	return filters
}
