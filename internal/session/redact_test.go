package session

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestRedact(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, message string
		ids           []string
		want          string
	}{
		{"nothing", "Missing or insufficient permissions.", []string{"key"}, "Missing or insufficient permissions."},
		{"no document", "50% of 3/4, \\o/ 100%", nil, "50% of 3/4, \\o/ 100%"},
		{"by itself", `no document "the-key"`, []string{"the-key"}, `no document "[session]"`},
		{"two", "a-key and b-key", []string{"a-key", "b-key"}, "[session] and [session]"},
		{"one begins with another", "key and key-1", []string{"key", "key-1"}, "[session] and [session]"},
		{"escaped", "no document the%2Dkey", []string{"the-key"}, "no document [session]"},
		{"an escape in the ID", "no document a%2Db", []string{"a%2Db"}, "no document [session]"},
		{"an escaped escape", "no document a%252Db", []string{"a%2Db"}, "no document [session]"},
		{"text format", `name: "\303\244\x41\u0042\"\'"`, []string{`äAB"'`}, `name: "[session]"`},
		{"of another name", "no document ~prefs:key", []string{"~prefs:key"}, "no document [session]"},
		{"the key in another name", "no session with the-key", []string{"~prefs:the-key"}, "no session with [session]"},
		{"a path", "projects/p/databases/(default)/documents/c/unknown-key: gone", nil, "projects/p/databases/(default)/documents/c/[session] gone"},
		{"an escaped path", "documents%2Fc%2Funknown", nil, "documents/c/[session]"},
		{"quoted paths", `"c/a", 'c/b', (c/d)`, nil, `"c/[session]", 'c/[session]', (c/[session])`},
		{"a link", "https://console.firebase.google.com/v1/r/project/p/firestore/indexes?create_composite=Cl0%3D", []string{"key"}, "https://console.firebase.google.com/v1/r/project/p/firestore/indexes?create_composite=Cl0="},
		{"an empty ID", "no document", []string{""}, "no document"},
		{"no UTF-8", "no %ff document", nil, "no \uFFFD document"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := redact(tt.message, "c", tt.ids); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

// FuzzRedact looks for an ID in a message that quotes it, whatever else is in there.
func FuzzRedact(f *testing.F) {
	f.Add("no document ", "the-key", "%2")
	f.Add("%25", "%41", `\`)
	f.Add("~a", "~prefs:a-key", "%")
	f.Fuzz(func(t *testing.T, before, id, after string) {
		if len(id) < 4 || strings.Contains(redacted, id) {
			return // too short to tell from other text
		}
		got := redact(before+" "+id+" "+after, "c", []string{id})
		if strings.Contains(got, id) || !utf8.ValidString(got) {
			t.Errorf("%q", got)
		}
	})
}
