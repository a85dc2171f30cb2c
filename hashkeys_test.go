package echofirestore_test

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/gorilla/sessions"
	"github.com/labstack/echo/v4"

	"github.com/echofirestore/echofirestore"
)

func hashing(cfg *echofirestore.Config) { cfg.HashKeys = true }

// hashOf returns the ID of the document of a key, as another program finds it.
func hashOf(name, key string) string {
	sum := sha256.Sum256([]byte(name + ":" + key))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// TestHashedKeys looks for what could open a session in the database. An ID that is found there opens none, and ends
// none.
func TestHashedKeys(t *testing.T) {
	t.Parallel()
	a := newApp(t, hashing)
	a.POST("/", func(c echo.Context) error {
		prefs, err := a.store.Get(c.Request(), "prefs")
		session(c).Values["user"], prefs.Values["theme"] = "alice", "dark"
		return err
	})
	a.GET("/", func(c echo.Context) error {
		prefs, err := a.store.Get(c.Request(), "prefs")
		if err != nil {
			return err
		}
		return c.JSON(http.StatusOK, []any{session(c).Values["user"], prefs.Values["theme"]})
	})
	a.POST("/out", echofirestore.Destroy)
	b := a.browser()
	first := b.post("/")
	key, prefs := first.cookie("__session").Value, first.cookie("prefs").Value
	ids := []string{hashOf("__session", key), hashOf("prefs", prefs)}
	docs := a.documents()
	for _, id := range ids {
		if doc := docs[id]; doc == nil || doc["hashed"] != true {
			t.Errorf("document %s: %v", id, doc)
		}
	}
	if len(docs) != len(ids) {
		t.Errorf("documents %v", docs)
	}
	if got := b.get("/"); got.body != `["alice","dark"]`+"\n" {
		t.Errorf("body %s", got.body)
	}
	for _, id := range append(ids, hashOf("__session", prefs), hashOf("prefs", key), "~prefs:"+prefs) {
		cookies := func(r *http.Request) { r.Header.Set("Cookie", "__session="+id+"; prefs="+id) }
		if got := b.get("/", cookies); got.body != "[null,null]\n" {
			t.Errorf("the ID %s opens %s", id, got.body)
		}
		if got := b.post("/out", cookies); got.StatusCode != http.StatusOK || len(a.documents()) != len(ids) {
			t.Errorf("the ID %s ends a session", id)
		}
	}
}

// TestPlainKeysEnd lets a session that is stored under its key meet a store that hashes keys.
func TestPlainKeysEnd(t *testing.T) {
	t.Parallel()
	a := newApp(t, hashing)
	a.GET("/", see)
	a.putSession("key", `{"user":"alice"}`)
	if got := a.browser().get("/", withCookie("key")); !strings.Contains(got.body, `"isNew":true`) {
		t.Errorf("body %s", got.body)
	}
}

// TestHashedKeysElsewhere has an instance that hashes no keys meet documents of one that does, as in a deployment.
func TestHashedKeysElsewhere(t *testing.T) {
	t.Parallel()
	a := newApp(t, hashing)
	a.POST("/", set("user", "alice"))
	key := a.browser().post("/").cookie("__session").Value
	plain := newApp(t, func(cfg *echofirestore.Config) { cfg.Client = a.client })
	plain.GET("/", see)
	for _, cookie := range []string{key, hashOf("__session", key)} {
		if got := plain.browser().get("/", withCookie(cookie)); !strings.Contains(got.body, `"isNew":true`) {
			t.Errorf("%s opens %s", cookie, got.body)
		}
	}
}

// TestStoresOfOneCollection has two stores that differ in their CookieName alone, and sends the cookie of one as that of the
// other. What keeps them apart is a hash or a signature, which contain the name, or a collection for each.
func TestStoresOfOneCollection(t *testing.T) {
	t.Parallel()
	both := func(cfg *echofirestore.Config) { hashing(cfg); signed(hashKey)(cfg) }
	operations := map[string]echo.HandlerFunc{
		"load": see,
		"save": func(c echo.Context) error {
			setOne(c)
			return echofirestore.Save(c)
		},
		"update": func(c echo.Context) error {
			return echofirestore.Update(c, func(sess *sessions.Session) error { sess.Values["n"] = 1; return nil })
		},
		"renew":   func(c echo.Context) error { setOne(c); return echofirestore.Renew(c) },
		"destroy": echofirestore.Destroy,
		"end":     func(c echo.Context) error { session(c).Options.MaxAge = -1; return nil },
	}
	for _, tt := range []struct {
		name       string
		configure  func(*echofirestore.Config)
		collection string // of the second store
		shared     bool   // each store opens the sessions of the other
	}{
		{name: "plain", configure: func(*echofirestore.Config) {}, shared: true},
		{name: "plain, a collection each", configure: func(*echofirestore.Config) {}, collection: "admins"},
		{name: "encrypted", configure: encrypting(t, oldKey), shared: true},
		{name: "hashed", configure: hashing},
		{name: "signed", configure: signed(hashKey)},
		{name: "hashed and signed", configure: both},
	} {
		for operation, handler := range operations {
			t.Run(tt.name+"/"+operation, func(t *testing.T) {
				t.Parallel()
				users := newApp(t, tt.configure)
				admins := newApp(t, tt.configure, func(cfg *echofirestore.Config) {
					cfg.Client, cfg.CookieName, cfg.Collection = users.client, "admin", tt.collection
				})
				admins.client = users.client
				for _, pair := range []struct{ from, to *app }{{users, admins}, {admins, users}} {
					pair.from.POST("/", set("user", "alice"))
					pair.to.GET("/", handler)
				}
				for _, pair := range []struct {
					from, to *app
					name     string
				}{{users, admins, "admin"}, {admins, users, "__session"}} {
					value := pair.from.browser().post("/").Cookies()[0].Value
					before := pair.from.documents()
					got := pair.to.browser().get("/", func(r *http.Request) { r.Header.Set("Cookie", pair.name+"="+value) })
					if got.StatusCode != http.StatusOK {
						t.Errorf("status %d: %s", got.StatusCode, got.body)
					}
					after := pair.from.documents()
					maps.DeleteFunc(after, func(id string, _ map[string]any) bool { return before[id] == nil }) // new sessions
					touched := !cmp.Equal(before, after) || strings.Contains(got.body, "alice")
					if touched != tt.shared {
						t.Errorf("to %s: opened %v, want %v\n%v\n%v", pair.name, touched, tt.shared, before, after)
					}
				}
			})
		}
	}
}

// TestStoresAgreeOnHashes opens a session at a store that has its name for CookieName, and at one where it is another name.
func TestStoresAgreeOnHashes(t *testing.T) {
	t.Parallel()
	for name, configure := range map[string]func(*echofirestore.Config){
		"hashed":            hashing,
		"hashed and signed": func(cfg *echofirestore.Config) { hashing(cfg); signed(hashKey, blockKey)(cfg) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			users := newApp(t, configure)
			admins := newApp(t, configure, func(cfg *echofirestore.Config) { cfg.Client, cfg.CookieName = users.client, "admin" })
			users.POST("/", func(c echo.Context) error {
				sess, err := users.store.Get(c.Request(), "admin")
				sess.Values["user"] = "root"
				return err
			})
			users.GET("/", func(c echo.Context) error {
				sess, err := users.store.Get(c.Request(), "admin")
				if err != nil {
					return err
				}
				return c.String(http.StatusOK, fmt.Sprint(sess.Values["n"]))
			})
			admins.GET("/", see)
			admins.POST("/", set("n", 7))
			cookie := users.browser().post("/").cookie("admin").Value
			as := func(r *http.Request) { r.Header.Set("Cookie", "admin="+cookie) }
			if got := admins.browser().get("/", as); !strings.Contains(got.body, `"user":"root"`) {
				t.Errorf("the store of that name sees %s", got.body)
			}
			admins.browser().post("/", as)
			if got := users.browser().get("/", as); got.body != "7" {
				t.Errorf("the other store sees %s", got.body)
			}
		})
	}
}
