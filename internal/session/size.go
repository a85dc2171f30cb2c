package session

import (
	"strings"

	"cloud.google.com/go/firestore"
	"google.golang.org/genproto/googleapis/type/latlng"
)

// maxDocumentBytes is Firestore's limit, see https://firebase.google.com/docs/firestore/quotas.
const maxDocumentBytes = 1 << 20

// tooLarge reports whether Firestore would refuse to keep these fields under ref for their size, by the rules of
// https://firebase.google.com/docs/firestore/storage-size.
func tooLarge(ref *firestore.DocumentRef, fields map[string]any) bool {
	return nameSize(ref)+32+fieldsSize(fields) > maxDocumentBytes
}

func nameSize(ref *firestore.DocumentRef) int {
	_, path, _ := strings.Cut(ref.Path, "/documents/")
	return 16 + len(path) + 1
}

func fieldsSize(fields map[string]any) int {
	size := 0
	for name, v := range fields {
		size += len(name) + 1 + valueSize(v)
	}
	return size
}

func valueSize(v any) int {
	switch v := v.(type) {
	case nil, bool:
		return 1
	case string:
		return len(v) + 1
	case []byte:
		return len(v)
	case *firestore.DocumentRef:
		return nameSize(v)
	case *latlng.LatLng:
		return 16
	case map[string]any:
		return max(1, fieldsSize(v)) // an empty one costs what a null does
	case []any:
		size := 0
		for _, elem := range v {
			size += valueSize(elem)
		}
		return max(1, size)
	default: // numbers and times
		return 8
	}
}
