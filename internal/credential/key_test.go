package credential

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"

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
