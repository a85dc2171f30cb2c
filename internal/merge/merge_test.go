package merge

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/echofirestore/echofirestore/internal/codec"
)

// randomValue returns a value such as DecodeJSON returns, out of so few that two are often equal.
func randomValue(rng *rand.Rand, depth int) any {
	kinds := 9
	if depth == 0 {
		kinds = 7
	}
	switch rng.IntN(kinds) {
	case 0:
		return nil
	case 1:
		return rng.IntN(2) == 0
	case 2:
		return rng.IntN(3)
	case 3:
		return int64(rng.IntN(3))
	case 4:
		return float64(rng.IntN(3)) / 2
	case 5:
		return fmt.Sprint(rng.IntN(3))
	case 6:
		return json.Number(fmt.Sprint(rng.IntN(3)))
	case 7:
		list := make([]any, rng.IntN(3))
		for i := range list {
			list[i] = randomValue(rng, depth-1)
		}
		return list
	default:
		return randomValues(rng, depth-1)
	}
}

func randomValues(rng *rand.Rand, depth int) map[string]any {
	values := make(map[string]any)
	for range rng.IntN(4) {
		values[string(rune('a'+rng.IntN(4)))] = randomValue(rng, depth)
	}
	return values
}

// forRandom calls f often enough, with the same values each time that the test runs.
func forRandom(t *testing.T, f func(rng *rand.Rand)) {
	t.Helper()
	for seed := range uint64(5000) {
		f(rand.New(rand.NewPCG(seed, 0))) //nolint:gosec // repeatable
		if t.Failed() {
			t.Fatalf("with seed %d", seed)
		}
	}
}

func asSession(values map[string]any) map[any]any {
	session := make(map[any]any, len(values))
	for key, v := range values {
		session[key] = v
	}
	return session
}

func mustDiff(t *testing.T, base, values map[string]any) Change {
	t.Helper()
	ch, err := Diff(base, asSession(values))
	if err != nil {
		t.Fatal(err)
	}
	return ch
}

func TestEqualAgreesWithReflect(t *testing.T) {
	t.Parallel()
	others := []any{
		[]string{"a"},
		[]string(nil), []any(nil),
		[]any{},
		map[string]any(nil),
		map[string]any{},
		map[string]string{},
		[]byte("a"), int8(1), uint64(1), float32(1), time.Unix(1, 0),
		struct{ N int }{1},
		&struct{ N int }{1},
		[]any{[]string{"a"}},
		map[string]any{"a": []any(nil)},
		map[string]any{"a": []any{}},
		map[string]any{"b": nil},
		map[string]any{"a": nil},
	}
	for _, a := range others {
		for _, b := range others {
			if got, want := Equal(a, b), reflect.DeepEqual(a, b); got != want {
				t.Errorf("Equal(%#v, %#v) is %v", a, b, got)
			}
		}
	}
	same := 0
	forRandom(t, func(rng *rand.Rand) {
		a, b := randomValue(rng, 3), randomValue(rng, 3)
		if rng.IntN(3) == 0 {
			b, _ = Clone(a)
		}
		want := reflect.DeepEqual(a, b)
		if Equal(a, b) != want || Equal(b, a) != want {
			t.Errorf("Equal(%#v, %#v) is not %v", a, b, want)
		}
		if o := others[rng.IntN(len(others))]; Equal(a, o) != reflect.DeepEqual(a, o) || Equal(o, a) != reflect.DeepEqual(o, a) {
			t.Errorf("Equal(%#v, %#v)", a, o)
		}
		if want {
			same++
		}
	})
	if same < 1000 {
		t.Errorf("only %d pairs were equal", same)
	}
}

func TestEqualAllocatesNothing(t *testing.T) { //nolint:paralleltest // testing.AllocsPerRun counts those of others too
	var a any = map[string]any{"n": 1, "s": "x", "l": []any{1.5, nil, true, json.Number("1")}, "m": map[string]any{"i": int64(5)}}
	b, _ := Clone(a)
	if n := testing.AllocsPerRun(10, func() { Equal(a, b) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// scribble changes everything in v that can be changed.
func scribble(v any) {
	switch v := v.(type) {
	case map[string]any:
		for key, elem := range v {
			scribble(elem)
			v[key] = "scribble"
		}
		v["more"] = "scribble"
	case []any:
		for i, elem := range v {
			scribble(elem)
			v[i] = "scribble"
		}
	}
}

func TestCloneIsDeep(t *testing.T) {
	t.Parallel()
	forRandom(t, func(rng *rand.Rand) {
		v := randomValue(rng, 4)
		first, ok := Clone(v)
		if !ok || !reflect.DeepEqual(first, v) {
			t.Fatalf("Clone(%#v) = %#v, %v", v, first, ok)
		}
		before := fmt.Sprintf("%#v", first)
		scribble(v)
		if after := fmt.Sprintf("%#v", first); after != before {
			t.Fatalf("changing the original made the clone %s into %s", before, after)
		}
	})
}

func TestCloneRefuses(t *testing.T) {
	t.Parallel()
	n := 1
	for _, v := range []any{&n, []string{"a"}, map[string]string{}, []byte{1}, struct{}{}, map[any]any{}, &time.Time{}} {
		for _, v := range []any{v, []any{1, v}, map[string]any{"a": v}, map[string]any{"a": []any{map[string]any{"b": v}}}} {
			if got, ok := Clone(v); ok || got != nil {
				t.Errorf("Clone(%#v) = %#v, %v", v, got, ok)
			}
		}
	}
}

func TestDiff(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		base    map[string]any
		session map[any]any
		Set     map[string]any
		Removed []string
	}{
		{name: "nothing at all"},
		{name: "equal", base: map[string]any{"a": []any{1}}, session: map[any]any{"a": []any{1}}},
		{name: "new session", session: map[any]any{"a": 1}, Set: map[string]any{"a": 1}},
		{name: "new session with a nil", session: map[any]any{"a": nil}, Set: map[string]any{"a": nil}},
		{name: "added", base: map[string]any{"a": 1}, session: map[any]any{"a": 1, "b": 2}, Set: map[string]any{"b": 2}},
		{name: "replaced", base: map[string]any{"a": 1}, session: map[any]any{"a": 2}, Set: map[string]any{"a": 2}},
		{name: "replaced by nil", base: map[string]any{"a": 1}, session: map[any]any{"a": nil}, Set: map[string]any{"a": nil}},
		{name: "nil replaced", base: map[string]any{"a": nil}, session: map[any]any{"a": 0}, Set: map[string]any{"a": 0}},
		{name: "of another type", base: map[string]any{"a": 1}, session: map[any]any{"a": 1.0}, Set: map[string]any{"a": 1.0}},
		{name: "removed", base: map[string]any{"a": 1, "b": 2, "c": nil}, session: map[any]any{"b": 2}, Removed: []string{"a", "c"}},
		{
			name: "changed deep inside", base: map[string]any{"a": map[string]any{"l": []any{1}}},
			session: map[any]any{"a": map[string]any{"l": []any{2}}}, Set: map[string]any{"a": map[string]any{"l": []any{2}}},
		},
		{name: "all at once", base: map[string]any{"a": 1, "b": 2}, session: map[any]any{"b": 3, "c": 4}, Set: map[string]any{"b": 3, "c": 4}, Removed: []string{"a"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := Diff(tt.base, tt.session)
			slices.Sort(got.Removed)
			if err != nil || !reflect.DeepEqual(got, Change{Set: tt.Set, Removed: tt.Removed}) {
				t.Errorf("%+v, %v", got, err)
			}
			if want := len(tt.Set) == 0 && len(tt.Removed) == 0; got.Empty() != want {
				t.Errorf("empty: %v", got.Empty())
			}
		})
	}
	for _, key := range []any{5, nil, 1.5, struct{}{}, "session"[0], named("a")} {
		_, err := Diff(map[string]any{"a": 1}, map[any]any{"a": 1, key: "x"})
		if want := fmt.Sprintf("echofirestore: the session has a key of type %T: keys must be strings", key); err == nil || err.Error() != want {
			t.Errorf("key %#v: %v", key, err)
		}
	}
}

type named string

// TestMergeLaws holds what a three-way merge must do, whatever two requests did: base is what both read, ours and theirs
// what they made of it.
func TestMergeLaws(t *testing.T) {
	t.Parallel()
	forRandom(t, func(rng *rand.Rand) {
		base, ours, theirs := randomValues(rng, 2), randomValues(rng, 2), randomValues(rng, 2)
		before, _ := Clone(theirs)
		change := mustDiff(t, base, ours)

		if !mustDiff(t, base, base).Empty() {
			t.Error("a session is different from itself")
		}
		if got := change.ApplyTo(base); !reflect.DeepEqual(got, ours) {
			t.Errorf("alone: %v, want %v", got, ours)
		}
		if got := mustDiff(t, base, base).ApplyTo(theirs); !reflect.DeepEqual(got, theirs) {
			t.Errorf("without a change: %v, want %v", got, theirs)
		}
		merged := change.ApplyTo(theirs)
		if got := change.ApplyTo(merged); !reflect.DeepEqual(got, merged) {
			t.Errorf("applied twice: %v, once: %v", got, merged)
		}
		if !reflect.DeepEqual(theirs, before) {
			t.Errorf("applyTo changed its argument from %v to %v", before, theirs)
		}
		for key := range joined(base, ours, theirs) {
			want, wanted := theirs[key]
			if mine, ok := ours[key]; !same(base, ours, key) {
				want, wanted = mine, ok
			}
			if got, ok := merged[key]; ok != wanted || !reflect.DeepEqual(got, want) {
				t.Errorf("key %q: %v, %v, want %v, %v\nbase %v, ours %v, theirs %v", key, got, ok, want, wanted, base, ours, theirs)
			}
		}
		if len(merged) > len(joined(base, ours, theirs)) {
			t.Errorf("keys out of nowhere: %v", merged)
		}
		// Which request comes second matters only where both changed a key.
		other := mustDiff(t, base, theirs).ApplyTo(ours)
		for key := range joined(merged, other) {
			if (same(base, ours, key) || same(base, theirs, key)) && !same(merged, other, key) {
				t.Errorf("key %q: %v or %v, by who comes second", key, merged[key], other[key])
			}
		}
	})
}

func joined(all ...map[string]any) map[string]any {
	union := make(map[string]any)
	for _, values := range all {
		maps.Copy(union, values)
	}
	return union
}

func same(a, b map[string]any, key string) bool {
	x, inA := a[key]
	y, inB := b[key]
	return inA == inB && reflect.DeepEqual(x, y)
}

func TestApplyToNothing(t *testing.T) {
	t.Parallel()
	got := Change{Removed: []string{"a"}}.ApplyTo(nil)
	if got == nil || len(got) > 0 {
		t.Errorf("%#v", got)
	}
	if got = (Change{Set: map[string]any{"b": 1}, Removed: []string{"a"}}).ApplyTo(nil); !reflect.DeepEqual(got, map[string]any{"b": 1}) {
		t.Errorf("%#v", got)
	}
}

// TestStoredChange: what differs only in its Go type is no change, and what does change is what the codec made of it.
func TestStoredChange(t *testing.T) {
	t.Parallel()
	at := time.UnixMilli(1700000000000)
	base := map[string]any{"n": 1, "l": []any{"a"}, "t": 1700000000000, "x": 1, "gone": 1}
	session := map[any]any{
		"n": int64(1), "l": []string{"a"}, "t": at, // equal, once stored
		"x": int8(2), "new": []string{"b"}, "nil": []string(nil),
	}
	ch, err := Diff(base, session)
	if err != nil {
		t.Fatal(err)
	}
	text, err := codec.EncodeJSON(0, ch.ApplyTo(base))
	if err != nil {
		t.Fatal(err)
	}
	_, decoded, err := codec.DecodeJSON(text)
	if err != nil {
		t.Fatal(err)
	}
	got := ch.Stored(base, decoded)
	want := Change{Set: map[string]any{"x": 2, "new": []any{"b"}, "nil": nil}, Removed: []string{"gone"}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%#v, want %#v", got, want)
	}
	if ch.Stored(base, decoded).Empty() || !(Change{Set: map[string]any{"n": int64(1)}}).Stored(base, base).Empty() {
		t.Error("wrong about being empty")
	}
}
