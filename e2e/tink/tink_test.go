package tink

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"cloud.google.com/go/firestore"
	"github.com/labstack/echo/v4"
	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
)

// newApp returns an application whose sessions are encrypted with a keyset, as a program has it from its KMS at start.
func newApp(t *testing.T, client *firestore.Client, keys *keyset.Handle) *echo.Echo {
	t.Helper()
	primitive, err := aead.New(keys)
	if err != nil {
		t.Fatal(err)
	}
	e := echo.New()
	e.Use(echofirestore.Middleware(echofirestore.Config{Client: client, HashKeys: true, AEAD: primitive}))
	e.POST("/:n", func(c echo.Context) error {
		sess, err := echofirestore.Get(c)
		if err != nil {
			return err
		}
		sess.Values["n"] = c.Param("n")
		return c.NoContent(http.StatusNoContent)
	})
	e.GET("/", func(c echo.Context) error {
		sess, err := echofirestore.Get(c)
		if err != nil {
			return err
		}
		return c.String(http.StatusOK, fmt.Sprint(sess.Values["n"]))
	})
	return e
}

// request returns the answer's body, and the cookie that the client has afterwards.
func request(app http.Handler, method, path string, cookie *http.Cookie) (string, *http.Cookie) {
	req := httptest.NewRequest(method, path, http.NoBody)
	if cookie != nil {
		req.AddCookie(cookie)
	}
	rec := httptest.NewRecorder()
	app.ServeHTTP(rec, req)
	if set := rec.Result().Cookies(); len(set) > 0 {
		cookie = set[0]
	}
	return rec.Body.String(), cookie
}

func newKeyset(t *testing.T) *keyset.Manager {
	t.Helper()
	m := keyset.NewManager()
	addPrimary(t, m)
	return m
}

// addPrimary adds a key that encrypts from now on, and returns its ID.
func addPrimary(t *testing.T, m *keyset.Manager) uint32 {
	t.Helper()
	id, err := m.Add(aead.AES256GCMKeyTemplate())
	if err != nil {
		t.Fatal(err)
	}
	if err := m.SetPrimary(id); err != nil {
		t.Fatal(err)
	}
	return id
}

func handle(t *testing.T, m *keyset.Manager) *keyset.Handle {
	t.Helper()
	h, err := m.Handle()
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// TestKeyRotation gives a keyset a new primary key, and later takes the old key away.
func TestKeyRotation(t *testing.T) {
	t.Parallel()
	client := firestoretest.NewClient(t)
	keys := keyset.NewManager()
	old := addPrimary(t, keys)
	_, cookie := request(newApp(t, client, handle(t, keys)), http.MethodPost, "/1", nil)

	addPrimary(t, keys)
	during := newApp(t, client, handle(t, keys))
	if got, _ := request(during, http.MethodGet, "/", cookie); got != "1" {
		t.Errorf("with a new primary key: %s", got)
	}
	if err := keys.Disable(old); err != nil {
		t.Fatal(err)
	}
	after := newApp(t, client, handle(t, keys))
	if got, _ := request(after, http.MethodGet, "/", cookie); got != "<nil>" {
		t.Errorf("without its key, a session opens: %s", got)
	}
	request(during, http.MethodPost, "/2", cookie)
	if got, _ := request(after, http.MethodGet, "/", cookie); got != "2" {
		t.Errorf("saved with the new key: %s", got)
	}
}

// TestDocumentsOfTheSameKeyset copies what is stored of one session to another one's document.
func TestDocumentsOfTheSameKeyset(t *testing.T) {
	t.Parallel()
	client := firestoretest.NewClient(t)
	app := newApp(t, client, handle(t, newKeyset(t)))
	_, admin := request(app, http.MethodPost, "/admin", nil)
	_, guest := request(app, http.MethodPost, "/guest", nil)

	collection := client.Collection(echofirestore.DefaultCollection)
	docs, err := collection.Documents(t.Context()).GetAll()
	if err != nil || len(docs) != 2 {
		t.Fatalf("documents %v, error %v", docs, err)
	}
	for i, doc := range docs {
		data := doc.Data()["data"].(string)
		if raw, err := base64.StdEncoding.DecodeString(data); err != nil || strings.Contains(string(raw), "session") {
			t.Errorf("stored as %q, error %v", raw, err)
		}
		update := []firestore.Update{{Path: "data", Value: docs[1-i].Data()["data"]}}
		if _, err := doc.Ref.Update(t.Context(), update); err != nil {
			t.Fatal(err)
		}
	}
	for _, cookie := range []*http.Cookie{admin, guest} {
		if got, _ := request(app, http.MethodGet, "/", cookie); got != "<nil>" {
			t.Errorf("another session's data opens: %s", got)
		}
	}
}
