package echofirestore_test

import (
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"sort"
	"strings"
	"testing"

	"cloud.google.com/go/firestore"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
)

// TestTooLargeToTheByte finds the greatest session that a store saves, and checks that Firestore would take no greater one, and
// was asked for none.
func TestTooLargeToTheByte(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		cookie string
		values map[string]any
		change func(*echofirestore.Config)
	}{
		{name: "with an expiry", change: func(*echofirestore.Config) {}},
		{name: "short names", change: func(cfg *echofirestore.Config) { cfg.Collection = "s" }},
		{name: "long names", change: func(cfg *echofirestore.Config) { cfg.Collection = strings.Repeat("長", 500) }},
		{name: "another session name", cookie: "prefs", change: func(*echofirestore.Config) {}},
		{name: "long key", change: func(cfg *echofirestore.Config) { cfg.KeyFactory = func() string { return strings.Repeat("k", 1500) } }},
		{name: "with a user", values: map[string]any{"uid": "zoë"}, change: func(cfg *echofirestore.Config) { cfg.UserKey = "uid" }},
		{name: "of characters that take more than one byte", values: map[string]any{"s": "日本語🍪\x00\""}, change: func(*echofirestore.Config) {}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server, client := firestoretest.Start(t)
			cfg := echofirestore.Config{Client: client, MaxAge: 3600}
			tt.change(&cfg)
			store, err := echofirestore.NewStore(cfg)
			if err != nil {
				t.Fatal(err)
			}
			collection := client.Collection("echo_sessions")
			if cfg.Collection != "" {
				collection = client.Collection(cfg.Collection)
			}
			if tt.cookie == "" {
				tt.cookie = "__session"
			}
			save := func(n int) error {
				sess, err := store.New(httptest.NewRequest(http.MethodGet, "/", http.NoBody), tt.cookie)
				if err != nil {
					t.Fatal(err)
				}
				for key, v := range tt.values {
					sess.Values[key] = v
				}
				sess.Values["fill"] = strings.Repeat("x", n)
				server.ResetOps()
				err = store.Save(httptest.NewRequest(http.MethodGet, "/", http.NoBody), httptest.NewRecorder(), sess)
				switch {
				case errors.Is(err, echofirestore.ErrTooLarge):
					if calls := server.Calls(); len(calls) > 0 {
						t.Errorf("Firestore was asked: %v", calls)
					}
				case err != nil:
					t.Fatal(err)
				}
				return err
			}
			// A key of a factory that always returns the same can be used only once.
			forget := func() *firestore.DocumentSnapshot {
				docs, err := collection.Documents(t.Context()).GetAll()
				if err != nil || len(docs) > 1 {
					t.Fatal(len(docs), err)
				}
				if len(docs) == 0 {
					return nil
				}
				if _, err := docs[0].Ref.Delete(t.Context()); err != nil {
					t.Fatal(err)
				}
				return docs[0]
			}
			const least = 1<<20 - 5000
			n := least + sort.Search(5000, func(n int) bool {
				err := save(least + n)
				forget()
				return err != nil
			})
			if save(n-1) != nil {
				t.Fatal("nothing can be saved")
			}
			greatest := forget()
			fields := maps.Clone(greatest.Data())
			fields["data"] = fields["data"].(string) + " "
			if _, err := greatest.Ref.Set(t.Context(), fields); status.Code(err) != codes.InvalidArgument {
				t.Errorf("with one byte more, Firestore's answer is %v", err)
			}
		})
	}
}
