package firestoretest

import (
	"cmp"
	"slices"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
)

// A vector comes as a map of two fields: its type, and an array of doubles. Firestore treats it as a
// value without parts, which has a place of its own in the order of values.
const (
	typeField     = "__type__"
	vectorType    = "__vector__"
	elementsField = "value"

	// maxDimension is how many elements a vector may have
	// (https://firebase.google.com/docs/firestore/vector-search#limitations).
	maxDimension = 2048
)

// isVector reports whether the value is a vector, if it is normalized.
func isVector(v *pb.Value) bool {
	return v.GetMapValue().GetFields()[typeField].GetStringValue() == vectorType
}

// checkVector returns an error if the map claims to be a vector, but isn't, or to be of another type
// whose name is not even a string.
func checkVector(name string, m *pb.MapValue) error {
	fields := m.GetFields()
	marker, marked := fields[typeField]
	switch t := marker.GetValueType().(type) {
	case *pb.Value_StringValue:
		if t.StringValue != vectorType {
			return nil
		}
	default:
		if !marked {
			return nil
		}
		return invalid("The field %s in field %q is not a string.", typeField, name)
	}
	elements := fields[elementsField].GetArrayValue().GetValues()
	if len(fields) != 2 || len(elements) == 0 || len(elements) > maxDimension {
		return invalid("The vector in field %q does not have 1 to %d elements, and nothing else.", name, maxDimension)
	}
	for _, e := range elements {
		if _, ok := e.GetValueType().(*pb.Value_DoubleValue); !ok {
			return invalid("The vector in field %q has an element that is not a double.", name)
		}
	}
	return nil
}

// elementsOf returns the elements of a vector.
func elementsOf(vector *pb.Value) []*pb.Value {
	return vector.GetMapValue().GetFields()[elementsField].GetArrayValue().GetValues()
}

// compareVectors puts vectors of fewer elements first.
func compareVectors(a, b *pb.Value) int {
	v, w := elementsOf(a), elementsOf(b)
	return cmp.Or(cmp.Compare(len(v), len(w)), slices.CompareFunc(v, w, compareNumbers))
}

// fieldsOf returns the fields of a map, none if the value is not one or is a vector.
func fieldsOf(v *pb.Value) map[string]*pb.Value {
	if isVector(v) {
		return nil
	}
	return v.GetMapValue().GetFields()
}
