package echofirestore_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"cloud.google.com/go/firestore"
	"github.com/gorilla/sessions"
	contrib "github.com/labstack/echo-contrib/session"
	"github.com/labstack/echo/v4"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
	"github.com/echofirestore/echofirestore/internal/bubble"
	"github.com/echofirestore/echofirestore/internal/emulator"
	"github.com/echofirestore/echofirestore/internal/testclock"
)

// TestTimeout has Firestore not answer, or refuse until the time is over. The error says how long what did not answer, has
// a gRPC status, and is context.DeadlineExceeded.
func TestTimeout(t *testing.T) {
	t.Parallel()
	const database = "Firestore (…)" // as it is called below
	silence := error(nil)
	refused := func(code codes.Code) error { return status.Error(code, "refused") }
	for _, tt := range []struct {
		name   string
		writer string
		method string
		err    error // nil for no answer
		code   codes.Code
		want   []string
	}{
		{"load, no answer", "update", "BatchGetDocuments", silence, codes.DeadlineExceeded, []string{"load session: " + database + " did not answer within 10s"}},
		{"create, no answer", "create", "Commit", silence, codes.DeadlineExceeded, []string{"create session: " + database + " did not answer within 10s"}},
		{"update, no answer", "update", "Commit", silence, codes.DeadlineExceeded, []string{"save session: " + database + " did not answer within 10s"}},
		{"renew, no answer", "renew", "Commit", silence, codes.DeadlineExceeded, []string{"renew session: " + database + " did not answer within 10s"}},
		{"destroy, no answer", "destroy", "Commit", silence, codes.DeadlineExceeded, []string{"delete session: " + database + " did not answer within 10s"}},
		{"list, no answer", "Revoke", "RunQuery", silence, codes.DeadlineExceeded, []string{"list sessions: " + database + " did not answer within 10s"}},
		{"sweep, no answer", "RevokeUser", "Commit", silence, codes.DeadlineExceeded, []string{"revoke sessions: " + database + " did not answer within 10s"}},
		{"create, quota", "create", "Commit", refused(codes.ResourceExhausted), codes.DeadlineExceeded, []string{database + " did not answer within", "RESOURCE_EXHAUSTED"}},
		{"create, unavailable", "create", "Commit", refused(codes.Unavailable), codes.DeadlineExceeded, []string{database + " did not answer within", "UNAVAILABLE"}},
		{"sweep, unavailable", "RevokeUser", "Commit", refused(codes.Unavailable), codes.DeadlineExceeded, []string{database + " did not answer within", "UNAVAILABLE"}},
		{"load, quota", "update", "BatchGetDocuments", refused(codes.ResourceExhausted), codes.ResourceExhausted, []string{"load session: " + database + ": rpc error: code = ResourceExhausted desc = refused"}},
		{"load, unavailable", "update", "BatchGetDocuments", refused(codes.Unavailable), codes.Unavailable, []string{database, "code = Unavailable desc = refused"}},
		{"list, unavailable", "Revoke", "RunQuery", refused(codes.Unavailable), codes.Unavailable, []string{database + " failed for", "code = Unavailable desc = refused"}},
		{"load, refused", "update", "BatchGetDocuments", refused(codes.PermissionDenied), codes.PermissionDenied, []string{database + ": rpc error: code = PermissionDenied desc = refused"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			n := bubble.NewNetwork(t)
			where := "Firestore (project " + n.Server.Project() + ", database (default)"
			if host := emulator.Host(); host != "" {
				where += ", emulator " + host
			}
			where += ")"
			synctest.Test(t, func(t *testing.T) {
				w := writers[slices.IndexFunc(writers, func(w writer) bool { return w.name == tt.writer })]
				start := time.Now()
				got, err := w.serve(t, n, func() {
					if n.Silent = tt.method; tt.err != nil {
						n.Silent = ""
						n.Server.Inject(firestoretest.Fault{Method: tt.method, Times: -1, Err: tt.err})
					}
				})
				t.Logf("%d after %v: %v", got.Code, time.Since(start), err)
				if got.Code != http.StatusServiceUnavailable || status.Code(err) != tt.code || time.Since(start) > 11*time.Second {
					t.Errorf("status %d, code %v after %v", got.Code, status.Code(err), time.Since(start))
				}
				if late := tt.code == codes.DeadlineExceeded || strings.HasPrefix(tt.name, "list"); errors.Is(err, context.DeadlineExceeded) != late {
					t.Errorf("is context.DeadlineExceeded: %v, want %v", !late, late)
				}
				for _, want := range tt.want {
					want = strings.Replace(want, database, where, 1)
					if err == nil || !strings.Contains(err.Error(), want) {
						t.Errorf("error %v, want %q", err, want)
					}
				}
			})
		})
	}
}

// TestTimeoutOfAnExtendedSession has Firestore not answer the save of a session whose copy has expired, and which another
// request has extended. That is a time-out like others: no request stood in the way.
func TestTimeoutOfAnExtendedSession(t *testing.T) {
	t.Parallel()
	n := bubble.NewNetwork(t)
	synctest.Test(t, func(t *testing.T) {
		clock := testclock.New()
		store, err := echofirestore.NewStore(echofirestore.Config{
			Client: n.Client, MaxAge: 3600, Now: clock.Now, Logger: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			t.Fatal(err)
		}
		doc := n.Client.Collection(echofirestore.DefaultCollection).Doc("key")
		extend := func() {
			now := clock.Now()
			if _, err := doc.Set(t.Context(), map[string]any{"data": payload(now), "max_age": 3600, "expire": now.Add(time.Hour)}); err != nil {
				t.Fatal(err)
			}
		}
		extend()
		e := echo.New()
		e.Use(store.Middleware())
		e.GET("/", func(c echo.Context) error {
			setOne(c)
			clock.Advance(40 * time.Minute)
			extend()
			clock.Advance(40 * time.Minute)
			n.Silent = "Commit"
			err := echofirestore.Save(c)
			if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, echofirestore.ErrConflict) {
				t.Errorf("error %v", err)
			}
			return err
		})
		req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
		req.AddCookie(&http.Cookie{Name: "__session", Value: "key"})
		e.ServeHTTP(httptest.NewRecorder(), req)
	})
}

// TestTimeoutOfAnotherRead has Firestore not answer when a session is read once more. That is a time-out like others: no other
// request has changed the session.
func TestTimeoutOfAnotherRead(t *testing.T) {
	t.Parallel()
	for _, do := range []string{"an Update that refuses", "an Update that changes nothing", "a save of a copy that has expired", "Refresh"} {
		t.Run(do, func(t *testing.T) {
			t.Parallel()
			n := bubble.NewNetwork(t)
			synctest.Test(t, func(t *testing.T) {
				a := newCachedBubbleApp(t, n)
				refused := errors.New("refused")
				var err error
				a.POST("/", func(c echo.Context) error {
					sess := session(c)
					n.Silent = "BatchGetDocuments"
					defer func() { n.Silent = "" }()
					switch do {
					case "an Update that refuses":
						err = echofirestore.Update(c, func(*sessions.Session) error { return refused })
					case "an Update that changes nothing":
						err = echofirestore.Update(c, func(*sessions.Session) error { return nil })
					case "Refresh":
						err = echofirestore.Refresh(c)
					default:
						sess.Values["b"] = 1
						a.clock.Advance(time.Hour)
						err = echofirestore.Save(c)
					}
					return c.NoContent(http.StatusInternalServerError)
				})
				client := a.browser()
				client.post("/set/a")
				client.post("/")
				if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, echofirestore.ErrConflict) ||
					!strings.Contains(err.Error(), "did not answer within 10s") {
					t.Errorf("error %v", err)
				}
			})
		})
	}
}

// TestUnreachable makes clients as applications do, of a database that nobody serves, and looks at what the log says. Requests
// that need no session are served.
func TestUnreachable(t *testing.T) {
	const host = "127.0.0.1:9" // discard
	t.Setenv("FIRESTORE_EMULATOR_HOST", host)
	client, err := firestore.NewClientWithDatabase(t.Context(), "demo", "sessions")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	log := new(syncBuffer)
	e := echo.New()
	e.Use(echofirestore.Middleware(echofirestore.Config{
		Client: client, Timeout: 100 * time.Millisecond, Logger: slog.New(slog.NewTextHandler(log, nil)),
	}))
	e.GET("/", set("n", 1))
	e.GET("/untouched", func(c echo.Context) error { return c.NoContent(http.StatusNoContent) })
	for name, key := range map[string]string{"load": "key", "create": ""} {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
		if key != "" {
			req.AddCookie(&http.Cookie{Name: "__session", Value: key})
		}
		before := log.String()
		rec := httptest.NewRecorder()
		e.ServeHTTP(rec, req)
		line := strings.TrimPrefix(log.String(), before)
		if rec.Code != http.StatusServiceUnavailable {
			t.Errorf("%s: status %d", name, rec.Code)
		}
		// It is 100ms, and whatever the machine is late.
		want := regexp.MustCompile(regexp.QuoteMeta("Firestore (project demo, database sessions, emulator "+host+") did not answer within ") + `(\d{3}ms|\d\.\d+s)`)
		if !want.MatchString(line) {
			t.Errorf("%s: %q is not in the log: %s", name, want, line)
		}
	}
	req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/untouched", http.NoBody)
	req.AddCookie(&http.Cookie{Name: "__session", Value: "key"})
	rec := httptest.NewRecorder()
	if e.ServeHTTP(rec, req); rec.Code != http.StatusNoContent {
		t.Errorf("untouched: status %d", rec.Code)
	}
}

// TestFailedLoadIsLogged has the read of a session fail, for everyone who may ask for it: it is in the log, once.
func TestFailedLoadIsLogged(t *testing.T) {
	t.Parallel()
	for name, handler := range map[string]func(c echo.Context, s *echofirestore.Store){
		"Get": func(c echo.Context, _ *echofirestore.Store) { _, _ = echofirestore.Get(c) },
		"Get, twice": func(c echo.Context, _ *echofirestore.Store) {
			_, _ = echofirestore.Get(c)
			_, _ = echofirestore.Get(c)
		},
		"c.Get":               func(c echo.Context, _ *echofirestore.Store) { _ = session(c) },
		"c.Get, and a change": func(c echo.Context, _ *echofirestore.Store) { session(c).Values["n"] = 1 },
		"Update":              func(c echo.Context, _ *echofirestore.Store) { _ = countOne(c) },
		"Renew":               func(c echo.Context, _ *echofirestore.Store) { _ = echofirestore.Renew(c) },
		"echo-contrib":        func(c echo.Context, _ *echofirestore.Store) { _, _ = contrib.Get("__session", c) },
		"Store.Get":           func(c echo.Context, s *echofirestore.Store) { _, _ = s.Get(c.Request(), "__session") },
		"Store.New":           func(c echo.Context, s *echofirestore.Store) { _, _ = s.New(c.Request(), "__session") },
		"Store.Get, no context": func(c echo.Context, s *echofirestore.Store) {
			_, _ = s.Get(c.Request().WithContext(context.Background()), "__session")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t)
			a.GET("/", func(c echo.Context) error { handler(c, a.store); return nil })
			a.putSession("the-secret-key", "{}")
			a.firestore.Inject(firestoretest.Fault{Method: "BatchGetDocuments", Times: -1, Err: status.Error(codes.PermissionDenied, "no")})
			a.browser().get("/", withCookie("the-secret-key"))
			log := a.log.String()
			if strings.Count(log, "\n") != 1 || !strings.Contains(log, `level=ERROR msg="session not loaded" error="echofirestore: load session: `) ||
				strings.Contains(log, "secret") {
				t.Errorf("log %s", log)
			}
		})
	}
}
