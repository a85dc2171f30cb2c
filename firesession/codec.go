package firesession

import "github.com/echofirestore/echofirestore/internal/codec"

// Payload is the content of the data field of a session's document, before it is encoded.
type Payload struct {
	// Created is when the values were last changed, in seconds since 1970, UTC.
	Created int64
	// Values are the session's values. A codec may keep the map, but must not change it.
	Values map[string]any
}

// EncodeJSON is the default Config.Encoder: {"created":1700000000,"session":{…}}, read by aiohttp-session-firestore.
//
// Values may be strings, booleans, nil, numbers, slices, maps with string keys and everything else that encoding/json
// marshals, at any depth. A float64 stays a float64 even if it has no fraction (3.0). A time.Time becomes an integer,
// milliseconds since 1970; a *firestore.DocumentRef its path, a *latlng.LatLng {"latitude":…,"longitude":…}, and a []byte
// base64. A struct, and any type with a MarshalJSON of its own, is written as encoding/json writes it, so a time.Time
// inside a struct is text. NaN, infinities, invalid UTF-8, channels, functions, maps with other keys and nesting of more
// than 500 levels are errors that name the key. For strings that hold bytes, such as the compressed ones of goth, use
// [EncodeGob].
func EncodeJSON(p Payload) (string, error) {
	return codec.EncodeJSON(p.Created, p.Values)
}

// DecodeJSON is the default Config.Decoder, the inverse of [EncodeJSON].
//
// An integer comes back as int (as int64 where int has 32 bits and it needs more, as [encoding/json.Number] beyond 64
// bits), a number with a fraction or an exponent as float64 (beyond its range as json.Number), an object as map[string]any
// and an array as []any. It is an error if text is not one JSON object, created is not an integer, or session is not an
// object.
func DecodeJSON(text string) (Payload, error) {
	created, values, err := codec.DecodeJSON(text)
	return Payload{Created: created, Values: values}, err
}

// EncodeGob is a Config.Encoder for sessions that only Go programs read: values keep their Go types. Types other than Go's
// own, time.Time, []any and map[string]any must be registered with [encoding/gob.Register]. A value of an unregistered type
// is an error that names the key, and so is a nil pointer or a map that contains itself. Use it together with [DecodeGob].
func EncodeGob(p Payload) (string, error) {
	return codec.EncodeGob(p.Created, p.Values)
}

// DecodeGob is the Config.Decoder for [EncodeGob].
func DecodeGob(text string) (Payload, error) {
	created, values, err := codec.DecodeGob(text)
	return Payload{Created: created, Values: values}, err
}
