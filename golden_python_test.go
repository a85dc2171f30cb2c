package echofirestore_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gorilla/sessions"
	"github.com/labstack/echo/v4"

	"github.com/echofirestore/echofirestore"
)

// TestGoldenPython reads, changes and outlives documents that aiohttp-session-firestore itself has written: those that
// e2e/python keeps in testdata/golden/python-VERSION.
func TestGoldenPython(t *testing.T) {
	t.Parallel()
	type found struct {
		values map[string]any // nil if there is no session
		maxAge int
	}
	const configured = 7200
	// Version 0.1.1 stores no max age.
	tests := map[string]found{
		"0.1.1/browser":   {map[string]any{"a": "1"}, configured},
		"0.1.1/fraction":  {map[string]any{"a": "1"}, configured},
		"0.1.1/minute":    {map[string]any{"a": "1"}, configured},
		"0.1.1/nan":       {},
		"0.1.1/sign-in":   {map[string]any{"user": "alice"}, configured},
		"0.1.1/surrogate": {map[string]any{"value": "\ufffd"}, configured},
		"0.1.1/values":    {map[string]any{"value": goldenValues}, configured},
		"0.1.3/browser":   {map[string]any{"a": "1"}, 0},
		"0.1.3/fraction":  {},
		"0.1.3/minute":    {map[string]any{"a": "1"}, 60},
		"0.1.3/nan":       {},
		"0.1.3/sign-in":   {map[string]any{"user": "alice"}, 3600},
		"0.1.3/surrogate": {map[string]any{"value": "\ufffd"}, 3600},
		"0.1.3/values":    {map[string]any{"value": goldenValues}, 3600},
	}
	for name, want := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			id, fields := readDocument(t, filepath.Join("testdata", "golden", "python-"+name+".json"))
			a := newApp(t, func(cfg *echofirestore.Config) { cfg.MaxAge = configured })
			var got *sessions.Session
			a.GET("/", func(c echo.Context) error { got = session(c); return nil })
			a.GET("/change", func(c echo.Context) error { session(c).Values["changed"] = true; return nil })
			ref := a.put(id, fields)
			a.clock.Set(createdAt(t, fields))
			b := a.browser()
			read := func(want map[string]any, maxAge int) {
				t.Helper()
				b.get("/", withCookie(id))
				if got.IsNew != (want == nil) || got.Options.MaxAge != maxAge {
					t.Errorf("new: %v, max age %d, want %d", got.IsNew, got.Options.MaxAge, maxAge)
				}
				if got := stringKeys(got.Values); !reflect.DeepEqual(want, got) || jsonOf(t, got) != jsonOf(t, want) {
					t.Errorf("values (-want +got):\n%s", cmp.Diff(want, got))
				}
			}

			if want.values == nil {
				read(nil, configured)
				if _, err := ref.Get(t.Context()); err != nil {
					t.Error("a document that was not understood is gone:", err)
				}
				return
			}
			read(want.values, want.maxAge)
			b.get("/change", withCookie(id))
			changed := maps.Clone(want.values)
			changed["changed"] = true
			read(changed, want.maxAge)
			if want.maxAge > 0 {
				a.clock.Advance(time.Duration(want.maxAge) * time.Second)
				read(nil, configured)
			}
		})
	}

	files, err := filepath.Glob(filepath.Join("testdata", "golden", "python-*", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != len(tests) {
		t.Errorf("%d golden documents of Python, and %d are read", len(files), len(tests))
	}
}

// goldenValues are the values in the documents called values.
var goldenValues = map[string]any{
	"none":  nil,
	"true":  true,
	"big":   json.Number("1180591620717411303424"),
	"whole": 1.0,
	"minus": math.Copysign(0, -1),
	"huge":  1e300,
	"text":  "é🍪\x00\u2028",
	"empty": []any{[]any{}, map[string]any{}},
	"at":    1714566645123,
}

// readDocument reads a golden document, whose fields are as Firestore's REST API has them.
func readDocument(t *testing.T, file string) (id string, fields map[string]any) {
	t.Helper()
	var doc struct {
		ID     string
		Fields map[string]struct {
			StringValue    *string
			IntegerValue   *string
			DoubleValue    *float64
			TimestampValue *time.Time
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	fields = make(map[string]any)
	for name, value := range doc.Fields {
		switch {
		case value.StringValue != nil:
			fields[name] = *value.StringValue
		case value.IntegerValue != nil:
			n, err := strconv.ParseInt(*value.IntegerValue, 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			fields[name] = n
		case value.DoubleValue != nil:
			fields[name] = *value.DoubleValue
		case value.TimestampValue != nil:
			fields[name] = *value.TimestampValue
		default:
			fields[name] = nil
		}
	}
	return doc.ID, fields
}

// createdAt returns when a document of Python was written.
func createdAt(t *testing.T, fields map[string]any) time.Time {
	t.Helper()
	var created int64
	if _, err := fmt.Sscanf(fields["data"].(string), `{"created": %d`, &created); err != nil {
		t.Fatal(err)
	}
	return time.Unix(created, 0)
}

// jsonOf returns values as JSON, which tells -0.0 from 0.0.
func jsonOf(t *testing.T, values map[string]any) string {
	t.Helper()
	text, err := echofirestore.EncodeJSON(echofirestore.Payload{Values: values})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// stringKeys returns the values of a session, nil if there are none.
func stringKeys(values map[any]any) map[string]any {
	var m map[string]any
	for key, value := range values {
		if m == nil {
			m = make(map[string]any)
		}
		m[key.(string)] = value
	}
	return m
}
