package firestoretest

import (
	"strings"
	"testing"

	"cloud.google.com/go/firestore"
	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// largeOperands compares fields with values around the size that Firestore indexes, 1500 bytes.
func largeOperands(t *testing.T, tg target) {
	text := func(n int) string { return strings.Repeat("n", n) }
	collection := tg.Collection("q")
	for name, c := range map[string]struct {
		op    string
		value any
		want  codes.Code
	}{
		"text":                   {"==", text(1499), codes.OK},
		"text, a byte more":      {"==", text(1500), codes.InvalidArgument},
		"less":                   {"<", text(1499), codes.OK},
		"less, a byte more":      {"<", text(1500), codes.InvalidArgument},
		"not equal":              {"!=", text(1500), codes.InvalidArgument},
		"bytes":                  {"==", []byte(text(1500)), codes.OK},
		"bytes, one more":        {"==", []byte(text(1501)), codes.InvalidArgument},
		"map":                    {"==", map[string]any{"x": text(1497)}, codes.OK},
		"map, a byte more":       {"==", map[string]any{"x": text(1498)}, codes.InvalidArgument},
		"array":                  {"==", []any{text(749), text(749)}, codes.OK},
		"array, a byte more":     {"==", []any{text(749), text(750)}, codes.InvalidArgument},
		"in":                     {"in", []any{text(1499), text(1499)}, codes.OK},
		"in, a byte more":        {"in", []any{"a", text(1500)}, codes.InvalidArgument},
		"not in":                 {"not-in", []any{text(1499), text(1499)}, codes.OK},
		"not in, a byte more":    {"not-in", []any{"a", text(1500)}, codes.InvalidArgument},
		"contains":               {"array-contains", text(1499), codes.OK},
		"contains, a byte more":  {"array-contains", text(1500), codes.InvalidArgument},
		"contains any":           {"array-contains-any", []any{text(1499), text(1499)}, codes.OK},
		"contains any of a long": {"array-contains-any", []any{text(1500)}, codes.InvalidArgument},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := collection.Where("v", c.op, c.value).Documents(t.Context()).GetAll()
			wantCode(t, err, c.want)
		})
	}
	t.Run("cursor", func(t *testing.T) {
		_, err := collection.OrderBy("v", firestore.Asc).StartAt(text(3000)).Documents(t.Context()).GetAll()
		wantCode(t, err, codes.OK)
	})
}

// malformedOperands compares fields with what is no value at all, or none that has a place in the order.
func malformedOperands(t *testing.T, tg target) {
	for name, v := range map[string]*pb.Value{
		"no type":               {},
		"no type in an array":   arrayValue([]*pb.Value{{}}),
		"vector of nothing":     vectorValue(),
		"vector of integers":    vectorOf(integerValue(1)),
		"vector without value":  mapValue(fields("__type__", stringValue("__vector__"))),
		"latitude out of range": geoPointValue(91, 0),
		"invalid time":          timestampValue(&timestamppb.Timestamp{Nanos: -1}),
		"reference to nothing":  referenceValue("x"),
		"field reference":       {ValueType: &pb.Value_FieldReferenceValue{FieldReferenceValue: "a"}},
		"function":              {ValueType: &pb.Value_FunctionValue{FunctionValue: &pb.Function{Name: "add"}}},
	} {
		t.Run(name, func(t *testing.T) {
			for where, op := range map[string]pb.StructuredQuery_FieldFilter_Operator{
				"equality":   pb.StructuredQuery_FieldFilter_EQUAL,
				"inequality": pb.StructuredQuery_FieldFilter_LESS_THAN,
				"element":    pb.StructuredQuery_FieldFilter_ARRAY_CONTAINS,
			} {
				_, err := tg.tryQuery(t, queryRequest(tg.root, "c", fieldFilter("v", op, v)))
				if got := status.Code(err); got != codes.InvalidArgument {
					t.Errorf("%s: got %v (%v)", where, got, err)
				}
			}
			req := queryRequest(tg.root, "c", nil)
			req.GetStructuredQuery().OrderBy = []*pb.StructuredQuery_Order{{Field: fieldReference("v")}}
			req.GetStructuredQuery().StartAt = &pb.Cursor{Values: []*pb.Value{v}}
			_, err := tg.tryQuery(t, req)
			wantCode(t, err, codes.InvalidArgument)
		})
	}
}
