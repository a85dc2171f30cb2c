package echofirestore_test

import (
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
)

func signIn(c echo.Context) error {
	user, err := checkPassword(c)
	if err != nil {
		return err
	}
	sess, err := echofirestore.Get(c)
	if err != nil {
		return err
	}
	if before, _ := sess.Values["user"].(string); before != "" && before != user {
		clear(sess.Values) // it belongs to another user
	}
	sess.Values["user"] = user
	if err := echofirestore.Renew(c); err != nil { // a new key: the old one, which others may know, becomes invalid
		return err
	}
	err = echofirestore.Save(c)
	if errors.Is(err, echofirestore.ErrGone) { // the old session ended meanwhile: begin a new one
		err = echofirestore.Destroy(c)
		sess.Values["user"] = user
	}
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, "/")
}

func signOut(c echo.Context) error {
	if err := echofirestore.Destroy(c); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, "/")
}

// signOutEverywhere ends all sessions of the user, here too.
func signOutEverywhere(store *echofirestore.Store) echo.HandlerFunc {
	return func(c echo.Context) error {
		sess, err := echofirestore.Get(c)
		if err != nil {
			return err
		}
		if user, _ := sess.Values["user"].(string); user != "" {
			if _, err := store.RevokeUser(c.Request().Context(), user); err != nil {
				return err
			}
		}
		return signOut(c)
	}
}

func checkPassword(c echo.Context) (user string, err error) {
	if user = c.QueryParam("user"); user == "" {
		return "", echo.ErrUnauthorized
	}
	return user, nil
}

// newSigningIn returns an app with the handlers of docs/signing-in.md.
func newSigningIn(t *testing.T) *app {
	t.Helper()
	a := newApp(t, func(cfg *echofirestore.Config) { cfg.UserKey = "user" })
	a.POST("/sign-in", signIn)
	a.POST("/sign-out", signOut)
	a.POST("/sign-out-everywhere", signOutEverywhere(a.store))
	a.GET("/", func(c echo.Context) error { return c.String(http.StatusOK, fmt.Sprint(session(c).Values)) })
	a.POST("/basket", set("basket", 1))
	return a
}

// TestSigningIn signs in as docs/signing-in.md does, whatever has become of the session before.
func TestSigningIn(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name      string
		before    []string // requests
		meanwhile func(t *testing.T, a *app)
		values    string
	}{
		{name: "without a session", values: "map[user:ada]"},
		{name: "a visitor's", before: []string{"/basket"}, values: "map[basket:1 user:ada]"},
		{name: "of the same user", before: []string{"/sign-in?user=ada", "/basket"}, values: "map[basket:1 user:ada]"},
		{name: "of another user", before: []string{"/sign-in?user=bob", "/basket"}, values: "map[user:ada]"},
		{
			name: "it is revoked meanwhile", before: []string{"/sign-in?user=bob"}, values: "map[user:ada]",
			meanwhile: func(t *testing.T, a *app) {
				t.Helper()
				if n, err := a.second.RevokeUser(t.Context(), "bob"); n != 1 || err != nil {
					t.Errorf("%d revoked, error %v", n, err)
				}
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := newSigningIn(t)
			b := a.browser()
			for _, path := range tt.before {
				b.post(path)
			}
			if tt.meanwhile != nil {
				a.firestore.Inject(firestoretest.Fault{Method: "Commit", Do: func() { tt.meanwhile(t, a) }})
			}
			got := b.post("/sign-in?user=ada")
			if got.StatusCode != http.StatusSeeOther || got.cookie("__session") == nil {
				t.Errorf("status %d, cookie %v", got.StatusCode, got.cookie("__session"))
			}
			if values := b.get("/").body; values != tt.values {
				t.Errorf("then %s, want %s", values, tt.values)
			}
			if n := len(a.documents()); n != 1 {
				t.Errorf("%d documents", n)
			}
		})
	}
}

// TestSigningOutEverywhere signs out as docs/signing-in.md does. No session is left, and no cookie.
func TestSigningOutEverywhere(t *testing.T) {
	t.Parallel()
	a := newSigningIn(t)
	here, there := a.browser(), a.browser()
	for _, b := range []*browser{here, there} {
		b.post("/sign-in?user=ada")
	}
	got := here.post("/sign-out-everywhere")
	if cookie := got.cookie("__session"); got.StatusCode != http.StatusSeeOther || cookie == nil || cookie.MaxAge >= 0 {
		t.Errorf("status %d, cookie %v", got.StatusCode, cookie)
	}
	for _, b := range []*browser{here, there} {
		if values := b.get("/").body; values != "map[]" {
			t.Errorf("then %s", values)
		}
	}
	if docs := a.documents(); len(docs) > 0 {
		t.Errorf("documents %v", docs)
	}
}

// TestDestroyedSessionIsNotNew makes sure that the session of a handler that has ended it is not new, as the pages say.
func TestDestroyedSessionIsNotNew(t *testing.T) {
	t.Parallel()
	a := newSigningIn(t)
	a.GET("/end", func(c echo.Context) error {
		session(c)
		if err := echofirestore.Destroy(c); err != nil {
			return err
		}
		return c.String(http.StatusOK, fmt.Sprint(session(c).IsNew, len(session(c).Values)))
	})
	b := a.browser()
	b.post("/sign-in?user=ada")
	if got := b.get("/end").body; got != "false 0" {
		t.Errorf("got %s", got)
	}
}
