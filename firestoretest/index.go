package firestoretest

import (
	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/protobuf/proto"
)

// indexEntries is the sizes of a document's entries in the automatic single-field indexes, by what
// distinguishes them: the path of the field and the value.
type indexEntries map[string]int

// indexEntriesOf returns the entries of the document, none for nil. Their sizes follow
// https://firebase.google.com/docs/firestore/storage-size#index-entry-size.
func indexEntriesOf(doc *pb.Document) indexEntries {
	entries := indexEntries{}
	if doc == nil {
		return entries
	}
	collection, _ := splitName(doc.GetName())
	overhead := nameSize(doc.GetName()) + 32
	if parent, _ := splitName(collection); !isRoot(parent) {
		overhead += nameSize(parent)
	}
	entries.addFields(overhead, "", doc.GetFields())
	return entries
}

// addFields adds the entries of the fields of a map, whose path is a prefix of theirs.
func (es indexEntries) addFields(overhead int, prefix string, fields map[string]*pb.Value) {
	for name, v := range fields {
		path := prefix + name
		if isVector(v) { // which only vector indexes have
			continue
		}
		switch v.GetValueType().(type) {
		case *pb.Value_MapValue:
			es.addFields(overhead, path+".", v.GetMapValue().GetFields())
		case *pb.Value_ArrayValue:
			for _, e := range v.GetArrayValue().GetValues() { // an array has a single entry for equal elements
				es.add(overhead, path, e, 1)
			}
		default:
			es.add(overhead, path, v, 2) // ascending and descending
		}
	}
}

func (es indexEntries) add(overhead int, path string, v *pb.Value, n int) {
	value, err := proto.MarshalOptions{Deterministic: true}.Marshal(v)
	if err != nil {
		return // not of a document that could be stored
	}
	es[path+"\x00"+string(value)] = n * (overhead + len(path) + 1 + min(valueSize(v), maxIndexedSize))
}

// sizeWithout returns the size of the entries that are not among the others.
func (es indexEntries) sizeWithout(others indexEntries) int {
	sum := 0
	for key, size := range es {
		if _, ok := others[key]; !ok {
			sum += size
		}
	}
	return sum
}
