package e2e

import (
	"encoding/gob"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
	"github.com/gorilla/sessions"
)

type person struct {
	Name string
	Age  int
}

// init registers what gob has to know, as gorilla's documentation tells.
func init() {
	gob.Register(&person{})
	gob.Register([]string{})
	gob.Register(map[string]int{})
}

// TestValues stores Go values of many types. With gob they come back as with gorilla's CookieStore, which uses it too;
// as JSON some come back as another type. With -v, it prints the table of them.
func TestValues(t *testing.T) {
	t.Parallel()
	cookieStore := sessions.NewCookieStore([]byte("an authentication key of 32 byte"))
	asGob := newStore(t, echofirestore.Config{Encoder: echofirestore.EncodeGob, Decoder: echofirestore.DecodeGob})
	asJSON := newStore(t, echofirestore.Config{})

	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "stored\tCookieStore\tEncodeGob\tEncodeJSON, the default")
	for _, tt := range []struct {
		value  any
		asJSON string // if it does not come back as it was
	}{
		{value: nil},
		{value: "text"},
		{value: true},
		{value: 42},
		{value: 3.5},
		{value: 3.0},
		{value: []any{"a", 1}},
		{value: int64(42), asJSON: "int 42"},
		{value: float32(3.5), asJSON: "float64 3.5"},
		{value: []string{"a", "b"}, asJSON: "[]interface {} [a b]"},
		{value: map[string]int{"a": 1}, asJSON: "map[string]interface {} map[a:1]"},
		{value: []byte("text"), asJSON: "string dGV4dA=="},
		{value: time.Unix(1700000000, 0).UTC(), asJSON: "int 1700000000000"},
		{value: &person{"Alice", 42}, asJSON: "map[string]interface {} map[Age:42 Name:Alice]"},
	} {
		stored := describe(tt.value)
		want := stored
		if tt.asJSON != "" {
			want = tt.asJSON
		}
		fmt.Fprint(w, stored)
		for _, column := range []struct {
			name  string
			store sessions.Store
			want  string
		}{
			{"CookieStore", cookieStore, stored},
			{"EncodeGob", asGob, stored},
			{"EncodeJSON", asJSON, want},
		} {
			got := describe(roundTrip(t, column.store, tt.value))
			if got != column.want {
				t.Errorf("%s, with %s: %s, want %s", stored, column.name, got, column.want)
			}
			if got == stored {
				got = "the same"
			}
			fmt.Fprint(w, "\t", got)
		}
		fmt.Fprintln(w)
	}
	w.Flush()
	t.Logf("\n%s", table.String())
}

func newStore(t *testing.T, cfg echofirestore.Config) *echofirestore.Store {
	t.Helper()
	cfg.Client = firestoretest.NewClient(t)
	store, err := echofirestore.NewStore(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// roundTrip returns a value as the request after the one that stored it finds it.
func roundTrip(t *testing.T, store sessions.Store, value any) any {
	t.Helper()
	first := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
	sess, err := store.Get(first, "session")
	if err != nil {
		t.Fatal(err)
	}
	sess.Values["value"] = value
	response := httptest.NewRecorder()
	if err := sess.Save(first, response); err != nil {
		t.Fatal(err)
	}
	second := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
	for _, cookie := range response.Result().Cookies() {
		second.AddCookie(cookie)
	}
	if sess, err = store.Get(second, "session"); err != nil {
		t.Fatal(err)
	}
	return sess.Values["value"]
}

func describe(value any) string {
	if p, ok := value.(*person); ok {
		return fmt.Sprintf("%T %+v", p, *p)
	}
	return fmt.Sprintf("%T %+v", value, value)
}
