package codec_test

import (
	"bytes"
	"encoding/base64"
	"encoding/gob"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// seat is registered with gob, and stall is not.
type (
	seat  struct{ Row, Number int }
	stall struct{ Row int }
)

func init() { gob.Register(seat{}) }

// TestGob holds the types that come back as they were.
func TestGob(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		value any
	}{
		{"nil", nil},
		{"nil deep inside", []any{map[string]any{"n": nil}, nil}},
		{"bool", true},
		{"string", "日本語"},
		{"string that is no UTF-8", "\xff\x00"},
		{"int", -5},
		{"int8", int8(-5)},
		{"int64", int64(math.MinInt64)},
		{"uint8", uint8(5)},
		{"uint64", uint64(math.MaxUint64)},
		{"float64", 3.0},
		{"float32", float32(0.1)},
		{"infinity", math.Inf(1)},
		{"complex128", 1 + 2i},
		{"[]byte", []byte{0, 255}},
		{"[]string", []string{"a", "b"}},
		{"[]int", []int{1, 2}},
		{"[]any", []any{1, "a", []any{2.5}}},
		{"map", map[string]any{"n": int64(1), "m": map[string]any{"s": "x"}}},
		{"empty map", map[string]any{}},
		{"time, with its nanoseconds", time.Date(2024, 5, 1, 12, 30, 45, 123456789, time.UTC)},
		{"registered struct", seat{3, 14}},
		{"registered struct deep inside", []any{map[string]any{"seat": seat{1, 2}}}},
	}
	all := payload{Created: 1700000000, Values: map[string]any{}}
	for _, tt := range tests {
		all.Values[tt.name] = tt.value
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			requireGobRoundTrip(t, payload{Created: -1, Values: map[string]any{"v": tt.value}})
		})
	}
	t.Run("all together", func(t *testing.T) {
		t.Parallel()
		requireGobRoundTrip(t, all)
	})
	t.Run("no values", func(t *testing.T) {
		t.Parallel()
		requireGobRoundTrip(t, payload{Created: 1, Values: map[string]any{}})
	})
}

func requireGobRoundTrip(t *testing.T, want payload) {
	t.Helper()
	text, err := encodeGob(want)
	if err != nil {
		t.Fatal(err)
	}
	if strings.ContainsFunc(text, func(r rune) bool { return r > '~' }) {
		t.Errorf("%q is no ASCII", text)
	}
	got, err := decodeGob(text)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("came back different (-want +got):\n%s", diff)
	}
}

func TestEncodeGobRefuses(t *testing.T) {
	t.Parallel()
	circle := map[string]any{}
	circle["self"] = circle
	ring := make([]any, 1)
	ring[0] = ring
	tests := []struct {
		name  string
		value any
		want  string // in the error, besides the key
	}{
		{"nil pointer", (*seat)(nil), "seat"},
		{"map that contains itself", circle, "500 levels"},
		{"slice that contains itself", []any{ring}, "500 levels"},
		{"unregistered type", stall{1}, "stall"},
		{"unregistered type deep inside", []any{map[string]any{"s": stall{1}}}, "stall"},
		{"unregistered map type", map[string]string{"a": "b"}, "map[string]string"},
		{"channel", make(chan int), "chan int"},
		{"function", func() {}, "func()"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			text, err := encodeGob(payload{Values: map[string]any{"cart": tt.value, "other": 1, "more": "x"}})
			if err == nil {
				t.Fatalf("no error, but %q", text)
			}
			if text != "" {
				t.Errorf("text beside the error: %q", text)
			}
			if want := `echofirestore: encode session: key "cart": `; !strings.HasPrefix(err.Error(), want) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %q does not begin with %q and say %q", err, want, tt.want)
			}
		})
	}
}

func TestDecodeGobRefuses(t *testing.T) {
	t.Parallel()
	text, err := encodeGob(payload{Created: 1, Values: map[string]any{"a": seat{1, 2}}})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]string{
		"empty":         "",
		"JSON":          `{"created":1,"session":{}}`,
		"bad base64":    "!" + text[1:],
		"URL base64":    "-_" + text[2:],
		"no gob":        base64.StdEncoding.EncodeToString([]byte("no gob at all")),
		"unknown type":  base64.StdEncoding.EncodeToString(bytes.ReplaceAll(raw, []byte("seat"), []byte("sofa"))),
		"missing end":   text[:len(text)-8],
		"only the type": text[:12],
	}
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := decodeGob(text)
			if err == nil {
				t.Fatalf("no error, but %v", got)
			}
			if !strings.HasPrefix(err.Error(), "echofirestore: decode session: ") {
				t.Errorf("error %q has no prefix", err)
			}
			if diff := cmp.Diff(payload{}, got); diff != "" {
				t.Errorf("a payload beside the error:\n%s", diff)
			}
		})
	}
}

// TestDecodeGobOfDamagedText decodes a text cut off at every byte, and with every bit flipped: an error, or another
// payload, but never a panic.
func TestDecodeGobOfDamagedText(t *testing.T) {
	t.Parallel()
	text, err := encodeGob(payload{Created: 1, Values: map[string]any{
		"time": time.Unix(1, 2), "seats": []any{seat{1, 2}, map[string]any{"s": "x"}}, "list": []string{"a"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	for n := range raw {
		if got, err := decodeGob(base64.StdEncoding.EncodeToString(raw[:n])); err == nil {
			t.Errorf("the first %d bytes of %d decode, to %v", n, len(raw), got)
		}
		for bit := range 8 {
			damaged := slices.Clone(raw)
			damaged[n] ^= 1 << bit
			_, _ = decodeGob(base64.StdEncoding.EncodeToString(damaged))
		}
	}
}
