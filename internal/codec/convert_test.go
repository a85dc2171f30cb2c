package codec_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/echofirestore/echofirestore/internal/codec"
)

// reader is Convert for one T, its result boxed.
type reader func(stored any) (any, bool)

func as[T any](stored any) (any, bool) { return codec.Convert[T](stored) }

type (
	profile struct {
		Name   string         `json:"name"`
		Age    int            `json:"age"`
		Score  float64        `json:"score"`
		Born   time.Time      `json:"born"`
		Nested *profile       `json:"nested,omitempty"`
		Tags   []string       `json:"tags"`
		Counts map[string]int `json:"counts"`
	}
	id  int64
	tag string
)

// TestConvert reads every value twice: in the request that stored it, and in a later one, after the codec. The result is
// the same in both.
func TestConvert(t *testing.T) {
	t.Parallel()
	alice := profile{
		Name: "Alice", Age: 30, Score: 3, Born: mayDay.UTC(),
		Nested: &profile{Name: "Bob", Born: time.Unix(0, 0).UTC()},
		Tags:   []string{"a", "b"}, Counts: map[string]int{"n": 1},
	}
	at := time.UnixMilli(mayDayMillis).UTC()
	five := 5
	tests := []struct {
		name   string
		stored any
		read   reader
		want   any // what was stored, if left out; refused is for none
	}{
		{name: "string", stored: "x", read: as[string]},
		{name: "empty string", stored: "", read: as[string]},
		{name: "bool", stored: true, read: as[bool]},
		{name: "false is a value", stored: false, read: as[bool]},
		{name: "int", stored: 5, read: as[int]},
		{name: "zero is a value", stored: 0, read: as[int]},
		{name: "float64", stored: 2.5, read: as[float64]},
		{name: "integral float64", stored: 3.0, read: as[float64]},
		{name: "map", stored: map[string]any{"a": 1, "b": 2.0}, read: as[map[string]any]},
		{name: "slice", stored: []any{1, "a", 2.0}, read: as[[]any]},
		{name: "any", stored: 5, read: as[any]},

		{name: "int8", stored: int8(-128), read: as[int8]},
		{name: "int32", stored: int32(7), read: as[int32]},
		{name: "int64", stored: int64(math.MinInt64), read: as[int64]},
		{name: "uint8", stored: uint8(255), read: as[uint8]},
		{name: "uint", stored: uint(7), read: as[uint]},
		{name: "uint64", stored: uint64(math.MaxUint64), read: as[uint64]},
		{name: "float32", stored: float32(0.1), read: as[float32]},
		{name: "named int", stored: id(7), read: as[id]},
		{name: "named string", stored: tag("x"), read: as[tag]},
		{name: "json.Number of 2^70", stored: json.Number("1180591620717411303424"), read: as[json.Number]},
		{name: "duration", stored: time.Minute, read: as[time.Duration]},
		{name: "[]byte", stored: []byte{0, 255}, read: as[[]byte]},
		{name: "time", stored: at, read: as[time.Time]},
		{name: "time before 1970", stored: time.UnixMilli(-1).UTC(), read: as[time.Time]},
		{name: "[]string", stored: []string{"a", "b"}, read: as[[]string]},
		{name: "empty []string", stored: []string{}, read: as[[]string]},
		{name: "[]int", stored: []int{1, 2}, read: as[[]int]},
		{name: "array", stored: [2]int{1, 2}, read: as[[2]int]},
		{name: "map[string]string", stored: map[string]string{"a": "b"}, read: as[map[string]string]},
		{name: "map of slices", stored: map[string][]int{"a": {1}}, read: as[map[string][]int]},
		{name: "struct", stored: alice, read: as[profile]},
		{name: "pointer to a struct", stored: &alice, read: as[*profile]},
		{name: "struct read as a pointer", stored: alice, read: as[*profile], want: &alice},
		{name: "pointer read as a struct", stored: &alice, read: as[profile], want: alice},
		{name: "slice of structs", stored: []profile{alice, {Tags: []string{}}}, read: as[[]profile]},
		{name: "map of structs", stored: map[string]profile{"a": alice}, read: as[map[string]profile]},
		{name: "struct read as a map", stored: struct{ S string }{"x"}, read: as[map[string]any], want: map[string]any{"S": "x"}},
		{name: "map read as a struct", stored: map[string]any{"name": "Al", "age": 3}, read: as[profile], want: profile{Name: "Al", Age: 3}},

		{name: "int as int64", stored: 5, read: as[int64], want: int64(5)},
		{name: "int as uint", stored: 5, read: as[uint], want: uint(5)},
		{name: "int as uint64", stored: math.MaxInt64, read: as[uint64], want: uint64(math.MaxInt64)},
		{name: "int as int8", stored: 127, read: as[int8], want: int8(127)},
		{name: "int as float64", stored: 3, read: as[float64], want: 3.0},
		{name: "int64 as int", stored: int64(5), read: as[int], want: 5},
		{name: "2^53 as float64", stored: 1 << 53, read: as[float64], want: float64(1 << 53)},
		{name: "int as json.Number", stored: 5, read: as[json.Number], want: json.Number("5")},
		{name: "2^70 as float64", stored: json.Number("1180591620717411303424"), read: as[float64], want: math.Ldexp(1, 70)},
		{name: "2^64-1 as uint64", stored: json.Number("18446744073709551615"), read: as[uint64], want: uint64(math.MaxUint64)},
		{name: "int as time", stored: mayDayMillis, read: as[time.Time], want: at},
		{name: "int64 as time", stored: int64(mayDayMillis), read: as[time.Time], want: at},
		{name: "time as int", stored: mayDay, read: as[int], want: mayDayMillis},
		{name: "ints as float64s", stored: []int{1, 2}, read: as[[]float64], want: []float64{1, 2}},

		{name: "times", stored: []time.Time{at}, read: as[[]time.Time]},
		{name: "map of times", stored: map[string]time.Time{"a": at}, read: as[map[string]time.Time]},
		{name: "pointer to a time", stored: &at, read: as[*time.Time]},
		{name: "pointer to a time read as a time", stored: &at, read: as[time.Time], want: at},
		{name: "big.Int", stored: big.NewInt(5), read: as[big.Int], want: *big.NewInt(5)},
		{name: "*big.Int", stored: big.NewInt(5), read: as[*big.Int]},
		{name: "address", stored: netip.MustParseAddr("::1"), read: as[netip.Addr]},
		{name: "slice of addresses", stored: []netip.Addr{netip.MustParseAddr("::1")}, read: as[[]netip.Addr]},
		{name: "pointers, one of them nil", stored: []*int{&five, nil}, read: as[[]*int]},
		{name: "slices, one of them nil", stored: [][]int{{1}, nil}, read: as[[][]int]},
		{name: "named keys", stored: map[tag]int{"a": 1}, read: as[map[tag]int]},
		{name: "ints stay ints in slices of maps", stored: []map[string]any{{"n": 1<<53 + 1, "f": 3.0}}, read: as[[]map[string]any]},
		{name: "ints stay ints in maps of slices", stored: map[string][]any{"l": {1<<53 + 1, 3.0, nil}}, read: as[map[string][]any]},
		{name: "ints of a struct stay ints in a map", stored: struct{ N int64 }{1<<53 + 1}, read: as[map[string]any], want: map[string]any{"N": 1<<53 + 1}},
		{name: "float32s", stored: []float32{0.1, 3}, read: as[[]float32]},
		{name: "fraction that a float32 holds", stored: 0.5, read: as[float32], want: float32(0.5)},

		{name: "2^53+1 as float64", stored: 1<<53 + 1, read: as[float64], want: refused},
		{name: "2^24+1 as float32", stored: 1<<24 + 1, read: as[float32], want: refused},
		{name: "2^63-1 as float64", stored: math.MaxInt64, read: as[float64], want: refused},
		{name: "2^70+1 as float64", stored: json.Number("1180591620717411303425"), read: as[float64], want: refused},
		{name: "2^53+1 in a slice as float64", stored: []int{1<<53 + 1}, read: as[[]float64], want: refused},
		{name: "fraction that a float32 rounds", stored: 0.12345678901234, read: as[float32], want: refused},
		{name: "string as json.Number", stored: "5", read: as[json.Number], want: refused},
		{name: "nil in a slice as int", stored: []any{1, nil}, read: as[[]int], want: refused},
		{name: "nil in a map as string", stored: map[string]any{"a": nil}, read: as[map[string]string], want: refused},
		{name: "nil in a slice as time", stored: []any{nil}, read: as[[]time.Time], want: refused},
		{name: "three elements as an array of two", stored: []int{1, 2, 3}, read: as[[2]int], want: refused},
		{name: "one element as an array of two", stored: []int{1}, read: as[[2]int], want: refused},
		{name: "map as one with int keys", stored: map[string]any{"1": 1}, read: as[map[int]int], want: refused},

		{name: "fraction as int", stored: 3.5, read: as[int], want: refused},
		{name: "float as int", stored: 3.0, read: as[int], want: refused},
		{name: "float as time", stored: 3.0, read: as[time.Time], want: refused},
		{name: "300 as int8", stored: 300, read: as[int8], want: refused},
		{name: "256 as uint8", stored: 256, read: as[uint8], want: refused},
		{name: "-1 as uint", stored: -1, read: as[uint], want: refused},
		{name: "2^31 as int32", stored: 1 << 31, read: as[int32], want: refused},
		{name: "2^63 as int64", stored: uint64(1 << 63), read: as[int64], want: refused},
		{name: "2^70 as int", stored: json.Number("1180591620717411303424"), read: as[int], want: refused},
		{name: "1e300 as float32", stored: 1e300, read: as[float32], want: refused},
		{name: "1e400 as float64", stored: json.Number("1e400"), read: as[float64], want: refused},
		{name: "string as int", stored: "5", read: as[int], want: refused},
		{name: "string as bool", stored: "true", read: as[bool], want: refused},
		{name: "string as time", stored: "2024-05-01T12:30:45Z", read: as[time.Time], want: refused},
		{name: "string as []byte that is no base64", stored: "%", read: as[[]byte], want: refused},
		{name: "string as []string", stored: "a", read: as[[]string], want: refused},
		{name: "string as struct", stored: "{}", read: as[profile], want: refused},
		{name: "int as string", stored: 5, read: as[string], want: refused},
		{name: "int as bool", stored: 1, read: as[bool], want: refused},
		{name: "bool as int", stored: true, read: as[int], want: refused},
		{name: "bool as time", stored: true, read: as[time.Time], want: refused},
		{name: "time as string", stored: mayDay, read: as[string], want: refused},
		{name: "time as struct", stored: mayDay, read: as[profile], want: refused},
		{name: "map as slice", stored: map[string]any{}, read: as[[]any], want: refused},
		{name: "slice as map", stored: []any{}, read: as[map[string]any], want: refused},
		{name: "slice as struct", stored: []any{}, read: as[profile], want: refused},
		{name: "struct with a field of another type", stored: map[string]any{"name": "Al", "age": "old"}, read: as[profile], want: refused},
		{name: "struct with a field out of range", stored: map[string]any{"age": 1.5}, read: as[profile], want: refused},
		{name: "slice with an element of another type", stored: []any{1, "two"}, read: as[[]int], want: refused},
		{name: "map with a value of another type", stored: map[string]any{"a": "x", "b": 1}, read: as[map[string]string], want: refused},
		{name: "interface that cannot be made", stored: 5, read: as[fmt.Stringer], want: refused},
		{name: "channel that cannot be made", stored: 5, read: as[chan int], want: refused},

		{name: "nil as any", stored: nil, read: as[any], want: refused},
		{name: "nil as string", stored: nil, read: as[string], want: refused},
		{name: "nil as int", stored: nil, read: as[int], want: refused},
		{name: "nil as pointer", stored: nil, read: as[*profile], want: refused},
		{name: "nil as map", stored: nil, read: as[map[string]any], want: refused},
		{name: "nil as time", stored: nil, read: as[time.Time], want: refused},
		{name: "nil pointer as struct", stored: (*profile)(nil), read: as[profile], want: refused},
		{name: "nil slice as another", stored: []int(nil), read: as[[]string], want: refused},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.want == nil {
				tt.want = tt.stored
			}
			text, err := encodeJSON(payload{Values: map[string]any{"v": tt.stored, "other": "x"}})
			if err != nil {
				t.Fatal(err)
			}
			decoded, err := decodeJSON(text)
			if err != nil {
				t.Fatal(err)
			}
			for when, value := range map[string]any{"in this request": tt.stored, "in a later one": decoded.Values["v"]} {
				got, ok := tt.read(value)
				if refuse := tt.want == refused; ok == refuse {
					t.Errorf("%s: %v, %v", when, got, ok)
				} else if !refuse {
					if diff := cmp.Diff(tt.want, got, cmp.Comparer(func(a, b big.Int) bool { return a.Cmp(&b) == 0 }), cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
						t.Errorf("%s (-want +got):\n%s", when, diff)
					}
				}
			}
		})
	}
}

// refused is the result of a Convert that reports false.
var refused = any(new(int))

// TestConvertRefusedIsZero: what Convert returns beside false is the zero T, though part of it could be read.
func TestConvertRefusedIsZero(t *testing.T) {
	t.Parallel()
	if got, ok := codec.Convert[profile](map[string]any{"name": "Al", "age": "old"}); ok || !cmp.Equal(got, profile{}) {
		t.Errorf("%+v, %v", got, ok)
	}
	if got, ok := codec.Convert[int8](300); ok || got != 0 {
		t.Errorf("%v, %v", got, ok)
	}
	if got, ok := codec.Convert[[]int]([]any{1, "x"}); ok || got != nil {
		t.Errorf("%v, %v", got, ok)
	}
	if got, ok := codec.Convert[time.Time]("x"); ok || !got.IsZero() {
		t.Errorf("%v, %v", got, ok)
	}
}

func TestConvertToTheSameTypeIsNoCopy(t *testing.T) {
	t.Parallel()
	cart := map[string]any{"n": 1}
	got, ok := codec.Convert[map[string]any](cart)
	if !ok {
		t.Fatal("no value")
	}
	got["n"] = 2
	if cart["n"] != 2 {
		t.Error("changing the value does not change the session's")
	}
}

func TestConvertTime(t *testing.T) {
	t.Parallel()
	got, ok := codec.Convert[time.Time](mayDay)
	if !ok || got != mayDay {
		t.Errorf("in the request that stored it: %v, %v; want it unchanged, zone and nanoseconds and all", got, ok)
	}
	got, ok = codec.Convert[time.Time](mayDayMillis)
	if want := mayDay.UTC().Truncate(time.Millisecond); !ok || got != want {
		t.Errorf("in a later one: %v, %v; want %v", got, ok, want)
	}
}
