package echofirestore_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"cloud.google.com/go/firestore"
	"github.com/gorilla/sessions"
	"github.com/labstack/echo/v4"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
)

// TestCost holds every kind of request against what it may cost in Firestore, and prints the table.
func TestCost(t *testing.T) {
	t.Parallel()
	nothing := func(echo.Context) error { return nil }
	read := func(c echo.Context) error { _ = session(c).Values["n"]; return nil }
	set := func(key string, value any) echo.HandlerFunc {
		return func(c echo.Context) error { session(c).Values[key] = value; return nil }
	}
	type ops = firestoretest.Ops

	tests := []struct {
		name      string
		cookie    string        // sent in place of the stored session's key, which KEY in it stands for
		anonymous bool          // no session is stored, no cookie sent
		advance   time.Duration // between the session's save and the request
		meanwhile bool          // another request changes the session after it was loaded
		handler   echo.HandlerFunc
		want      ops
	}{
		{name: "not touched, cookie", handler: nothing},
		{name: "not touched, no cookie", anonymous: true, handler: nothing},
		{name: "touched, no cookie", anonymous: true, handler: read},
		{name: "touched, cookie invalid", cookie: "a/b", handler: read},
		{name: "touched, cookie reserved", cookie: "__x__", handler: read},
		{name: "touched, document missing", cookie: "unknown", handler: read, want: ops{Reads: 1}},
		{name: "touched, document there", handler: read, want: ops{Reads: 1}},
		{name: "touched, invalid cookies before", cookie: "; __session=a/b; __session=KEY", handler: read, want: ops{Reads: 1}},
		{name: "touched, a dead cookie before", cookie: "gone; __session=KEY", handler: read, want: ops{Reads: 2}},
		{name: "touched, two dead cookies before", cookie: "gone; __session=gone2; __session=KEY", handler: read, want: ops{Reads: 3}},
		{name: "touched, four dead cookies", cookie: "gone; __session=gone2; __session=gone3; __session=gone4", handler: read, want: ops{Reads: 3}},
		{name: "changed, a dead cookie before", cookie: "gone; __session=KEY", handler: set("n", 2), want: ops{Reads: 2, Writes: 1}},
		{name: "touched, document expired", advance: time.Hour, handler: read, want: ops{Reads: 1, Deletes: 1}},
		{name: "touched in every way", handler: func(c echo.Context) error {
			sess, err := echofirestore.Get(c)
			if sess != session(c) {
				t.Error("Get and c.Get found different sessions")
			}
			return err
		}, want: ops{Reads: 1}},
		{name: "unchanged, saved explicitly", handler: func(c echo.Context) error {
			return session(c).Save(c.Request(), c.Response())
		}, want: ops{Reads: 1}},
		{name: "set to an equal value", handler: set("n", 1), want: ops{Reads: 1}},
		{name: "set to an equal value of another type", handler: set("n", int64(1)), want: ops{Reads: 1}},
		{name: "nested value replaced by an equal one", handler: set("nested", map[string][]int{"list": {1, 2}}), want: ops{Reads: 1}},
		{name: "changed and changed back", handler: func(c echo.Context) error {
			session(c).Values["n"] = 2
			session(c).Values["n"] = 1
			return nil
		}, want: ops{Reads: 1}},
		{name: "unchanged, TouchAfter not due", advance: 9 * time.Minute, handler: read, want: ops{Reads: 1}},
		{name: "unchanged, TouchAfter due", advance: 10 * time.Minute, handler: read, want: ops{Reads: 1, Writes: 1}},
		{name: "new and empty", anonymous: true, handler: func(c echo.Context) error {
			session(c).Values["n"] = 1
			delete(session(c).Values, "n")
			return echofirestore.Save(c)
		}},
		{name: "new and not empty", anonymous: true, handler: set("n", 1), want: ops{Writes: 1}},
		{name: "changed", handler: set("n", 2), want: ops{Reads: 1, Writes: 1}},
		{name: "changed deep inside", handler: func(c echo.Context) error {
			session(c).Values["nested"].(map[string]any)["list"].([]any)[0] = 7
			return nil
		}, want: ops{Reads: 1, Writes: 1}},
		{name: "changed, TouchAfter due", advance: 10 * time.Minute, handler: set("n", 2), want: ops{Reads: 1, Writes: 1}},
		{name: "changed and saved explicitly", handler: func(c echo.Context) error {
			session(c).Values["n"] = 2
			return session(c).Save(c.Request(), c.Response())
		}, want: ops{Reads: 1, Writes: 1}},
		{name: "lifetime changed", handler: func(c echo.Context) error {
			session(c).Options.MaxAge = 60
			return nil
		}, want: ops{Reads: 1, Writes: 1}},
		{name: "emptied", handler: func(c echo.Context) error {
			clear(session(c).Values)
			return nil
		}, want: ops{Reads: 1, Deletes: 1}},
		{name: "emptied by Update", handler: func(c echo.Context) error {
			return echofirestore.Update(c, func(sess *sessions.Session) error { clear(sess.Values); return nil })
		}, want: ops{Reads: 1, Writes: 1}},
		{name: "Options.MaxAge = -1", handler: func(c echo.Context) error {
			session(c).Options.MaxAge = -1
			return session(c).Save(c.Request(), c.Response())
		}, want: ops{Reads: 1, Deletes: 1}},
		{name: "destroyed", handler: echofirestore.Destroy, want: ops{Deletes: 1}},
		{name: "destroyed, twice", handler: func(c echo.Context) error {
			if err := echofirestore.Destroy(c); err != nil {
				return err
			}
			return echofirestore.Destroy(c)
		}, want: ops{Deletes: 1}},
		{name: "destroyed after reading", handler: func(c echo.Context) error {
			_ = session(c)
			return echofirestore.Destroy(c)
		}, want: ops{Reads: 1, Deletes: 1}},
		{name: "destroyed, two cookies", cookie: "gone; __session=KEY", handler: echofirestore.Destroy, want: ops{Deletes: 2}},
		{name: "destroyed, four cookies", cookie: "KEY; __session=a; __session=b; __session=c", handler: echofirestore.Destroy, want: ops{Deletes: 3}},
		{name: "destroyed, no cookie", anonymous: true, handler: echofirestore.Destroy},
		{name: "destroyed, cookie invalid", cookie: "..", handler: echofirestore.Destroy},
		{name: "destroyed and begun anew", handler: func(c echo.Context) error {
			if err := echofirestore.Destroy(c); err != nil {
				return err
			}
			session(c).AddFlash("you are signed out")
			return nil
		}, want: ops{Writes: 1, Deletes: 1}},
		{name: "renewed", handler: echofirestore.Renew, want: ops{Reads: 1, Writes: 1, Deletes: 1}},
		{name: "renewed, changed and saved", handler: func(c echo.Context) error {
			if err := echofirestore.Renew(c); err != nil {
				return err
			}
			session(c).Values["n"] = 2
			return errors.Join(echofirestore.Save(c), echofirestore.Save(c))
		}, want: ops{Reads: 1, Writes: 1, Deletes: 1}},
		{name: "renewed, new and empty", anonymous: true, handler: echofirestore.Renew},
		{name: "updated", handler: func(c echo.Context) error {
			return echofirestore.Update(c, func(sess *sessions.Session) error {
				sess.Values["n"] = 2
				return nil
			})
		}, want: ops{Reads: 1, Writes: 1}},
		// One of the writes is the other request's. The one that comes second pays a read and a commit more.
		{name: "changed by two requests at once", meanwhile: true, handler: set("n", 2), want: ops{Reads: 2, Writes: 2}},
	}

	table := new(strings.Builder)
	w := tabwriter.NewWriter(table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "request\tcontract\tmeasured")
	t.Cleanup(func() {
		w.Flush()
		t.Log("\n" + table.String())
	})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := newApp(t, func(cfg *echofirestore.Config) { cfg.TouchAfter = 10 * time.Minute })
			a.POST("/begin", func(c echo.Context) error {
				session(c).Values["n"] = 1
				session(c).Values["nested"] = map[string]any{"list": []any{1, 2}}
				return nil
			})
			a.GET("/", tt.handler)
			b := a.browser()
			var key string
			if !tt.anonymous {
				key = b.post("/begin").cookie("__session").Value
			}
			a.clock.Advance(tt.advance)
			if tt.meanwhile {
				a.firestore.Inject(firestoretest.Fault{Method: "Commit", Do: func() {
					if _, err := a.collection().Doc(key).Update(t.Context(), []firestore.Update{{Path: "note", Value: 1}}); err != nil {
						t.Error(err)
					}
				}})
			}
			var got reply
			cost := a.cost(func() {
				got = b.get("/", func(r *http.Request) {
					switch {
					case tt.cookie != "":
						r.Header.Set("Cookie", "__session="+strings.ReplaceAll(tt.cookie, "KEY", key))
					case key != "":
						r.Header.Set("Cookie", "__session="+key)
					}
				})
			})
			if got.StatusCode != http.StatusOK {
				t.Errorf("status %d: %s", got.StatusCode, got.body)
			}
			if cost != tt.want {
				t.Errorf("cost %v, want %v", cost, tt.want)
			}
			fmt.Fprintf(w, "%s\t%v\t%v\n", tt.name, tt.want, cost)
		})
	}
}
