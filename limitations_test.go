package echofirestore_test

// What docs/limitations.md and the security page name as limits: nothing else can be done, and these tests show that it is so.

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/sessions"
	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
)

// TestFirstReadAfterTheEnd has a request under way whose session ends, or gets a new key, before its handler looks at it. To
// that handler the session is new; Ended tells. One that had read the session before leaves the cookie alone.
func TestFirstReadAfterTheEnd(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]echo.HandlerFunc{"Destroy": echofirestore.Destroy, "Renew": echofirestore.Renew} {
		for _, tt := range []struct {
			name        string
			readsBefore bool
			asksEnded   bool
			cookie      bool // the late response sets one
		}{
			{name: "read before", readsBefore: true},
			{name: "read after", cookie: true},
			{name: "read after, and asked", asksEnded: true},
		} {
			t.Run(name+"/"+tt.name, func(t *testing.T) {
				t.Parallel()
				a := newApp(t)
				b := a.browser()
				a.POST("/", set("user", "alice"))
				a.POST("/end", end)
				a.POST("/late", func(c echo.Context) error {
					if tt.readsBefore {
						_ = session(c)
					}
					if got := b.post("/end"); got.StatusCode != http.StatusOK {
						t.Errorf("status %d", got.StatusCode)
					}
					if sess := session(c); tt.asksEnded && a.store.Ended(sess) {
						return c.NoContent(http.StatusOK)
					}
					setOne(c)
					return c.NoContent(http.StatusOK)
				})
				b.post("/")
				if got := b.post("/late"); got.StatusCode != http.StatusOK || (got.cookie("__session") != nil) != tt.cookie {
					t.Errorf("status %d, cookie %v", got.StatusCode, got.cookie("__session"))
				}
			})
		}
	}
}

// TestLostRenewal has the client not get the response that bears the new key. Its old one is dead.
func TestLostRenewal(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	a.POST("/", set("user", "alice"))
	a.POST("/renew", echofirestore.Renew)
	a.GET("/", func(c echo.Context) error {
		return c.JSON(http.StatusOK, []any{session(c).Values["user"], a.store.Ended(session(c))})
	})
	key := a.browser().post("/").cookie("__session").Value
	a.browser().post("/renew", withCookie(key))
	if got := a.browser().get("/", withCookie(key)); got.body != "[null,true]\n" {
		t.Errorf("body %s", got.body)
	}
}

// TestLoweredMaxAge changes Config.MaxAge and Config.Lifetime between two deployments. The max age of a session is stored with
// it; its Lifetime is the Config's.
func TestLoweredMaxAge(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name      string
		configure func(*echofirestore.Config)
		handler   echo.HandlerFunc // at the new deployment
		alive     bool             // half an hour later
	}{
		{"MaxAge", func(cfg *echofirestore.Config) { cfg.MaxAge = 60 }, see, true},
		{"MaxAge, and a change", func(cfg *echofirestore.Config) { cfg.MaxAge = 60 }, set("n", 1), true},
		{"MaxAge, set for the session as well", func(cfg *echofirestore.Config) { cfg.MaxAge = 60 }, func(c echo.Context) error {
			session(c).Options.MaxAge = 60
			return nil
		}, false},
		{"Lifetime", func(cfg *echofirestore.Config) { cfg.Lifetime = time.Minute }, see, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			before := newApp(t)
			before.POST("/", set("user", "alice"))
			key := before.browser().post("/").cookie("__session").Value
			after := newApp(t, tt.configure, func(cfg *echofirestore.Config) { cfg.Client = before.client })
			after.POST("/", tt.handler)
			after.GET("/", see)
			after.browser().post("/", withCookie(key))
			after.clock.Advance(30 * time.Minute)
			if got := after.browser().get("/", withCookie(key)); strings.Contains(got.body, "alice") != tt.alive {
				t.Errorf("alive %v, want %v: %s", !tt.alive, tt.alive, got.body)
			}
		})
	}
}

// TestHeadersOfTheErrorResponse has middleware set headers outside of the session and inside. Those of the inside go with
// the handler's response.
func TestHeadersOfTheErrorResponse(t *testing.T) {
	t.Parallel()
	others := []echo.MiddlewareFunc{middleware.CORS(), middleware.RequestID(), middleware.Secure()}
	for _, outside := range []bool{true, false} {
		t.Run(fmt.Sprintf("outside: %v", outside), func(t *testing.T) {
			t.Parallel()
			a := newBareApp(t)
			if outside {
				a.Use(append(others, a.store.Middleware())...)
			} else {
				a.Use(append([]echo.MiddlewareFunc{a.store.Middleware()}, others...)...)
			}
			a.POST("/", set("n", 1))
			request := func(r *http.Request) { r.Header.Set("Origin", "https://elsewhere.example") }
			for status, fault := range map[int]error{http.StatusOK: nil, http.StatusServiceUnavailable: status.Error(codes.PermissionDenied, "no")} {
				if fault != nil {
					a.firestore.Inject(firestoretest.Fault{Method: "Commit", Err: fault})
				}
				got := a.browser().post("/", request)
				if got.StatusCode != status {
					t.Errorf("status %d, want %d", got.StatusCode, status)
				}
				for _, field := range []string{"Access-Control-Allow-Origin", "X-Request-Id", "X-Frame-Options"} {
					if want := outside || fault == nil; (got.Header.Get(field) != "") != want {
						t.Errorf("status %d: %s %q, wanted: %v", status, field, got.Header.Get(field), want)
					}
				}
			}
		})
	}
}

// TestTimeoutHandlerAroundEcho has net/http answer for a handler that is too slow. What that goes on to change in its session
// is saved although the client got the 503; a new session is saved, but no client has it.
func TestTimeoutHandlerAroundEcho(t *testing.T) {
	t.Parallel()
	for _, existing := range []bool{true, false} {
		t.Run(fmt.Sprintf("existing: %v", existing), func(t *testing.T) {
			t.Parallel()
			a := newApp(t)
			a.putSession("key", `{"user": "alice"}`)
			answered, returned := make(chan struct{}), make(chan struct{})
			a.POST("/", func(c echo.Context) error {
				<-answered
				setOne(c)
				return c.NoContent(http.StatusOK)
			})
			slow := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				defer close(returned)
				a.ServeHTTP(w, r)
			})
			req := httptest.NewRequest(http.MethodPost, "/", http.NoBody)
			if existing {
				req.Header.Set("Cookie", "__session=key")
			}
			rec := httptest.NewRecorder()
			http.TimeoutHandler(slow, time.Millisecond, "too slow").ServeHTTP(rec, req)
			close(answered)
			<-returned
			if rec.Code != http.StatusServiceUnavailable || rec.Header().Get("Set-Cookie") != "" {
				t.Errorf("status %d, headers %v", rec.Code, rec.Header())
			}
			if existing && a.values("key")["n"] != 1 {
				t.Errorf("values %v", a.values("key"))
			}
			if docs := a.documents(); !existing && len(docs) != 2 {
				t.Errorf("documents %v", docs)
			}
		})
	}
}

// TestServeFileAfterSave has net/http take back headers of a response, and with them the one that keeps it out of caches.
// Store.Handler puts that when the response begins.
func TestServeFileAfterSave(t *testing.T) {
	t.Parallel()
	for _, handled := range []bool{false, true} {
		a := newBareApp(t)
		var handler http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			sess, err := a.store.Get(r, "__session")
			if err != nil {
				t.Error(err)
			}
			sess.Values["n"] = 1
			if err := sess.Save(r, w); err != nil {
				t.Error(err)
			}
			http.ServeFile(w, r, "no-such-file")
		})
		if handled {
			handler = a.store.Handler(handler)
		}
		rec := httptest.NewRecorder()
		handler.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/", http.NoBody))
		want := ""
		if handled {
			want = "private, no-store"
		}
		if rec.Code != http.StatusNotFound || rec.Header().Get("Set-Cookie") == "" || rec.Header().Get("Cache-Control") != want {
			t.Errorf("Store.Handler %v: status %d, headers %v", handled, rec.Code, rec.Header())
		}
	}
}

// TestBinaryStrings stores what goth keeps in a session: gzip, in a string.
func TestBinaryStrings(t *testing.T) {
	t.Parallel()
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	if _, err := w.Write([]byte(`{"AuthURL":"https://provider.example"}`)); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name      string
		configure func(*echofirestore.Config)
		stored    bool
	}{
		{"JSON", func(*echofirestore.Config) {}, false},
		{"gob", func(cfg *echofirestore.Config) {
			cfg.Encoder, cfg.Decoder = echofirestore.EncodeGob, echofirestore.DecodeGob
		}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t, tt.configure)
			save := func(r *http.Request, w http.ResponseWriter, sess *sessions.Session) error {
				sess.Values["google"] = zipped.String()
				return sess.Save(r, w)
			}
			a.POST("/", func(c echo.Context) error {
				sess, err := a.store.Get(c.Request(), "_gothic_session")
				if err = errors.Join(err, save(c.Request(), c.Response(), sess)); (err == nil) != tt.stored {
					t.Errorf("error %v", err)
				}
				if err != nil && !strings.Contains(err.Error(), `"google"`) {
					t.Errorf("the error names no key: %v", err)
				}
				return c.NoContent(http.StatusNoContent)
			})
			a.GET("/", func(c echo.Context) error {
				sess, err := a.store.Get(c.Request(), "_gothic_session")
				if found := sess.Values["google"] == zipped.String(); found != tt.stored {
					t.Errorf("found: %v", found)
				}
				return err
			})
			b := a.browser()
			b.post("/")
			b.get("/")
		})
	}
}
