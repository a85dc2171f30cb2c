package echofirestore_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gorilla/sessions"
	"github.com/labstack/echo/v4"

	"github.com/echofirestore/echofirestore"
)

// TestSetCookie compares whole Set-Cookie headers.
func TestSetCookie(t *testing.T) {
	t.Parallel()
	now := time.Date(2030, 1, 2, 3, 4, 5, 600_000_000, time.UTC)
	change := set("n", 1)
	for _, tt := range []struct {
		name      string
		configure func(*echofirestore.Config)
		existing  bool // the request has a session
		handler   echo.HandlerFunc
		want      []string
	}{
		{
			name:    "new",
			handler: change,
			want:    []string{"__session=key; Path=/; Expires=Wed, 02 Jan 2030 04:04:05 GMT; Max-Age=3600; HttpOnly; Secure; SameSite=Lax"},
		},
		{
			name:     "changed",
			existing: true,
			handler:  change,
			want:     []string{"__session=key; Path=/; Expires=Wed, 02 Jan 2030 04:04:05 GMT; Max-Age=3600; HttpOnly; Secure; SameSite=Lax"},
		},
		{name: "unchanged", existing: true, handler: see},
		{name: "new and empty", handler: see},
		{
			name:      "browser session",
			configure: func(cfg *echofirestore.Config) { cfg.MaxAge = 0 },
			handler:   change,
			want:      []string{"__session=key; Path=/; HttpOnly; Secure; SameSite=Lax"},
		},
		{
			name:      "Lifetime shorter than MaxAge",
			configure: func(cfg *echofirestore.Config) { cfg.Lifetime = time.Minute },
			handler:   change,
			want:      []string{"__session=key; Path=/; Expires=Wed, 02 Jan 2030 03:05:05 GMT; Max-Age=60; HttpOnly; Secure; SameSite=Lax"},
		},
		{
			name: "every attribute",
			configure: func(cfg *echofirestore.Config) {
				cfg.CookieName, cfg.Path, cfg.Domain = "sid", "/app", "example.com"
				cfg.Secure, cfg.DisableHTTPOnly, cfg.SameSite = true, true, http.SameSiteNoneMode
			},
			handler: change,
			want:    []string{"sid=key; Path=/app; Domain=example.com; Expires=Wed, 02 Jan 2030 04:04:05 GMT; Max-Age=3600; Secure; SameSite=None"},
		},
		{
			name: "host prefix, strict",
			configure: func(cfg *echofirestore.Config) {
				cfg.CookieName, cfg.Secure, cfg.SameSite, cfg.MaxAge = "__Host-id", true, http.SameSiteStrictMode, 0
			},
			handler: change,
			want:    []string{"__Host-id=key; Path=/; HttpOnly; Secure; SameSite=Strict"},
		},
		{
			name: "options of the session's own",
			handler: func(c echo.Context) error {
				session(c).Values["n"] = 1
				session(c).Options = &sessions.Options{Path: "/own", MaxAge: 60, Partitioned: true, Secure: true}
				return nil
			},
			want: []string{"__session=key; Path=/own; Expires=Wed, 02 Jan 2030 03:05:05 GMT; Max-Age=60; Secure; Partitioned"},
		},
		{
			name:      "options set to nil: those it had, and the max age of its own",
			configure: func(cfg *echofirestore.Config) { cfg.MaxAge = 60 },
			existing:  true,
			handler: func(c echo.Context) error {
				session(c).Values["n"] = 1
				session(c).Options = nil
				return nil
			},
			want: []string{"__session=key; Path=/; Expires=Wed, 02 Jan 2030 04:04:05 GMT; Max-Age=3600; HttpOnly; Secure; SameSite=Lax"},
		},
		{
			name:     "saved twice",
			existing: true,
			handler: func(c echo.Context) error {
				session(c).Values["n"] = 1
				if err := echofirestore.Save(c); err != nil {
					return err
				}
				session(c).Options.MaxAge = 60
				return nil
			},
			want: []string{"__session=key; Path=/; Expires=Wed, 02 Jan 2030 03:05:05 GMT; Max-Age=60; HttpOnly; Secure; SameSite=Lax"},
		},
		{
			name:      "deleted",
			configure: func(cfg *echofirestore.Config) { cfg.Path, cfg.Domain = "/app", "example.com" },
			existing:  true,
			handler:   func(c echo.Context) error { clear(session(c).Values); return nil },
			want:      []string{"__session=; Path=/app; Domain=example.com; Expires=Thu, 01 Jan 1970 00:00:01 GMT; Max-Age=0; HttpOnly; Secure; SameSite=Lax"},
		},
		{
			name:     "destroyed",
			existing: true,
			handler:  echofirestore.Destroy,
			want:     []string{"__session=; Path=/; Expires=Thu, 01 Jan 1970 00:00:01 GMT; Max-Age=0; HttpOnly; Secure; SameSite=Lax"},
		},
		{
			name:     "cookies of others stay",
			existing: true,
			handler: func(c echo.Context) error {
				c.SetCookie(&http.Cookie{Name: "a", Value: "1"})
				session(c).Values["n"] = 1
				c.SetCookie(&http.Cookie{Name: "__session2", Value: "2"})
				return nil
			},
			want: []string{
				"a=1", "__session2=2",
				"__session=key; Path=/; Expires=Wed, 02 Jan 2030 04:04:05 GMT; Max-Age=3600; HttpOnly; Secure; SameSite=Lax",
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t, func(cfg *echofirestore.Config) {
				cfg.KeyFactory = func() string { return "key" }
				cfg.Now = func() time.Time { return now }
				if tt.configure != nil {
					tt.configure(cfg)
				}
			})
			a.GET("/", tt.handler)
			var request []func(*http.Request)
			if tt.existing {
				a.put("key", map[string]any{"data": payload(now), "max_age": 3600, "expire": now.Add(time.Minute)})
				request = append(request, withCookie("key"))
			}
			got := a.browser().get("/", request...)
			if diff := cmp.Diff(tt.want, got.Header["Set-Cookie"]); diff != "" {
				t.Errorf("Set-Cookie (-want +got):\n%s", diff)
			}
		})
	}
}

// TestSecureFollowsTheScheme asks over plain HTTP, with and without a proxy that vouches for HTTPS.
func TestSecureFollowsTheScheme(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name      string
		configure bool
		proto     string
		want      bool
	}{
		{name: "plain HTTP"},
		{name: "HTTPS up to the proxy", proto: "https", want: true},
		{name: "HTTPS in capitals", proto: "HTTPS", want: true},
		{name: "a WebSocket over HTTPS", proto: "wss", want: true},
		{name: "a WebSocket over plain HTTP", proto: "ws"},
		{name: "plain HTTP up to the proxy", proto: "http"},
		{name: "Secure in the Config", configure: true, want: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t, func(cfg *echofirestore.Config) { cfg.Secure = tt.configure })
			a.POST("/", set("n", 1))
			a.POST("/out", echofirestore.Destroy)
			b := a.plainBrowser()
			for _, path := range []string{"/", "/out"} {
				got := b.post(path, func(r *http.Request) {
					if tt.proto != "" {
						r.Header.Set("X-Forwarded-Proto", tt.proto)
					}
				}).cookie("__session")
				if got == nil || got.Secure != tt.want {
					t.Errorf("%s: cookie %v, want Secure: %v", path, got, tt.want)
				}
			}
		})
	}
}

// TestCacheHeaders looks at what caches between server and browser are told.
func TestCacheHeaders(t *testing.T) {
	t.Parallel()
	with := func(header, value string, next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			c.Response().Header().Set(header, value)
			return next(c)
		}
	}
	change := set("n", 1)
	for _, tt := range []struct {
		name    string
		handler echo.HandlerFunc
		control string
		vary    []string
		logged  bool
	}{
		{name: "not touched", handler: func(c echo.Context) error { return c.NoContent(http.StatusOK) }},
		{name: "not touched, public", handler: with("Cache-Control", "public", func(echo.Context) error { return nil }), control: "public"},
		{name: "read", handler: see, vary: []string{"Cookie"}},
		{name: "read, cacheable", handler: with("Cache-Control", "max-age=60", see), control: "max-age=60", vary: []string{"Cookie"}},
		{name: "changed", handler: change, control: "private, no-store", vary: []string{"Cookie"}},
		{name: "destroyed", handler: echofirestore.Destroy, control: "private, no-store", vary: []string{"Cookie"}},
		{name: "changed, private", handler: with("Cache-Control", "max-age=60, Private", change), control: "max-age=60, Private", vary: []string{"Cookie"}},
		{name: "changed, private but for one field", handler: with("Cache-Control", `max-age=60, private="X-Foo"`, change), control: "private, no-store", vary: []string{"Cookie"}},
		{name: "changed, no-store", handler: with("Cache-Control", "no-store", change), control: "no-store", vary: []string{"Cookie"}},
		{name: "changed, max-age", handler: with("Cache-Control", "max-age=60", change), control: "private, no-store", vary: []string{"Cookie"}},
		{name: "changed, public", handler: with("Cache-Control", "PUBLIC, max-age=60", change), control: "private, no-store", vary: []string{"Cookie"}, logged: true},
		{name: "changed, s-maxage", handler: with("Cache-Control", "s-maxage=60", change), control: "private, no-store", vary: []string{"Cookie"}, logged: true},
		{name: "Vary already", handler: with("Vary", "Accept, cookie", see), vary: []string{"Accept, cookie"}},
		{name: "Vary on all", handler: with("Vary", "*", see), vary: []string{"*"}},
		{name: "Vary on others", handler: with("Vary", "Accept", see), vary: []string{"Accept", "Cookie"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t)
			a.GET("/", tt.handler)
			got := a.browser().get("/")
			if control := got.Header.Get("Cache-Control"); control != tt.control {
				t.Errorf("Cache-Control %q, want %q", control, tt.control)
			}
			if vary := got.Header.Values("Vary"); !slices.Equal(vary, tt.vary) {
				t.Errorf("Vary %q, want %q", vary, tt.vary)
			}
			if logged := strings.Contains(a.log.String(), "level=WARN"); logged != tt.logged {
				t.Errorf("log %q", a.log)
			}
		})
	}
}

// TestNames keeps two sessions in one request, and tries each one's key on the other, under each protection.
func TestNames(t *testing.T) {
	t.Parallel()
	for _, p := range protections {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			testNames(t, newApp(t, p.configure(t)))
		})
	}
}

func testNames(t *testing.T, a *app) {
	t.Helper()
	get := func(c echo.Context, name string) *sessions.Session {
		sess, err := a.store.Get(c.Request(), name)
		if err != nil {
			t.Error(err)
		}
		return sess
	}
	a.POST("/", func(c echo.Context) error {
		get(c, "__session").Values["user"] = "alice"
		get(c, "prefs").Values["theme"] = "dark"
		return nil
	})
	a.GET("/", func(c echo.Context) error {
		return c.JSON(http.StatusOK, []any{session(c).Values["user"], get(c, "prefs").Values["theme"]})
	})
	a.GET("/bad", func(c echo.Context) error {
		sess, err := a.store.Get(c.Request(), "no cookie name")
		if sess == nil || err == nil {
			t.Errorf("session %v, error %v", sess, err)
		}
		return err
	})
	b := a.browser()
	first := b.post("/")
	session, prefs := first.cookie("__session").Value, first.cookie("prefs").Value
	if got := b.get("/"); got.body != `["alice","dark"]`+"\n" {
		t.Errorf("body %s", got.body)
	}
	for name, cookies := range map[string]string{
		"keys exchanged":    "__session=" + prefs + "; prefs=" + session,
		"document IDs used": "__session=~prefs:" + prefs + "; prefs=~prefs:" + prefs,
	} {
		got := b.get("/", func(r *http.Request) { r.Header.Set("Cookie", cookies) })
		if got.body != "[null,null]\n" {
			t.Errorf("%s: body %s", name, got.body)
		}
	}
	if got := b.get("/bad"); got.StatusCode != http.StatusInternalServerError {
		t.Errorf("status %d", got.StatusCode)
	}
}
