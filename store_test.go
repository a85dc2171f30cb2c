package echofirestore_test

import (
	"maps"
	"net/http"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/labstack/echo/v4"

	"github.com/echofirestore/echofirestore"
)

// TestTwoStores has a request pass through the middleware of two stores. The handler renews the session of the outer one
// and begins one of the inner one; a key of "/" makes a save fail.
func TestTwoStores(t *testing.T) {
	t.Parallel()
	type state struct{ outer, inner []string } // what there is of each
	for _, tt := range []struct {
		name               string
		outerKey, innerKey string
		empty              bool // the handler writes nothing
		status             int
		documents, cookies state
	}{
		{
			name: "both save", outerKey: "new", innerKey: "begun", status: http.StatusOK,
			documents: state{[]string{"new"}, []string{"begun"}}, cookies: state{[]string{"new"}, []string{"begun"}},
		},
		{
			name: "both save, no body", outerKey: "new", innerKey: "begun", empty: true, status: http.StatusOK,
			documents: state{[]string{"new"}, []string{"begun"}}, cookies: state{[]string{"new"}, []string{"begun"}},
		},
		{
			name: "the inner one fails", outerKey: "new", innerKey: "/", status: http.StatusInternalServerError,
			documents: state{outer: []string{"old"}},
		},
		{
			name: "the inner one fails, no body", outerKey: "new", innerKey: "/", empty: true, status: http.StatusInternalServerError,
			documents: state{outer: []string{"old"}},
		},
		{
			name: "the outer one fails after the inner one has saved", outerKey: "/", innerKey: "begun", status: http.StatusInternalServerError,
			documents: state{[]string{"old"}, []string{"begun"}}, cookies: state{inner: []string{"begun"}},
		},
		{
			name: "the outer one fails after the inner one has saved, no body", outerKey: "/", innerKey: "begun", empty: true, status: http.StatusInternalServerError,
			documents: state{[]string{"old"}, []string{"begun"}}, cookies: state{inner: []string{"begun"}},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t, func(cfg *echofirestore.Config) {
				cfg.CookieName, cfg.KeyFactory = "outer", func() string { return tt.outerKey }
			})
			cfg := a.config
			cfg.CookieName, cfg.Collection, cfg.KeyFactory = "inner", "inner", func() string { return tt.innerKey }
			inner, err := echofirestore.NewStore(cfg)
			if err != nil {
				t.Fatal(err)
			}
			a.POST("/", func(c echo.Context) error {
				sess, err := a.store.Get(c.Request(), "outer")
				if err != nil {
					return err
				}
				sess.ID = "" // renews
				setOne(c)
				if tt.empty {
					return nil
				}
				return c.String(http.StatusOK, "handler's")
			}, inner.Middleware())
			a.putSession("old", `{"user": "alice"}`)

			got := a.browser().post("/", func(r *http.Request) { r.Header.Set("Cookie", "outer=old") })
			if got.StatusCode != tt.status {
				t.Errorf("status %d, want %d: %s", got.StatusCode, tt.status, got.body)
			}
			var cookies state
			for _, cookie := range got.Cookies() {
				if cookie.Name == "outer" {
					cookies.outer = append(cookies.outer, cookie.Value)
				} else {
					cookies.inner = append(cookies.inner, cookie.Value)
				}
			}
			documents := state{outer: slices.Collect(maps.Keys(a.documents()))}
			a.config.Collection = "inner"
			documents.inner = slices.Collect(maps.Keys(a.documents()))
			if diff := cmp.Diff(tt.documents, documents, cmp.AllowUnexported(state{})); diff != "" {
				t.Errorf("documents (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.cookies, cookies, cmp.AllowUnexported(state{})); diff != "" {
				t.Errorf("cookies (-want +got):\n%s", diff)
			}
		})
	}
}
