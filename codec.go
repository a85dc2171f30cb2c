package echofirestore

import (
	"errors"
	"fmt"
	"strconv"
)

// Payload is what the data field of a session's document holds, encoded.
type Payload struct {
	// Created is when the values were last changed, in seconds since 1970, UTC.
	Created int64
	// Values are the session's values. The codec may keep them but must not change them.
	Values map[string]any
}

// EncodeJSON is the default Config.Encoder: {"created":1700000000,"session":{…}}, read by aiohttp-session-firestore.
//
// Values may be strings, booleans, nil, numbers, slices, maps with string keys and whatever encoding/json marshals, at
// any depth. A float64 is written as one even when it is integral (3.0). A time.Time becomes an integer, milliseconds
// since 1970; a *firestore.DocumentRef its path, a *latlng.LatLng {"latitude":…,"longitude":…}, and a []byte base64. A
// struct, and any type with a MarshalJSON of its own, is written as encoding/json writes it, so a time.Time inside a
// struct is text. NaN, infinities, invalid UTF-8, channels, functions, maps with other keys and nesting of more than
// 500 levels are errors that name the key.
func EncodeJSON(p Payload) (string, error) {
	dst := make([]byte, 0, 512)
	dst = append(dst, `{"created":`...)
	dst = strconv.AppendInt(dst, p.Created, 10)
	dst = append(dst, `,"session":`...)
	dst, err := appendMap(dst, p.Values, 0)
	if err != nil {
		return "", fmt.Errorf("echofirestore: encode session: %w", err)
	}
	return string(append(dst, '}')), nil
}

// DecodeJSON is the default Config.Decoder, the inverse of [EncodeJSON].
//
// An integer comes back as int (as int64 where int has 32 bits and it needs more, as [json.Number] beyond 64 bits), a
// number with a fraction or an exponent as float64 (beyond its range as json.Number), an object as map[string]any and
// an array as []any. It is an error if text is not one JSON object, its created no integer, or its session no object.
func DecodeJSON(text string) (Payload, error) {
	v, err := parseJSON(text)
	if err != nil {
		return Payload{}, fmt.Errorf("echofirestore: decode session: %w", err)
	}
	top, ok := v.(map[string]any)
	if !ok {
		return Payload{}, errors.New("echofirestore: decode session: not a JSON object")
	}
	var p Payload
	switch created := top["created"].(type) {
	case int:
		p.Created = int64(created)
	case int64:
		p.Created = created
	default:
		return Payload{}, errors.New("echofirestore: decode session: created is not an integer of 64 bits")
	}
	if p.Values, ok = top["session"].(map[string]any); !ok {
		return Payload{}, errors.New("echofirestore: decode session: session is not an object")
	}
	return p, nil
}
