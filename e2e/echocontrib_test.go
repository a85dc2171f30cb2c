package e2e

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
	"github.com/gorilla/sessions"
	"github.com/labstack/echo-contrib/session"
	"github.com/labstack/echo/v4"
)

// visit asks for a path of a server, keeping cookies, and returns the status and the body.
func visit(t *testing.T, client *http.Client, url string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(resp.StatusCode, " ", string(body))
}

func newClient(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar}
}

// TestEchoContrib runs code that was written for echo-contrib's session package, as its documentation shows it: on this
// package's middleware, and on echo-contrib's own with this package's store.
func TestEchoContrib(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name       string
		middleware func(*echofirestore.Store) echo.MiddlewareFunc
	}{
		{name: "echofirestore's middleware", middleware: (*echofirestore.Store).Middleware},
		{name: "echo-contrib's middleware", middleware: func(s *echofirestore.Store) echo.MiddlewareFunc { return session.Middleware(s) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server, client := firestoretest.Start(t)
			store, err := echofirestore.NewStore(echofirestore.Config{Client: client})
			if err != nil {
				t.Fatal(err)
			}
			e := echo.New()
			e.Use(tt.middleware(store))
			e.GET("/create", func(c echo.Context) error {
				sess, err := session.Get("session", c)
				if err != nil {
					return err
				}
				sess.Options = &sessions.Options{Path: "/", MaxAge: 86400 * 7, HttpOnly: true}
				sess.Values["foo"] = "bar"
				if err := sess.Save(c.Request(), c.Response()); err != nil {
					return err
				}
				return c.NoContent(http.StatusOK)
			})
			e.GET("/read", func(c echo.Context) error {
				sess, err := session.Get("session", c)
				if err != nil {
					return err
				}
				return c.String(http.StatusOK, fmt.Sprintf("foo=%v", sess.Values["foo"]))
			})
			e.GET("/delete", func(c echo.Context) error {
				sess, err := session.Get("session", c)
				if err != nil {
					return err
				}
				sess.Options.MaxAge = -1
				if err := sess.Save(c.Request(), c.Response()); err != nil {
					return err
				}
				return c.NoContent(http.StatusNoContent)
			})
			web := httptest.NewServer(e)
			defer web.Close()
			browser := newClient(t)
			for _, step := range []struct {
				path, want string
				cost       firestoretest.Ops
			}{
				{path: "/read", want: "200 foo=<nil>"},
				{path: "/create", want: "200 ", cost: firestoretest.Ops{Writes: 1}},
				{path: "/read", want: "200 foo=bar", cost: firestoretest.Ops{Reads: 1}},
				{path: "/delete", want: "204 ", cost: firestoretest.Ops{Reads: 1, Deletes: 1}},
				{path: "/read", want: "200 foo=<nil>"},
			} {
				before := server.Ops()
				if got := visit(t, browser, web.URL+step.path); got != step.want {
					t.Errorf("%s: %q, want %q", step.path, got, step.want)
				}
				if cost := server.Ops().Sub(before); cost != step.cost {
					t.Errorf("%s: cost %v, want %v", step.path, cost, step.cost)
				}
			}
		})
	}
}

// TestOneSession finds the session in all four ways in one request.
func TestOneSession(t *testing.T) {
	t.Parallel()
	server, client := firestoretest.Start(t)
	store, err := echofirestore.NewStore(echofirestore.Config{Client: client})
	if err != nil {
		t.Fatal(err)
	}
	e := echo.New()
	e.Use(store.Middleware())
	e.GET("/", func(c echo.Context) error {
		viaGet, err := echofirestore.Get(c)
		if err != nil {
			return err
		}
		viaContext := c.Get(echofirestore.SessionKey).(*sessions.Session)
		viaContrib, err := session.Get("__session", c)
		if err != nil {
			return err
		}
		viaStore, err := store.Get(c.Request(), "__session")
		if err != nil {
			return err
		}
		n, _ := viaGet.Values["n"].(int)
		viaGet.Values["n"] = n + 1

		// A request that was made anew knows nothing of the session, but echo-contrib still finds it.
		c.SetRequest(httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody))
		viaNewRequest, err := session.Get("__session", c)
		if err != nil {
			return err
		}
		same := !slices.ContainsFunc([]*sessions.Session{viaContext, viaContrib, viaStore, viaNewRequest},
			func(other *sessions.Session) bool { return other != viaGet })
		return c.String(http.StatusOK, fmt.Sprintf("same=%v n=%d", same, n))
	})
	web := httptest.NewServer(e)
	defer web.Close()
	browser := newClient(t)
	for n := range 2 {
		if got, want := visit(t, browser, web.URL), fmt.Sprintf("200 same=true n=%d", n); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got, want := server.Ops(), (firestoretest.Ops{Reads: 1, Writes: 2}); got != want {
		t.Errorf("cost %v, want %v", got, want)
	}
}
