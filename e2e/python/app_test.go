package python

import (
	"bufio"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/echofirestore/echofirestore"
	"github.com/gorilla/sessions"
	"github.com/labstack/echo/v4"
)

const collection = "sessions"

// versions are those of aiohttp-session-firestore that are tried, the latest first.
var versions = []string{"0.1.3", "0.1.1"}

// A database is where sessions are: a *firestoretest.Server, for example.
type database interface {
	Addr() string // what FIRESTORE_EMULATOR_HOST is to be
	Project() string
}

// startPython runs app.py until the test is over, and returns its URL. A max age of 0 is Python's None.
func startPython(t *testing.T, version string, firestore database, maxAge int) string {
	t.Helper()
	python, err := venv(t.Context(), "requirements-"+version+".txt")
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"app.py", "--collection", collection}
	if maxAge > 0 {
		args = append(args, "--max-age", strconv.Itoa(maxAge))
	}
	app := exec.Command(python, args...)
	app.Env = append(os.Environ(),
		"FIRESTORE_EMULATOR_HOST="+firestore.Addr(),
		"GOOGLE_CLOUD_PROJECT="+firestore.Project(),
	)
	var log strings.Builder
	app.Stderr = &log
	stdin, err := app.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := app.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := app.Start(); err != nil {
		t.Fatal(err)
	}
	url, err := bufio.NewReader(stdout).ReadString('\n')
	t.Cleanup(func() {
		_ = stdin.Close() // which ends it
		if err := app.Wait(); err != nil {
			t.Errorf("app.py: %v", err)
		}
		if t.Failed() {
			t.Logf("app.py:\n%s", log.String())
		}
	})
	if err != nil {
		t.Fatalf("app.py has no address: %v", err)
	}
	return strings.TrimSpace(url)
}

// startGo serves an Echo application with the routes of app.py, and one more, at which tests have call handle the
// session.
func startGo(t *testing.T, cfg echofirestore.Config, call *func(*sessions.Session)) string {
	t.Helper()
	cfg.Collection = collection
	cfg.Logger = slog.New(slog.DiscardHandler)
	e := echo.New()
	e.Use(echofirestore.Middleware(cfg))
	e.GET("/", show)
	e.GET("/set", func(c echo.Context) error {
		return change(c, func(sess *sessions.Session) {
			for key := range c.QueryParams() {
				sess.Values[key] = c.QueryParam(key)
			}
		})
	})
	e.GET("/delete", func(c echo.Context) error {
		return change(c, func(sess *sessions.Session) { delete(sess.Values, c.QueryParam("key")) })
	})
	e.GET("/count", func(c echo.Context) error {
		if err := echofirestore.Update(c, func(sess *sessions.Session) error {
			n, _ := sess.Values["n"].(int)
			sess.Values["n"] = n + 1
			return nil
		}); err != nil {
			return err
		}
		return show(c)
	})
	e.GET("/sign-in", func(c echo.Context) error {
		if err := echofirestore.Renew(c); err != nil {
			return err
		}
		return change(c, func(sess *sessions.Session) { sess.Values["user"] = c.QueryParam("user") })
	})
	e.GET("/sign-out", func(c echo.Context) error {
		if err := echofirestore.Destroy(c); err != nil {
			return err
		}
		return show(c)
	})
	e.GET("/max-age", func(c echo.Context) error {
		return change(c, func(sess *sessions.Session) {
			sess.Options.MaxAge, _ = strconv.Atoi(c.QueryParam("seconds")) // 0 for None
		})
	})
	e.GET("/call", func(c echo.Context) error { return change(c, *call) })
	server := httptest.NewServer(e)
	t.Cleanup(server.Close)
	return server.URL
}

func change(c echo.Context, f func(*sessions.Session)) error {
	sess, err := echofirestore.Get(c)
	if err != nil {
		return err
	}
	f(sess)
	return show(c)
}

func show(c echo.Context) error {
	sess, err := echofirestore.Get(c)
	if err != nil {
		return err
	}
	values := make(map[string]any)
	for key, value := range sess.Values {
		values[fmt.Sprint(key)] = value
	}
	text, err := json.Marshal(values)
	if err != nil {
		text = fmt.Append(nil, slices.Sorted(maps.Keys(values)))
	}
	return c.JSONBlob(http.StatusOK, text)
}
