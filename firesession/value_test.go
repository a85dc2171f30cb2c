package firesession_test

import (
	"testing"

	"github.com/gorilla/sessions"

	"github.com/echofirestore/echofirestore/firesession"
)

// TestValue finds values by their key. What a value can be read as is tested in internal/codec.
func TestValue(t *testing.T) {
	t.Parallel()
	sess := sessions.NewSession(nil, "s")
	sess.Values["list"] = []any{"a", "b"} // as it comes back from JSON
	sess.Values["none"] = nil
	sess.Values[5] = "x"
	if got, ok := firesession.Value[[]string](sess, "list"); !ok || len(got) != 2 || got[1] != "b" {
		t.Errorf("list: %v, %v", got, ok)
	}
	for _, key := range []string{"missing", "none", "5", ""} {
		if got, ok := firesession.Value[string](sess, key); ok || got != "" {
			t.Errorf("there is a value %q under the key %q", got, key)
		}
	}
	if got, ok := firesession.Value[any](sess, "missing"); ok || got != nil {
		t.Errorf("there is a value %v under a key that has none", got)
	}
}
