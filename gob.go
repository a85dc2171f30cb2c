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
// [gob.Register]. A value that is nil or of an unregistered type is an error that names the key. Give it together with
// [DecodeGob].
func EncodeGob(p Payload) (string, error) {
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
