package document

import (
	"errors"
	"fmt"
	"strings"

	"cloud.google.com/go/firestore"
	"google.golang.org/genproto/googleapis/type/latlng"
)

// maxBytes is Firestore's limit, see https://firebase.google.com/docs/firestore/quotas.
const maxBytes = 1 << 20

// ErrTooLarge says that a session does not fit into a Firestore document. Firestore was not asked.
var ErrTooLarge = errors.New("echofirestore: the session is too large for a Firestore document")

// checkSize returns an error if Firestore would refuse to keep a document for its size, by the rules of
// https://firebase.google.com/docs/firestore/storage-size.
func (l *Layout) checkSize(doc *Document) error {
	size := nameSize(l.Collection+"/"+doc.ID) + 32 + fieldsSize(doc.Fields)
	if size > maxBytes {
		return fmt.Errorf("%w: it would have %d bytes of at most %d", ErrTooLarge, size, maxBytes)
	}
	return nil
}

// nameSize returns the size of the name of the document with a path, of which each slash stands for the byte that ends an ID.
func nameSize(path string) int { return 16 + len(path) + 1 }

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
		_, path, _ := strings.Cut(v.Path, "/documents/")
		return nameSize(path)
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
