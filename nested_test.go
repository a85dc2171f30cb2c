package echofirestore_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/gorilla/sessions"
	contrib "github.com/labstack/echo-contrib/session"
	"github.com/labstack/echo/v4"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
)

// TestRequestsThatPassTwice has requests pass through the middleware twice, in every way there is. All of their handlers
// have the same session: it costs what it does for one, and the client gets one cookie.
func TestRequestsThatPassTwice(t *testing.T) {
	t.Parallel()
	add := func(key string) echo.HandlerFunc {
		return func(c echo.Context) error {
			sess := c.Get(echofirestore.SessionKey).(*sessions.Session)
			again, err := echofirestore.Get(c)
			if err != nil {
				return err
			}
			viaContrib, err := contrib.Get("__session", c)
			if err != nil {
				return err
			}
			if sess != again || sess != viaContrib {
				return fmt.Errorf("the sessions %p, %p and %p are not one", sess, again, viaContrib)
			}
			sess.Values[key] = 1
			return nil
		}
	}
	first := func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if err := add("first")(c); err != nil {
				return err
			}
			return next(c)
		}
	}
	second := func(c echo.Context) error {
		if err := add("second")(c); err != nil {
			return err
		}
		return c.String(http.StatusOK, "second's")
	}
	for name, install := range map[string]func(*app){
		"c.Echo().ServeHTTP": func(a *app) {
			a.Use(a.store.Middleware())
			a.POST("/", func(c echo.Context) error {
				c.Request().URL.Path = "/second"
				c.Echo().ServeHTTP(c.Response(), c.Request())
				return nil
			}, first)
			a.POST("/second", second)
		},
		"a mounted Echo": func(a *app) {
			inner := echo.New()
			inner.Use(a.store.Middleware())
			inner.POST("/", second)
			a.Use(a.store.Middleware(), first)
			a.Any("/*", echo.WrapHandler(inner))
		},
		"a mounted Echo with a custom context": func(a *app) {
			inner := echo.New()
			inner.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
				return func(c echo.Context) error { return next(&customContext{c}) }
			}, a.store.Middleware())
			inner.POST("/", second)
			a.Use(a.store.Middleware(), first)
			a.Any("/*", echo.WrapHandler(inner))
		},
		"the middleware on a group as well": func(a *app) {
			mw := a.store.Middleware()
			a.Use(mw, first)
			a.Group("", mw).POST("/", second)
		},
		"the same Config on a group as well": func(a *app) {
			a.Use(echofirestore.Middleware(a.config), first)
			a.Group("", echofirestore.Middleware(a.config)).POST("/", second)
		},
		"the same Config in a mounted Echo": func(a *app) {
			inner := echo.New()
			inner.Use(echofirestore.Middleware(a.config))
			inner.POST("/", second)
			a.Use(echofirestore.Middleware(a.config), first)
			a.Any("/*", echo.WrapHandler(inner))
		},
	} {
		for _, existing := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/existing %v", name, existing), func(t *testing.T) {
				t.Parallel()
				a := newBareApp(t, func(cfg *echofirestore.Config) { cfg.KeyFactory = func() string { return "key" } })
				install(a)
				cookie, want := "", firestoretest.Ops{Writes: 1}
				if existing {
					a.putSession("key", `{}`)
					cookie, want = "key", firestoretest.Ops{Reads: 1, Writes: 1}
				}
				var got reply
				if cost := a.cost(func() { got = a.browser().post("/", withCookie(cookie)) }); cost != want {
					t.Errorf("cost %v, want %v", cost, want)
				}
				if got.StatusCode != http.StatusOK || got.body != "second's" {
					t.Errorf("status %d, body %q", got.StatusCode, got.body)
				}
				if sent := got.cookie("__session"); sent == nil || sent.Value != "key" || len(a.documents()) != 1 {
					t.Errorf("cookie %v, documents %v", sent, a.documents())
				}
				if diff := cmp.Diff(map[string]any{"first": 1, "second": 1}, a.values("key")); diff != "" {
					t.Errorf("values (-want +got):\n%s", diff)
				}
			})
		}
	}
}

// TestStoresOfOneConfig asks one of two stores that keep the same sessions about those of the other.
func TestStoresOfOneConfig(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	other, err := echofirestore.NewStore(a.config)
	if err != nil {
		t.Fatal(err)
	}
	a.putSession("key", `{"user": "alice"}`)
	a.POST("/", func(c echo.Context) error {
		sess, err := other.Get(c.Request(), "__session")
		if err != nil || sess != session(c) {
			t.Errorf("another session, error %v", err)
		}
		if id := other.SessionID(sess); id == "" || id != a.store.SessionID(sess) || other.Ended(sess) {
			t.Errorf("ID %q, ended %v", id, other.Ended(sess))
		}
		sess.Values["n"] = 1
		return other.Save(c.Request(), c.Response(), sess)
	})
	a.POST("/gone", func(c echo.Context) error {
		if !other.Ended(session(c)) {
			t.Error("the other store does not know that the session has ended")
		}
		return nil
	})
	if cost := a.cost(func() { a.browser().post("/", withCookie("key")) }); cost != (firestoretest.Ops{Reads: 1, Writes: 1}) {
		t.Errorf("cost %v", cost)
	}
	if diff := cmp.Diff(map[string]any{"user": "alice", "n": 1}, a.values("key")); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
	a.browser().post("/gone", withCookie("gone"))
}
