package echofirestore_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gorilla/sessions"
	"github.com/labstack/echo/v4"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
)

// requestOf returns a request of somebody who is signed in. It stores a session for user, as the sign-in would, and adds
// the session's cookie to the request.
func requestOf(t testing.TB, store sessions.Store, user, method, target string) *http.Request {
	t.Helper()
	req, rec := httptest.NewRequest(method, target, http.NoBody), httptest.NewRecorder()
	sess, err := store.New(req, echofirestore.DefaultCookieName)
	if err != nil {
		t.Fatal(err)
	}
	sess.Values["user"] = user
	if err := store.Save(req, rec, sess); err != nil {
		t.Fatal(err)
	}
	for _, cookie := range rec.Result().Cookies() {
		req.AddCookie(cookie)
	}
	return req
}

// newAccounts returns an application with a page for those who are signed in.
func newAccounts(store *echofirestore.Store) *echo.Echo {
	e := echo.New()
	e.Use(store.Middleware())
	e.GET("/account", func(c echo.Context) error {
		sess, err := echofirestore.Get(c)
		if err != nil {
			return err
		}
		user, ok := sess.Values["user"].(string)
		if !ok {
			return c.Redirect(http.StatusSeeOther, "/sign-in")
		}
		return c.String(http.StatusOK, "the account of "+user)
	})
	return e
}

// TestAccount is the test of docs/testing.md.
func TestAccount(t *testing.T) {
	t.Parallel()
	_, client := firestoretest.Start(t)
	store, err := echofirestore.NewStore(echofirestore.Config{Client: client, MaxAge: 3600})
	if err != nil {
		t.Fatal(err)
	}
	app := newAccounts(store)
	for _, tt := range []struct {
		name   string
		req    *http.Request
		status int
		body   string
	}{
		{"a stranger", httptest.NewRequest(http.MethodGet, "/account", http.NoBody), http.StatusSeeOther, ""},
		{"Alice", requestOf(t, store, "Alice", http.MethodGet, "/account"), http.StatusOK, "the account of Alice"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rec := httptest.NewRecorder()
			app.ServeHTTP(rec, tt.req)
			if rec.Code != tt.status || rec.Body.String() != tt.body {
				t.Errorf("got %d %q, want %d %q", rec.Code, rec.Body, tt.status, tt.body)
			}
		})
	}
}
