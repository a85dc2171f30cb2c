package python

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/echofirestore/echofirestore"
)

// TestRefused is what one of the languages does not store, or the other does not read.
func TestRefused(t *testing.T) {
	t.Parallel()
	try(t, echofirestore.Config{}, []behaviour{
		{"what JSON has no words for is refused by Python, and nothing is saved", []step{
			{on: inPython, get: "/set?a=1", want: `200 {"a":"1"}, cookie, 1 write`},
			{on: inPython, put: "{1, 2}", want: `500, 1 read`},
			{on: inPython, put: "b'bytes'", want: `500, 1 read`},
			{on: inPython, put: "Decimal('1.5')", want: `500, 1 read`},
			{on: inPython, put: "date(2024, 5, 1)", want: `500, 1 read`},
			{on: inGo, get: "/", want: `200 {"a":"1"}, 1 read`},
		}},
		{"what JSON has no words for is refused by Go, and nothing is saved", []step{
			{on: inGo, get: "/set?a=1", want: `200 {"a":"1"}, cookie, 1 write`},
			{on: inGo, put: math.NaN(), want: `500, 1 read`},
			{on: inGo, put: math.Inf(1), want: `500, 1 read`},
			{on: inGo, put: "\xff", want: `500, 1 read`},
			{on: inGo, put: map[int]int{1: 2}, want: `500, 1 read`},
			{on: inPython, get: "/", want: `200 {"a":"1"}, 1 read`},
		}},
		{"Python's NaN: no session to Go, which begins another one", []step{
			{on: inPython, put: "nan", want: `200 {"value":NaN}, cookie, 1 write`},
			{on: inGo, get: "/", want: `200 {}, 1 read`},
			{on: inPython, get: "/", want: `200 {"value":NaN}, 1 read`},
			{on: inGo, get: "/set?a=1", want: `200 {"a":"1"}, cookie, 1 read, 1 write`},
			{on: inPython, get: "/", want: `200 {"a":"1"}, 1 read`},
		}},
		{"half a surrogate pair becomes U+FFFD", []step{
			{on: inPython, put: `'\ud83c'`, want: `200 {"value":"\ud83c"}, cookie, 1 write`},
			{on: inGo, get: "/", want: `200 {"value":"` + "\ufffd" + `"}, 1 read`},
			{on: inPython, get: "/", want: `200 {"value":"\ud83c"}, 1 read`},
			{on: inGo, get: "/set?a=1", want: `200 {"a":"1","value":"` + "\ufffd" + `"}, cookie, 1 read, 1 write`},
			{on: inPython, get: "/", want: `200 {"a":"1","value":"\ufffd"}, 1 read`},
		}},
		{"what Python cannot read for its depth is refused by Go", []step{
			{on: inGo, put: nested(501), want: `500`},
			{on: inGo, put: json.RawMessage(lists(501)), want: `500`},
		}},
		{"what Python stores is read by Go at any depth, but then not saved", []step{
			{on: inPython, put: "nested(600)", want: `200 {"value":` + lists(600) + `}, cookie, 1 write`},
			{on: inGo, get: "/", want: `200 {"value":` + lists(600) + `}, 1 read`},
			{on: inGo, get: "/set?a=1", want: `500, 1 read`},
			{on: inGo, get: "/delete?key=value", want: `200 {}, cookie deleted, 1 read, 1 delete`},
		}},
		{"an integer of more than 4300 digits: no session to Python", []step{
			{on: inGo, put: json.Number(nines(4300)), want: `200 {"value":` + nines(4300) + `}, cookie, 1 write`},
			{on: inPython, get: "/", want: `200 {"value":` + nines(4300) + `}, 1 read`},
			{on: inGo, put: json.Number(nines(4301)), want: `200 {"value":` + nines(4301) + `}, cookie, 1 read, 1 write`},
			{on: inPython, get: "/", want: `200 {}, 1 read`},
			{on: inGo, get: "/", want: `200 {"value":` + nines(4301) + `}, 1 read`},
		}},
		{"a json.Number beyond float64: infinity to Python, and no session to Go once Python has saved it", []step{
			{on: inGo, put: json.Number("1e400"), want: `200 {"value":1e400}, cookie, 1 write`},
			{on: inPython, get: "/", want: `200 {"value":Infinity}, 1 read`},
			{on: inGo, get: "/", want: `200 {"value":1e400}, 1 read`},
			{on: inPython, get: "/set?a=1", want: `200 {"a":"1","value":Infinity}, cookie, 1 read, 1 write`},
			{on: inGo, get: "/", want: `200 {}, 1 read`},
		}},
		{"too large for a document", []step{
			{on: inPython, get: "/set?a=1", want: `200 {"a":"1"}, cookie, 1 write`},
			{on: inPython, put: "'x' * 2**20", want: `500, 1 read`},
			{on: inGo, put: strings.Repeat("x", 1<<20), want: `500, 1 read`},
			{on: here, get: "/", want: `200 {"a":"1"}, 1 read`},
		}},
		{"a max age that is no integer", []step{
			{on: inPython, get: "/set?a=1", want: `200 {"a":"1"}, cookie, 1 write`},
			{on: inPython, get: "/max-age?seconds=60.5", want: `200 {"a":"1"}, cookie, 1 read, 1 write`},
			{on: here, get: "/", want: `200 {}, 1 read`, legacy: `200 {"a":"1"}, 1 read`},
		}},
	})
}

func nines(digits int) string { return strings.Repeat("9", digits) }

// TestApart is about the Configs whose sessions only Go can read: to each language, those of the other are none.
func TestApart(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		config echofirestore.Config
		signed bool // a cookie of Python never reaches Firestore
	}{
		{name: "EncodeGob", config: echofirestore.Config{Encoder: echofirestore.EncodeGob, Decoder: echofirestore.DecodeGob}},
		{name: "HashKeys", config: echofirestore.Config{HashKeys: true}},
		{name: "SigningKeys", config: echofirestore.Config{SigningKeys: [][]byte{make([]byte, 32)}}, signed: true},
		{name: "AEAD", config: echofirestore.Config{AEAD: cipher{}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			unknown := `200 {}, 1 read`
			begun := `200 {"b":"2"}, cookie, 1 read, 1 write`
			if tt.signed {
				unknown, begun = `200 {}`, `200 {"b":"2"}, cookie, 1 write`
			}
			try(t, tt.config, []behaviour{
				{"Go's session in Python", []step{
					{on: inGo, get: "/set?a=1", want: `200 {"a":"1"}, cookie, 1 write`},
					{on: inPython, get: "/", want: `200 {}, 1 read`},
					{on: inPython, get: "/set?b=2", want: `200 {"b":"2"}, cookie, 1 read, 1 write`},
				}},
				{"Python's session in Go", []step{
					{on: inPython, get: "/set?a=1", want: `200 {"a":"1"}, cookie, 1 write`},
					{on: inGo, get: "/", want: unknown},
					{on: inGo, get: "/set?b=2", want: begun},
				}},
			})
		})
	}
}

// A cipher stands in for an AEAD of Tink.
type cipher struct{}

func (cipher) Encrypt(plaintext, _ []byte) ([]byte, error) {
	return append([]byte("!"), plaintext...), nil
}

func (cipher) Decrypt(ciphertext, _ []byte) ([]byte, error) {
	if plaintext, ok := bytes.CutPrefix(ciphertext, []byte("!")); ok {
		return plaintext, nil
	}
	return nil, errors.New("not encrypted")
}

// TestOtherNames opens the document of a session that goes by another name in Go.
func TestOtherNames(t *testing.T) {
	t.Parallel()
	for _, version := range versions {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			p := newPair(t, version, echofirestore.Config{})
			doc := map[string]any{"data": `{"created":1,"session":{"language":"ja"}}`, "max_age": nil}
			if _, err := p.client.Collection(collection).Doc("~prefs:key").Set(t.Context(), doc); err != nil {
				t.Fatal(err)
			}
			for on, want := range map[side]string{inGo: `200 {}`, inPython: `200 {"language":"ja"}, 1 read`} {
				at, err := url.Parse(p.urls[on])
				if err != nil {
					t.Fatal(err)
				}
				p.browser.Jar.SetCookies(at, []*http.Cookie{{Name: "__session", Value: "~prefs:key"}})
				if seen, err := p.get(on, "/"); err != nil || seen.String() != want {
					t.Errorf("%s: %v, %v, want %s", on, seen, err, want)
				}
			}
		})
	}
}
