package firesession_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/echofirestore/echofirestore/firesession"
)

// TestCodecs encodes and decodes a payload, and decodes what is none. What a payload can hold is tested in internal/codec.
func TestCodecs(t *testing.T) {
	t.Parallel()
	want := firesession.Payload{Created: 1700000000, Values: map[string]any{"user": "alice", "n": 1}}
	for name, codec := range map[string]struct {
		encode func(firesession.Payload) (string, error)
		decode func(string) (firesession.Payload, error)
	}{
		"JSON": {firesession.EncodeJSON, firesession.DecodeJSON},
		"gob":  {firesession.EncodeGob, firesession.DecodeGob},
	} {
		text, err := codec.encode(want)
		if err != nil {
			t.Fatal(name, err)
		}
		got, err := codec.decode(text)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: error %v (-want +got):\n%s", name, err, diff)
		}
		if got, err := codec.decode("!"); err == nil || got.Created != 0 || got.Values != nil {
			t.Errorf("%s: decoded %v, error %v", name, got, err)
		}
	}
}
