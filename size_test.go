package echofirestore_test

import (
	"cmp"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"sort"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/firestore"
	"github.com/labstack/echo/v4"
	"google.golang.org/genproto/googleapis/type/latlng"
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
		more   string // the least that the data can grow by, if that is not a byte
		change func(*echofirestore.Config)
	}{
		{name: "with an expiry", change: func(*echofirestore.Config) {}},
		{name: "without an expiry", change: func(cfg *echofirestore.Config) { cfg.MaxAge = 0 }},
		{name: "without a max age", change: func(cfg *echofirestore.Config) { cfg.MaxAge, cfg.Lifetime = 0, time.Hour }},
		{name: "short names", change: func(cfg *echofirestore.Config) { cfg.Collection = "s" }},
		{name: "long names", change: func(cfg *echofirestore.Config) { cfg.Collection = strings.Repeat("長", 500) }},
		{name: "another session name", cookie: "prefs", change: func(*echofirestore.Config) {}},
		{name: "long key", change: func(cfg *echofirestore.Config) { cfg.KeyFactory = func() string { return strings.Repeat("k", 1500) } }},
		{name: "with a user", values: map[string]any{"uid": "zoë"}, change: func(cfg *echofirestore.Config) { cfg.UserKey = "uid" }},
		{name: "hashed", change: hashing},
		{name: "hashed, another session name", cookie: "prefs", change: hashing},
		{name: "hashed, with a lifetime", change: func(cfg *echofirestore.Config) { hashing(cfg); cfg.Lifetime = time.Hour }},
		{name: "encrypted", more: "AAAA", change: encrypting(t, oldKey)},
		{name: "encrypted and hashed", more: "AAAA", change: func(cfg *echofirestore.Config) { hashing(cfg); encrypting(t, oldKey)(cfg) }},
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
			least := 1<<20 - 5000
			if cfg.AEAD != nil {
				least = 3<<18 - 5000 // in base64
			}
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
			fields["data"] = fields["data"].(string) + cmp.Or(tt.more, " ")
			if _, err := greatest.Ref.Set(t.Context(), fields); status.Code(err) != codes.InvalidArgument {
				t.Errorf("with one byte more, Firestore's answer is %v", err)
			}
		})
	}
}

// TestTooLargeWithFieldsOfOthers grows a stored session next to fields that are not the store's.
func TestTooLargeWithFieldsOfOthers(t *testing.T) {
	t.Parallel()
	for _, renew := range []bool{false, true} {
		t.Run(map[bool]string{false: "changed", true: "renewed"}[renew], func(t *testing.T) {
			t.Parallel()
			a := newApp(t)
			a.POST("/begin", set("n", 1))
			var (
				n        int
				result   error
				greatest *firestore.DocumentRef
			)
			a.POST("/grow", func(c echo.Context) error {
				if renew {
					if err := echofirestore.Renew(c); err != nil {
						return err
					}
				}
				session(c).Values["fill"] = strings.Repeat("x", n)
				result = echofirestore.Save(c)
				return nil
			})
			grow := func(size int) error {
				b := a.browser()
				key := b.post("/begin").cookie("__session").Value
				ref := a.client.Collection("echo_sessions").Doc(key)
				if _, err := ref.Update(t.Context(), []firestore.Update{
					{Path: "text", Value: strings.Repeat("日", 1000)},
					{Path: "bytes", Value: make([]byte, 1000)},
					{Path: "list", Value: []any{1, 2.5, true, nil, time.Unix(0, 0), "x"}},
					{Path: "map", Value: map[string]any{"a": map[string]any{"b": 1}, "c": []any{}}},
					{Path: "empty", Value: map[string]any{}},
					{Path: "place", Value: &latlng.LatLng{Latitude: 1}},
					{Path: "ref", Value: a.client.Doc("users/alice")},
				}); err != nil {
					t.Fatal(err)
				}
				n = size
				if cookie := b.post("/grow").cookie("__session"); cookie != nil {
					greatest = a.client.Collection("echo_sessions").Doc(cookie.Value)
				}
				if result != nil && !errors.Is(result, echofirestore.ErrTooLarge) {
					t.Fatalf("%d bytes: %v", size, result)
				}
				return result
			}
			const least = 1<<20 - 10000
			limit := sort.Search(10000, func(i int) bool { return grow(least+i) != nil })
			if limit == 0 || limit == 10000 || grow(least+limit-1) != nil {
				t.Fatalf("the limit is not in the range: %d", limit)
			}
			snap, err := greatest.Get(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			more := snap.Data()["data"].(string) + " "
			if _, err := greatest.Update(t.Context(), []firestore.Update{{Path: "data", Value: more}}); status.Code(err) != codes.InvalidArgument {
				t.Errorf("with one byte more, Firestore's answer is %v", err)
			}
		})
	}
}

// TestTooLargeInASecondSave grows a session that was begun in the same request, by a byte at a time around the limit: it
// is told as such, without asking Firestore.
func TestTooLargeInASecondSave(t *testing.T) {
	t.Parallel()
	a := newApp(t, hashing, func(cfg *echofirestore.Config) { cfg.Lifetime, cfg.UserKey = time.Hour, "user" })
	var n int
	var saved error
	a.POST("/", func(c echo.Context) error {
		session(c).Values["user"] = "alice"
		if err := echofirestore.Save(c); err != nil {
			return err
		}
		session(c).Values["fill"] = strings.Repeat("x", n)
		saved = echofirestore.Save(c)
		return nil
	})
	var fits, not int
	for n = 1<<20 - 400; n < 1<<20-200; n += 2 {
		a.browser().post("/")
		switch {
		case saved == nil && not == 0:
			fits++
		case errors.Is(saved, echofirestore.ErrTooLarge):
			not++
		default:
			t.Errorf("%d bytes: %v", n, saved)
		}
	}
	if fits == 0 || not == 0 {
		t.Errorf("%d sizes fit, %d do not", fits, not)
	}
}

// TestTooLarge stores the largest session that fits, then one byte more.
func TestTooLarge(t *testing.T) {
	t.Parallel()
	a := newApp(t, func(cfg *echofirestore.Config) {
		cfg.KeyFactory = func() string { return "key" }
	})
	overhead := len(`{"created":1700000000,"session":{"blob":""}}`) + 16 + len("echo_sessions/key") + 1 + 32 +
		len("data") + 1 + 1 + len("max_age") + 1 + 8 + len("expire") + 1 + 8
	a.POST("/fits", set("blob", strings.Repeat("x", 1<<20-overhead)))
	a.POST("/large", func(c echo.Context) error {
		session(c).Values["blob"] = strings.Repeat("y", 1<<20-overhead+1)
		err := echofirestore.Save(c)
		if !errors.Is(err, echofirestore.ErrTooLarge) {
			t.Errorf("error %v", err)
		}
		return nil
	})
	b := a.browser()
	if got := b.post("/large"); got.StatusCode != http.StatusInternalServerError || got.cookie("__session") != nil {
		t.Errorf("too large: status %d, cookie %v", got.StatusCode, got.cookie("__session"))
	}
	if calls := a.firestore.Calls(); len(calls) != 0 {
		t.Errorf("Firestore was called: %v", calls)
	}
	if got := b.post("/fits"); got.StatusCode != http.StatusOK {
		t.Errorf("fits: status %d, %s", got.StatusCode, got.body)
	}
	if cost := a.cost(func() { b.post("/large") }); cost != (firestoretest.Ops{Reads: 1}) {
		t.Errorf("too large, existing: cost %v", cost)
	}
}
