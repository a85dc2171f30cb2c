package codec_test

import (
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/firestore"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/type/latlng"
)

// Types as applications define them.
type (
	role     string
	level    int
	ratio    float64
	switched bool
	token    []byte
	roles    []role
	titles   map[role]string

	account struct {
		Name  string    `json:"name"`
		Since time.Time `json:"since"`
		Tags  []string  `json:"tags,omitempty"`
		note  string
	}

	// money marshals itself, and cents only through a pointer.
	money struct{ cents int }
	cents int

	// language is a string that is written in another way.
	language string
)

func (l language) MarshalText() ([]byte, error) { return []byte(strings.ToUpper(string(l))), nil }

func (m money) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]int{"cents": m.cents})
}

func (c *cents) MarshalJSON() ([]byte, error) { return json.Marshal(money{int(*c)}) }

type unmarshalable struct{}

func (unmarshalable) MarshalJSON() ([]byte, error) { return nil, errors.New("out of paper") }

// mayDay is 2024-05-01 12:30:45.123456789 in a zone that is not UTC.
var mayDay = time.Date(2024, 5, 1, 14, 30, 45, 123456789, time.FixedZone("CEST", 2*60*60))

const mayDayMillis = 1714566645123

func nested(levels int) any {
	v := []any{}
	for range levels - 1 {
		v = []any{v}
	}
	return v
}

// lists returns what nested makes, as JSON.
func lists(levels int) string { return strings.Repeat("[", levels) + strings.Repeat("]", levels) }

// TestEncodeJSON holds the text of every kind of value, and what it comes back as.
func TestEncodeJSON(t *testing.T) {
	t.Parallel()
	var (
		five      = 5
		fivePtr   = &five
		instant   = mayDay
		huge      = new(big.Int).Lsh(big.NewInt(1), 70)
		noPointer *int
		noMap     map[string]any
		noStrings map[string]string
		noSlice   []any
		noInts    []int
		noBytes   []byte
		noRef     *firestore.DocumentRef
		noPlace   *latlng.LatLng
		noBig     *big.Int
		noTime    *time.Time
	)
	tests := []struct {
		name  string
		value any
		text  string
		want  any // as it comes back; what was stored, if left out
	}{
		{name: "nil", value: nil, text: `null`},
		{name: "true", value: true, text: `true`},
		{name: "false", value: false, text: `false`},

		{name: "int", value: 5, text: `5`},
		{name: "zero", value: 0, text: `0`},
		{name: "negative", value: -42, text: `-42`},
		{name: "2^53-1", value: 1<<53 - 1, text: `9007199254740991`},
		{name: "2^53", value: 1 << 53, text: `9007199254740992`},
		{name: "2^53+1, which no float64 holds", value: 1<<53 + 1, text: `9007199254740993`},
		{name: "-2^53-1", value: -1<<53 - 1, text: `-9007199254740993`},
		{name: "greatest int64", value: int64(math.MaxInt64), text: `9223372036854775807`, want: math.MaxInt64},
		{name: "least int64", value: int64(math.MinInt64), text: `-9223372036854775808`, want: math.MinInt64},
		{name: "int8", value: int8(-128), text: `-128`, want: -128},
		{name: "int16", value: int16(-300), text: `-300`, want: -300},
		{name: "int32", value: int32(70000), text: `70000`, want: 70000},
		{name: "uint", value: uint(7), text: `7`, want: 7},
		{name: "uint8", value: uint8(255), text: `255`, want: 255},
		{name: "uint64 within int64", value: uint64(math.MaxInt64), text: `9223372036854775807`, want: math.MaxInt64},
		{name: "uint64 above int64", value: uint64(math.MaxInt64) + 1, text: `9223372036854775808`, want: json.Number("9223372036854775808")},
		{name: "greatest uint64", value: uint64(math.MaxUint64), text: `18446744073709551615`, want: json.Number("18446744073709551615")},
		{name: "2^70 as json.Number", value: json.Number("1180591620717411303424"), text: `1180591620717411303424`},
		{name: "2^70 as *big.Int", value: huge, text: `1180591620717411303424`, want: json.Number("1180591620717411303424")},
		{name: "small json.Number", value: json.Number("12"), text: `12`, want: 12},
		{name: "fractional json.Number", value: json.Number("1.50"), text: `1.50`, want: 1.5},
		{name: "json.Number beyond float64", value: json.Number("-1e400"), text: `-1e400`},

		{name: "float", value: 0.1, text: `0.1`},
		{name: "integral float", value: 3.0, text: `3.0`},
		{name: "float zero", value: 0.0, text: `0.0`},
		{name: "negative zero", value: math.Copysign(0, -1), text: `-0.0`},
		{name: "float below 1e16", value: 1234567890123456.0, text: `1234567890123456.0`},
		{name: "float from 1e16", value: 1e16, text: `1e+16`},
		{name: "great float", value: 1e300, text: `1e+300`},
		{name: "greatest float", value: math.MaxFloat64, text: `1.7976931348623157e+308`},
		{name: "float from 1e-4", value: 0.0001, text: `0.0001`},
		{name: "float below 1e-4", value: 1e-5, text: `1e-05`},
		{name: "least float", value: math.SmallestNonzeroFloat64, text: `5e-324`},
		{name: "float32", value: float32(0.1), text: `0.1`, want: 0.1},
		{name: "integral float32", value: float32(-2), text: `-2.0`, want: -2.0},
		{name: "great float32", value: float32(1e30), text: `1e+30`, want: 1e30},

		{name: "empty string", value: "", text: `""`},
		{name: "string", value: "Alice", text: `"Alice"`},
		{name: "quotes and backslashes", value: `say "hi" \o/`, text: `"say \"hi\" \\o/"`},
		{name: "HTML is not escaped", value: "<a href='x'>&</a>", text: `"<a href='x'>&</a>"`},
		{name: "control characters", value: "\x00\x01\b\t\n\f\r\x1f\x7f", text: "\"\\u0000\\u0001\\u0008\\t\\n\\u000c\\r\\u001f\x7f\""},
		{name: "line separators", value: "a\u2028b\u2029c", text: "\"a\u2028b\u2029c\""},
		{name: "Japanese", value: "日本語", text: `"日本語"`},
		{name: "beyond the BMP", value: "🍪\U0010ffff", text: "\"🍪\U0010ffff\""},
		{name: "replacement character", value: "\ufffd", text: "\"\ufffd\""},
		{name: "text that looks like an escape", value: `\u0041`, text: `"\\u0041"`},

		{name: "[]byte", value: []byte{0, 1, 254, 255}, text: `"AAH+/w=="`, want: "AAH+/w=="},
		{name: "empty []byte", value: []byte{}, text: `""`, want: ""},
		{name: "named []byte", value: token("abc"), text: `"YWJj"`, want: "YWJj"},
		{name: "[][]byte", value: [][]byte{[]byte("a"), nil}, text: `["YQ==",null]`, want: []any{"YQ==", nil}},
		{name: "array of bytes is no []byte", value: [3]byte{1, 2, 3}, text: `[1,2,3]`, want: []any{1, 2, 3}},

		{name: "named string", value: role("admin"), text: `"admin"`, want: "admin"},
		{name: "named int", value: level(3), text: `3`, want: 3},
		{name: "named float", value: ratio(3), text: `3.0`, want: 3.0},
		{name: "named bool", value: switched(true), text: `true`, want: true},
		{name: "named slice", value: roles{"admin", "editor"}, text: `["admin","editor"]`, want: []any{"admin", "editor"}},
		{name: "named map and key", value: titles{"b": "B", "a": "A"}, text: `{"a":"A","b":"B"}`, want: map[string]any{"a": "A", "b": "B"}},
		{name: "duration", value: 2 * time.Second, text: `2000000000`, want: 2000000000},

		{name: "map", value: map[string]any{"z": 1, "a": "x"}, text: `{"a":"x","z":1}`},
		{name: "empty map", value: map[string]any{}, text: `{}`},
		{name: "empty key", value: map[string]any{"": 1}, text: `{"":1}`},
		{name: "key with a quote", value: map[string]any{"a\"\n": 1}, text: `{"a\"\n":1}`},
		{name: "map[string]int", value: map[string]int{"n": 1}, text: `{"n":1}`, want: map[string]any{"n": 1}},
		{name: "map[string]float64", value: map[string]float64{"n": 1}, text: `{"n":1.0}`, want: map[string]any{"n": 1.0}},
		{name: "map of slices", value: map[string][]bool{"b": {true, false}}, text: `{"b":[true,false]}`, want: map[string]any{"b": []any{true, false}}},
		{name: "slice", value: []any{1, "two", 3.0, nil, true}, text: `[1,"two",3.0,null,true]`},
		{name: "empty slice", value: []any{}, text: `[]`},
		{name: "[]string", value: []string{"a", "b"}, text: `["a","b"]`, want: []any{"a", "b"}},
		{name: "[]int", value: []int{1, 2}, text: `[1,2]`, want: []any{1, 2}},
		{name: "[]float64", value: []float64{1, 2.5}, text: `[1.0,2.5]`, want: []any{1.0, 2.5}},
		{name: "array", value: [2]string{"a", "b"}, text: `["a","b"]`, want: []any{"a", "b"}},
		{name: "slices in slices", value: [][]int{{1}, {}, nil}, text: `[[1],[],null]`, want: []any{[]any{1}, []any{}, nil}},

		{name: "time", value: mayDay, text: `1714566645123`, want: mayDayMillis},
		{name: "time before 1970", value: time.UnixMilli(-1500), text: `-1500`, want: -1500},
		{name: "[]time.Time", value: []time.Time{mayDay}, text: `[1714566645123]`, want: []any{mayDayMillis}},
		{name: "map of times", value: map[string]time.Time{"at": mayDay}, text: `{"at":1714566645123}`, want: map[string]any{"at": mayDayMillis}},
		{
			name: "time deep inside", value: []any{map[string]any{"l": []any{mayDay}}},
			text: `[{"l":[1714566645123]}]`, want: []any{map[string]any{"l": []any{mayDayMillis}}},
		},
		{name: "pointer to a time", value: &instant, text: `1714566645123`, want: mayDayMillis},
		{name: "slice of pointers to times", value: []*time.Time{&instant, nil}, text: `[1714566645123,null]`, want: []any{mayDayMillis, nil}},
		{
			name: "time in a struct is text", value: account{Name: "Al", Since: mayDay.Truncate(time.Second), note: "kept out"},
			text: `{"name":"Al","since":"2024-05-01T14:30:45+02:00"}`, want: map[string]any{"name": "Al", "since": "2024-05-01T14:30:45+02:00"},
		},

		{name: "DocumentRef", value: &firestore.DocumentRef{Path: "projects/p/databases/d/documents/c/x"}, text: `"projects/p/databases/d/documents/c/x"`, want: "projects/p/databases/d/documents/c/x"},
		{name: "DocumentRefs", value: []*firestore.DocumentRef{{Path: "a/b"}, nil}, text: `["a/b",null]`, want: []any{"a/b", nil}},
		{name: "LatLng", value: &latlng.LatLng{Latitude: 52, Longitude: 13.4}, text: `{"latitude":52.0,"longitude":13.4}`, want: map[string]any{"latitude": 52.0, "longitude": 13.4}},

		{name: "struct in a slice", value: []account{{Tags: []string{"t"}}}, text: `[{"name":"","since":"0001-01-01T00:00:00Z","tags":["t"]}]`, want: []any{map[string]any{"name": "", "since": "0001-01-01T00:00:00Z", "tags": []any{"t"}}}},
		{name: "pointer to a struct", value: &struct{ N float64 }{3}, text: `{"N":3}`, want: map[string]any{"N": 3}},
		{name: "Marshaler", value: money{199}, text: `{"cents":199}`, want: map[string]any{"cents": 199}},
		{name: "Marshaler in a map", value: map[string]money{"m": {1}}, text: `{"m":{"cents":1}}`, want: map[string]any{"m": map[string]any{"cents": 1}}},
		{name: "Marshaler by pointer", value: new(cents), text: `{"cents":0}`, want: map[string]any{"cents": 0}},
		{name: "Marshalers by pointer in a slice", value: []cents{7}, text: `[{"cents":7}]`, want: []any{map[string]any{"cents": 7}}},
		{name: "[]big.Int", value: []big.Int{*big.NewInt(5)}, text: `[5]`, want: []any{5}},
		{name: "TextMarshaler", value: netip.MustParseAddr("::1"), text: `"::1"`, want: "::1"},
		{name: "TextMarshaler that is a string", value: language("de"), text: `"DE"`, want: "DE"},
		{name: "RawMessage", value: json.RawMessage(`{ "a" : 1.0 }`), text: `{"a":1.0}`, want: map[string]any{"a": 1.0}},
		{name: "pointer", value: fivePtr, text: `5`, want: 5},
		{name: "pointer to a pointer", value: &fivePtr, text: `5`, want: 5},
		{name: "pointer to a map", value: &map[string]any{"t": mayDay}, text: `{"t":1714566645123}`, want: map[string]any{"t": mayDayMillis}},

		{name: "nil pointer", value: noPointer, text: `null`, want: nil},
		{name: "pointer to a nil pointer", value: &noPointer, text: `null`, want: nil},
		{name: "nil map", value: noMap, text: `null`, want: nil},
		{name: "nil map[string]string", value: noStrings, text: `null`, want: nil},
		{name: "nil slice", value: noSlice, text: `null`, want: nil},
		{name: "nil []int", value: noInts, text: `null`, want: nil},
		{name: "nil []byte", value: noBytes, text: `null`, want: nil},
		{name: "nil DocumentRef", value: noRef, text: `null`, want: nil},
		{name: "nil LatLng", value: noPlace, text: `null`, want: nil},
		{name: "nil *big.Int", value: noBig, text: `null`, want: nil},
		{name: "nil *time.Time", value: noTime, text: `null`, want: nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.want == nil && tt.text != "null" {
				tt.want = tt.value
			}
			text, err := encodeJSON(payload{Created: 1700000000, Values: map[string]any{"v": tt.value}})
			if err != nil {
				t.Fatal(err)
			}
			if want := `{"created":1700000000,"session":{"v":` + tt.text + `}}`; text != want {
				t.Errorf("text\n%s\nwant\n%s", text, want)
			}
			got, err := decodeJSON(text)
			if err != nil {
				t.Fatal(err)
			}
			want := payload{Created: 1700000000, Values: map[string]any{"v": tt.want}}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("came back different (-want +got):\n%s", diff)
			}
			again, err := encodeJSON(got)
			if err != nil {
				t.Fatal(err)
			}
			if third, err := decodeJSON(again); err != nil || !cmp.Equal(got, third) {
				t.Errorf("came back different the second time: %v, %v", third, err)
			}
		})
	}
}

func TestEncodeJSONPayload(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		payload payload
		want    string
	}{
		{name: "zero", want: `{"created":0,"session":{}}`},
		{name: "empty", payload: payload{Created: 1, Values: map[string]any{}}, want: `{"created":1,"session":{}}`},
		{name: "before 1970", payload: payload{Created: -1}, want: `{"created":-1,"session":{}}`},
		{
			name:    "keys in order",
			payload: payload{Values: map[string]any{"b": 1, "a": 2, "Z": 3, "é": 4}},
			want:    `{"created":0,"session":{"Z":3,"a":2,"b":1,"é":4}}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := encodeJSON(tt.payload)
			if err != nil || got != tt.want {
				t.Errorf("%s, %v; want %s", got, err, tt.want)
			}
		})
	}
}

// TestJSONNestedDeep is apart from the table since cmp takes exponential time for slices in slices.
func TestJSONNestedDeep(t *testing.T) {
	t.Parallel()
	want := payload{Values: map[string]any{"v": nested(500)}}
	for _, v := range []any{nested(500), json.RawMessage(lists(500))} {
		text, err := encodeJSON(payload{Values: map[string]any{"v": v}})
		if err != nil {
			t.Fatal(err)
		}
		if text != `{"created":0,"session":{"v":`+lists(500)+`}}` {
			t.Error("wrong text:", text)
		}
		if got, err := decodeJSON(text); err != nil || !reflect.DeepEqual(got, want) {
			t.Error("came back different:", got, err)
		}
	}
	brackets := json.RawMessage(`"\"` + strings.Repeat("[", 501) + `"`)
	if _, err := encodeJSON(payload{Values: map[string]any{"v": brackets}}); err != nil {
		t.Error("brackets in a string:", err)
	}
}

// TestEncodeJSONRefuses holds what cannot be stored, with the key that the error must name.
func TestEncodeJSONRefuses(t *testing.T) {
	t.Parallel()
	type pointer *pointer
	var loop pointer
	loop = &loop
	circle := map[string]any{}
	circle["self"] = circle
	ring := make([]any, 1)
	ring[0] = ring

	tests := []struct {
		name   string
		value  any
		want   []string // in the error, besides the key
		hidden string   // not in the error: errors are logged, values must not be
	}{
		{name: "channel", value: make(chan int), want: []string{"chan int"}},
		{name: "function", value: func() {}, want: []string{"func()"}},
		{name: "complex number", value: 1i, want: []string{"complex128"}},
		{name: "NaN", value: math.NaN(), want: []string{"NaN"}},
		{name: "infinity", value: math.Inf(1), want: []string{"infinity"}},
		{name: "negative infinity", value: math.Inf(-1), want: []string{"infinity"}},
		{name: "float32 infinity", value: float32(math.Inf(1)), want: []string{"infinity"}},
		{name: "NaN in a slice", value: []float64{0, math.NaN()}, want: []string{"element 1", "NaN"}},
		{name: "NaN in a struct", value: struct{ F float64 }{math.NaN()}, want: []string{"NaN"}},
		{name: "map with int keys", value: map[int]string{1: "a"}, want: []string{"map[int]string", "keys that are not strings"}},
		{name: "empty map with int keys", value: map[int]string{}, want: []string{"map[int]string"}},
		{name: "nil map with int keys", value: map[int]string(nil), want: []string{"map[int]string"}},
		{name: "map with keys of any type", value: map[any]any{"a": 1}, want: []string{"keys that are not strings"}},
		{name: "map with keys that marshal as text", value: map[netip.Addr]int{}, want: []string{"map[netip.Addr]int"}},
		{name: "invalid UTF-8", value: "caf\xe9", want: []string{"UTF-8", "[]byte"}},
		{name: "invalid UTF-8 of a named type", value: role("\xff"), want: []string{"UTF-8"}},
		{name: "invalid UTF-8 in a key", value: map[string]any{"\xff": 1}, want: []string{`key "\xff"`, "UTF-8"}},
		{name: "invalid UTF-8 in a DocumentRef", value: &firestore.DocumentRef{Path: "\xff"}, want: []string{"UTF-8"}},
		{name: "surrogate", value: "\xed\xa0\x80", want: []string{"UTF-8"}},
		{name: "channel deep inside", value: map[string]any{"list": []any{1, map[string]any{"c": make(chan int)}}}, want: []string{`key "list": element 1: key "c"`}},
		{name: "NaN in a LatLng", value: &latlng.LatLng{Latitude: math.NaN()}, want: []string{`key "latitude"`, "NaN"}},
		{name: "Marshaler that fails", value: unmarshalable{}, want: []string{"unmarshalable"}, hidden: "out of paper"},
		{name: "json.Number that is none", value: json.Number("12x"), want: []string{"json.Number"}, hidden: "12x"},
		{name: "RawMessage that is not JSON", value: json.RawMessage(`{`), want: []string{"JSON"}},
		{name: "map that contains itself", value: circle, want: []string{"500 levels"}},
		{name: "slice that contains itself", value: ring, want: []string{"500 levels"}},
		{name: "pointer to itself", value: loop, want: []string{"500 levels"}},
		{name: "too deep", value: nested(501), want: []string{"500 levels"}},
		{name: "too deep in a RawMessage", value: json.RawMessage(lists(501)), want: []string{"500 levels"}},
		{name: "too deep in a struct", value: []any{struct{ V any }{nested(499)}}, want: []string{"500 levels"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			text, err := encodeJSON(payload{Values: map[string]any{"cart": tt.value, "other": 1}})
			if err == nil {
				t.Fatalf("no error, but %.200s", text)
			}
			if text != "" {
				t.Errorf("text beside the error: %.200s", text)
			}
			if want := `echofirestore: encode session: key "cart": `; !strings.HasPrefix(err.Error(), want) {
				t.Errorf("error %.200q does not begin with %q", err, want)
			}
			if len(err.Error()) > 200 {
				t.Errorf("error of %d bytes", len(err.Error()))
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %.200q does not say %q", err, want)
				}
			}
			if tt.hidden != "" && strings.Contains(err.Error(), tt.hidden) {
				t.Errorf("error %.200q says %q", err, tt.hidden)
			}
		})
	}
}

func TestEncodeJSONKeepsTheErrorOfAMarshaler(t *testing.T) {
	t.Parallel()
	_, err := encodeJSON(payload{Values: map[string]any{"v": unmarshalable{}}})
	if _, ok := errors.AsType[*json.MarshalerError](err); !ok {
		t.Errorf("%v hides the *json.MarshalerError", err)
	}
}
