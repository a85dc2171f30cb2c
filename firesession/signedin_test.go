package firesession_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/gorilla/sessions"

	"github.com/echofirestore/echofirestore/firesession"
	"github.com/echofirestore/echofirestore/firestoretest"
)

// requestOf returns a request of somebody who is signed in. It stores a session for user, as the sign-in would, and adds
// the session's cookie to the request. A form, which may be nil, is sent as a browser does from a page of the same site.
func requestOf(t testing.TB, store sessions.Store, user, method, target string, form url.Values) *http.Request {
	t.Helper()
	req, rec := httptest.NewRequest(method, target, strings.NewReader(form.Encode())), httptest.NewRecorder()
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	sess, err := store.New(req, firesession.DefaultCookieName) // or the store's CookieName
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
func newAccounts(store *firesession.Store) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /account", func(w http.ResponseWriter, r *http.Request) {
		user, ok := firesession.Session(r).Values["user"].(string)
		if !ok {
			http.Redirect(w, r, "/sign-in", http.StatusSeeOther)
			return
		}
		fmt.Fprint(w, "the account of "+user)
	})
	mux.HandleFunc("POST /account", func(w http.ResponseWriter, r *http.Request) {
		firesession.Session(r).Values["city"] = r.FormValue("city")
		http.Redirect(w, r, "/account", http.StatusSeeOther)
	})
	return http.NewCrossOriginProtection().Handler(store.Handler(mux))
}

// TestAccount is the test of docs/testing.md, on net/http.
func TestAccount(t *testing.T) {
	t.Parallel()
	_, client := firestoretest.Start(t)
	store, err := firesession.NewStore(firesession.Config{Client: client, MaxAge: 3600})
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
		{"a stranger", httptest.NewRequest(http.MethodGet, "/account", http.NoBody), http.StatusSeeOther, "<a href=\"/sign-in\">See Other</a>.\n\n"},
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
