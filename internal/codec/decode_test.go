package codec_test

import (
	"encoding/json"
	"math"
	"runtime"
	"strings"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"
)

func TestDecodeJSON(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text string
		created    int64
		want       map[string]any
	}{
		{name: "empty", text: `{"created":1,"session":{}}`, created: 1, want: map[string]any{}},
		{name: "other order, spaces", text: " {\n\"session\" : { } ,\t\"created\" : 7 }\r\n", created: 7, want: map[string]any{}},
		{name: "fields of others", text: `{"created":1,"session":{"a":1},"version":[2]}`, created: 1, want: map[string]any{"a": 1}},
		{name: "created in the future", text: `{"created":9223372036854775807,"session":{}}`, created: math.MaxInt64, want: map[string]any{}},
		{name: "created before 1970", text: `{"created":-5,"session":{}}`, created: -5, want: map[string]any{}},
		{name: "created minus zero", text: `{"created":-0,"session":{}}`, want: map[string]any{}},
		{name: "created twice", text: `{"created":"no","created":2,"session":{}}`, created: 2, want: map[string]any{}},
		{name: "session twice", text: `{"created":1,"session":{"a":1},"session":{"b":2}}`, created: 1, want: map[string]any{"b": 2}},
		{name: "key twice", text: `{"created":1,"session":{"a":1,"a":{"x":1},"a":{"y":2}}}`, created: 1, want: map[string]any{"a": map[string]any{"y": 2}}},
		{
			name: "numbers", text: `{"created":1,"session":{"n":[0,-0,-0.0,1.0,1e2,1E2,1e-2,100000000000000000000,-9223372036854775809]}}`,
			created: 1, want: map[string]any{"n": []any{
				0, 0, math.Copysign(0, -1), 1.0, 100.0, 100.0, 0.01,
				json.Number("100000000000000000000"), json.Number("-9223372036854775809"),
			}},
		},
		{name: "number beyond float64", text: `{"created":1,"session":{"n":1e400,"m":{"n":-1.5E400}}}`, created: 1, want: map[string]any{"n": json.Number("1e400"), "m": map[string]any{"n": json.Number("-1.5E400")}}},
		{name: "number nearer to zero than float64", text: `{"created":1,"session":{"n":1e-400}}`, created: 1, want: map[string]any{"n": 0.0}},
		{name: "escapes", text: `{"created":1,"session":{"s":"\u0041\ud83c\udf6a\/\b\f\n\r\t\"\\"}}`, created: 1, want: map[string]any{"s": "A🍪/\b\f\n\r\t\"\\"}},
		{name: "escapes in upper and lower case", text: `{"created":1,"session":{"\u00e9":"\u00E9\uAbCd"}}`, created: 1, want: map[string]any{"é": "é\uabcd"}},
		{name: "surrogate before another escape", text: `{"created":1,"session":{"s":"\ud83c\u0041\ud83c\n\ud83c\ud83c\udf6a"}}`, created: 1, want: map[string]any{"s": "\ufffdA\ufffd\n\ufffd🍪"}},
		{name: "lone surrogate", text: `{"created":1,"session":{"s":"\ud83c."}}`, created: 1, want: map[string]any{"s": "\ufffd."}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := decodeJSON(tt.text)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(payload{Created: tt.created, Values: tt.want}, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestDecodeJSONRefuses holds what is malformed: what Python's counterpart refuses, and what is not JSON at all.
func TestDecodeJSONRefuses(t *testing.T) {
	t.Parallel()
	const (
		created = "created is not an integer"
		session = "session is not an object"
	)
	tests := []struct{ text, want string }{
		// Valid JSON of the wrong structure.
		{`null`, ""},
		{`false`, ""},
		{`1`, ""},
		{`"text"`, ""},
		{`[]`, ""},
		{`[1]`, ""},
		{`{}`, created},
		{`{"session": {"user": "alice"}}`, created},
		{`{"created": 1}`, session},
		{`{"created": null, "session": {}}`, created},
		{`{"created": true, "session": {}}`, created},
		{`{"created": "yesterday", "session": {}}`, created},
		{`{"created": 1.5, "session": {}}`, created},
		{`{"created": 1, "session": null}`, session},
		{`{"created": 1, "session": 1}`, session},
		{`{"created": 1, "session": "text"}`, session},
		{`{"created": 1, "session": [["user", "alice"]]}`, session},

		// More of that.
		{`{"created": 1.0, "session": {}}`, created},
		{`{"created": 1e9, "session": {}}`, created},
		{`{"created": "1", "session": {}}`, created},
		{`{"created": [1], "session": {}}`, created},
		{`{"created": 9223372036854775808, "session": {}}`, created},
		{`{"created": 1, "session": false}`, session},
		{`{"created": 1, "Session": {}}`, session},
		{`{"Created": 1, "session": {}}`, created},
		{`{"created": 1, "session": {}, "session": 1}`, session},

		// No JSON, or not just one text of it.
		{``, ""},
		{` `, ""},
		{`NOT-VALID-JSON!!!`, ""},
		{`{"created": 1, "session": {}`, ""},
		{`{"created": 1, "session": {}} x`, ""},
		{`{"created": 1, "session": {}} {}`, ""},
		{`{"created": 1, "session": {}}}`, ""},
		{`{"created": 1, "session": {}},`, ""},
		{`{"created": 1, "session": {},}`, ""},
		{`{"created": 01, "session": {}}`, ""},
		{`{"created": +1, "session": {}}`, ""},
		{`{"created": 1, "session": {"n": NaN}}`, ""},
		{`{"created": 1, "session": {"n": Infinity}}`, ""},
		{`{"created": 1, "session": {"n": -Infinity}}`, ""},
		{`{"created": 1, "session": {"n": .5}}`, ""},
		{`{"created": 1, "session": {'n': 5}}`, ""},
		{"{\"created\": 1, \"session\": {\"s\": \"a\nb\"}}", ""},
		{"{\"created\": 1, \"session\": {\"s\": \"a\x00b\"}}", ""},
		{"{\"created\": 1, \"session\": {\"s\": \"a\x1fb\"}}", ""},
		{"{\"created\": 1, \"session\": {\"s\": \"a\xffb\"}}", "UTF-8"},
		{`{"created": 1, "session": {"s": "\u00g0"}}`, ""},
		{`{"created": 1, "session": {"s": "\u00`, ""},
		{`{"created": 1, "session": {"s": "\ud83c\u`, ""},
		{`{"created": 1, "session": {"s": "\x41"}}`, ""},
		{`{"created": 1, "session": {"n": 1.}}`, ""},
		{`{"created": 1, "session": {"n": 1e}}`, ""},
		{`{"created": 1, "session": {"n": -}}`, ""},
		{`{"created": 1, "session": {"n": 0x1}}`, ""},
		{`{"created": 1, "session": {"n": 1_0}}`, ""},
		{`{"created": 1, "session": {"b": tru}}`, ""},
		{`{"created": 1, "session": {"b": True}}`, ""},
		{`{"created": 1, "session": {"l": [1,]}}`, ""},
		{`{"created": 1, "session": {"l": [1 2]}}`, ""},
		{`{"created": 1, "session": {,}}`, ""},
		{`{"created": 1, "session": {1: 2}}`, ""},
		{`{"created": 1, "session": {"a" 2}}`, ""},
		{"\ufeff" + `{"created": 1, "session": {}}`, ""},
		{`{"created": 1, "session": {"deep": ` + strings.Repeat("[", 1e5) + strings.Repeat("]", 1e5) + `}}`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.text[:min(len(tt.text), 60)], func(t *testing.T) {
			t.Parallel()
			got, err := decodeJSON(tt.text)
			if err == nil {
				t.Fatalf("no error, but %v", got)
			}
			if diff := cmp.Diff(payload{}, got); diff != "" {
				t.Errorf("a payload beside the error:\n%s", diff)
			}
			if !strings.HasPrefix(err.Error(), "echofirestore: decode session: ") || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %q does not say %q", err, tt.want)
			}
		})
	}
}

// TestDecodeJSONLetsGoOfALargeText looks at where strings are: one inside the text keeps all of it in memory.
func TestDecodeJSONLetsGoOfALargeText(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		padding int
		inside  bool
	}{
		{name: "small: no copies", padding: 10, inside: true},
		{name: "large: copies", padding: 4096},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			text := `{"created":1,"session":{"id":"u1","list":["x","` + strings.Repeat("y", tt.padding) + `"]}}`
			got, err := decodeJSON(text)
			if err != nil {
				t.Fatal(err)
			}
			start := uintptr(unsafe.Pointer(unsafe.StringData(text)))
			check := func(s string) {
				at := uintptr(unsafe.Pointer(unsafe.StringData(s)))
				if inside := start <= at && at < start+uintptr(len(text)); inside != tt.inside {
					t.Errorf("%.10q inside the text: %v, want %v", s, inside, tt.inside)
				}
			}
			check(got.Values["id"].(string))
			for _, s := range got.Values["list"].([]any) {
				check(s.(string))
			}
			for key := range got.Values {
				check(key)
			}
			runtime.KeepAlive(text)
		})
	}
}
