package firestoretest

import (
	"time"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// normalizeFields applies normalizeValue to the fields of a document or of a map.
func normalizeFields(fields map[string]*pb.Value) error {
	for name, v := range fields {
		if err := normalizeValue(name, v); err != nil {
			return err
		}
	}
	return nil
}

// normalizeValue returns an error if the value of the field of that name is none that Firestore
// has, wherever it stands, and brings it to the form in which Firestore keeps it: timestamps have
// microseconds. What a document may hold is more restricted; see checkFields.
func normalizeValue(name string, v *pb.Value) error {
	switch t := v.GetValueType().(type) {
	case nil:
		return invalid("The value of field %q has no type.", name)
	case *pb.Value_NullValue:
		t.NullValue = 0 // other numbers come from the wire, too
	case *pb.Value_TimestampValue:
		return normalizeTimestamp(name, t.TimestampValue)
	case *pb.Value_ReferenceValue:
		return checkDocumentName(t.ReferenceValue)
	case *pb.Value_GeoPointValue:
		return checkGeoPoint(name, t.GeoPointValue.GetLatitude(), t.GeoPointValue.GetLongitude())
	case *pb.Value_ArrayValue:
		return normalizeElements(name, t.ArrayValue)
	case *pb.Value_MapValue:
		if err := checkVector(name, t.MapValue); err != nil {
			return err
		}
		return normalizeFields(t.MapValue.GetFields())
	case *pb.Value_BooleanValue, *pb.Value_IntegerValue, *pb.Value_DoubleValue,
		*pb.Value_StringValue, *pb.Value_BytesValue:
	default: // of pipelines
		return invalid("The value of field %q has a type that documents and queries don't have.", name)
	}
	return nil
}

// normalizeElements applies normalizeValue to the elements of an array.
func normalizeElements(name string, a *pb.ArrayValue) error {
	for _, e := range a.GetValues() {
		if err := normalizeValue(name, e); err != nil {
			return err
		}
	}
	return nil
}

// normalizeOperand applies normalizeValue to what a query compares the field of that name with. But a timestamp
// keeps its precision, so that a query can compare with times between those that documents have.
func normalizeOperand(name string, v *pb.Value) error {
	if t := v.GetTimestampValue(); t != nil {
		return normalizeTimestamp(name, proto.CloneOf(t))
	}
	return normalizeValue(name, v)
}

func normalizeTimestamp(name string, t *timestamppb.Timestamp) error {
	if err := t.CheckValid(); err != nil {
		return invalid("The timestamp in field %q is invalid: %v.", name, err)
	}
	t.Nanos -= t.Nanos % int32(time.Microsecond)
	return nil
}

func checkGeoPoint(name string, latitude, longitude float64) error {
	if !(-90 <= latitude && latitude <= 90 && -180 <= longitude && longitude <= 180) { // false of NaN
		return invalid("The geo point in field %q is out of range.", name)
	}
	return nil
}
