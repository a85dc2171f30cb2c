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

// visit asks for url, keeping cookies, and returns the status and the body.
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
