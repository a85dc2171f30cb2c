package echofirestore_test

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v5"

	"github.com/echofirestore/echofirestore/v5"
)

// newSecretApp returns an application whose sessions hold a secret.
func newSecretApp(cfg echofirestore.Config) *echo.Echo {
	e := echo.New()
	e.Use(echofirestore.Middleware(cfg))
	e.PUT("/", func(c *echo.Context) error {
		sess, err := echofirestore.Get(c)
		if err != nil {
			return err
		}
		sess.Values["secret"] = "swordfish"
		return c.NoContent(http.StatusNoContent)
	})
	e.GET("/", func(c *echo.Context) error {
		sess, err := echofirestore.Get(c)
		if err != nil {
			return err
		}
		return c.JSON(http.StatusOK, sess.Values["secret"])
	})
	return e
}

// gcm makes an AEAD of AES-GCM. An AEAD of Tink is one as it is, and can have its keys rotated.
type gcm struct{ cipher.AEAD }

func newGCM(key []byte) gcm {
	block, err := aes.NewCipher(key)
	if err != nil {
		log.Fatal(err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		log.Fatal(err)
	}
	return gcm{aead}
}

func (g gcm) Encrypt(plaintext, associatedData []byte) ([]byte, error) {
	return g.Seal(nil, nil, plaintext, associatedData), nil
}

func (g gcm) Decrypt(ciphertext, associatedData []byte) ([]byte, error) {
	return g.Open(nil, nil, ciphertext, associatedData)
}

// Who reads the database finds no values, and none that would do in another document.
func ExampleConfig_encryption() {
	client, stop := openFirestore()
	defer stop()

	e := newSecretApp(echofirestore.Config{
		Client: client,
		AEAD:   newGCM([]byte("16, 24 or 32 random bytes at all")), // from a secret manager
	})
	browse(e, "PUT /", "GET /")

	docs, err := client.Collection(echofirestore.DefaultCollection).Documents(context.Background()).GetAll()
	if err != nil {
		log.Fatal(err)
	}
	data := docs[0].Data()["data"].(string)
	fmt.Println("readable in the database:", strings.Contains(data, "swordfish"))
	// Output:
	// PUT /: 204
	// GET /: 200 "swordfish"
	// readable in the database: false
}

// Cookies that this program has not signed never reach Firestore, and what Firestore holds is not a valid cookie.
func ExampleConfig_keys() {
	client, stop := openFirestore()
	defer stop()

	newHash, newBlock := []byte("at least 32 random bytes, and these are not"), []byte("16, 24 or 32 random bytes at all")
	oldHash := []byte("as long as it takes for old sessions to end")
	e := newSecretApp(echofirestore.Config{
		Client:      client,
		SigningKeys: [][]byte{newHash, newBlock, oldHash, nil}, // from a secret manager
		HashKeys:    true,
	})
	browse(e, "PUT /", "GET /")
	// Output:
	// PUT /: 204
	// GET /: 200 "swordfish"
}

// The limits that NIST SP 800-63B-4 sets for a session, by the strength of the authentication before it (sections 2.1.3,
// 2.2.3 and 2.3.3).
func ExampleConfig_nist() {
	client, stop := openFirestore()
	defer stop()
	now := time.Now()

	aal1 := echofirestore.Config{Lifetime: 30 * 24 * time.Hour}
	aal2 := echofirestore.Config{Lifetime: 24 * time.Hour, MaxAge: 60 * 60, TouchAfter: time.Minute}
	aal3 := echofirestore.Config{Lifetime: 12 * time.Hour, MaxAge: 15 * 60, TouchAfter: time.Minute}

	for name, cfg := range map[string]echofirestore.Config{"AAL1": aal1, "AAL2": aal2} {
		cfg.Client = client
		if _, err := echofirestore.NewStore(cfg); err != nil {
			fmt.Println(name, err)
		}
	}
	aal3.Client = client
	aal3.Now = func() time.Time { return now }
	e := newSecretApp(aal3)
	e.POST("/wait/:time", func(c *echo.Context) error {
		d, err := time.ParseDuration(c.Param("time"))
		now = now.Add(d)
		return errors.Join(err, c.NoContent(http.StatusNoContent))
	})
	browse(e, "PUT /", "POST /wait/14m", "GET /", "POST /wait/14m", "GET /", "POST /wait/15m", "GET /")
	// Output:
	// PUT /: 204
	// POST /wait/14m: 204
	// GET /: 200 "swordfish"
	// POST /wait/14m: 204
	// GET /: 200 "swordfish"
	// POST /wait/15m: 204
	// GET /: 200 null
}

// newDevicesApp returns an application whose users see where they are signed in, and end that.
func newDevicesApp(store *echofirestore.Store) *echo.Echo {
	e := echo.New()
	e.Use(store.Middleware())
	e.POST("/sign-in/:user/:device", func(c *echo.Context) error {
		sess, err := echofirestore.Get(c)
		if err != nil {
			return err
		}
		sess.Values["user"], sess.Values["device"] = c.Param("user"), c.Param("device")
		if err := echofirestore.Renew(c); err != nil {
			return err
		}
		return c.NoContent(http.StatusNoContent)
	})
	e.GET("/devices", func(c *echo.Context) error {
		sess, err := echofirestore.Get(c)
		if err != nil {
			return err
		}
		user, ok := echofirestore.Value[string](sess, "user")
		if !ok {
			return echo.NewHTTPError(http.StatusUnauthorized, "signed out")
		}
		infos, err := store.Sessions(c.Request().Context(), user)
		if err != nil {
			return err
		}
		var devices []string
		for _, info := range infos {
			device, _ := info.Values["device"].(string)
			if info.ID == store.SessionID(sess) {
				device += ", here"
			}
			devices = append(devices, device)
		}
		return c.JSON(http.StatusOK, devices)
	})
	e.DELETE("/devices", func(c *echo.Context) error {
		sess, err := echofirestore.Get(c)
		if err != nil {
			return err
		}
		user, _ := echofirestore.Value[string](sess, "user")
		ended, err := store.RevokeUser(c.Request().Context(), user, store.SessionID(sess))
		if err != nil {
			return err
		}
		return c.String(http.StatusOK, fmt.Sprint(ended, " ended"))
	})
	return e
}

// newUserStore returns a store that finds the sessions of a user, and the function that closes its Firestore.
func newUserStore() (store *echofirestore.Store, stop func()) {
	client, stop := openFirestore()
	store, err := echofirestore.NewStore(echofirestore.Config{Client: client, MaxAge: 86400, UserKey: "user"})
	if err != nil {
		log.Fatal(err)
	}
	return store, stop
}

func ExampleStore_Sessions() {
	store, stop := newUserStore()
	defer stop()

	e := newDevicesApp(store)
	browse(e, "POST /sign-in/alice/phone")
	browse(e, "POST /sign-in/alice/laptop", "GET /devices")
	// Output:
	// POST /sign-in/alice/phone: 204
	// POST /sign-in/alice/laptop: 204
	// GET /devices: 200 ["laptop, here","phone"]
}

// Sign out everywhere but here, as after a change of the password.
func ExampleStore_RevokeUser() {
	store, stop := newUserStore()
	defer stop()

	e := newDevicesApp(store)
	browse(e, "POST /sign-in/alice/phone")
	browse(e, "POST /sign-in/alice/tablet")
	browse(e, "POST /sign-in/alice/laptop", "DELETE /devices", "GET /devices")
	// Output:
	// POST /sign-in/alice/phone: 204
	// POST /sign-in/alice/tablet: 204
	// POST /sign-in/alice/laptop: 204
	// DELETE /devices: 200 2 ended
	// GET /devices: 200 ["laptop, here"]
}

func ExampleStore_Revoke() {
	store, stop := newUserStore()
	defer stop()

	ctx := context.Background()
	browse(newDevicesApp(store), "POST /sign-in/alice/phone")
	infos, err := store.Sessions(ctx, "alice")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("by another user:", store.Revoke(ctx, "mallory", infos[0].ID))
	fmt.Println("by its own:", store.Revoke(ctx, "alice", infos[0].ID))
	fmt.Println("once more:", store.Revoke(ctx, "alice", infos[0].ID))
	// Output:
	// POST /sign-in/alice/phone: 204
	// by another user: echofirestore: the session has ended: another request ended it, or it has expired
	// by its own: <nil>
	// once more: echofirestore: the session has ended: another request ended it, or it has expired
}

func ExampleStore_RevokeAll() {
	store, stop := newUserStore()
	defer stop()

	e := newDevicesApp(store)
	browse(e, "POST /sign-in/alice/phone")
	browse(e, "POST /sign-in/bob/laptop")
	fmt.Println(store.RevokeAll(context.Background()))
	// Output:
	// POST /sign-in/alice/phone: 204
	// POST /sign-in/bob/laptop: 204
	// 2 <nil>
}

// A job that runs once a day, in a database without a TTL policy.
func ExampleStore_DeleteExpired() {
	client, stop := openFirestore()
	defer stop()

	now := time.Now()
	store, err := echofirestore.NewStore(echofirestore.Config{
		Client: client,
		MaxAge: 3600,
		Now:    func() time.Time { return now },
	})
	if err != nil {
		log.Fatal(err)
	}
	browse(newDevicesApp(store), "POST /sign-in/alice/phone")
	now = now.Add(24 * time.Hour)

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	deleted, err := store.DeleteExpired(ctx)
	fmt.Println(deleted, err)
	// Output:
	// POST /sign-in/alice/phone: 204
	// 1 <nil>
}

// What somebody is told whose session has ended since the last visit.
func ExampleStore_Ended() {
	store, stop := newUserStore()
	defer stop()

	e := newDevicesApp(store)
	e.GET("/", func(c *echo.Context) error {
		sess, err := echofirestore.Get(c)
		if err != nil {
			return err
		}
		if store.Ended(sess) {
			return c.String(http.StatusOK, "Please sign in again: your session has ended.")
		}
		return c.String(http.StatusOK, "Welcome!")
	})
	e.POST("/revoke", func(c *echo.Context) error {
		_, err := store.RevokeUser(c.Request().Context(), "alice")
		return errors.Join(err, c.NoContent(http.StatusNoContent))
	})
	browse(e, "GET /", "POST /sign-in/alice/phone", "GET /", "POST /revoke", "GET /")
	// Output:
	// GET /: 200 Welcome!
	// POST /sign-in/alice/phone: 204
	// GET /: 200 Welcome!
	// POST /revoke: 204
	// GET /: 200 Please sign in again: your session has ended.
}

// The ID of a session is the same in the list and in the session's own requests.
func ExampleStore_SessionID() {
	store, stop := newUserStore()
	defer stop()

	e := newDevicesApp(store)
	e.GET("/id", func(c *echo.Context) error {
		sess, err := echofirestore.Get(c)
		if err != nil {
			return err
		}
		infos, err := store.Sessions(c.Request().Context(), "alice")
		if err != nil {
			return err
		}
		text, err := json.Marshal([]bool{infos[0].ID == store.SessionID(sess), infos[0].ID == sess.ID})
		return errors.Join(err, c.String(http.StatusOK, string(text)))
	})
	browse(e, "POST /sign-in/alice/phone", "GET /id")
	// Output:
	// POST /sign-in/alice/phone: 204
	// GET /id: 200 [true,false]
}
