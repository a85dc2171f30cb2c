package echofirestore_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/gorilla/sessions"
	"github.com/labstack/echo/v4"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
)

// TestNilOptionsAndValues takes from a session what it cannot do without. Nothing may panic, and Options that are gone
// are those that the session had.
func TestNilOptionsAndValues(t *testing.T) {
	t.Parallel()
	noOptions := func(sess *sessions.Session) { sess.Options = nil }
	noValues := func(sess *sessions.Session) { sess.Values = nil }
	nothing := func(*sessions.Session) {}
	get := func(c echo.Context) error { _, err := echofirestore.Get(c); return err }
	count := func(c echo.Context) error {
		return echofirestore.Update(c, func(sess *sessions.Session) error { sess.Values["n"] = 1; return nil })
	}
	alice, counted := map[string]any{"user": "alice"}, map[string]any{"user": "alice", "n": 1}
	for _, tt := range []struct {
		name   string
		before func(*sessions.Session)
		call   echo.HandlerFunc
		fault  string         // the method that is refused
		want   map[string]any // nil: no document
	}{
		{name: "Options before Get", before: noOptions, call: get, want: alice},
		{name: "Options before Update", before: noOptions, call: count, want: counted},
		{name: "Options before Save", before: noOptions, call: echofirestore.Save, want: alice},
		{name: "Options before Destroy", before: noOptions, call: echofirestore.Destroy},
		{name: "Options before Renew", before: noOptions, call: func(c echo.Context) error {
			return errors.Join(echofirestore.Renew(c), count(c))
		}, want: counted},
		{name: "Options before the end", before: nothing, call: func(c echo.Context) error {
			setOne(c)
			noOptions(session(c))
			return nil
		}, want: counted},
		{name: "Options of a session that could not be read", fault: "BatchGetDocuments", before: noOptions, call: func(c echo.Context) error {
			return c.NoContent(http.StatusOK)
		}, want: alice},
		{name: "Values before Get", before: noValues, call: get},
		{name: "Values before Update", before: noValues, call: count, want: map[string]any{"n": 1}},
		{name: "Values before Save", before: noValues, call: echofirestore.Save},
		{name: "Values before Destroy", before: noValues, call: func(c echo.Context) error {
			return errors.Join(echofirestore.Destroy(c), count(c))
		}, want: map[string]any{"n": 1}},
		{name: "both in an Update that fails", before: nothing, call: func(c echo.Context) error {
			errNo := errors.New("no")
			err := echofirestore.Update(c, func(sess *sessions.Session) error {
				noOptions(sess)
				noValues(sess)
				return errNo
			})
			if !errors.Is(err, errNo) {
				return err
			}
			return count(c)
		}, want: counted},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t)
			a.POST("/", func(c echo.Context) error {
				sess, err := echofirestore.Get(c)
				if (err != nil) != (tt.fault != "") {
					t.Error(err)
				}
				tt.before(sess)
				return tt.call(c)
			})
			a.put("key", map[string]any{"data": payload(a.clock.Now()), "max_age": 60})
			remove := func() {}
			if tt.fault != "" {
				remove = a.firestore.Inject(firestoretest.Fault{Method: tt.fault, Times: -1, Err: status.Error(codes.PermissionDenied, "no")})
			}
			got, err := a.browser().try(http.MethodPost, "/", withCookie("key"))
			if err != nil {
				t.Fatal(err)
			}
			if got.StatusCode != http.StatusOK {
				t.Errorf("status %d: %s", got.StatusCode, got.body)
			}
			remove()
			docs := a.documents()
			if tt.want == nil && len(docs) != 0 || tt.want != nil && len(docs) != 1 {
				t.Fatalf("documents %v", docs)
			}
			for key := range docs {
				if diff := cmp.Diff(tt.want, a.values(key)); diff != "" {
					t.Errorf("values (-want +got):\n%s", diff)
				}
			}
		})
	}
}

// TestNilInAnUpdateThatRunsAgain takes Options and Values from the session in a run that another request undoes.
func TestNilInAnUpdateThatRunsAgain(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	a.putSession("key", `{"n": 1}`)
	a.POST("/", func(c echo.Context) error {
		runs := 0
		return echofirestore.Update(c, func(sess *sessions.Session) error {
			if runs++; runs == 1 {
				a.putSession("key", `{"n": 7}`)
				sess.Options, sess.Values = nil, nil
				return nil
			}
			sess.Values["n"] = sess.Values["n"].(int) + 1
			return nil
		})
	})
	got, err := a.browser().try(http.MethodPost, "/", withCookie("key"))
	if err != nil {
		t.Fatal(err)
	}
	if got.StatusCode != http.StatusOK {
		t.Errorf("status %d: %s", got.StatusCode, got.body)
	}
	if diff := cmp.Diff(map[string]any{"n": 8}, a.values("key")); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
}
