package document

import "github.com/echofirestore/echofirestore/internal/merge"

// CopyValues returns the values of a document for a handler to change.
func (l *Layout) CopyValues(doc *Document) (map[string]any, error) {
	if copied, ok := merge.Clone(doc.Values); ok {
		return copied.(map[string]any), nil
	}
	payload, err := l.Decoder(doc.Data)
	return payload.Values, err
}
