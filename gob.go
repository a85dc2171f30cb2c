package echofirestore

import (
	"bytes"
	"encoding/base64"
	"encoding/gob"
	"fmt"
	"strings"
	"time"
)

// EncodeGob is a Config.Encoder for programs that share their sessions with no other language: values come back as
// the Go types they were. Types other than Go's own, time.Time, []any and map[string]any must be registered with
// [gob.Register]. A value of an unregistered type is an error that names the key, and so is a nil pointer or a map that
// contains itself. Give it together with [DecodeGob].
func EncodeGob(p Payload) (string, error) {
	for key, v := range p.Values {
		if !shallow(v, maxDepth) {
			return "", fmt.Errorf("echofirestore: encode session: key %q: %w", key, errTooDeep)
		}
	}
	var text strings.Builder
	w := base64.NewEncoder(base64.StdEncoding, &text)
	if err := gob.NewEncoder(w).Encode(p); err != nil {
		return "", fmt.Errorf("echofirestore: encode session: %w", blame(p.Values, err))
	}
	if err := w.Close(); err != nil {
		return "", fmt.Errorf("echofirestore: encode session: %w", err)
	}
	return text.String(), nil
}

// DecodeGob is the Config.Decoder to [EncodeGob].
func DecodeGob(text string) (Payload, error) {
	var p Payload
	r := base64.NewDecoder(base64.StdEncoding, strings.NewReader(text))
	if err := gob.NewDecoder(r).Decode(&p); err != nil {
		return Payload{}, fmt.Errorf("echofirestore: decode session: %w", err)
	}
	return p, nil
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
