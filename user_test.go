package echofirestore_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/echofirestore/echofirestore"
)

// userID is a number that shows itself as something else.
type userID int

func (u userID) String() string { return fmt.Sprintf("user-%d", int(u)) }

// TestUserField looks at the field by which the sessions of a user are found: it must be the same whether the value was
// just set or has come back from Firestore.
func TestUserField(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		value any
		want  any
	}{
		{name: "string", value: "alice", want: "alice"},
		{name: "int", value: 4711, want: "4711"},
		{name: "int with a String method", value: userID(7), want: "7"},
		{name: "bytes", value: []byte{1, 2}, want: "AQI="},
		{name: "float", value: 1234567.0, want: "1234567"},
		{name: "large float", value: 1e21, want: "1000000000000000000000"},
		{name: "fraction", value: 0.5, want: "0.5"},
		{name: "number", value: json.Number("5"), want: "5"},
		{name: "struct", value: struct{ ID int }{1}, want: "map[ID:1]"},
		{name: "time", value: time.Unix(1714566645, 123456789), want: "1714566645123"},
		{name: "nil", value: nil, want: nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t, func(cfg *echofirestore.Config) {
				cfg.UserKey, cfg.KeyFactory = "user", func() string { return "key" }
			})
			a.POST("/login", set("user", tt.value))
			a.POST("/later", set("n", 1))
			b := a.browser()
			for _, path := range []string{"/login", "/later"} {
				b.post(path)
				if got := a.documents()["key"]["user"]; got != tt.want {
					t.Errorf("after %s: user %v, want %v", path, got, tt.want)
				}
			}
		})
	}
}
