package codec_test

import (
	"encoding/json"
	"flag"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

// TestGolden shares documents with Python. Each case is in two files in testdata/golden: NAME.python.json as Python
// writes it, NAME.go.json as EncodeJSON does. Both must be read as the same values, here and by python.py there.
func TestGolden(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		created int64          // 1700000000, if left out
		stored  map[string]any // what is given to EncodeJSON; want, if left out
		want    map[string]any
	}{
		{name: "empty", created: -1, want: map[string]any{}},
		{name: "visits", want: map[string]any{"visits": 1}},
		{name: "integers", want: map[string]any{
			"big":   json.Number("1180591620717411303424"),
			"list":  []any{0, -1, 1 << 31, 1<<53 - 1, 1 << 53, 1<<53 + 1, -1<<53 - 1},
			"max":   math.MaxInt64,
			"min":   math.MinInt64,
			"over":  json.Number("9223372036854775808"),
			"uint":  json.Number("18446744073709551615"),
			"under": json.Number("-9223372036854775809"),
		}},
		{name: "floats", want: map[string]any{
			"exponents": []any{1e16, 1e-5, 1e300, -1e-300, math.MaxFloat64, math.SmallestNonzeroFloat64},
			"integral":  []any{3.0, 0.0, math.Copysign(0, -1), 100.0, 1234567890123456.0},
			"plain":     []any{0.1, 0.5, -2.75, math.Pi, 0.0001, 1.0 / 3},
		}},
		{name: "strings", want: map[string]any{
			"":           "the key is empty",
			"control":    "\x00\x01\x02\x03\x04\x05\x06\a\b\t\n\v\f\r\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f\x7f",
			"html":       "<a href='x'>&amp;</a>",
			"quotes":     `say "hi" \o/`,
			"separators": "a\u2028b\u2029c",
			"日本語 🍪":      "ключ 🍪 \U0010ffff \ufeff \ufffd é",
		}},
		{name: "constants", want: map[string]any{"f": false, "n": nil, "t": true}},
		{name: "containers", want: map[string]any{
			"list": []any{1, "two", 3.0, nil, true, []any{}, map[string]any{}, []any{[]any{1, []any{2, []any{3}}}}},
			"map": map[string]any{
				"a":     map[string]any{"b": map[string]any{"c": []any{map[string]any{"d": map[string]any{}}}}},
				"empty": map[string]any{},
				"none":  []any{},
			},
		}},
		{name: "deep", want: map[string]any{"v": nested(500)}},
		{
			name:   "times",
			stored: map[string]any{"at": mayDay, "list": []time.Time{time.UnixMilli(0)}},
			want:   map[string]any{"at": mayDayMillis, "list": []any{0}},
		},
		{
			name: "shop",
			stored: map[string]any{
				"_flash": [][2]string{{"You are signed in.", "success"}},
				"cart": []map[string]any{
					{"sku": "A-1001", "n": 2, "price": 12.5},
					{"sku": "B-2002", "n": 1, "price": float32(99)},
				},
				"user": struct {
					Email string   `json:"email"`
					ID    int64    `json:"id"`
					Roles []string `json:"roles"`
				}{"zoë@example.com", 4711, []string{"editor", "admin"}},
			},
			want: map[string]any{
				"_flash": []any{[]any{"You are signed in.", "success"}},
				"cart": []any{
					map[string]any{"n": 2, "price": 12.5, "sku": "A-1001"},
					map[string]any{"n": 1, "price": 99.0, "sku": "B-2002"},
				},
				"user": map[string]any{"email": "zoë@example.com", "id": 4711, "roles": []any{"editor", "admin"}},
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			switch tt.created {
			case 0:
				tt.created = 1700000000
			case -1:
				tt.created = 0
			}
			if tt.stored == nil {
				tt.stored = tt.want
			}
			written, err := encodeJSON(payload{Created: tt.created, Values: tt.stored})
			if err != nil {
				t.Fatal(err)
			}
			ours := filepath.Join("testdata", "golden", tt.name+".go.json")
			if *update {
				if err := os.WriteFile(ours, []byte(written), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if golden := readFile(t, ours); written != golden {
				t.Errorf("EncodeJSON writes\n%s\nand %s has\n%s", written, ours, golden)
			}
			for _, file := range []string{ours, filepath.Join("testdata", "golden", tt.name+".python.json")} {
				got, err := decodeJSON(readFile(t, file))
				if err != nil {
					t.Errorf("%s: %v", file, err)
				}
				requireSame(t, file, payload{Created: tt.created, Values: tt.want}, got)
			}
		})
	}
}

// TestGoldenPythonOnly reads what Python may write and EncodeJSON never does.
func TestGoldenPythonOnly(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		want map[string]any // nil if it must not decode
	}{
		{name: "unsorted", want: map[string]any{"z": 1, "a": map[string]any{"y": 2, "b": 3}}},
		{name: "indented", want: map[string]any{"s": "é🍪", "l": []any{1, 2.0}}},
		{name: "surrogate", want: map[string]any{"s": "\ufffd."}}, // no string of Go can hold half a character
		{name: "nan"},
		{name: "infinity"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join("testdata", "golden", tt.name+".python.json")
			got, err := decodeJSON(readFile(t, file))
			if tt.want == nil {
				if err == nil {
					t.Errorf("no error, but %v", got)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			requireSame(t, file, payload{Created: 1, Values: tt.want}, got)
		})
	}
}

// TestGoldenFilesAreTested finds golden files that no test reads.
func TestGoldenFilesAreTested(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("testdata", "golden", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	source := readFile(t, "golden_test.go")
	for _, file := range files {
		name, _, _ := strings.Cut(filepath.Base(file), ".")
		if !strings.Contains(source, `name: "`+name+`"`) && !strings.Contains(source, "name:   \""+name+`"`) {
			t.Errorf("%s is not read", file)
		}
	}
}

// requireSame also tells -0.0 from 0.0. It does not leave the comparison to cmp, which takes exponential time for deep
// values.
func requireSame(t *testing.T, what string, want, got payload) {
	t.Helper()
	if !reflect.DeepEqual(want, got) {
		t.Fatalf("%s (-want +got):\n%s", what, cmp.Diff(want, got))
	}
	wantText, _ := encodeJSON(want)
	gotText, err := encodeJSON(got)
	if err != nil || gotText != wantText {
		t.Fatalf("%s: got %s, %v\nwant %s", what, gotText, err, wantText)
	}
}

func readFile(t *testing.T, file string) string {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
