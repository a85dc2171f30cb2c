// Package codec turns the values of a session into text and back: as JSON that Python reads, or as gob.
package codec

import (
	"errors"
	"fmt"
	"strconv"
)

// EncodeJSON returns {"created":…,"session":{…}}. Its errors name the key whose value cannot be encoded.
func EncodeJSON(created int64, values map[string]any) (string, error) {
	dst := make([]byte, 0, 512)
	dst = append(dst, `{"created":`...)
	dst = strconv.AppendInt(dst, created, 10)
	dst = append(dst, `,"session":`...)
	dst, err := appendMap(dst, values, 0)
	if err != nil {
		return "", fmt.Errorf("echofirestore: encode session: %w", err)
	}
	return string(append(dst, '}')), nil
}

// DecodeJSON is the inverse of [EncodeJSON]. Numbers come back as int, int64, float64 or json.Number, objects as
// map[string]any and arrays as []any.
func DecodeJSON(text string) (created int64, values map[string]any, err error) {
	v, err := parseJSON(text)
	if err != nil {
		return 0, nil, fmt.Errorf("echofirestore: decode session: %w", err)
	}
	top, ok := v.(map[string]any)
	if !ok {
		return 0, nil, errors.New("echofirestore: decode session: not a JSON object")
	}
	if created, ok = integer(top["created"]); !ok {
		return 0, nil, errors.New("echofirestore: decode session: created is not an integer of 64 bits")
	}
	if values, ok = top["session"].(map[string]any); !ok {
		return 0, nil, errors.New("echofirestore: decode session: session is not an object")
	}
	return created, values, nil
}
