package echofirestore_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gorilla/securecookie"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
	"github.com/echofirestore/echofirestore/internal/testsize"
)

// Keys as an application would take them from a secret manager.
var (
	hashKey, blockKey       = bytes.Repeat([]byte("h"), 32), bytes.Repeat([]byte("b"), 32)
	newHashKey, newBlockKey = bytes.Repeat([]byte("H"), 64), bytes.Repeat([]byte("B"), 16)
)

func signed(keys ...[]byte) func(*echofirestore.Config) {
	return func(cfg *echofirestore.Config) { cfg.SigningKeys = keys }
}

// sign signs a key as securecookie does, at a time of the caller's.
func sign(name, key string, hashKey []byte, at int64) string {
	value := fmt.Sprintf("%s|%d|%s", name, at, base64.URLEncoding.EncodeToString([]byte(key)))
	mac := hmac.New(sha256.New, hashKey)
	mac.Write([]byte(value))
	return base64.URLEncoding.EncodeToString([]byte(strings.TrimPrefix(value, name+"|") + "|" + string(mac.Sum(nil))))
}

// TestSignedCookie sends cookies that the store has signed, and others: those cost nothing, and open nothing.
func TestSignedCookie(t *testing.T) {
	t.Parallel()
	const key, day = "nVHYgkJbqUcpd6VLN8ui6mUAmCu1zSLs9HnC2Q5Cr4w", 86400
	valid := sign("__session", key, hashKey, 1700000000)
	flipped := []byte(valid)
	flipped[len(flipped)/2] ^= 1
	for _, tt := range []struct {
		name, cookie string
		opens        bool
	}{
		{name: "signed", cookie: valid, opens: true},
		{name: "signed decades ago", cookie: sign("__session", key, hashKey, 1), opens: true},
		{name: "signed by a clock that is ahead", cookie: sign("__session", key, hashKey, 1<<33), opens: true},
		{name: "bare key", cookie: key},
		{name: "signed with another key", cookie: sign("__session", key, newHashKey, 1700000000)},
		{name: "signed with no key", cookie: sign("__session", key, nil, 1700000000)},
		{name: "signed for another cookie", cookie: sign("prefs", key, hashKey, 1700000000)},
		{name: "changed", cookie: string(flipped)},
		{name: "cut off", cookie: valid[:len(valid)-4]},
		{name: "without a signature", cookie: base64.URLEncoding.EncodeToString([]byte("1700000000|" + base64.URLEncoding.EncodeToString([]byte(key)) + "|"))},
		{name: "signed, but no key", cookie: sign("__session", "a/b", hashKey, 1700000000)},
		{name: "signed, but another session's ID", cookie: sign("__session", "~prefs:x", hashKey, 1700000000)},
		{name: "longer than any", cookie: strings.Repeat("A", 100*1000)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t, signed(hashKey))
			a.putSession(key, `{"user":"alice"}`)
			a.GET("/", see)
			a.POST("/out", echofirestore.Destroy)
			a.firestore.ResetOps()
			b := a.browser()
			got := b.get("/", withCookie(tt.cookie))
			if opened := strings.Contains(got.body, `"user":"alice"`); opened != tt.opens || got.StatusCode != http.StatusOK {
				t.Errorf("status %d, body %s", got.StatusCode, got.body)
			}
			b.post("/out", withCookie(tt.cookie))
			calls := a.firestore.Calls()
			if tt.opens && calls["Commit"] != 1 || !tt.opens && len(calls) > 0 {
				t.Errorf("calls %v", calls)
			}
		})
	}
}

// TestForgedCookies sends many cookies of all kinds. None of them reaches Firestore.
func TestForgedCookies(t *testing.T) {
	t.Parallel()
	a := newApp(t, signed(hashKey, blockKey))
	a.GET("/", see)
	rng := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // repeatable
	random := func() string {
		b := make([]byte, 1+rng.IntN(80))
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		return base64.RawURLEncoding.EncodeToString(b)
	}
	forgeries := []func() string{
		random,
		func() string { return random() + "==" },
		func() string { return sign("__session", random(), []byte(random()), rng.Int64N(1<<32)) },
		func() string { return sign("prefs", random(), hashKey, 1700000000) },
	}
	n := testsize.N(10_000, 100_000)
	for i := range n {
		req := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
		req.Header.Set("Cookie", "__session="+forgeries[i%len(forgeries)]())
		rec := httptest.NewRecorder()
		a.ServeHTTP(rec, req)
		if rec.Code != http.StatusOK || !strings.Contains(rec.Body.String(), `"isNew":true`) {
			t.Fatalf("status %d, body %s", rec.Code, rec.Body)
		}
	}
	calls := a.firestore.Calls()
	if len(calls) > 0 {
		t.Errorf("calls %v", calls)
	}
	t.Logf("%d forged cookies, %d kinds of calls", n, len(calls))
}

// TestSigningKeysRotate puts a new pair of keys before the old one, and later drops that.
func TestSigningKeysRotate(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		old, new [][]byte
	}{
		{name: "hash keys", old: [][]byte{hashKey}, new: [][]byte{newHashKey, nil}},
		{name: "pairs", old: [][]byte{hashKey, blockKey}, new: [][]byte{newHashKey, newBlockKey}},
		{name: "encryption begun", old: [][]byte{hashKey, nil}, new: [][]byte{newHashKey, newBlockKey}},
		{name: "encryption ended", old: [][]byte{hashKey, blockKey}, new: [][]byte{newHashKey, {}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, client := firestoretest.Start(t)
			appWith := func(keys [][]byte) *app {
				a := newApp(t, signed(keys...), func(cfg *echofirestore.Config) { cfg.Client = client })
				a.GET("/", see)
				a.POST("/", set("user", "alice"))
				a.POST("/again", set("again", true))
				return a
			}
			before := appWith(tt.old)
			during := appWith(append(append([][]byte(nil), tt.new...), tt.old...))
			after := appWith(tt.new)

			old := before.browser().post("/").cookie("__session").Value
			opens := func(a *app, cookie string) bool {
				return strings.Contains(a.browser().get("/", withCookie(cookie)).body, `"user":"alice"`)
			}
			if !opens(during, old) || opens(after, old) {
				t.Error("the old key must be good for as long as it is in the Config")
			}
			if got := during.browser().get("/", withCookie(old)).cookie("__session"); got != nil {
				t.Errorf("a request that saves nothing sets the cookie %v", got)
			}
			moved := during.browser().post("/again", withCookie(old)).cookie("__session")
			if moved == nil || !opens(during, moved.Value) || !opens(after, moved.Value) || opens(before, moved.Value) {
				t.Errorf("the cookie of a save, %v, must be signed with the new key", moved)
			}
		})
	}
}

// TestEncryptedCookie looks for the key of a session in its cookie.
func TestEncryptedCookie(t *testing.T) {
	t.Parallel()
	const key = "a-key-that-would-be-seen"
	for _, tt := range []struct {
		name  string
		keys  [][]byte
		shown bool
	}{
		{name: "signed", keys: [][]byte{hashKey}, shown: true},
		{name: "encrypted", keys: [][]byte{hashKey, blockKey}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t, signed(tt.keys...), func(cfg *echofirestore.Config) { cfg.KeyFactory = func() string { return key } })
			a.POST("/", set("n", 1))
			cookie := a.browser().post("/").cookie("__session").Value
			outer, err := base64.URLEncoding.DecodeString(cookie)
			if err != nil {
				t.Fatal(err)
			}
			inner, err := base64.URLEncoding.DecodeString(strings.Split(string(outer), "|")[1])
			if err != nil {
				t.Fatal(err)
			}
			if shown := string(inner) == key; shown != tt.shown {
				t.Errorf("the cookie shows the key: %v, want %v", shown, tt.shown)
			}
		})
	}
}

// TestSigningKeysAreCopied overwrites the keys that a Config had when the store was made, as one does with secrets.
func TestSigningKeysAreCopied(t *testing.T) {
	t.Parallel()
	keys := [][]byte{bytes.Clone(hashKey), bytes.Clone(blockKey)}
	a := newApp(t, signed(keys...))
	a.POST("/", set("n", 1))
	clear(keys[0])
	clear(keys[1])
	keys[0] = nil
	cookie := a.browser().post("/").cookie("__session").Value
	var key []byte
	err := securecookie.New(hashKey, blockKey).SetSerializer(securecookie.NopEncoder{}).Decode("__session", cookie, &key)
	if err != nil || a.documents()[string(key)] == nil {
		t.Errorf("key %q, error %v", key, err)
	}
}

// TestCookieSize has the longest keys that a document can have. A cookie that browsers would drop is an error.
func TestCookieSize(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name       string
		cookieName string
		keys       [][]byte
		status     int
	}{
		{name: "bare", cookieName: "__session", status: http.StatusOK},
		{name: "signed", cookieName: "__session", keys: [][]byte{hashKey}, status: http.StatusOK},
		{name: "encrypted", cookieName: "__session", keys: [][]byte{hashKey, blockKey}, status: http.StatusOK},
		{name: "encrypted, of a long name", cookieName: strings.Repeat("n", 1300), keys: [][]byte{hashKey, blockKey}, status: http.StatusOK},
		{name: "encrypted, of a name too long", cookieName: strings.Repeat("n", 1400), keys: [][]byte{hashKey, blockKey}, status: http.StatusInternalServerError},
		{name: "bare, of a long name", cookieName: strings.Repeat("n", 2596), status: http.StatusOK},
		{name: "bare, of a name too long", cookieName: strings.Repeat("n", 2597), status: http.StatusInternalServerError},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t, signed(tt.keys...), func(cfg *echofirestore.Config) {
				cfg.CookieName, cfg.KeyFactory = tt.cookieName, func() string { return strings.Repeat("k", 1500) }
			})
			a.POST("/", set("n", 1))
			got := a.browser().post("/")
			if got.StatusCode != tt.status {
				t.Errorf("status %d: %s", got.StatusCode, got.body)
			}
			for _, cookie := range got.Cookies() {
				if n := len(cookie.Name) + len(cookie.Value); n > 4096 {
					t.Errorf("a cookie of %d bytes", n)
				}
			}
			if stored := len(a.documents()) == 1; stored != (tt.status == http.StatusOK) {
				t.Errorf("documents: %d", len(a.documents()))
			}
		})
	}
}
