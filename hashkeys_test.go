package echofirestore_test

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/echofirestore/echofirestore"
)

func hashing(cfg *echofirestore.Config) { cfg.HashKeys = true }

func hashOf(key string) string {
	sum := sha256.Sum256([]byte(key))
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
	ids := []string{hashOf(key), "~prefs:" + hashOf(prefs)}
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
	for _, id := range append(ids, hashOf(prefs)) {
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
	for _, cookie := range []string{key, hashOf(key)} {
		if got := plain.browser().get("/", withCookie(cookie)); !strings.Contains(got.body, `"isNew":true`) {
			t.Errorf("%s opens %s", cookie, got.body)
		}
	}
}
