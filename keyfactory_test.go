package echofirestore_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/echofirestore/echofirestore"
)

// TestShortKeys has a KeyFactory that makes short keys. The log says so, once, and the handler that writes it may ask about
// the session.
func TestShortKeys(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		key    func(n int) string
		warned string
	}{
		{key: func(n int) string { return fmt.Sprintf("%015d", n) }, warned: "characters=15"},
		{key: func(n int) string { return fmt.Sprint(n) }, warned: "characters=1"},
		{key: func(n int) string { return fmt.Sprintf("%016d", n) }},
		{key: func(n int) string { return strings.Repeat("k", 20) + fmt.Sprint(n) }},
	} {
		t.Run(tt.key(0), func(t *testing.T) {
			t.Parallel()
			n := 0
			a := newApp(t, func(cfg *echofirestore.Config) { cfg.KeyFactory = func() string { n++; return tt.key(n) } })
			a.POST("/", set("n", 1))
			a.POST("/renew", func(c echo.Context) error { _ = session(c); return echofirestore.Renew(c) })
			b := a.browser()
			a.browser().post("/", func(r *http.Request) { r.Header.Set("X-Nothing", "1") })
			b.post("/")
			b.post("/renew")
			log := a.log.String()
			want := 0
			if tt.warned != "" {
				want = 1
			}
			if got := strings.Count(log, "Config.KeyFactory"); got != want || !strings.Contains(log, tt.warned) {
				t.Errorf("log %q", log)
			}
			if strings.Contains(log, tt.key(1)+" ") || strings.Contains(log, tt.key(2)+" ") && len(tt.key(2)) > 1 {
				t.Errorf("the log shows a key: %s", log)
			}
		})
	}
}

func TestKeyFactory(t *testing.T) {
	t.Parallel()
	t.Run("default keys are long and unlike", func(t *testing.T) {
		t.Parallel()
		a := newApp(t)
		a.POST("/", set("n", 1))
		seen := make(map[string]bool)
		for range 20 {
			key := a.browser().post("/").cookie("__session").Value
			if len(key) != 43 || seen[key] {
				t.Errorf("key %q", key)
			}
			seen[key] = true
		}
	})
	t.Run("called once for each new session, and for no other", func(t *testing.T) {
		t.Parallel()
		var calls atomic.Int32
		a := newApp(t, func(cfg *echofirestore.Config) {
			cfg.KeyFactory = func() string { calls.Add(1); return "custom-1" }
		})
		a.POST("/", set("n", 1))
		a.POST("/2", set("n", 2))
		b := a.browser()
		if got := b.post("/").cookie("__session"); got == nil || got.Value != "custom-1" {
			t.Errorf("cookie %v", got)
		}
		b.post("/2")
		if n := calls.Load(); n != 1 {
			t.Errorf("%d calls", n)
		}
	})
	for name, key := range map[string]string{
		"empty": "", "slash": "a/b/c", "dots": "..", "reserved": "__x__", "too long": strings.Repeat("x", 1501),
		"of another name": "~prefs:x", "no cookie value": "a b;c", "not ASCII": "鍵", "not UTF-8": "\xff",
	} {
		t.Run("unusable key: "+name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t, func(cfg *echofirestore.Config) { cfg.KeyFactory = func() string { return key } })
			a.POST("/", func(c echo.Context) error {
				session(c).Values["n"] = 1
				err := echofirestore.Save(c)
				if err == nil || !strings.Contains(err.Error(), "Config.KeyFactory") || len(key) > 2 && strings.Contains(err.Error(), key) {
					t.Errorf("error %v", err)
				}
				return err
			})
			got := a.browser().post("/")
			if got.StatusCode != http.StatusInternalServerError || got.cookie("__session") != nil {
				t.Errorf("status %d, cookie %v", got.StatusCode, got.cookie("__session"))
			}
			if calls := a.firestore.Calls(); len(calls) != 0 {
				t.Errorf("Firestore was called: %v", calls)
			}
		})
	}
	t.Run("a key in use is not taken", func(t *testing.T) {
		t.Parallel()
		keys := []string{"taken", "free"}
		a := newApp(t, func(cfg *echofirestore.Config) {
			cfg.KeyFactory = func() string { key := keys[0]; keys = keys[1:]; return key }
		})
		a.POST("/", set("n", 1))
		a.put("taken", map[string]any{"data": payload(a.clock.Now()), "max_age": nil})
		if got := a.browser().post("/").cookie("__session"); got == nil || got.Value != "free" {
			t.Errorf("cookie %v", got)
		}
		if got := a.documents()["taken"]["data"]; got != payload(a.clock.Now()) {
			t.Errorf("the other session became %v", got)
		}
	})
	t.Run("keys that are all in use", func(t *testing.T) {
		t.Parallel()
		a := newApp(t, func(cfg *echofirestore.Config) { cfg.KeyFactory = func() string { return "taken" } })
		a.POST("/", set("n", 1))
		a.put("taken", map[string]any{"data": payload(a.clock.Now()), "max_age": nil})
		if got := a.browser().post("/"); got.StatusCode != http.StatusInternalServerError || got.cookie("__session") != nil {
			t.Errorf("status %d, cookie %v", got.StatusCode, got.cookie("__session"))
		}
	})
}
