package codec_test

import "github.com/echofirestore/echofirestore/internal/codec"

// A payload is what a session's text holds, as package firesession has it.
type payload struct {
	Created int64
	Values  map[string]any
}

func encodeJSON(p payload) (string, error) { return codec.EncodeJSON(p.Created, p.Values) }

func decodeJSON(text string) (payload, error) {
	created, values, err := codec.DecodeJSON(text)
	return payload{created, values}, err
}

func encodeGob(p payload) (string, error) { return codec.EncodeGob(p.Created, p.Values) }

func decodeGob(text string) (payload, error) {
	created, values, err := codec.DecodeGob(text)
	return payload{created, values}, err
}
