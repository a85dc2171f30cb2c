package firestoretest

import (
	"slices"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
)

// What a document may hold (https://cloud.google.com/firestore/quotas#collections_documents_and_fields).
const (
	maxDocumentSize  = 1 << 20    // bytes, by the rules of documentSize
	maxValueSize     = 1<<20 - 89 // bytes of a string or of bytes
	maxFieldPathSize = 1500       // bytes of a field's name and those of the maps it is in, with dots between
	maxDepth         = 20         // maps and arrays in each other
)

// checkFields returns an error if a document must not have these fields, which are normalized.
func checkFields(fields map[string]*pb.Value) error {
	return checkMap(fields, 0, 0)
}

// checkMap checks a map that is in that many others and whose path has that size.
func checkMap(fields map[string]*pb.Value, depth, pathSize int) error {
	for name, v := range fields {
		size := pathSize + len(name)
		switch {
		case name == "":
			return invalid("A field name must not be empty.")
		case reserved(name):
			return invalid("The field name %q is reserved.", name)
		case size > maxFieldPathSize:
			return invalid("The path of field %q is longer than %d bytes.", name, maxFieldPathSize)
		}
		if err := checkValue(name, v, depth, size); err != nil {
			return err
		}
	}
	return nil
}

// checkValue checks a value of the field of that name, which is in that many maps and arrays.
func checkValue(name string, value *pb.Value, depth, pathSize int) error {
	switch v := value.GetValueType().(type) {
	case *pb.Value_StringValue:
		return checkValueSize(name, len(v.StringValue))
	case *pb.Value_BytesValue:
		return checkValueSize(name, len(v.BytesValue))
	case *pb.Value_ReferenceValue:
		return checkIDSizes(v.ReferenceValue)
	case *pb.Value_MapValue:
		if isVector(value) {
			return checkVectorElements(name, value)
		}
		if depth == maxDepth {
			return tooDeep(name)
		}
		return checkMap(v.MapValue.GetFields(), depth+1, pathSize+1)
	case *pb.Value_ArrayValue:
		if depth == maxDepth {
			return tooDeep(name)
		}
		return checkElements(name, v.ArrayValue.GetValues(), depth+1, pathSize)
	}
	return nil
}

func checkElements(name string, elements []*pb.Value, depth, pathSize int) error {
	for _, e := range elements {
		if e.GetArrayValue() != nil {
			return invalid("The array in field %q contains an array.", name)
		}
		if isVector(e) {
			return invalid("The array in field %q contains a vector.", name)
		}
		if err := checkValue(name, e, depth, pathSize); err != nil {
			return err
		}
	}
	return nil
}

func checkVectorElements(name string, vector *pb.Value) error {
	if slices.ContainsFunc(elementsOf(vector), isNaN) {
		return invalid("The vector in field %q contains NaN.", name)
	}
	return nil
}

func tooDeep(name string) error {
	return invalid("Field %q is nested more than %d levels deep.", name, maxDepth)
}

func checkValueSize(name string, n int) error {
	if n > maxValueSize {
		return invalid("The value of field %q is longer than %d bytes.", name, maxValueSize)
	}
	return nil
}

func checkDocumentSize(doc *pb.Document) error {
	if documentSize(doc) > maxDocumentSize {
		return invalid("Document %q is larger than %d bytes.", doc.GetName(), maxDocumentSize)
	}
	return nil
}

// documentSize returns the size of a document in bytes, by the rules of
// https://cloud.google.com/firestore/docs/storage-size.
func documentSize(doc *pb.Document) int {
	return nameSize(doc.GetName()) + fieldsSize(doc.GetFields()) + 32
}

// nameSize returns the size of a document's name: 16 bytes, and each ID of its path with
// a byte at its end. The slashes stand for these bytes, but for the last one.
func nameSize(name string) int {
	path, _ := pathOf(name)
	return 16 + len(path) + 1
}

func fieldsSize(fields map[string]*pb.Value) int {
	sum := 0
	for name, v := range fields {
		sum += len(name) + 1 + valueSize(v)
	}
	return sum
}

func valueSize(value *pb.Value) int {
	switch v := value.GetValueType().(type) {
	case *pb.Value_StringValue:
		return len(v.StringValue) + 1
	case *pb.Value_BytesValue:
		return len(v.BytesValue)
	case *pb.Value_ReferenceValue:
		return nameSize(v.ReferenceValue)
	case *pb.Value_IntegerValue, *pb.Value_DoubleValue, *pb.Value_TimestampValue:
		return 8
	case *pb.Value_GeoPointValue:
		return 16
	case *pb.Value_MapValue:
		if isVector(value) {
			return 8 * len(elementsOf(value))
		}
		return max(1, fieldsSize(v.MapValue.GetFields())) // an empty one costs what a null does
	case *pb.Value_ArrayValue:
		sum := 0
		for _, e := range v.ArrayValue.GetValues() {
			sum += valueSize(e)
		}
		return max(1, sum)
	default: // null, boolean
		return 1
	}
}
