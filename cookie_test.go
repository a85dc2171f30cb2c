package echofirestore_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gorilla/sessions"
	contrib "github.com/labstack/echo-contrib/session"
	"github.com/labstack/echo/v4"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/internal/testsize"
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

// TestCookiesOfTheApplication has a handler set cookies of the session's name itself. A browser takes those for others that
// differ in domain, path or partition; they stay, and the session's own comes behind them.
func TestCookiesOfTheApplication(t *testing.T) {
	t.Parallel()
	aboutResponses(t)
	partitioned := func(cfg *echofirestore.Config) { cfg.Partitioned, cfg.Secure = true, true }
	domain := func(cfg *echofirestore.Config) { cfg.Domain = "Example.com" }
	app := func(cfg *echofirestore.Config) { cfg.Path = "/app" }
	for _, tt := range []struct {
		line      string
		configure func(*echofirestore.Config)
		replaced  bool
	}{
		{line: "__session=; Path=/; Max-Age=0", replaced: true},
		{line: "__session=x; path=/", replaced: true},
		{line: "__session=x; Secure; PATH = / ; HttpOnly", replaced: true},
		{line: " __session = x;Path=/", replaced: true},
		{line: "__session=x; Path=/a; Path=/", replaced: true},
		{line: "__session=x; Path=/; Domain=", replaced: true},
		{line: `__session="x y, z"; Path=/`, replaced: true},
		{line: "__session=x; Path=/; Expires=Thu, 01 Jan 1970 00:00:01 GMT", replaced: true},
		{line: "__session=; Path=/account; Max-Age=0"},
		{line: "__session=; pAtH=/account"},
		{line: "__session=x; Path=/; Path=/account"},
		{line: "__session=x; Path=//"},
		{line: "__session=x"},
		{line: "__session=x; Path="},
		{line: "__session=x; Path=account"},
		{line: `__session=x; Path="/"`},
		{line: "__session=x; Path=/; Domain=example.com"},
		{line: "__session=x; Domain=.example.com; Path=/"},
		{line: "__session=x; Path=/; Secure; Partitioned"},
		{line: "__session=x; Path=/; Secure; partitioned"},
		{line: "__session2=x; Path=/"},
		{line: "__Session=x; Path=/"},
		{line: "x__session=x; Path=/"},
		{line: "__session; Path=/"},
		{line: "a=__session=x; Path=/"},
		{line: "a=x; __session=x; Path=/"},

		{line: "__session=x; Path=/; Domain=example.com", configure: domain, replaced: true},
		{line: "__session=x; Path=/; Domain=.EXAMPLE.com", configure: domain, replaced: true},
		{line: "__session=x; Domain=other.example; domain=example.com; Path=/", configure: domain, replaced: true},
		{line: "__session=x; Path=/; Domain=www.example.com", configure: domain},
		{line: "__session=x; Path=/", configure: domain},
		{line: "__session=x; Path=/app", configure: app, replaced: true},
		{line: "__session=x; Path=/app/", configure: app},
		{line: "__session=x; Path=/App", configure: app},
		{line: "__session=x; Path=/", configure: app},
		{line: "__session=x; Path=/; Secure; Partitioned", configure: partitioned, replaced: true},
		{line: "__session=x; PARTITIONED; Path=/; Secure", configure: partitioned, replaced: true},
		{line: "__session=x; Path=/; Secure", configure: partitioned},
	} {
		for operation, handler := range map[string]echo.HandlerFunc{
			"change":  set("n", 1),
			"touch":   see,
			"destroy": echofirestore.Destroy,
			"save, and the cookie after it": func(c echo.Context) error {
				setOne(c)
				return echofirestore.Save(c)
			},
		} {
			name := operation + "/" + tt.line
			if operation != "change" && !testsize.Try(name) {
				continue
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				a := newApp(t, func(cfg *echofirestore.Config) {
					if cfg.TouchAfter = time.Minute; tt.configure != nil {
						tt.configure(cfg)
					}
				})
				a.GET("/", func(c echo.Context) error {
					if strings.HasSuffix(operation, "after it") {
						if err := handler(c); err != nil {
							return err
						}
						c.Response().Header().Add("Set-Cookie", tt.line)
						return nil
					}
					c.Response().Header().Add("Set-Cookie", "a=1")
					c.Response().Header().Add("Set-Cookie", tt.line)
					return handler(c)
				})
				a.put("key", map[string]any{"data": payload(a.clock.Now()), "max_age": 3600, "expire": a.clock.Now().Add(time.Minute)})
				lines := a.browser().get("/", withCookie("key")).Header["Set-Cookie"]
				if len(lines) == 0 || !strings.Contains(lines[len(lines)-1], "HttpOnly; Secure; SameSite=Lax") {
					t.Fatalf("the session's cookie is not the last of %q", lines)
				}
				var want []string
				if !strings.HasSuffix(operation, "after it") {
					want = append(want, "a=1")
				}
				if !tt.replaced {
					want = append(want, strings.TrimSpace(tt.line))
				}
				if got := lines[:len(lines)-1]; !slices.Equal(got, want) {
					t.Errorf("beside the session's: %q, want %q", got, want)
				}
			})
		}
	}
}

// TestOptionsOfOneResponse has a handler delete the cookie at an old path, and begin a new session at that of the Config.
func TestOptionsOfOneResponse(t *testing.T) {
	t.Parallel()
	a := newApp(t, func(cfg *echofirestore.Config) { cfg.KeyFactory = func() string { return "new" } })
	a.POST("/", func(c echo.Context) error {
		session(c).Options.Path = "/account"
		if err := echofirestore.Destroy(c); err != nil {
			return err
		}
		setOne(c)
		return nil
	})
	a.putSession("key", `{"user": "alice"}`)
	var got []string
	for _, cookie := range a.browser().post("/", withCookie("key")).Cookies() {
		got = append(got, cookie.Path+" "+cookie.Value)
	}
	if diff := cmp.Diff([]string{"/account ", "/ new"}, got); diff != "" {
		t.Errorf("cookies (-want +got):\n%s", diff)
	}
}

// TestPartitioned looks at every cookie that a store sets.
func TestPartitioned(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		existing bool
		handler  echo.HandlerFunc
		without  bool // the handler has switched it off for this response
	}{
		{name: "new", handler: set("n", 1)},
		{name: "changed", existing: true, handler: set("n", 1)},
		{name: "touched", existing: true, handler: see},
		{name: "renewed", existing: true, handler: echofirestore.Renew},
		{name: "updated", existing: true, handler: func(c echo.Context) error {
			return echofirestore.Update(c, func(sess *sessions.Session) error { sess.Values["n"] = 1; return nil })
		}},
		{name: "saved", existing: true, handler: func(c echo.Context) error { setOne(c); return echofirestore.Save(c) }},
		{name: "destroyed", existing: true, handler: echofirestore.Destroy},
		{name: "ended", existing: true, handler: func(c echo.Context) error { session(c).Options.MaxAge = -1; return nil }},
		{name: "emptied", existing: true, handler: func(c echo.Context) error { clear(session(c).Values); return nil }},
		{name: "another name", handler: func(c echo.Context) error {
			sess, err := contrib.Get("prefs", c)
			sess.Values["n"] = 1
			return err
		}},
		{name: "options set to nil", existing: true, handler: func(c echo.Context) error { session(c).Options = nil; setOne(c); return nil }},
		{name: "not in this response", existing: true, without: true, handler: func(c echo.Context) error {
			setOne(c)
			session(c).Options.Partitioned = false
			return nil
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t, func(cfg *echofirestore.Config) {
				cfg.Partitioned, cfg.Secure, cfg.TouchAfter, cfg.SameSite = true, true, time.Minute, http.SameSiteNoneMode
			})
			a.GET("/", tt.handler)
			a.GET("/next", set("m", 1))
			b := a.browser()
			var request []func(*http.Request)
			if tt.existing {
				a.put("key", map[string]any{"data": payload(a.clock.Now()), "max_age": 3600, "expire": a.clock.Now().Add(time.Minute)})
				request = append(request, withCookie("key"))
			}
			got := b.get("/", request...)
			lines := got.Header["Set-Cookie"]
			if len(lines) != 1 || strings.HasSuffix(lines[0], "; Secure; SameSite=None; Partitioned") == tt.without {
				t.Errorf("status %d, Set-Cookie %q", got.StatusCode, lines)
			}
			if tt.without {
				next := b.get("/next", withCookie("key")).Header.Get("Set-Cookie")
				if !strings.HasSuffix(next, "; Partitioned") {
					t.Errorf("the next response has %q", next)
				}
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
