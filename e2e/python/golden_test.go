package python

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/echofirestore/echofirestore"
)

var update = flag.Bool("update", false, "write the golden documents of the library instead of comparing with them")

// golden are the documents that Python writes for the library's own tests, and the requests to app.py that make it do
// so. golden_python_test.go of the library says what Go finds in each.
var golden = []struct {
	name  string
	steps []step
}{
	{"sign-in", []step{{get: "/sign-in?user=alice"}}},
	{"values", []step{{put: `{"none": None, "true": True, "big": 2**70, "whole": 1.0, "minus": -0.0, "huge": 1e300,
		"text": "é🍪\x00\u2028", "empty": [[], {}], "at": datetime(2024, 5, 1, 12, 30, 45, 123456, timezone.utc)}`}}},
	{"browser", []step{{get: "/set?a=1"}, {get: "/max-age?seconds=None"}}},
	{"minute", []step{{get: "/set?a=1"}, {get: "/max-age?seconds=60"}}},
	{"fraction", []step{{get: "/set?a=1"}, {get: "/max-age?seconds=60.5"}}},
	{"nan", []step{{put: "nan"}}},
	{"surrogate", []step{{put: `'\ud83c'`}}},
}

// TestGolden compares the golden documents with what Python writes today, but for keys and times.
func TestGolden(t *testing.T) {
	t.Parallel()
	for _, version := range versions {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			p := newPair(t, version, echofirestore.Config{MaxAge: 3600})
			dir := filepath.Join("..", "..", "testdata", "golden", "python-"+version)
			for _, tt := range golden {
				p.reset()
				r := run{pair: p}
				for _, s := range tt.steps {
					s.on = inPython
					if _, err := r.request(s); err != nil || r.latest.status != http.StatusOK {
						t.Fatalf("%s: %v, %v", tt.name, r.latest, err)
					}
				}
				written, err := p.document()
				if err != nil {
					t.Fatalf("%s: %v", tt.name, err)
				}
				keep(t, filepath.Join(dir, tt.name+".json"), written)
			}
		})
	}
}

// keep compares a golden document with what was written now, or with -update replaces it if it is different.
func keep(t *testing.T, file string, written []byte) {
	t.Helper()
	kept, err := os.ReadFile(file)
	switch got, want := timeless(written), timeless(kept); {
	case err == nil && got == want:
	case !*update:
		t.Errorf("%s (%v) holds\n%s\nand Python writes\n%s", file, err, want, got)
	default:
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, written, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// document returns what is stored, with its fields as Firestore's REST API has them.
func (p *pair) document() ([]byte, error) {
	doc, err := p.only()
	if err != nil {
		return nil, err
	}
	fields := make(map[string]any)
	for name, value := range doc.Data() {
		switch value := value.(type) {
		case nil:
			fields[name] = map[string]any{"nullValue": nil}
		case string:
			fields[name] = map[string]any{"stringValue": value}
		case int64:
			fields[name] = map[string]any{"integerValue": strconv.FormatInt(value, 10)}
		case float64:
			fields[name] = map[string]any{"doubleValue": value}
		case time.Time:
			fields[name] = map[string]any{"timestampValue": value}
		default:
			return nil, fmt.Errorf("%s is a %T", name, value)
		}
	}
	text, err := json.MarshalIndent(struct {
		ID     string         `json:"id"`
		Fields map[string]any `json:"fields"`
	}{doc.Ref.ID, fields}, "", "  ")
	return append(text, '\n'), err
}

// timeless returns a golden document without what is another one each time.
func timeless(document []byte) string {
	text := string(document)
	for pattern, constant := range map[*regexp.Regexp]string{
		regexp.MustCompile(`"id": "[\w-]{43}"`):         `"id": "of 43 characters"`,
		regexp.MustCompile(`"id": "\w{20}"`):            `"id": "of 20 characters"`,
		regexp.MustCompile(`"timestampValue": "[^"]*"`): `"timestampValue": "a time"`,
		regexp.MustCompile(`\\"created\\": \d+`):        `\"created\": 1`,
	} {
		text = pattern.ReplaceAllString(text, constant)
	}
	return text
}
