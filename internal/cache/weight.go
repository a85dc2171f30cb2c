package cache

import (
	"cloud.google.com/go/firestore"

	"github.com/echofirestore/echofirestore/internal/document"
)

// What the parts of a copy take in memory, in bytes, as measured; see TestMemory and TestWeight.
const (
	copyBytes      = 512 // the copy of a document without fields, and its place in the cache
	fieldBytes     = 64  // a field or an element, without what its value refers to
	mapBytes       = 256 // a map that is not empty
	roomBytes      = 48  // the room that a map of more than smallMap fields keeps, for each field: it grows by doubling
	smallMap       = 8
	referenceBytes = 768 // a reference to a document, for each collection in its path
)

// weigh returns about how many bytes of memory a copy takes.
func weigh(doc *document.Stored) int {
	return copyBytes + len(doc.ID) + weighFields(doc.Fields)
}

func weighFields(fields map[string]any) int {
	n := 0
	if len(fields) > smallMap {
		n = roomBytes * len(fields)
	}
	for name, value := range fields {
		n += len(name) + weighValue(value)
	}
	return n
}

func weighValue(value any) int {
	switch v := value.(type) {
	case string:
		return fieldBytes + len(v)
	case []byte:
		return fieldBytes + len(v)
	case map[string]any:
		if len(v) == 0 {
			return fieldBytes
		}
		return fieldBytes + mapBytes + weighFields(v)
	case []any:
		n := fieldBytes
		for _, elem := range v {
			n += weighValue(elem)
		}
		return n
	case firestore.Vector32:
		return fieldBytes + 4*len(v)
	case firestore.Vector64:
		return fieldBytes + 8*len(v)
	case *firestore.DocumentRef:
		return fieldBytes + weighReference(v)
	default:
		return fieldBytes
	}
}

// weighReference returns about how many bytes a reference takes, with those to the documents that it lies beneath.
func weighReference(ref *firestore.DocumentRef) int {
	n := 0
	for ref != nil {
		n += referenceBytes + 2*len(ref.Path)
		ref = ref.Parent.Parent
	}
	return n
}
