package echofirestore_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/echofirestore/echofirestore/firesession"
	"github.com/gorilla/sessions"
	"github.com/labstack/echo-contrib/v5/session"
	"github.com/labstack/echo/v5"

	"github.com/echofirestore/echofirestore/v5"
)

// TestContextsAreReused sends requests that Echo serves with one context, some after a panic or with what their handlers
// have left in it. None finds anything of another.
func TestContextsAreReused(t *testing.T) {
	t.Parallel()
	a := newApp(t, func(cfg *echofirestore.Config) {
		cfg.Skipper = func(c *echo.Context) bool { return c.Path() == "/skipped" }
	})
	var contexts sync.Map // of *echo.Context
	a.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c *echo.Context) error {
			contexts.Store(c, true)
			return next(c)
		}
	}, a.store.Middleware())
	a.GET("/begin", func(c *echo.Context) error {
		echofirestore.Session(c).Values["user"] = c.QueryParam("user")
		return c.NoContent(http.StatusNoContent)
	})
	a.GET("/user", func(c *echo.Context) error {
		return c.String(http.StatusOK, fmt.Sprint(echofirestore.Session(c).Values["user"]))
	})
	a.GET("/panic", func(c *echo.Context) error {
		if user := echofirestore.Session(c).Values["user"]; user != "alice" {
			t.Errorf("the session of %v", user)
		}
		panic(http.ErrAbortHandler)
	})
	a.GET("/foreign", func(c *echo.Context) error { // which leaves a request that does not lead to the session
		c.SetRequest(c.Request().WithContext(context.Background()))
		return c.String(http.StatusOK, fmt.Sprint(echofirestore.Session(c).Values["user"]))
	})
	a.GET("/skipped", func(c *echo.Context) error {
		_, err := echofirestore.Get(c)
		_, contribErr := session.Get("__session", c)
		if !errors.Is(err, echofirestore.ErrNoMiddleware) || contribErr == nil {
			t.Errorf("found a session: %v, %v", err, contribErr)
		}
		return nil
	})
	alice, bob := a.browser(), a.browser()
	alice.get("/begin?user=alice")
	bob.get("/begin?user=bob")
	for range 20 {
		if got := alice.get("/user"); got.body != "alice" {
			t.Errorf("alice got the session of %s", got.body)
		}
		if _, err := alice.try(http.MethodGet, "/panic"); err == nil {
			t.Error("no panic")
		}
		alice.get("/skipped")
		if got := bob.get("/user"); got.body != "bob" {
			t.Errorf("bob got the session of %s", got.body)
		}
		if got := alice.get("/foreign"); got.body != "alice" {
			t.Errorf("alice got the session of %s", got.body)
		}
		bob.get("/skipped")
		if got := a.browser().get("/user"); got.body != "<nil>" {
			t.Errorf("nobody got the session of %s", got.body)
		}
	}
	n := 0
	contexts.Range(func(_, _ any) bool { n++; return true })
	if n > 100 {
		t.Errorf("Echo used %d contexts for 140 requests", n)
	}
}

// TestContextGivenAway has Echo give a context to another request while a handler still runs, as it does with one within
// net/http.TimeoutHandler. Its session cannot be saved. The other request's response gets nothing of that.
func TestContextGivenAway(t *testing.T) {
	t.Parallel()
	for name, unsaved := range map[string]func(*echo.Context, *sessions.Session) error{
		"nothing returned": func(*echo.Context, *sessions.Session) error { return nil },
		"returned":         func(c *echo.Context, sess *sessions.Session) error { return sess.Save(c.Request(), c.Response()) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t)
			other := httptest.NewRecorder()
			other.Header().Set("X-Other", "yes")
			a.Use(a.store.Middleware())
			a.GET("/", func(c *echo.Context) error {
				sess := echofirestore.Session(c)
				c.Reset(httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/other", http.NoBody), other)
				sess.Values["n"] = 1
				return unsaved(c, sess)
			})
			a.HTTPErrorHandler = func(*echo.Context, error) {} // that of the other request, in which this one's error ends
			a.refuse("Commit")
			a.browser().get("/")
			if other.Header().Get("X-Other") != "yes" || len(other.Header()) != 1 || other.Body.Len() != 0 {
				t.Errorf("the other response has %v, %q", other.Header(), other.Body)
			}
		})
	}
}

// TestEveryWayToTheSession reaches one session in all ways, those of echo-contrib and of gorilla among them.
func TestEveryWayToTheSession(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	a.Use(a.store.Middleware())
	a.GET("/", func(c *echo.Context) error {
		want := echofirestore.Session(c)
		for name, get := range map[string]func() (*sessions.Session, error){
			"Get":             func() (*sessions.Session, error) { return echofirestore.Get(c) },
			"echo-contrib":    func() (*sessions.Session, error) { return session.Get("__session", c) },
			"Store.Get":       func() (*sessions.Session, error) { return a.store.Get(c.Request(), "__session") },
			"firesession.Get": func() (*sessions.Session, error) { return firesession.Get(c.Request()) },
		} {
			if got, err := get(); got != want || err != nil {
				t.Errorf("%s: another session, %v", name, err)
			}
		}
		prefs, err := session.Get("prefs", c)
		if err != nil {
			return err
		}
		prefs.Values["language"] = "ja"
		return count(c)
	})
	b := a.browser()
	if got := b.get("/"); got.cookie() == "" || len(got.Cookies()) != 2 {
		t.Errorf("cookies %v", got.Cookies())
	}
	if got := b.get("/"); got.body != "2\n" {
		t.Errorf("body %q", got.body)
	}
}

// TestAgain has requests pass the middleware more than once. They have one session, are charged for it once, and get one
// answer if it fails.
func TestAgain(t *testing.T) {
	t.Parallel()
	mark := func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c *echo.Context) error {
			echofirestore.Session(c).Values["marked"] = true
			return next(c)
		}
	}
	countMarked := func(c *echo.Context) error {
		if sess, err := echofirestore.Get(c); err == nil && sess.Values["marked"] != true {
			t.Error("another session")
		}
		return count(c)
	}
	for name, build := range map[string]func(a *app, mw echo.MiddlewareFunc){
		"on a group": func(a *app, mw echo.MiddlewareFunc) {
			a.Use(mw, mark)
			a.Group("", mw).GET("/", countMarked)
		},
		"in Pre": func(a *app, mw echo.MiddlewareFunc) {
			a.Pre(mw, mark)
			a.Use(mw)
			a.GET("/", countMarked)
		},
		"in a mounted Echo": func(a *app, mw echo.MiddlewareFunc) {
			inner := echo.New()
			inner.Use(mw)
			inner.GET("/", countMarked)
			a.Use(mw, mark)
			a.GET("/", echo.WrapHandler(inner))
		},
		"in a mounted Echo without middleware": func(a *app, mw echo.MiddlewareFunc) {
			inner := echo.New()
			inner.GET("/", countMarked)
			a.Use(mw, mark)
			a.GET("/", echo.WrapHandler(inner))
		},
		"in Echo again": func(a *app, mw echo.MiddlewareFunc) {
			a.Use(mw, mark)
			a.GET("/", func(c *echo.Context) error {
				c.Request().URL.Path = "/again"
				a.ServeHTTP(c.Response(), c.Request())
				return nil
			})
			a.GET("/again", countMarked)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var answers atomic.Int64
			a := newApp(t, func(cfg *echofirestore.Config) {
				cfg.ErrorHandler = func(_ *echo.Context, err error) error {
					answers.Add(1)
					return echo.ErrServiceUnavailable.Wrap(err)
				}
			})
			build(a, a.store.Middleware())
			b := a.browser()
			before := a.firestore.Ops()
			if got := b.get("/"); got.StatusCode != http.StatusOK || got.body != "1\n" || got.cookie() == "" {
				t.Errorf("status %d, body %q, cookies %v", got.StatusCode, got.body, got.Cookies())
			}
			if cost := a.firestore.Ops().Sub(before).String(); cost != "1 write" {
				t.Errorf("cost %s", cost)
			}
			for _, method := range []string{"Commit", "BatchGetDocuments"} {
				answers.Store(0)
				a.refuse(method)
				got := b.get("/")
				if got.StatusCode != http.StatusServiceUnavailable || got.body != "{\"message\":\"Service Unavailable\"}\n" {
					t.Errorf("%s fails: status %d, body %q", method, got.StatusCode, got.body)
				}
				bypassed := strings.HasSuffix(name, "without middleware") && method == "BatchGetDocuments" // the inner Echo answers
				if n := answers.Load(); n != 1 && !bypassed {
					t.Errorf("%s fails: the ErrorHandler was called %d times", method, n)
				}
			}
		})
	}
}

// TestTwoStores has two stores in one Echo, one within the other. If the session of either cannot be saved, the client knows.
func TestTwoStores(t *testing.T) {
	t.Parallel()
	for _, fails := range []string{"", "outside", "inside"} {
		t.Run("fails "+fails, func(t *testing.T) {
			t.Parallel()
			a := newApp(t)
			unstorable := make(chan int)
			outside := a.store
			inside, err := echofirestore.NewStore(echofirestore.Config{Client: a.client, Collection: "admins", CookieName: "admin", Logger: slog.New(slog.DiscardHandler)})
			if err != nil {
				t.Fatal(err)
			}
			a.Use(outside.Middleware(), inside.Middleware())
			a.Group("", outside.Middleware()).GET("/", func(c *echo.Context) error {
				user, err := outside.Get(c.Request(), "__session")
				if err != nil {
					return err
				}
				admin, err := inside.Get(c.Request(), "admin")
				if err != nil {
					return err
				}
				user.Values["n"], admin.Values["n"] = any(1), any(1)
				switch fails {
				case "outside":
					user.Values["n"] = unstorable
				case "inside":
					admin.Values["n"] = unstorable
				}
				return c.JSON(http.StatusOK, "handler's")
			})
			got := a.browser().get("/")
			switch {
			case fails == "" && (got.StatusCode != http.StatusOK || len(got.Cookies()) != 2):
				t.Errorf("status %d, cookies %v", got.StatusCode, got.Cookies())
			case fails != "" && (got.StatusCode != http.StatusInternalServerError || got.body != "{\"message\":\"Internal Server Error\"}\n"):
				t.Errorf("status %d, body %q", got.StatusCode, got.body)
			}
		})
	}
}

// TestWithoutMiddleware calls the functions where there is no session.
func TestWithoutMiddleware(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	a.GET("/", func(c *echo.Context) error {
		sess, err := echofirestore.Get(c)
		if sess != nil {
			t.Error("there is a session")
		}
		for name, err := range map[string]error{
			"Get": err, "Save": echofirestore.Save(c), "Renew": echofirestore.Renew(c), "Destroy": echofirestore.Destroy(c),
			"Update": echofirestore.Update(c, func(*sessions.Session) error { return nil }),
		} {
			if !errors.Is(err, echofirestore.ErrNoMiddleware) {
				t.Errorf("%s: %v", name, err)
			}
		}
		defer func() {
			if p := recover(); p != echofirestore.ErrNoMiddleware { //nolint:errorlint // it is that
				t.Errorf("Session panics with %v", p)
			}
		}()
		echofirestore.Session(c)
		return nil
	})
	a.browser().get("/")
}
