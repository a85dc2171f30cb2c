package firestoretest

import (
	"maps"
	"slices"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
)

// maxIndexedSize is how many bytes of a value are indexed, by the rules of valueSize. Queries cannot
// compare a field with a larger value, and order larger ones by what is indexed of them
// (https://cloud.google.com/firestore/quotas#indexes).
const maxIndexedSize = 1500

// indexed returns what is indexed of a value: itself if it is small enough, and else one that is just
// greater than what fits of it.
func indexed(v *pb.Value) *pb.Value {
	if valueSize(v) <= maxIndexedSize {
		return v
	}
	room := maxIndexedSize
	return cut(v, &room)
}

// cut returns what fits of a value, and takes that from the room.
func cut(v *pb.Value, room *int) *pb.Value {
	excess := valueSize(v) - *room
	if excess <= 0 {
		*room = -excess
		return v
	}
	const more = "\x00" // the least text that can follow
	switch t := v.GetValueType().(type) {
	case *pb.Value_StringValue:
		*room = 0
		return &pb.Value{ValueType: &pb.Value_StringValue{StringValue: t.StringValue[:max(0, len(t.StringValue)-excess)] + more}}
	case *pb.Value_BytesValue:
		*room = 0
		return &pb.Value{ValueType: &pb.Value_BytesValue{
			BytesValue: append(slices.Clone(t.BytesValue[:max(0, len(t.BytesValue)-excess)]), more...),
		}}
	case *pb.Value_ReferenceValue:
		*room = 0
		return referenceValue(t.ReferenceValue[:max(0, len(t.ReferenceValue)-excess)] + more)
	case *pb.Value_ArrayValue:
		var elements []*pb.Value
		for _, e := range t.ArrayValue.GetValues() {
			if *room <= 0 {
				return arrayValue(append(elements, nullValue))
			}
			elements = append(elements, cut(e, room))
		}
		return arrayValue(elements)
	case *pb.Value_MapValue:
		fields := map[string]*pb.Value{}
		for _, name := range slices.Sorted(maps.Keys(t.MapValue.GetFields())) {
			if *room <= 0 {
				break
			}
			*room -= len(name) + 1
			fields[name] = cut(t.MapValue.GetFields()[name], room)
		}
		return mapValue(fields)
	default:
		*room = 0
		return v
	}
}
