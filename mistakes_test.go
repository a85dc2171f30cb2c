package echofirestore_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/firestore"
	"github.com/labstack/echo/v4"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
)

// mistakes are those of docs/troubleshooting.md, in its order.
var mistakes = []mistake{
	{"`MaxAge` is a duration", atStart, invalid(func(cfg *echofirestore.Config) { cfg.MaxAge = int(24 * time.Hour) })},
	{"A duration has no unit", atStart, invalid(func(cfg *echofirestore.Config) { cfg.Lifetime = 86400 })},
	{"`SameSite` is None without `Secure`", atStart, invalid(func(cfg *echofirestore.Config) { cfg.SameSite = http.SameSiteNoneMode })},
	{"A signing key is too short", atStart, invalid(func(cfg *echofirestore.Config) { cfg.SigningKeys = [][]byte{[]byte("secret")} })},
	{"`CacheFor` without `SigningKeys`", atStart, invalid(func(cfg *echofirestore.Config) { cfg.CacheFor = 10 * time.Second })},

	{"There is no middleware", atRequest, func(t *testing.T) string { return newBareApp(t).sees(visits) }},
	{"There is no middleware, and a type assertion", atRequest, func(t *testing.T) string { return newBareApp(t).sees(set("n", 1)) }},
	{"The `Skipper` exempts the route", atRequest, handled(visits, func(cfg *echofirestore.Config) {
		cfg.Skipper = func(c echo.Context) bool { return strings.HasPrefix(c.Request().URL.Path, "/") }
	})},
	{"The middleware is installed with `e.Pre`", atRequest, func(t *testing.T) (sees string) {
		a := newBareApp(t)
		a.Pre(a.store.Middleware())
		a.GET("/", visits)
		defer func() { sees = fmt.Sprint("panic: ", recover()) }()
		a.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody))
		return ""
	}},
	{"A type assertion on what JSON has changed", atNext, func(t *testing.T) string {
		a := newBareApp(t)
		a.putSession("key", `{"roles": ["admin"]}`)
		return a.sees(func(c echo.Context) error {
			roles := session(c).Values["roles"].([]string)
			return c.JSON(http.StatusOK, roles)
		}, a.store.Middleware())
	}},
	{"A value cannot be stored", atRequest, handled(set("done", make(chan int)))},
	{"A session key is not a string", atRequest, handled(func(c echo.Context) error { session(c).Values[1] = 2; return nil })},
	{"The session is too large", atRequest, handled(set("avatar", strings.Repeat("x", 2<<20)))},
	{"A new session after the response has begun", atRequest, handled(func(c echo.Context) error {
		if _, err := io.WriteString(c.Response(), "Hello"); err != nil {
			return err
		}
		setOne(c)
		return nil
	})},
	{"A session is saved after it has ended", atRequest, func(t *testing.T) string {
		a := newBareApp(t)
		a.putSession("key", "{}")
		a.POST("/sign-out", echofirestore.Destroy, a.second.Middleware())
		return a.sees(func(c echo.Context) error {
			setOne(c)
			a.browser().post("/sign-out", withCookie("key"))
			return echofirestore.Save(c)
		}, a.store.Middleware())
	}},
	{"Middleware swallows the error", atRequest, func(t *testing.T) string {
		a := newBareApp(t)
		return a.sees(func(echo.Context) error { return io.ErrUnexpectedEOF }, swallow, a.store.Middleware())
	}},
	{"The client has gone", atRequest, func(t *testing.T) string {
		log := new(bytes.Buffer)
		a := newApp(t, func(cfg *echofirestore.Config) {
			cfg.Logger = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		})
		a.GET("/", visits)
		ctx, leave := context.WithCancel(t.Context())
		a.firestore.Inject(firestoretest.Fault{Method: "BatchGetDocuments", Do: leave, Delay: time.Hour})
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/", http.NoBody)
		withCookie("key")(r)
		a.ServeHTTP(httptest.NewRecorder(), r)
		return log.String()
	}},

	{"The emulator does not run", atTimeout, func(t *testing.T) string {
		a := newBareApp(t)
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Setenv("FIRESTORE_EMULATOR_HOST", listener.Addr().String())
		listener.Close()
		cfg := a.config
		cfg.Timeout = patience
		if cfg.Client, err = firestore.NewClient(t.Context(), "my-project"); err != nil {
			t.Fatal(err)
		}
		defer cfg.Client.Close()
		return a.sees(visits, echofirestore.Middleware(cfg))
	}},
	{"The account may not use the database", atRequest, refusedBy(codes.PermissionDenied, "Missing or insufficient permissions.")},
	{"The database does not exist", atRequest, refusedBy(codes.NotFound, "The database (default) does not exist for project my-project "+
		"Please visit https://console.cloud.google.com/datastore/setup?project=my-project to add a Cloud Datastore or Cloud Firestore database.")},
	{"Firestore has too much contention", atTimeout, func(t *testing.T) string {
		a := newBareApp(t, func(cfg *echofirestore.Config) { cfg.Timeout = patience })
		a.putSession("key", "{}")
		a.firestore.Inject(firestoretest.Fault{Method: "Commit", Times: -1, Err: aborted})
		return a.sees(visits, a.store.Middleware())
	}},
	{"There is no `UserKey`", atCall, func(t *testing.T) string {
		_, err := newBareApp(t).store.Sessions(t.Context(), "alice")
		return err.Error()
	}},
	{"There is no index on `user`", atCall, func(t *testing.T) string {
		a := newBareApp(t, func(cfg *echofirestore.Config) { cfg.UserKey = "user" })
		a.firestore.Inject(firestoretest.Fault{Method: "RunQuery", Err: status.Error(codes.FailedPrecondition,
			"The query requires an index. You can create it here: https://console.firebase.google.com/…")})
		_, err := a.store.Sessions(t.Context(), "alice")
		return err.Error()
	}},
	{"There is no TTL policy", late, func(t *testing.T) string {
		a := newApp(t)
		a.GET("/", visits)
		for range 3 {
			a.browser().get("/")
		}
		a.clock.Advance(30 * 24 * time.Hour)
		living := 0
		for _, err := range a.store.All(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			living++
		}
		return fmt.Sprintf("%d documents, %d living sessions", len(a.documents()), living)
	}},

	{"A `Secure` cookie over plain HTTP", atNext, func(t *testing.T) string {
		a := newApp(t, func(cfg *echofirestore.Config) { cfg.Secure = true })
		a.GET("/", visits)
		return visited(a.browserOf("http://app.test", directTransport{a.Echo}), "/", "/", "/")
	}},
	{"Another cookie name behind Firebase Hosting", atNext, func(t *testing.T) string {
		a := newApp(t, func(cfg *echofirestore.Config) { cfg.CookieName = "session" })
		a.GET("/", visits)
		b := a.browser()
		b.Transport = hosting{b.Transport}
		return visited(b, "/", "/", "/")
	}},
	{"Two stores share a cookie name", atNext, func(t *testing.T) string {
		a := newApp(t)
		cfg := a.config
		cfg.Collection = "admin_sessions"
		a.GET("/", visits)
		a.GET("/admin", visits, echofirestore.Middleware(cfg))
		return visited(a.browser(), "/", "/admin", "/")
	}},
	{"The signing keys were replaced", atNext, restarted(
		func(cfg *echofirestore.Config) { cfg.SigningKeys = [][]byte{[]byte(strings.Repeat("old ", 8)), nil} },
		func(cfg *echofirestore.Config) { cfg.SigningKeys = [][]byte{[]byte(strings.Repeat("new ", 8)), nil} },
	)},
	{"`HashKeys` was switched on", atNext, restarted(
		func(*echofirestore.Config) {},
		func(cfg *echofirestore.Config) { cfg.HashKeys = true },
	)},

	{"Sign-out deletes only the cookie", atNext, func(t *testing.T) string {
		a := newApp(t)
		a.GET("/", visits)
		a.POST("/sign-out", func(c echo.Context) error {
			c.SetCookie(&http.Cookie{Name: "__session", Path: "/", MaxAge: -1})
			return c.NoContent(http.StatusNoContent)
		})
		b, thief := a.browser(), a.browser()
		stolen := b.get("/").cookie("__session").Value
		b.post("/sign-out")
		return "GET / with the old cookie: " + thief.get("/", withCookie(stolen)).body
	}},
}

// swallow is middleware that forgets errors.
func swallow(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		_ = next(c)
		return nil
	}
}

// hosting removes the cookies that Firebase Hosting removes.
type hosting struct{ http.RoundTripper }

func (h hosting) RoundTrip(r *http.Request) (*http.Response, error) {
	cookies := r.Cookies()
	r = r.Clone(r.Context())
	r.Header.Del("Cookie")
	for _, cookie := range cookies {
		if cookie.Name == "__session" {
			r.AddCookie(cookie)
		}
	}
	return h.RoundTripper.RoundTrip(r)
}

// refusedBy returns the mistake that Firestore answers so.
func refusedBy(code codes.Code, message string) func(*testing.T) string {
	return func(t *testing.T) string {
		a := newBareApp(t)
		a.firestore.Inject(firestoretest.Fault{Times: -1, Err: status.Error(code, message)})
		return a.sees(visits, a.store.Middleware())
	}
}

// restarted returns the mistake of a change of the Config between the second and the third request of a browser.
func restarted(before, after func(*echofirestore.Config)) func(*testing.T) string {
	return func(t *testing.T) string {
		a := newBareApp(t, before)
		middleware := a.store.Middleware()
		a.GET("/", func(c echo.Context) error { return middleware(visits)(c) })
		b := a.browser()
		sees := visited(b, "/", "/")
		cfg := a.config
		after(&cfg)
		middleware = echofirestore.Middleware(cfg)
		return sees + "the program starts again\n" + visited(b, "/")
	}
}
