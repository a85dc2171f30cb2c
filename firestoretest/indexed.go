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
	c := cutter{room: maxIndexedSize}
	return c.cut(v)
}

// cutter cuts a value after the bytes that are indexed.
type cutter struct {
	room int
	done bool // the value is cut, and nothing more of it is indexed
}

// more is the least text that can follow another. It stands for all that is cut off, so that values that
// are alike up to there are equal, and greater than one that ends there.
const more = "\x00"

// cut returns what fits of a value that is in the one to be cut, or is it.
func (c *cutter) cut(v *pb.Value) *pb.Value {
	excess := valueSize(v) - c.room
	if excess <= 0 {
		c.room = -excess
		return v
	}
	switch t := v.GetValueType().(type) {
	case *pb.Value_StringValue:
		return &pb.Value{ValueType: &pb.Value_StringValue{StringValue: c.cutText(t.StringValue, excess)}}
	case *pb.Value_BytesValue:
		return &pb.Value{ValueType: &pb.Value_BytesValue{BytesValue: []byte(c.cutText(string(t.BytesValue), excess))}}
	case *pb.Value_ReferenceValue:
		return referenceValue(c.cutText(t.ReferenceValue, excess))
	case *pb.Value_ArrayValue:
		return arrayValue(c.cutElements(t.ArrayValue.GetValues()))
	case *pb.Value_MapValue:
		return mapValue(c.cutFields(t.MapValue.GetFields()))
	default: // which is never cut
		c.room = 0
		return v
	}
}

func (c *cutter) cutText(s string, excess int) string {
	c.room, c.done = 0, true
	return s[:max(0, len(s)-excess)] + more
}

func (c *cutter) cutElements(elements []*pb.Value) []*pb.Value {
	var kept []*pb.Value
	for _, e := range elements {
		switch {
		case c.done:
			return kept
		case c.room == 0:
			c.done = true
			return append(kept, nullValue) // the least element that can follow
		}
		kept = append(kept, c.cut(e))
	}
	return kept
}

func (c *cutter) cutFields(fields map[string]*pb.Value) map[string]*pb.Value {
	kept := map[string]*pb.Value{}
	last := ""
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if c.done {
			break
		}
		c.room -= len(name) + 1
		switch {
		case c.room < 0:
			kept[max(c.cutText(name, -c.room), last+more)] = nullValue // which comes last still
		case c.room == 0:
			c.done = true
			kept[name] = nullValue
		default:
			kept[name] = c.cut(fields[name])
		}
		last = name
	}
	return kept
}
