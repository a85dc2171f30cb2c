package echofirestore_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/labstack/echo/v4"

	"github.com/echofirestore/echofirestore"
)

// TestHooksOfHandlers has handlers change the session and headers in hooks that Echo's Response calls before it begins,
// in all surroundings: that is not too late.
func TestHooksOfHandlers(t *testing.T) {
	t.Parallel()
	aboutResponses(t)
	for _, around := range surroundings {
		for _, tt := range []struct {
			name, cookie string
			hook         func(echo.Context) error
			want         map[string]any // nil: no document
		}{
			{name: "changes", cookie: "key", want: map[string]any{"user": "alice", "n": 1}, hook: func(c echo.Context) error { setOne(c); return nil }},
			{name: "begins", want: map[string]any{"n": 1}, hook: func(c echo.Context) error { setOne(c); return nil }},
			{name: "changes and saves", cookie: "key", want: map[string]any{"user": "alice", "n": 1}, hook: func(c echo.Context) error {
				setOne(c)
				return echofirestore.Save(c)
			}},
			{name: "renews", cookie: "key", want: map[string]any{"user": "alice"}, hook: echofirestore.Renew},
			{name: "ends", cookie: "key", hook: echofirestore.Destroy},
		} {
			name := around.name + "/" + tt.name
			if !around.tries(name) {
				continue
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				a := newBareApp(t)
				a.Use(around.outside...)
				a.Use(a.store.Middleware())
				a.Use(around.inside...)
				a.POST("/", func(c echo.Context) error {
					_ = session(c)
					c.Response().Before(func() {
						if err := tt.hook(c); err != nil {
							t.Error(err)
						}
						c.Response().Header().Set("Cache-Control", "public, max-age=600")
						c.Response().Header().Set("X-Hook", "yes")
					})
					return c.String(http.StatusOK, "handler's")
				})
				a.putSession("key", `{"user": "alice"}`)
				if tt.cookie == "" {
					if _, err := a.collection().Doc("key").Delete(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				got := a.browser().post("/", withCookie(tt.cookie))
				if got.StatusCode != http.StatusOK || got.body != "handler's" || got.Header.Get("X-Hook") != "yes" {
					t.Errorf("status %d, %v, body %q", got.StatusCode, got.Header, got.body)
				}
				cookie, docs := got.cookie("__session"), a.documents()
				if cookie == nil || got.Header.Get("Cache-Control") != "private, no-store" {
					t.Fatalf("cookie %v, Cache-Control %q", cookie, got.Header.Get("Cache-Control"))
				}
				if tt.want == nil {
					if len(docs) > 0 || cookie.MaxAge >= 0 {
						t.Errorf("documents %v, cookie %v", docs, cookie)
					}
					return
				}
				if len(docs) != 1 || docs[cookie.Value] == nil {
					t.Fatalf("documents %v, cookie %v", docs, cookie)
				}
				if diff := cmp.Diff(tt.want, a.values(cookie.Value)); diff != "" {
					t.Errorf("values (-want +got):\n%s", diff)
				}
			})
		}
	}
}
