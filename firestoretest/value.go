package firestoretest

import (
	"bytes"
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

var nullValue = &pb.Value{ValueType: &pb.Value_NullValue{}}

func integerValue(n int64) *pb.Value {
	return &pb.Value{ValueType: &pb.Value_IntegerValue{IntegerValue: n}}
}

func doubleValue(x float64) *pb.Value {
	return &pb.Value{ValueType: &pb.Value_DoubleValue{DoubleValue: x}}
}

func timestampValue(t *timestamppb.Timestamp) *pb.Value {
	return &pb.Value{ValueType: &pb.Value_TimestampValue{TimestampValue: t}}
}

func arrayValue(elements []*pb.Value) *pb.Value {
	return &pb.Value{ValueType: &pb.Value_ArrayValue{ArrayValue: &pb.ArrayValue{Values: elements}}}
}

func mapValue(fields map[string]*pb.Value) *pb.Value {
	return &pb.Value{ValueType: &pb.Value_MapValue{MapValue: &pb.MapValue{Fields: fields}}}
}

func referenceValue(name string) *pb.Value {
	return &pb.Value{ValueType: &pb.Value_ReferenceValue{ReferenceValue: name}}
}

func isNull(v *pb.Value) bool {
	_, ok := v.GetValueType().(*pb.Value_NullValue)
	return ok
}

func isInteger(v *pb.Value) bool {
	_, ok := v.GetValueType().(*pb.Value_IntegerValue)
	return ok
}

func isNumber(v *pb.Value) bool {
	_, ok := v.GetValueType().(*pb.Value_DoubleValue)
	return ok || isInteger(v)
}

func isNaN(v *pb.Value) bool {
	return math.IsNaN(v.GetDoubleValue())
}

// toDouble returns the number, rounded if it is an integer that no double can hold.
func toDouble(v *pb.Value) float64 {
	if isInteger(v) {
		return float64(v.GetIntegerValue())
	}
	return v.GetDoubleValue()
}

// typeRank orders values of different types
// (https://cloud.google.com/firestore/docs/concepts/data-types#value_type_ordering).
func typeRank(v *pb.Value) int {
	switch v.GetValueType().(type) {
	case *pb.Value_NullValue:
		return 1
	case *pb.Value_BooleanValue:
		return 2
	case *pb.Value_IntegerValue, *pb.Value_DoubleValue:
		return 3
	case *pb.Value_TimestampValue:
		return 4
	case *pb.Value_StringValue:
		return 5
	case *pb.Value_BytesValue:
		return 6
	case *pb.Value_ReferenceValue:
		return 7
	case *pb.Value_GeoPointValue:
		return 8
	case *pb.Value_ArrayValue:
		return 9
	case *pb.Value_MapValue:
		if isVector(v) {
			return 10
		}
		return 11
	default:
		return 0
	}
}

// compareValues orders any two values as Firestore does. Integers and doubles that are the same
// number are equal, and so are NaNs, which come before the other numbers.
func compareValues(a, b *pb.Value) int {
	if c := cmp.Compare(typeRank(a), typeRank(b)); c != 0 {
		return c
	}
	switch a.GetValueType().(type) {
	case *pb.Value_BooleanValue:
		return compareBooleans(a.GetBooleanValue(), b.GetBooleanValue())
	case *pb.Value_IntegerValue, *pb.Value_DoubleValue:
		return compareNumbers(a, b)
	case *pb.Value_TimestampValue:
		return a.GetTimestampValue().AsTime().Compare(b.GetTimestampValue().AsTime())
	case *pb.Value_StringValue:
		return strings.Compare(a.GetStringValue(), b.GetStringValue())
	case *pb.Value_BytesValue:
		return bytes.Compare(a.GetBytesValue(), b.GetBytesValue())
	case *pb.Value_ReferenceValue:
		return compareNames(a.GetReferenceValue(), b.GetReferenceValue())
	case *pb.Value_GeoPointValue:
		p, q := a.GetGeoPointValue(), b.GetGeoPointValue()
		return cmp.Or(
			compareCoordinates(p.GetLatitude(), q.GetLatitude()),
			compareCoordinates(p.GetLongitude(), q.GetLongitude()),
		)
	case *pb.Value_ArrayValue:
		return slices.CompareFunc(a.GetArrayValue().GetValues(), b.GetArrayValue().GetValues(), compareValues)
	case *pb.Value_MapValue:
		if isVector(a) {
			return compareVectors(a, b)
		}
		return compareMaps(a.GetMapValue().GetFields(), b.GetMapValue().GetFields())
	default:
		return 0
	}
}

// compareBooleans puts false before true.
func compareBooleans(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	default:
		return 1
	}
}

func compareNumbers(a, b *pb.Value) int {
	switch {
	case isInteger(a) && isInteger(b):
		return cmp.Compare(a.GetIntegerValue(), b.GetIntegerValue())
	case isInteger(a):
		return compareIntegerDouble(a.GetIntegerValue(), b.GetDoubleValue())
	case isInteger(b):
		return -compareIntegerDouble(b.GetIntegerValue(), a.GetDoubleValue())
	default:
		return cmp.Compare(a.GetDoubleValue(), b.GetDoubleValue())
	}
}

// compareIntegerDouble compares exactly: to convert the integer could round it.
func compareIntegerDouble(i int64, d float64) int {
	switch {
	case math.IsNaN(d) || d < math.MinInt64:
		return 1
	case d >= math.MaxInt64: // which as a double is one more
		return -1
	}
	whole := math.Trunc(d)
	return cmp.Or(cmp.Compare(i, int64(whole)), cmp.Compare(0, d-whole))
}

// compareCoordinates puts negative zero before zero: as numbers they are equal, but not as coordinates.
func compareCoordinates(x, y float64) int {
	return cmp.Or(cmp.Compare(x, y), compareBooleans(!math.Signbit(x), !math.Signbit(y)))
}

// compareMaps compares the smallest key and its value, then the next.
func compareMaps(a, b map[string]*pb.Value) int {
	keysA, keysB := slices.Sorted(maps.Keys(a)), slices.Sorted(maps.Keys(b))
	for i := range min(len(keysA), len(keysB)) {
		k := keysA[i]
		if c := cmp.Or(strings.Compare(k, keysB[i]), compareValues(a[k], b[keysB[i]])); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(keysA), len(keysB))
}
