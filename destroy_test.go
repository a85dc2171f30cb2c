package echofirestore_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/labstack/echo/v4"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
)

// TestEndingIsTriedAgain has Firestore refuse once to delete a session, and the handler ignore that.
func TestEndingIsTriedAgain(t *testing.T) {
	t.Parallel()
	save := func(c echo.Context) error { return session(c).Save(c.Request(), c.Response()) }
	ways := map[string]echo.HandlerFunc{
		"Destroy":       echofirestore.Destroy,
		"Destroy, read": func(c echo.Context) error { _ = session(c); return echofirestore.Destroy(c) },
		"MaxAge below 0": func(c echo.Context) error {
			session(c).Options.MaxAge = -1
			return save(c)
		},
		"emptied": func(c echo.Context) error {
			clear(session(c).Values)
			return save(c)
		},
	}
	for name, end := range ways {
		for _, tt := range []struct {
			name  string
			after func(echo.Context)
			key   string // of the cookie, and of the document if it is not ""
		}{
			{name: "before the response", after: func(echo.Context) {}},
			{name: "by a second call", after: func(c echo.Context) {
				if err := end(c); err != nil {
					t.Error(err)
				}
			}},
			{name: "before a new session begins", after: func(c echo.Context) {
				session(c).Options.MaxAge = 60
				clear(session(c).Values)
				setOne(c)
			}, key: "new"},
		} {
			t.Run(name+"/"+tt.name, func(t *testing.T) {
				t.Parallel()
				if tt.key != "" && name == "emptied" {
					tt.key = "key" // a session that could not be emptied is there, and has other values now
				}
				a := newApp(t, func(cfg *echofirestore.Config) { cfg.KeyFactory = func() string { return "new" } })
				a.putSession("key", `{"user": "alice"}`)
				a.POST("/", func(c echo.Context) error {
					if err := end(c); status.Code(err) != codes.PermissionDenied {
						t.Errorf("error %v", err)
					}
					tt.after(c)
					return c.NoContent(http.StatusOK)
				})
				a.firestore.Inject(firestoretest.Fault{Method: "Commit", Err: status.Error(codes.PermissionDenied, "no")})
				got := a.browser().post("/", withCookie("key"))
				if got.StatusCode != http.StatusOK {
					t.Errorf("status %d: %s", got.StatusCode, got.body)
				}
				cookie := got.cookie("__session")
				if cookie == nil || cookie.Value != tt.key || (cookie.MaxAge < 0) != (tt.key == "") {
					t.Errorf("cookie %v", cookie)
				}
				docs := a.documents()
				if tt.key == "" {
					if len(docs) != 0 {
						t.Errorf("documents %v", docs)
					}
					return
				}
				if len(docs) != 1 {
					t.Errorf("documents %v", docs)
				}
				if diff := cmp.Diff(map[string]any{"n": 1}, a.values(tt.key)); diff != "" {
					t.Errorf("values (-want +got):\n%s", diff)
				}
			})
		}
	}
}

// TestEndedAfterItWasSaved ends a session between an explicit save of it and the response, from outside. The cookie of
// that save is not sent: it may undo that of a login meanwhile.
func TestEndedAfterItWasSaved(t *testing.T) {
	t.Parallel()
	for name, request := range map[string][]func(*http.Request){"new": nil, "existing": {withCookie("key")}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t)
			a.putSession("key", `{"user": "alice"}`)
			a.POST("/", func(c echo.Context) error {
				c.SetCookie(&http.Cookie{Name: "theme", Value: "dark"})
				sess := session(c)
				sess.Values["n"] = 0
				if err := echofirestore.Save(c); err != nil {
					return err
				}
				if _, err := a.collection().Doc(sess.ID).Delete(t.Context()); err != nil {
					return err
				}
				sess.Values["n"] = 1
				return c.NoContent(http.StatusOK)
			})
			got := a.browser().post("/", request...)
			if got.StatusCode != http.StatusOK {
				t.Errorf("status %d: %s", got.StatusCode, got.body)
			}
			if diff := cmp.Diff([]string{"theme=dark"}, got.Header["Set-Cookie"]); diff != "" {
				t.Errorf("Set-Cookie (-want +got):\n%s", diff)
			}
		})
	}
}
