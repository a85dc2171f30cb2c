package session

import (
	"encoding/base64"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/sessions"

	"github.com/echofirestore/echofirestore/firestoretest"
)

func TestValidateID(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, id string
		want     error
	}{
		{name: "one byte", id: "a"},
		{name: "automatic ID of Firestore", id: "5f1vUXZbVAUHdBAR9Zzk"},
		{name: "43 characters", id: strings.Repeat("aZ09-_aZ09", 4) + "xyz"},
		{name: "Japanese", id: "セッション"},
		{name: "three dots", id: "..."},
		{name: "dot first", id: ".a"},
		{name: "one underscore", id: "_"},
		{name: "underscores first", id: "__x"},
		{name: "underscores last", id: "x__"},
		{name: "one underscore on either side", id: "_x_"},
		{name: "underscores and one", id: "__x_"},
		{name: "space", id: " "},
		{name: "control character", id: "\x00"},
		{name: "backslash", id: `a\b`},
		{name: "replacement character", id: "\ufffd"},
		{name: "1500 bytes", id: strings.Repeat("k", 1500)},
		{name: "1500 bytes of Japanese", id: strings.Repeat("日", 500)},

		{name: "empty", id: "", want: errIDEmpty},
		{name: "slash", id: "/", want: errIDSlash},
		{name: "slash inside", id: "a/b", want: errIDSlash},
		{name: "slash at the end", id: "a/", want: errIDSlash},
		{name: "dot", id: ".", want: errIDDots},
		{name: "two dots", id: "..", want: errIDDots},
		{name: "reserved", id: "__x__", want: errIDReserved},
		{name: "reserved, numeric", id: "__id7__", want: errIDReserved},
		{name: "reserved, Japanese", id: "__鍵__", want: errIDReserved},
		{name: "reserved, with a line break", id: "__\n__", want: errIDReserved},
		{name: "two underscores", id: "__", want: errIDReserved},
		{name: "three underscores", id: "___", want: errIDReserved},
		{name: "four underscores", id: "____", want: errIDReserved},
		{name: "invalid UTF-8", id: "a\xff", want: errIDUTF8},
		{name: "half a character", id: "日"[:2], want: errIDUTF8},
		{name: "surrogate", id: "\xed\xa0\x80", want: errIDUTF8},
		{name: "1501 bytes", id: strings.Repeat("k", 1501), want: errIDLong},
		{name: "501 Japanese characters", id: strings.Repeat("日", 501), want: errIDLong},
	}
	client := firestoretest.NewClient(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if err := ValidateID(tt.id); !errors.Is(err, tt.want) {
				t.Errorf("%v, want %v", err, tt.want)
			}
			if tt.want == nil {
				if _, err := client.Collection("ids").Doc(tt.id).Set(t.Context(), map[string]any{}); err != nil {
					t.Errorf("Firestore refuses it: %v", err)
				}
			}
		})
	}
}

func TestNewKey(t *testing.T) {
	t.Parallel()
	keys := make(map[string]bool)
	var seen [32]byte
	for range 1000 {
		key := NewKey()
		raw, err := base64.RawURLEncoding.DecodeString(key)
		if err != nil || len(raw) != 32 || len(key) != 43 {
			t.Fatalf("%q is not 32 bytes in base64url: %v", key, err)
		}
		if err := ValidateID(key); err != nil || strings.HasPrefix(key, otherNames) {
			t.Fatalf("%q: %v", key, err)
		}
		for i, b := range raw {
			seen[i] |= b
		}
		keys[key] = true
	}
	if len(keys) != 1000 {
		t.Errorf("%d different keys of 1000", len(keys))
	}
	for i, bits := range seen {
		if bits != 0xff {
			t.Errorf("byte %d is always without the bits %08b", i, ^bits)
		}
	}
}

func newStore(t *testing.T, change func(*Settings)) *Store {
	t.Helper()
	cfg := Settings{
		Client:     firestoretest.NewClient(t),
		Collection: "echo_sessions",
		CookieName: "__session",
		KeyFactory: NewKey,
		Path:       "/",
		Timeout:    10 * time.Second,
		Logger:     slog.New(slog.DiscardHandler),
		Now:        time.Now,
	}
	change(&cfg)
	return NewStore(cfg)
}

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
	store := newStore(t, func(*Settings) {})
	for _, tt := range tests {
		got, err := store.documentID(tt.name, tt.key)
		if (err != nil) != (tt.want == "") || err == nil && got != tt.want {
			t.Errorf("documentID(%q, %.20q) = %.20q, %v, want %.20q", tt.name, tt.key, got, err, tt.want)
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
		store := newStore(t, func(cfg *Settings) { cfg.CookieName = cookieName })
		sessions := make(map[string]session)
		for range 50000 {
			s := session{text(), text()}
			if rng.IntN(3) == 0 {
				s.name = cookieName
			}
			if (&http.Cookie{Name: s.name}).Valid() != nil {
				continue // no session has such a name
			}
			id, err := store.documentID(s.name, s.key)
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

func TestIssueKey(t *testing.T) {
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
			store := newStore(t, func(cfg *Settings) { cfg.KeyFactory = func() string { return tt.key } })
			got, err := store.issue("__session")
			if !tt.ok {
				if err == nil || got != (credential{}) {
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
			if want := (credential{tt.key, tt.key, tt.key}); err != nil || got != want {
				t.Fatalf("issued %+v, %v", got, err)
			}
			// What the browser sends back must be the key again.
			cookie, err := http.ParseSetCookie((&http.Cookie{Name: "__session", Value: got.cookie}).String())
			if err != nil {
				t.Fatal(err)
			}
			r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
			r.AddCookie(cookie)
			if keys := store.requestKeys(r, "__session"); !slices.Equal(keys, []string{tt.key}) {
				t.Errorf("%q comes back as %q", tt.key, keys)
			}
		})
	}
}

func TestIssueKeyOfAnotherName(t *testing.T) {
	t.Parallel()
	store := newStore(t, func(cfg *Settings) { cfg.KeyFactory = func() string { return strings.Repeat("k", 1500) } })
	if got, err := store.issue("prefs"); err == nil {
		t.Errorf("issued %.10q…, %.20q…, whose ID has %d bytes", got.key, got.id, len(got.id))
	}
	store = newStore(t, func(cfg *Settings) { cfg.KeyFactory = func() string { return "k" } })
	if got, err := store.issue("prefs"); got != (credential{"k", "k", "~prefs:k"}) || err != nil {
		t.Errorf("issued %+v, %v", got, err)
	}
}

func TestSaveOfASessionWithAnImpossibleName(t *testing.T) {
	t.Parallel()
	store := newStore(t, func(*Settings) {})
	sess := sessions.NewSession(store, "a:b")
	sess.Values["n"] = 1
	err := store.Save(httptest.NewRequest(http.MethodGet, "/", http.NoBody), httptest.NewRecorder(), sess)
	if err == nil || !strings.Contains(err.Error(), `session name "a:b"`) {
		t.Errorf("error %v", err)
	}
}
