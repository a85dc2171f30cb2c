package credential

import (
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestDocumentID(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, key, want string // want is "" for an error
	}{
		{"__session", "abc", "abc"},
		{"__session", "a:b", "a:b"},
		{"__session", "a~b", "a~b"},
		{"__session", "日本語", "日本語"},
		{"__session", strings.Repeat("k", 1500), strings.Repeat("k", 1500)},
		{"prefs", "abc", "~prefs:abc"},
		{"prefs", "a:b", "~prefs:a:b"},
		{"pre~fs", "abc", "~pre~fs:abc"},
		{"prefs", strings.Repeat("k", 1500-7), "~prefs:" + strings.Repeat("k", 1500-7)},

		{"prefs", strings.Repeat("k", 1500-6), ""},
		{"__session", strings.Repeat("k", 1501), ""},
		{"__session", "", ""},
		{"__session", "~prefs:abc", ""},
		{"__session", "~", ""},
		{"__session", "a/b", ""},
		{"__session", "__x__", ""},
		{"prefs", "", ""},
		{"prefs", "~abc", ""},
		{"prefs", "a/b", ""},
		{"prefs", ".", ""},
		{"prefs", "__x__", ""},
		{"prefs", "\xff", ""},
	}
	scheme := NewScheme("__session", NewKey, false, nil)
	for _, tt := range tests {
		got, err := scheme.DocumentID(tt.name, tt.key)
		if (err != nil) != (tt.want == "") || err == nil && got != tt.want {
			t.Errorf("DocumentID(%q, %.20q) = %.20q, %v, want %.20q", tt.name, tt.key, got, err, tt.want)
		}
	}
}

// TestDocumentIDsNeverCollide tries names and keys of few characters, those that the ID is put together with, so that
// it would soon find two that share an ID: a key issued under one name would open a session of another.
func TestDocumentIDsNeverCollide(t *testing.T) {
	t.Parallel()
	const alphabet = "~:_a."
	rng := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // repeatable
	text := func() string {
		b := make([]byte, 1+rng.IntN(6))
		for i := range b {
			b[i] = alphabet[rng.IntN(len(alphabet))]
		}
		return string(b)
	}
	type session struct{ name, key string }
	for _, cookieName := range []string{"__session", "a", "~a", "a~", "~"} {
		scheme := NewScheme(cookieName, NewKey, false, nil)
		sessions := make(map[string]session)
		for range 50000 {
			s := session{text(), text()}
			if rng.IntN(3) == 0 {
				s.name = cookieName
			}
			if (&http.Cookie{Name: s.name}).Valid() != nil {
				continue // no session has such a name
			}
			id, err := scheme.DocumentID(s.name, s.key)
			if err != nil {
				continue
			}
			if other, ok := sessions[id]; ok && other != s {
				t.Fatalf("CookieName %q: %+v and %+v share the ID %q", cookieName, s, other, id)
			}
			sessions[id] = s
		}
		if len(sessions) < 1000 {
			t.Errorf("only %d IDs", len(sessions))
		}
	}
}

// newScheme returns a Scheme that issues one key.
func newScheme(key string) *Scheme {
	return NewScheme("__session", func() string { return key }, false, nil)
}

func TestIssue(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		key  string
		ok   bool
	}{
		{name: "letters", key: "abc", ok: true},
		{name: "1500 bytes", key: strings.Repeat("k", 1500), ok: true},
		{name: "punctuation that a cookie can hold", key: "a!#$%&'()*+-.:<=>?@[]^_`{|}~", ok: true},
		{name: "space", key: "a b", ok: true},
		{name: "spaces at the ends", key: " a ", ok: true},
		{name: "comma", key: "a,b", ok: true},

		{name: "empty", key: ""},
		{name: "slash", key: "a/b"},
		{name: "dot", key: "."},
		{name: "two dots", key: ".."},
		{name: "reserved", key: "__x__"},
		{name: "1501 bytes", key: strings.Repeat("k", 1501)},
		{name: "invalid UTF-8", key: "\xff"},
		{name: "tilde first", key: "~abc"},
		{name: "looks like another session's ID", key: "~prefs:abc"},
		{name: "Japanese: no cookie holds it", key: "鍵"},
		{name: "semicolon", key: "a;b"},
		{name: "quote", key: `a"b`},
		{name: "in quotes", key: `"ab"`},
		{name: "backslash", key: `a\b`},
		{name: "line break", key: "a\r\nSet-Cookie: x=y"},
		{name: "NUL", key: "a\x00"},
		{name: "DEL", key: "a\x7f"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			scheme := newScheme(tt.key)
			got, err := scheme.Issue("__session")
			if !tt.ok {
				if err == nil || got != (Credential{}) {
					t.Fatalf("issued %+v, %v", got, err)
				}
				if !strings.Contains(err.Error(), "Config.KeyFactory") {
					t.Errorf("error %q does not name the field", err)
				}
				if len(tt.key) > 2 && strings.Contains(err.Error(), tt.key) {
					t.Errorf("error %q shows the key", err)
				}
				return
			}
			if want := (Credential{tt.key, tt.key, tt.key}); err != nil || got != want {
				t.Fatalf("issued %+v, %v", got, err)
			}
			// What the browser sends back must be the key again.
			cookie, err := http.ParseSetCookie((&http.Cookie{Name: "__session", Value: got.Cookie}).String())
			if err != nil {
				t.Fatal(err)
			}
			r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
			r.AddCookie(cookie)
			if keys := keysOf(scheme.Sent(r, "__session")); !slices.Equal(keys, []string{tt.key}) {
				t.Errorf("%q comes back as %q", tt.key, keys)
			}
		})
	}
}

func TestIssueOfAnotherName(t *testing.T) {
	t.Parallel()
	scheme := newScheme(strings.Repeat("k", 1500))
	if got, err := scheme.Issue("prefs"); err == nil {
		t.Errorf("issued %.10q…, %.20q…, whose ID has %d bytes", got.Key, got.ID, len(got.ID))
	}
	scheme = newScheme("k")
	if got, err := scheme.Issue("prefs"); got != (Credential{"k", "k", "~prefs:k"}) || err != nil {
		t.Errorf("issued %+v, %v", got, err)
	}
}

func TestSigned(t *testing.T) {
	t.Parallel()
	hashKey := func(b byte) []byte { return []byte(strings.Repeat(string(rune(b)), 32)) }
	signs := func(hashKeys bool, keys ...[]byte) *Scheme { return NewScheme("__session", NewKey, hashKeys, keys) }
	old, rotated := signs(false, hashKey('a'), nil), signs(false, hashKey('b'), nil, hashKey('a'), nil)
	encrypted, foreign := signs(false, hashKey('a'), []byte(strings.Repeat("k", 16))), signs(false, hashKey('c'))
	tests := []struct {
		name     string
		from, to *Scheme
		as       string // the name of the cookie in which it comes back
		ok       bool
	}{
		{"its own", old, old, "__session", true},
		{"signed before the rotation", old, rotated, "__session", true},
		{"signed after the rotation", rotated, old, "__session", false},
		{"encrypted", encrypted, encrypted, "__session", true},
		{"signed, where cookies are encrypted", old, encrypted, "__session", false},
		{"encrypted, where cookies are signed", encrypted, old, "__session", false},
		{"signed by somebody else", foreign, old, "__session", false},
		{"not signed", signs(false), old, "__session", false},
		{"under another name", old, old, "prefs", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cred, err := tt.from.Issue("__session")
			if err != nil {
				t.Fatal(err)
			}
			r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
			r.AddCookie(&http.Cookie{Name: tt.as, Value: cred.Cookie})
			var want []string
			if tt.ok {
				want = []string{cred.Key}
			}
			if got := keysOf(tt.to.Sent(r, tt.as)); !slices.Equal(got, want) {
				t.Errorf("keys %q, want %q", got, want)
			}
		})
	}
}

func TestHashedIDs(t *testing.T) {
	t.Parallel()
	one := NewScheme("__session", NewKey, true, nil)
	cred, err := one.Issue("__session")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(cred.ID, cred.Key) || len(cred.ID) != 43 {
		t.Errorf("the ID %q is not a hash of the key %q", cred.ID, cred.Key)
	}
	other := NewScheme("admin", NewKey, true, nil)
	if id, err := other.DocumentID("__session", cred.Key); id != cred.ID || err != nil {
		t.Errorf("with another CookieName: %q, %v, want %q", id, err, cred.ID)
	}
	if id, err := one.DocumentID("admin", cred.Key); id == cred.ID || err != nil {
		t.Errorf("under another name: the same ID %q, %v", id, err)
	}
	if id := PublicID(cred.ID); len(id) != 22 || strings.Contains(cred.ID, id) {
		t.Errorf("public ID %q", id)
	}
}

func keysOf(sent []Sent, _ Lack) []string {
	var keys []string
	for _, s := range sent {
		keys = append(keys, s.Key)
	}
	return keys
}

func TestSent(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		values []string
		want   []string
	}{
		{"none", nil, nil},
		{"one", []string{"a"}, []string{"a"}},
		{"in their order", []string{"b", "a"}, []string{"b", "a"}},
		{"twice the same", []string{"a", "a", "b"}, []string{"a", "b"}},
		{"some that cannot be keys", []string{"", "a/b", "..", "~x", "__x__", "a"}, []string{"a"}},
		{"many", []string{"a", "b", "c", "d"}, []string{"a", "b", "c"}},
		{"many, of which some cannot be keys", []string{"a", "", "b", "/", "c", "d"}, []string{"a", "b", "c"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
			r.AddCookie(&http.Cookie{Name: "other", Value: "x"})
			for _, value := range tt.values {
				r.AddCookie(&http.Cookie{Name: "__session", Value: value})
			}
			if got := keysOf(newScheme("k").Sent(r, "__session")); !slices.Equal(got, tt.want) {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

// TestVersioned has cookies name a version, and sends them to schemes that sign in the same way, in another, or not at all.
func TestVersioned(t *testing.T) {
	t.Parallel()
	hashKey := []byte(strings.Repeat("h", 32))
	signing := NewScheme("__session", func() string { return "key" }, false, [][]byte{hashKey, []byte(strings.Repeat("b", 16))})
	cred, err := signing.Issue("__session")
	if err != nil {
		t.Fatal(err)
	}
	version := time.Unix(1_700_000_000, 123_456_789)
	versioned := func(version time.Time) string { return signing.Versioned("__session", cred, version) }
	tests := []struct {
		name    string
		to      *Scheme
		cookies []string
		want    []Sent
	}{
		{"with a version", signing, []string{versioned(version)}, []Sent{{"key", version}}},
		{"without one", signing, []string{cred.Cookie}, []Sent{{Key: "key"}}},
		{"the later of two", signing, []string{versioned(version), versioned(version.Add(1))}, []Sent{{"key", version.Add(1)}}},
		{"the later of two, sent first", signing, []string{versioned(version.Add(1)), versioned(version)}, []Sent{{"key", version.Add(1)}}},
		{"with and without", signing, []string{cred.Cookie, versioned(version)}, []Sent{{"key", version}}},
		{"of other keys", NewScheme("__session", NewKey, false, [][]byte{[]byte(strings.Repeat("o", 32))}), []string{versioned(version)}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
			for _, value := range tt.cookies {
				r.AddCookie(&http.Cookie{Name: "__session", Value: value})
			}
			got, _ := tt.to.Sent(r, "__session")
			if !slices.EqualFunc(got, tt.want, func(a, b Sent) bool { return a.Key == b.Key && a.Version.Equal(b.Version) }) {
				t.Errorf("%v, want %v", got, tt.want)
			}
		})
	}

	forging := NewScheme("__session", func() string { return "1\x00key" }, true, [][]byte{hashKey})
	if got, err := forging.Issue("__session"); err == nil {
		t.Errorf("issued %q, which looks like a key with a version", got.Key)
	}
	unsigned := newScheme("key")
	if got := unsigned.Versioned("__session", Credential{"key", "key", "key"}, version); got != "key" {
		t.Errorf("without signing keys, the cookie is %q: anybody could make up its version", got)
	}
	for n := 2900; n < 3100; n++ { // about as long as a signed key can be
		long := NewScheme("__session", func() string { return "k" }, true, [][]byte{hashKey})
		cred := Credential{Key: strings.Repeat("k", n), Cookie: "without a version"}
		if got := long.Versioned("__session", cred, version); len("__session")+len(got) > maxCookieBytes {
			t.Fatalf("the cookie with a key of %d bytes has %d", n, len(got))
		}
	}
}

func TestLack(t *testing.T) {
	t.Parallel()
	plain := NewScheme("__session", NewKey, false, nil)
	signed := NewScheme("__session", NewKey, false, [][]byte{[]byte(strings.Repeat("k", 32))})
	for _, tt := range []struct {
		name   string
		scheme *Scheme
		values []string
		want   Lack
	}{
		{"no cookie", plain, nil, NoCookie},
		{"an empty cookie", plain, []string{""}, NotAKey},
		{"a reserved ID", plain, []string{"__x__"}, NotAKey},
		{"another ID, and a slash", plain, []string{"a/b", ".."}, NotAKey},
		{"no cookie, signed", signed, nil, NoCookie},
		{"not signed", signed, []string{"key"}, BadSignature},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
			r.AddCookie(&http.Cookie{Name: "other", Value: "x"})
			for _, value := range tt.values {
				r.AddCookie(&http.Cookie{Name: "__session", Value: value})
			}
			if keys, lack := tt.scheme.Sent(r, "__session"); len(keys) > 0 || lack != tt.want {
				t.Errorf("keys %q, %q", keys, lack)
			}
		})
	}
}

// TestNoSessionID looks for a name and a key whose document has the ID that is never a session's.
func TestNoSessionID(t *testing.T) {
	t.Parallel()
	if err := ValidateID(NoSessionID); err != nil {
		t.Errorf("Firestore refuses it: %v", err)
	}
	parts := []string{"check", "~check", "~", "", ":", "~check:", ":check", "c", "heck", "__session", "~~check"}
	for _, hashKeys := range []bool{false, true} {
		for _, cookieName := range []string{"check", "__session", "~check", "~"} {
			s := NewScheme(cookieName, NewKey, hashKeys, nil)
			for _, name := range append(parts, cookieName) {
				for _, key := range parts {
					if id, err := s.DocumentID(name, key); err == nil && id == NoSessionID {
						t.Errorf("it is that of session %q with key %q (hashed: %t)", name, key, hashKeys)
					}
				}
			}
		}
	}
}
