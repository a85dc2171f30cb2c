package python

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/echofirestore/echofirestore"
	"github.com/gorilla/sessions"
)

// A value is one thing, as either language has it.
type value struct {
	name   string
	repr   string // what Python finds, as its repr
	found  any    // what Go finds
	python string // the expression that is put in Python: repr, if left out
	golang any    // what is put in Go: found, if left out
	only   side   // where it is put, if the other language has nothing that becomes this
}

func values() []value {
	noon := time.Date(2024, 5, 1, 12, 30, 45, 123456789, time.UTC)
	return []value{
		{name: "None and booleans", repr: `[None, True, False]`, found: []any{nil, true, false}},
		{name: "empty", repr: `[[], {}, '']`, found: []any{[]any{}, map[string]any{}, ""}},
		{name: "small integers", repr: `[0, 1, -1, 2147483648]`, found: []any{0, 1, -1, 1 << 31}},
		{name: "2^53 ± 1", repr: `[9007199254740991, 9007199254740992, 9007199254740993]`, found: []any{1<<53 - 1, 1 << 53, 1<<53 + 1}},
		{name: "-2^53 ± 1", repr: `[-9007199254740991, -9007199254740993]`, found: []any{-1<<53 + 1, -1<<53 - 1}},
		{name: "2^63 - 1, -2^63", repr: `[9223372036854775807, -9223372036854775808]`, found: []any{math.MaxInt64, math.MinInt64}},
		{
			name: "2^63, 2^64 - 1", repr: `[9223372036854775808, 18446744073709551615]`,
			found: []any{json.Number("9223372036854775808"), json.Number("18446744073709551615")},
		},
		{
			name: "2^70, -2^70", repr: `[1180591620717411303424, -1180591620717411303424]`,
			found: []any{json.Number("1180591620717411303424"), json.Number("-1180591620717411303424")},
		},
		{name: "integral floats", repr: `[1.0, 0.0, -0.0, 100.0, 1234567890123456.0]`, found: []any{1.0, 0.0, math.Copysign(0, -1), 100.0, 1234567890123456.0}},
		{name: "floats", repr: `[0.1, 3.141592653589793, -2.75, 0.0001]`, found: []any{0.1, math.Pi, -2.75, 0.0001}},
		{
			name: "large and small floats", repr: `[1e+300, -1e-300, 1e+16, 1e-05, 1.7976931348623157e+308, 5e-324]`,
			found: []any{1e300, -1e-300, 1e16, 1e-5, math.MaxFloat64, math.SmallestNonzeroFloat64},
		},
		{name: "text beyond the BMP", repr: `'ключ 日本語 🍪 𝔘 \U0010ffff'`, found: "ключ 日本語 🍪 𝔘 \U0010ffff"},
		{
			name:  "control characters",
			repr:  `'\x00\x01\x02\x03\x04\x05\x06\x07\x08\t\n\x0b\x0c\r\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f\x7f\x80'`,
			found: "\x00\x01\x02\x03\x04\x05\x06\a\b\t\n\v\f\r\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f\x7f\u0080",
		},
		{name: "separators, BOM, U+FFFD", repr: `'\u2028\u2029\ufeff�'`, found: "\u2028\u2029\ufeff\ufffd"},
		{name: "quotes and HTML", repr: `'<a href="x">&amp;</a> \\ /'`, found: `<a href="x">&amp;</a> \ /`},
		{
			name: "odd keys", repr: `{'': 1, '__x__': {'é🍪': 2}, 'a.b': 3, 'a/b': 4}`,
			found: map[string]any{"": 1, "__x__": map[string]any{"é🍪": 2}, "a.b": 3, "a/b": 4},
		},
		{name: "500 levels", python: "nested(500)", repr: lists(500), found: nested(500)},
		{
			name:   "times",
			repr:   `[1714566645123, {'at': 0}]`,
			found:  []any{1714566645123, map[string]any{"at": 0}},
			python: `[datetime(2024, 5, 1, 12, 30, 45, 123456, timezone.utc), {'at': datetime(1970, 1, 1, tzinfo=timezone.utc)}]`,
			golang: []any{noon, map[string]time.Time{"at": time.Unix(0, 0)}},
		},
		{name: "tuples", only: inPython, python: `(1, (2,))`, repr: `[1, [2]]`, found: []any{1, []any{2}}},
		{
			name: "keys that are not strings", only: inPython,
			python: `{1: 'a', 1.5: 'b', False: 'c', None: 'd'}`,
			repr:   `{'1': 'a', '1.5': 'b', 'false': 'c', 'null': 'd'}`,
			found:  map[string]any{"1": "a", "1.5": "b", "false": "c", "null": "d"},
		},
		{
			name: "a struct", only: inGo,
			golang: struct {
				Name  string    `json:"name"`
				Since time.Time `json:"since"`
			}{"zoë", noon},
			repr:  `{'name': 'zoë', 'since': '2024-05-01T12:30:45.123456789Z'}`,
			found: map[string]any{"name": "zoë", "since": "2024-05-01T12:30:45.123456789Z"},
		},
		{
			name: "other types of Go", only: inGo,
			golang: []any{[]byte("\xff"), uint64(math.MaxUint64), float32(0.1), time.Second, []string(nil)},
			repr:   `['/w==', 18446744073709551615, 0.1, 1000000000, None]`,
			found:  []any{"/w==", json.Number("18446744073709551615"), 0.1, 1000000000, nil},
		},
	}
}

// TestValues has every kind of value found and saved by both languages in turn, ten times.
func TestValues(t *testing.T) {
	t.Parallel()
	for _, version := range versions {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			p := newPair(t, version, echofirestore.Config{})
			table := newTable()
			table.row(40, "value", "put in", "Python finds", "Python stores", "Go stores", "after ten rounds")
			for _, v := range values() {
				for _, from := range []side{inPython, inGo} {
					if v.only != "" && from != v.only {
						continue
					}
					p.reset()
					texts, err := p.rounds(v, from)
					verdict := "same"
					if err != nil {
						verdict = "different"
						t.Errorf("%s, put in %s: %v", v.name, from, err)
					}
					table.row(40, v.name, string(from), v.repr, texts[inPython], texts[inGo], verdict)
				}
			}
			t.Logf("aiohttp-session-firestore %s; %v", version, table)
		})
	}
}

// rounds puts a value on one side, and has each side find it and save its session ten times. It returns what each
// stores for it, and fails if that changes.
func (p *pair) rounds(v value, from side) (texts map[side]string, err error) {
	texts = make(map[side]string)
	put := map[side]any{inPython: v.repr, inGo: v.found}
	if v.python != "" {
		put[inPython] = v.python
	}
	if v.golang != nil {
		put[inGo] = v.golang
	}
	if _, err := succeed(p.put(from, put[from])); err != nil {
		return texts, err
	}
	if texts[from], err = p.text(); err != nil {
		return texts, err
	}
	for round := range 10 {
		for _, on := range []side{inGo, inPython} {
			if err := p.find(v, on); err != nil {
				return texts, fmt.Errorf("round %d, %s: %w", round, on, err)
			}
			if _, err := succeed(p.get(on, fmt.Sprintf("/set?round=%d", round))); err != nil {
				return texts, err
			}
			text, err := p.text()
			if err != nil {
				return texts, err
			}
			if texts[on] == "" {
				texts[on] = text
			}
			if texts[on] != text {
				return texts, fmt.Errorf("round %d, %s stores %s", round, on, text)
			}
		}
	}
	return texts, nil
}

// find fails if a side does not find the value as it should.
func (p *pair) find(v value, on side) error {
	if on == inPython {
		answer, err := succeed(p.get(on, "/repr"))
		if err == nil && answer.body != v.repr {
			err = fmt.Errorf("found %s", answer.body)
		}
		return err
	}
	var found any
	p.call = func(sess *sessions.Session) { found = sess.Values["value"] }
	if _, err := succeed(p.get(on, "/call")); err != nil {
		return err
	}
	if !reflect.DeepEqual(found, v.found) || encoded(found) != encoded(v.found) { // only the text tells -0.0 from 0.0
		return fmt.Errorf("found %#v", found)
	}
	return nil
}

func encoded(v any) string {
	text, err := echofirestore.EncodeJSON(echofirestore.Payload{Values: map[string]any{"value": v}})
	return fmt.Sprint(text, err)
}

// succeed makes an error of a reply that is one.
func succeed(answer reply, err error) (reply, error) {
	if err == nil && answer.status != http.StatusOK {
		err = fmt.Errorf("answered %v", answer)
	}
	return answer, err
}

// text returns the value as it is stored.
func (p *pair) text() (string, error) {
	doc, err := p.only()
	if err != nil {
		return "", err
	}
	var payload struct {
		Session struct{ Value json.RawMessage }
	}
	stored, _ := doc.Data()["data"].(string)
	err = json.Unmarshal([]byte(stored), &payload)
	return string(payload.Session.Value), err
}

// nested returns lists within lists, as the function of app.py does.
func nested(levels int) any {
	value := []any{}
	for range levels - 1 {
		value = []any{value}
	}
	return value
}

// lists returns what nested does, as JSON or Python's repr.
func lists(levels int) string { return strings.Repeat("[", levels) + strings.Repeat("]", levels) }
