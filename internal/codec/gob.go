package codec

import (
	"bytes"
	"encoding/base64"
	"encoding/gob"
	"fmt"
	"strings"
	"time"
)

// payload is what is encoded: gob goes by the names of its fields.
type payload struct {
	Created int64
	Values  map[string]any
}

// EncodeGob returns a gob in base64. Its errors name the key whose value cannot be encoded.
func EncodeGob(created int64, values map[string]any) (string, error) {
	for key, v := range values {
		if !shallow(v, maxDepth) {
			return "", fmt.Errorf("echofirestore: encode session: key %q: %w", key, errTooDeep)
		}
	}
	var text strings.Builder
	w := base64.NewEncoder(base64.StdEncoding, &text)
	if err := gob.NewEncoder(w).Encode(payload{created, values}); err != nil {
		return "", fmt.Errorf("echofirestore: encode session: %w", blame(values, err))
	}
	if err := w.Close(); err != nil {
		return "", fmt.Errorf("echofirestore: encode session: %w", err)
	}
	return text.String(), nil
}

// DecodeGob is the inverse of [EncodeGob].
func DecodeGob(text string) (created int64, values map[string]any, err error) {
	var p payload
	r := base64.NewDecoder(base64.StdEncoding, strings.NewReader(text))
	if err := gob.NewDecoder(r).Decode(&p); err != nil {
		return 0, nil, fmt.Errorf("echofirestore: decode session: %w", err)
	}
	return p.Created, p.Values, nil
}

// shallow reports whether v is nested no deeper than that many levels. Gob would overflow the stack with a map that
// contains itself, which ends the program.
func shallow(v any, levels int) bool {
	if levels < 0 {
		return false
	}
	switch v := v.(type) {
	case map[string]any:
		for _, elem := range v {
			if !shallow(elem, levels-1) {
				return false
			}
		}
	case []any:
		for _, elem := range v {
			if !shallow(elem, levels-1) {
				return false
			}
		}
	}
	return true
}

// blame finds the key whose value gob could not encode; gob's error names only the type.
func blame(values map[string]any, err error) error {
	for key, v := range values {
		if keyErr := gob.NewEncoder(new(bytes.Buffer)).Encode(map[string]any{key: v}); keyErr != nil {
			return fmt.Errorf("key %q: %w", key, keyErr)
		}
	}
	return err
}

func init() {
	gob.Register(time.Time{})
	gob.Register([]any(nil))
	gob.Register(map[string]any(nil))
}
