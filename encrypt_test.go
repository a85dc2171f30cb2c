package echofirestore_test

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
)

// A keyring is an AEAD whose first key encrypts and all of whose keys decrypt, as a keyset of Tink.
type keyring []cipher.AEAD

func newKeyring(t *testing.T, keys ...string) keyring {
	t.Helper()
	var ring keyring
	for _, key := range keys {
		block, err := aes.NewCipher([]byte(key))
		if err != nil {
			t.Fatal(err)
		}
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			t.Fatal(err)
		}
		ring = append(ring, aead)
	}
	return ring
}

func (r keyring) Encrypt(plaintext, associatedData []byte) ([]byte, error) {
	return r[0].Seal(nil, nil, plaintext, associatedData), nil
}

func (r keyring) Decrypt(ciphertext, associatedData []byte) ([]byte, error) {
	for _, aead := range r {
		if plaintext, err := aead.Open(nil, nil, ciphertext, associatedData); err == nil {
			return plaintext, nil
		}
	}
	return nil, errors.New("no key decrypts this")
}

const oldKey, newKey = "the key of 2025!", "the key of 2026!"

func encrypting(t *testing.T, keys ...string) func(*echofirestore.Config) {
	ring := newKeyring(t, keys...)
	return func(cfg *echofirestore.Config) { cfg.AEAD = ring }
}

// TestEncryptedDocument tampers with what is stored of an encrypted session.
func TestEncryptedDocument(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		tamper func(a *app, data string) // stores a document that is to be read under the key "key"
		opens  bool
	}{
		{name: "untouched", tamper: func(a *app, data string) { a.put("key", map[string]any{"data": data}) }, opens: true},
		{name: "copied from another document", tamper: func(a *app, _ string) {
			a.put("key", map[string]any{"data": a.documents()["other"]["data"]})
		}},
		{name: "copied from another collection", tamper: func(a *app, _ string) {
			elsewhere := newApp(a.t, encrypting(a.t, oldKey), func(cfg *echofirestore.Config) {
				cfg.Collection, cfg.KeyFactory = "elsewhere", func() string { return "key" }
			})
			elsewhere.POST("/", set("user", "alice"))
			elsewhere.browser().post("/")
			a.put("key", map[string]any{"data": elsewhere.documents()["key"]["data"]})
		}},
		{name: "changed", tamper: func(a *app, data string) {
			raw := []byte(data)
			raw[len(raw)/2] ^= 1
			a.put("key", map[string]any{"data": string(raw)})
		}},
		{name: "cut off", tamper: func(a *app, data string) { a.put("key", map[string]any{"data": data[:len(data)-8]}) }},
		{name: "not encrypted", tamper: func(a *app, _ string) { a.putSession("key", `{"user":"alice"}`) }},
		{name: "not encrypted, in base64", tamper: func(a *app, _ string) {
			plain := base64.StdEncoding.EncodeToString([]byte(`{"created": 1, "session": {"user": "alice"}}`))
			a.put("key", map[string]any{"data": plain})
		}},
		{name: "empty", tamper: func(a *app, _ string) { a.put("key", map[string]any{"data": ""}) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			keys := []string{"key", "other"}
			a := newApp(t, encrypting(t, oldKey), func(cfg *echofirestore.Config) {
				cfg.KeyFactory = func() string { key := keys[0]; keys = keys[1:]; return key }
			})
			a.POST("/", set("user", "alice"))
			a.GET("/", see)
			a.browser().post("/")
			a.browser().post("/")
			data := a.documents()["key"]["data"].(string)
			tt.tamper(a, data)
			got := a.browser().get("/", withCookie("key"))
			if opened := strings.Contains(got.body, `"user":"alice"`); opened != tt.opens || got.StatusCode != http.StatusOK {
				t.Errorf("status %d, body %s", got.StatusCode, got.body)
			}
			if logged := strings.Contains(a.log.String(), "data does not decrypt"); logged == tt.opens {
				t.Errorf("log %q", a.log)
			}
		})
	}
}

// TestEncryptedDocumentShowsNothing looks for the session's values in all that is stored, renewed or merged.
func TestEncryptedDocumentShowsNothing(t *testing.T) {
	t.Parallel()
	a := newApp(t, encrypting(t, oldKey), func(cfg *echofirestore.Config) {
		cfg.Encoder, cfg.Decoder = echofirestore.EncodeGob, echofirestore.DecodeGob
	})
	a.POST("/", set("secret-key", "secret-value"))
	a.POST("/change", set("n", 1))
	a.POST("/renew", echofirestore.Renew)
	b := a.browser()
	stored := make(map[string]bool)
	for _, path := range []string{"/", "/change", "/renew"} {
		b.post(path)
		for _, doc := range a.documents() {
			text, err := base64.StdEncoding.DecodeString(doc["data"].(string))
			if err != nil || strings.Contains(string(text), "secret") || stored[string(text)] {
				t.Errorf("after %s: error %v, data %q", path, err, text)
			}
			stored[string(text)] = true
		}
	}
}

// TestEncryptionKeysRotate puts a new key before the old one, and later drops that.
func TestEncryptionKeysRotate(t *testing.T) {
	t.Parallel()
	client := firestoretest.NewClient(t)
	appWith := func(keys ...string) *app {
		a := newApp(t, encrypting(t, keys...), func(cfg *echofirestore.Config) { cfg.Client = client })
		a.client = client
		a.GET("/", see)
		a.POST("/", set("user", "alice"))
		a.POST("/again", set("again", true))
		return a
	}
	before, during, after := appWith(oldKey), appWith(newKey, oldKey), appWith(newKey)
	key := before.browser().post("/").cookie("__session").Value
	opens := func(a *app) bool {
		return strings.Contains(a.browser().get("/", withCookie(key)).body, `"user":"alice"`)
	}
	if !opens(during) || opens(after) {
		t.Error("the old key must be good for as long as it is there")
	}
	during.browser().post("/again", withCookie(key))
	if !opens(after) || opens(before) {
		t.Error("a save must be encrypted with the new key")
	}
}

// TestEncryptedCommitIsRecognized has commits applied and then answered as unavailable. A ciphertext is never the same
// twice, but what it says is.
func TestEncryptedCommitIsRecognized(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/begin", "/change", "/renew"} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			a := newApp(t, encrypting(t, oldKey))
			a.POST("/begin", set("user", "alice"))
			a.POST("/change", set("n", 1))
			a.POST("/renew", echofirestore.Renew)
			b := a.browser()
			if path != "/begin" {
				b.post("/begin")
			}
			a.firestore.Inject(firestoretest.Fault{Method: "Commit", After: true, Err: status.Error(codes.Unavailable, "went away")})
			got := b.post(path)
			docs := a.documents()
			if cookie := got.cookie("__session"); got.StatusCode != http.StatusOK || len(docs) != 1 || cookie == nil || docs[cookie.Value] == nil {
				t.Errorf("status %d, cookie %v, documents %v", got.StatusCode, cookie, docs)
			}
		})
	}
}

type brokenAEAD struct{ keyring }

func (brokenAEAD) Encrypt(_, _ []byte) ([]byte, error) { return nil, errors.New("out of order") }

func TestEncryptionFails(t *testing.T) {
	t.Parallel()
	a := newApp(t, func(cfg *echofirestore.Config) { cfg.AEAD = brokenAEAD{} })
	a.POST("/", set("n", 1))
	if got := a.browser().post("/"); got.StatusCode != http.StatusInternalServerError || len(a.documents()) > 0 {
		t.Errorf("status %d, documents %v", got.StatusCode, a.documents())
	}
	if !strings.Contains(a.log.String(), "echofirestore: encrypt session: out of order") {
		t.Errorf("log %q", a.log)
	}
}
