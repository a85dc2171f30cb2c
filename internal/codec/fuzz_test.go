package codec_test

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"math"
	"math/big"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzDecodeJSON compares DecodeJSON with encoding/json, and checks that what it read can be written and read again
// without a difference. Only text that is no UTF-8 is another matter: encoding/json reads it as something else.
func FuzzDecodeJSON(f *testing.F) {
	for _, text := range []string{
		`{"created":1700000000,"session":{"a":[1,2.5,1e400,-0,-0.0,true,null,"\u00e9\ud83c\udf6a"]}}`,
		`{"created": 1, "session": {"big": 1180591620717411303424, "n": {"s": "\ud800"}}}`,
		`{"session":{},"created":-9223372036854775808,"x":1}`,
		`{"created":9223372036854775808,"session":{}}`,
		`{"created":1.0,"session":{}}`,
		`{"created":1,"session":{"a":1,"a":2},"session":{}}`,
		`{"created":1,"session":[]} `,
		`{"created":1,"session":{}}{}`,
		`{"created":NaN,"session":{}}`,
		`{"created":1,"session":{"x":` + strings.Repeat("[", 600) + strings.Repeat("]", 600) + `}}`,
		`{"created":1,"session":{"a":"` + "\xff" + `"}}`,
		`{"created":1,"session":{"\ud83c\ud83c\udf6a\u0041\/":"\udf6a\ud83cx"}}`,
		`{"created":-0,"session":{"":-0.0e-0,"n":[1E+2,0.10,-1e-400,9223372036854775807,-9223372036854775809]}}`,
		"null", "[]", "", "\xff",
	} {
		f.Add(text)
	}
	integer := regexp.MustCompile(`^-?\d+$`)
	f.Fuzz(func(t *testing.T, text string) {
		dec := json.NewDecoder(strings.NewReader(text))
		dec.UseNumber()
		var object map[string]any
		valid := utf8.ValidString(text) && dec.Decode(&object) == nil
		if _, err := dec.Token(); err != io.EOF {
			valid = false
		}
		created, isNumber := object["created"].(json.Number)
		seconds, isInteger := new(big.Int).SetString(string(created), 10)
		session, isObject := object["session"].(map[string]any)
		valid = valid && isNumber && isInteger && integer.MatchString(string(created)) && seconds.IsInt64() && isObject

		got, err := decodeJSON(text)
		if depth(session) > 500 {
			return // what cannot be written need not be read
		}
		if (err == nil) != valid {
			t.Fatalf("DecodeJSON(%q): %v; encoding/json would take it: %v", text, err, valid)
		}
		if err != nil {
			return
		}
		if got.Created != seconds.Int64() {
			t.Errorf("created %d, want %v", got.Created, seconds)
		}
		requireSameJSON(t, session, got.Values)

		once, err := encodeJSON(got)
		if err != nil {
			t.Fatalf("%q was read and cannot be written: %v", text, err)
		}
		again, err := decodeJSON(once)
		if err != nil {
			t.Fatalf("cannot read %q, from %q: %v", once, text, err)
		}
		if !reflect.DeepEqual(got, again) {
			t.Errorf("%q\nis read as %#v,\nis written as %q,\nis read as %#v", text, got, once, again)
		}
		if twice, err := encodeJSON(again); err != nil || twice != once {
			t.Errorf("%q is written the second time as %q, %v", once, twice, err)
		}
	})
}

// requireSameJSON compares a value that DecodeJSON made with the one of encoding/json that has json.Numbers.
func requireSameJSON(t *testing.T, want, got any) {
	t.Helper()
	switch want := want.(type) {
	case map[string]any:
		got, ok := got.(map[string]any)
		if !ok || len(got) != len(want) {
			t.Fatalf("got %#v, want %#v", got, want)
		}
		for key := range want {
			requireSameJSON(t, want[key], got[key])
		}
	case []any:
		got, ok := got.([]any)
		if !ok || len(got) != len(want) {
			t.Fatalf("got %#v, want %#v", got, want)
		}
		for i := range want {
			requireSameJSON(t, want[i], got[i])
		}
	case json.Number:
		if !reflect.DeepEqual(got, wantNumber(string(want))) {
			t.Fatalf("%s is read as %T %v", want, got, got)
		}
	default:
		if got != want {
			t.Fatalf("got %#v, want %#v", got, want)
		}
	}
}

// wantNumber returns what a number in JSON must be read as.
func wantNumber(text string) any {
	if i, ok := new(big.Int).SetString(text, 10); ok {
		switch {
		case i.IsInt64() && int64(int(i.Int64())) == i.Int64():
			return int(i.Int64())
		case i.IsInt64():
			return i.Int64()
		default:
			return json.Number(text)
		}
	}
	x, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return json.Number(text)
	}
	return x
}

func depth(v any) int {
	deepest := 0
	switch v := v.(type) {
	case map[string]any:
		for _, elem := range v {
			deepest = max(deepest, 1+depth(elem))
		}
	case []any:
		for _, elem := range v {
			deepest = max(deepest, 1+depth(elem))
		}
	}
	return deepest
}

// FuzzRoundTrip stores values that are made from the fuzzer's, at a depth, and expects them back.
func FuzzRoundTrip(f *testing.F) {
	f.Add("", int64(0), uint64(0), 0.0, []byte(nil), uint16(0))
	f.Add("日本語🍪", int64(math.MinInt64), uint64(math.MaxUint64), 1e16, []byte{0xff}, uint16(3))
	f.Add("\x00\"\\<>&\u2028", int64(1<<53+1), uint64(1<<63), -0.1, []byte("text"), uint16(499))
	f.Add("\xff", int64(-1), uint64(1), math.NaN(), []byte{}, uint16(1))
	f.Add("a", int64(1), uint64(1), math.Inf(-1), []byte{}, uint16(600))
	f.Add("a", int64(1), uint64(1), 5e-324, []byte{}, uint16(0b1010))
	f.Fuzz(func(t *testing.T, s string, i int64, u uint64, x float64, b []byte, shape uint16) {
		level := int(shape % 600)
		list := shape&1 == 1
		wrap := func(v any) any {
			for range level {
				if list {
					v = []any{v}
				} else {
					v = map[string]any{s: v}
				}
			}
			return v
		}
		stored := wrap(map[string]any{
			"s": s, "key " + s: true, "i": i, "u": u, "x": x, "f": float32(x), "b": b,
			"strings": []string{s, s}, "ints": map[string]int64{s: i}, "floats": []float64{x},
		})
		text, err := encodeJSON(payload{Created: i, Values: map[string]any{"v": stored}})

		finite := !math.IsNaN(x) && !math.IsInf(float64(float32(x)), 0)
		if wantErr := !finite || !utf8.ValidString(s) || level > 497; (err != nil) != wantErr {
			t.Fatalf("error %v, want one: %v", err, wantErr)
		}
		if err != nil {
			if !strings.Contains(err.Error(), `key "v"`) {
				t.Errorf("error %q does not name the key", err)
			}
			return
		}
		if !utf8.ValidString(text) {
			t.Errorf("%q is not UTF-8: no string of Firestore", text)
		}

		bytes := any(base64.StdEncoding.EncodeToString(b))
		if b == nil {
			bytes = nil
		}
		short, _ := strconv.ParseFloat(strconv.FormatFloat(x, 'g', -1, 32), 64)
		want := wrap(map[string]any{
			"s": s, "key " + s: true, "i": int(i), "u": wantNumber(strconv.FormatUint(u, 10)), "x": x, "f": short, "b": bytes,
			"strings": []any{s, s}, "ints": map[string]any{s: int(i)}, "floats": []any{x},
		})
		got, err := decodeJSON(text)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if got.Created != i || !reflect.DeepEqual(got.Values, map[string]any{"v": want}) {
			t.Errorf("%q\nis read as %#v,\nwant %#v", text, got.Values, want)
		}
	})
}

// FuzzDecodeGob looks for a panic: what is in the database is not always what was put there.
func FuzzDecodeGob(f *testing.F) {
	for _, values := range []map[string]any{
		nil,
		{"a": 1},
		{"a": []any{1, "two", 3.0, nil}, "m": map[string]any{"s": seat{1, 2}}, "t": mayDay, "b": []byte{1}, "l": []string{"x"}},
	} {
		text, err := encodeGob(payload{Created: 1, Values: values})
		if err != nil {
			f.Fatal(err)
		}
		raw, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Add([]byte("not base64"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, text := range []string{string(raw), base64.StdEncoding.EncodeToString(raw)} {
			got, err := decodeGob(text)
			if err != nil {
				if got.Created != 0 || got.Values != nil {
					t.Errorf("a payload beside the error %v: %v", err, got)
				}
				continue
			}
			if _, err := encodeGob(got); err != nil {
				t.Errorf("%q was read as %#v, which cannot be written: %v", text, got, err)
			}
		}
	})
}
