package echofirestore_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/gorilla/sessions"
	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
)

// requestOf returns a request of somebody who is signed in. It stores a session for user, as the sign-in would, and adds
// the session's cookie to the request. A form, which may be nil, is sent as a browser does from a page of the same site.
func requestOf(t testing.TB, store sessions.Store, user, method, target string, form url.Values) *http.Request {
	t.Helper()
	req, rec := httptest.NewRequest(method, target, strings.NewReader(form.Encode())), httptest.NewRecorder()
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	sess, err := store.New(req, echofirestore.DefaultCookieName) // or the store's CookieName
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
	e.Use(middleware.CSRF(), store.Middleware())
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
	e.POST("/account", func(c echo.Context) error {
		sess, err := echofirestore.Get(c)
		if err != nil {
			return err
		}
		sess.Values["city"] = c.FormValue("city")
		return c.Redirect(http.StatusSeeOther, "/account")
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
	app, moving := newAccounts(store), url.Values{"city": {"Paris"}}
	for _, tt := range []struct {
		name   string
		req    *http.Request
		status int
		body   string
	}{
		{"a stranger", httptest.NewRequest(http.MethodGet, "/account", http.NoBody), http.StatusSeeOther, ""},
		{"Alice", requestOf(t, store, "Alice", http.MethodGet, "/account", nil), http.StatusOK, "the account of Alice"},
		{"Alice moves", requestOf(t, store, "Alice", http.MethodPost, "/account", moving), http.StatusSeeOther, ""},
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
