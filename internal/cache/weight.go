package cache

import "github.com/echofirestore/echofirestore/internal/document"

// What the parts of a copy take in memory, in bytes, as measured; see TestMemory.
const (
	copyBytes  = 512 // the copy of a document without fields, and its place in the cache
	fieldBytes = 64  // a field or an element, without what its value refers to
)

// weigh returns about how many bytes of memory a copy takes.
func weigh(doc *document.Stored) int {
	return copyBytes + len(doc.ID) + weighFields(doc.Fields)
}

func weighFields(fields map[string]any) int {
	n := 0
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
		return fieldBytes + weighFields(v)
	case []any:
		n := fieldBytes
		for _, elem := range v {
			n += weighValue(elem)
		}
		return n
	default:
		return fieldBytes
	}
}
