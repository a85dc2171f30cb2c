package echofirestore_test

import (
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/gorilla/sessions"
	"github.com/labstack/echo/v4"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
)

// TestAfterALoadError has a handler go on after its session could not be read, and ignore every error. What needs the
// document fails with the same error and asks nobody. Who gets the session from the context is not told, even if others are.
// What ends the session needs no document, and the error is over with it.
func TestAfterALoadError(t *testing.T) {
	t.Parallel()
	type ops = firestoretest.Ops
	end := func(c echo.Context) error {
		session(c).Options.MaxAge = -1
		return echofirestore.Save(c)
	}
	for _, tt := range []struct {
		name   string
		goesOn func(echo.Context) error
		ends   bool // it succeeds, and so does the next Get
		status int
		cookie string
		stored string // a document: the client's or the one of a new session
		cost   ops
	}{
		{name: "MaxAge below 0 and Save", goesOn: end, ends: true, status: 200, cookie: "deleted", cost: ops{Deletes: 1}},
		{name: "MaxAge below 0 and the session's Save", goesOn: func(c echo.Context) error {
			session(c).Options.MaxAge = -1
			return session(c).Save(c.Request(), c.Response())
		}, ends: true, status: 200, cookie: "deleted", cost: ops{Deletes: 1}},
		{name: "Destroy", goesOn: echofirestore.Destroy, ends: true, status: 200, cookie: "deleted", cost: ops{Deletes: 1}},
		{name: "Destroy, and a new session", goesOn: func(c echo.Context) error {
			if err := echofirestore.Destroy(c); err != nil {
				return err
			}
			setOne(c)
			return echofirestore.Save(c)
		}, ends: true, status: 200, cookie: "set to new", stored: "new", cost: ops{Writes: 1, Deletes: 1}},
		{name: "MaxAge below 0, Save and a new session", goesOn: func(c echo.Context) error {
			if err := end(c); err != nil {
				return err
			}
			session(c).Options.MaxAge = 60
			setOne(c)
			return echofirestore.Save(c)
		}, ends: true, status: 200, cookie: "set to new", stored: "new", cost: ops{Writes: 1, Deletes: 1}},
		{name: "set and Save", goesOn: func(c echo.Context) error { setOne(c); return echofirestore.Save(c) }, status: 503, cookie: "left alone", stored: "key"},
		{name: "set and the session's Save", goesOn: func(c echo.Context) error {
			setOne(c)
			return session(c).Save(c.Request(), c.Response())
		}, status: 503, cookie: "left alone", stored: "key"},
		{name: "Save", goesOn: echofirestore.Save, status: 200, cookie: "left alone", stored: "key"},
		{name: "Renew", goesOn: echofirestore.Renew, status: 200, cookie: "left alone", stored: "key"},
		{name: "Update", goesOn: func(c echo.Context) error {
			return echofirestore.Update(c, func(*sessions.Session) error { panic("it runs") })
		}, status: 200, cookie: "left alone", stored: "key"},
		{name: "Get", goesOn: func(c echo.Context) error { _, err := echofirestore.Get(c); return err }, status: 200, cookie: "left alone", stored: "key"},
		{name: "the context's Get", goesOn: func(c echo.Context) error {
			if sess := session(c); len(sess.Values) > 0 || sess.ID != "" {
				t.Errorf("session %v", sess)
			}
			_, err := echofirestore.Get(c)
			return err
		}, status: 503, cookie: "left alone", stored: "key"},
	} {
		for _, silent := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/not told: %v", tt.name, silent), func(t *testing.T) {
				t.Parallel()
				a := newApp(t, func(cfg *echofirestore.Config) { cfg.KeyFactory = func() string { return "new" } })
				a.putSession("key", `{"user": "alice"}`)
				a.POST("/", func(c echo.Context) error {
					var failed error
					if silent {
						_ = session(c)
					} else if _, failed = echofirestore.Get(c); status.Code(failed) != codes.PermissionDenied {
						t.Errorf("Get: error %v", failed)
					}
					err := tt.goesOn(c)
					if tt.ends && err != nil || !tt.ends && (status.Code(err) != codes.PermissionDenied || failed != nil && err.Error() != failed.Error()) {
						t.Errorf("error %v, want %v", err, failed)
					}
					sess, err := echofirestore.Get(c)
					if (err == nil) != tt.ends || !sess.IsNew {
						t.Errorf("the next Get: session %v, error %v", sess, err)
					}
					if tt.ends && tt.stored == "" && (sess.ID != "" || len(sess.Values) > 0) {
						t.Errorf("the next Get: session %v", sess)
					}
					return nil
				})
				a.firestore.Inject(firestoretest.Fault{Method: "BatchGetDocuments", Err: status.Error(codes.PermissionDenied, "no")})
				var got reply
				if cost := a.cost(func() { got = a.browser().post("/", withCookie("key")) }); cost != tt.cost {
					t.Errorf("cost %v, want %v", cost, tt.cost)
				}
				want := tt.status
				if silent && !tt.ends {
					want = http.StatusServiceUnavailable // a handler that was not told must not answer for an empty session
				}
				if cookie := touched(got.cookie("__session")); got.StatusCode != want || cookie != tt.cookie {
					t.Errorf("status %d, cookie %s; want %d, %s", got.StatusCode, cookie, want, tt.cookie)
				}
				if docs := a.documents(); (docs["key"] != nil) != (tt.stored == "key") || (docs["new"] != nil) != (tt.stored == "new") {
					t.Errorf("documents %v", docs)
				}
			})
		}
	}
}

// TestInvalidNameStaysInvalid ends a session whose name no cookie can have: that is still no session.
func TestInvalidNameStaysInvalid(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	a.POST("/", func(c echo.Context) error {
		sess, err := a.store.Get(c.Request(), "a b")
		if err == nil {
			t.Error("no error")
		}
		sess.Options.MaxAge = -1
		if saved := sess.Save(c.Request(), c.Response()); !errors.Is(saved, err) {
			t.Errorf("Save: %v, want %v", saved, err)
		}
		if _, again := a.store.Get(c.Request(), "a b"); !errors.Is(again, err) {
			t.Errorf("Get: %v, want %v", again, err)
		}
		sess.Options.MaxAge = 0
		return nil
	})
	if got := a.browser().post("/"); got.StatusCode != http.StatusOK || len(got.Cookies()) != 0 {
		t.Errorf("status %d, cookies %v", got.StatusCode, got.Cookies())
	}
}
