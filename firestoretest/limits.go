package firestoretest

import (
	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
)

// What Firestore allows (https://cloud.google.com/firestore/quotas#collections_documents_and_fields).
const (
	maxDocumentSize  = 1 << 20    // 1 MiB, by the rules of documentSize
	maxValueSize     = 1<<20 - 89 // of a string or bytes
	maxFieldNameSize = 1500       // bytes
	maxDepth         = 20         // maps and arrays within each other
)

// checkFields returns an error if a document must not have these fields.
func checkFields(fields map[string]*pb.Value) error {
	return checkMap(fields, 1)
}

func checkMap(fields map[string]*pb.Value, depth int) error {
	for name, v := range fields {
		if err := checkFieldName(name); err != nil {
			return err
		}
		if err := checkValue(name, v, depth); err != nil {
			return err
		}
	}
	return nil
}

func checkFieldName(name string) error {
	switch {
	case name == "":
		return invalid("A field name must not be empty.")
	case reserved(name):
		return invalid("The field name %q is reserved.", name)
	case len(name) > maxFieldNameSize:
		return invalid("A field name must not be longer than %d bytes.", maxFieldNameSize)
	}
	return nil
}

// checkValue checks a value of the field of that name; depth counts the maps and arrays it is in.
func checkValue(name string, v *pb.Value, depth int) error {
	switch v := v.GetValueType().(type) {
	case *pb.Value_StringValue:
		return checkLength(name, len(v.StringValue))
	case *pb.Value_BytesValue:
		return checkLength(name, len(v.BytesValue))
	case *pb.Value_MapValue:
		if depth >= maxDepth {
			return invalid("The value of field %q is nested too deeply: more than %d levels.", name, maxDepth)
		}
		return checkMap(v.MapValue.GetFields(), depth+1)
	case *pb.Value_ArrayValue:
		return checkArray(name, v.ArrayValue.GetValues(), depth+1)
	case nil:
		return invalid("The value of field %q has no type.", name)
	}
	return nil
}

func checkArray(name string, values []*pb.Value, depth int) error {
	for _, v := range values {
		if v.GetArrayValue() != nil {
			return invalid("The array %q contains an array.", name)
		}
		if err := checkValue(name, v, depth); err != nil {
			return err
		}
	}
	return nil
}

func checkLength(name string, n int) error {
	if n > maxValueSize {
		return invalid("The value of field %q is longer than %d bytes.", name, maxValueSize)
	}
	return nil
}

func checkDocumentSize(doc *pb.Document) error {
	if documentSize(doc) > maxDocumentSize {
		return invalid("Document %q cannot be written because its size exceeds the maximum allowed size of %d bytes.",
			doc.GetName(), maxDocumentSize)
	}
	return nil
}

// documentSize returns the size of a document in bytes, by the rules of
// https://cloud.google.com/firestore/docs/storage-size.
func documentSize(doc *pb.Document) int {
	return nameSize(doc.GetName()) + fieldsSize(doc.GetFields()) + 32
}

func nameSize(name string) int {
	path, err := relativePath(name)
	if err != nil {
		return len(name) + 1
	}
	return len(path) + 1 + 16 // each ID is a string; the slashes stand for their terminators
}

func fieldsSize(fields map[string]*pb.Value) int {
	sum := 0
	for name, v := range fields {
		sum += len(name) + 1 + valueSize(v)
	}
	return sum
}

func valueSize(v *pb.Value) int {
	switch v := v.GetValueType().(type) {
	case *pb.Value_StringValue:
		return len(v.StringValue) + 1
	case *pb.Value_BytesValue:
		return len(v.BytesValue)
	case *pb.Value_ReferenceValue:
		return nameSize(v.ReferenceValue)
	case *pb.Value_GeoPointValue:
		return 16
	case *pb.Value_IntegerValue, *pb.Value_DoubleValue, *pb.Value_TimestampValue:
		return 8
	case *pb.Value_ArrayValue:
		sum := 0
		for _, e := range v.ArrayValue.GetValues() {
			sum += valueSize(e)
		}
		return sum
	case *pb.Value_MapValue:
		return fieldsSize(v.MapValue.GetFields())
	default: // null, bool
		return 1
	}
}
