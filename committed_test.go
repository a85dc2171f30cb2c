package echofirestore_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/gorilla/sessions"
	"github.com/labstack/echo/v4"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
)

// TestChangesAfterTheFirstByte changes sessions once their response has begun.
func TestChangesAfterTheFirstByte(t *testing.T) {
	t.Parallel()
	refused := &firestoretest.Fault{Method: "Commit", Times: -1, Err: status.Error(codes.PermissionDenied, "no")}
	for _, tt := range []struct {
		name     string
		existing bool
		before   bool // something is changed before the first byte
		after    func(*sessions.Session)
		fault    *firestoretest.Fault
		want     error  // that the middleware returns to those outside of it
		stored   string // part of what is stored; "": no document
	}{
		{name: "client has the key", existing: true, after: func(s *sessions.Session) { s.Values["n"] = 1 }, stored: `"n":1`},
		{
			name: "client has got the key with this response", before: true,
			after: func(s *sessions.Session) { s.Values["n"] = 1 }, stored: `{"m":1,"n":1}`,
		},
		{name: "client has no key", after: func(s *sessions.Session) { s.Values["n"] = 1 }, want: echofirestore.ErrCommitted},
		{name: "nothing changed", existing: true, after: func(*sessions.Session) {}, stored: `"user": "alice"`},
		{name: "ended", existing: true, after: func(s *sessions.Session) { s.Options.MaxAge = -1 }},
		{name: "renewed", existing: true, after: func(s *sessions.Session) { s.ID = "" }, want: echofirestore.ErrCommitted, stored: `"user": "alice"`},
		{
			name: "not saved", existing: true, after: func(s *sessions.Session) { s.Values["n"] = 1 }, fault: refused,
			want: refused.Err, stored: `"user": "alice"`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := newBareApp(t)
			a.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
				return func(c echo.Context) error {
					err := next(c)
					if !errors.Is(err, tt.want) || tt.want == nil && err != nil {
						t.Errorf("error %v, want %v", err, tt.want)
					}
					if told := strings.Contains(a.log.String(), "level=ERROR"); told != (tt.want != nil) {
						t.Errorf("log %q", a.log)
					}
					return err
				}
			}, a.store.Middleware())
			a.POST("/", func(c echo.Context) error {
				sess := session(c)
				if tt.before {
					sess.Values["m"] = 1
				}
				if _, err := io.WriteString(c.Response(), "begun"); err != nil {
					return err
				}
				tt.after(sess)
				return nil
			})
			var request []func(*http.Request)
			if tt.existing {
				a.put("key", map[string]any{"data": payload(a.clock.Now()), "max_age": nil})
				request = append(request, withCookie("key"))
			}
			if tt.fault != nil {
				a.firestore.Inject(*tt.fault)
			}
			if got := a.browser().post("/", request...); got.StatusCode != http.StatusOK || got.body != "begun" {
				t.Errorf("status %d, body %q", got.StatusCode, got.body)
			}
			docs := a.documents()
			if tt.stored == "" {
				if len(docs) != 0 {
					t.Errorf("documents %v", docs)
				}
				return
			}
			for _, doc := range docs {
				if data := doc["data"].(string); len(docs) != 1 || !strings.Contains(data, tt.stored) {
					t.Errorf("documents %v, want %s", docs, tt.stored)
				}
			}
		})
	}
}

// TestLateSaveSetsNoCookie saves explicitly once the response has begun. The header may be read by others by then.
func TestLateSaveSetsNoCookie(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		save func(*app, echo.Context, http.ResponseWriter) error
		want string // part of what is stored; "": no document
	}{
		{
			name: "changed", want: `"n":2`,
			save: func(_ *app, c echo.Context, w http.ResponseWriter) error {
				session(c).Values["n"] = 2
				return session(c).Save(c.Request(), w)
			},
		},
		{
			name: "ended",
			save: func(_ *app, c echo.Context, w http.ResponseWriter) error {
				session(c).Options.MaxAge = -1
				return session(c).Save(c.Request(), w)
			},
		},
		{
			name: "updated", want: `"n":2`,
			save: func(a *app, c echo.Context, w http.ResponseWriter) error {
				return a.store.Update(c.Request(), w, "__session", func(sess *sessions.Session) error {
					sess.Values["n"] = 2
					return nil
				})
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t)
			a.putSession("key", `{"n": 0}`)
			a.POST("/", func(c echo.Context) error {
				setOne(c) // which sets the cookie in time
				if err := c.String(http.StatusOK, "begun"); err != nil {
					return err
				}
				w := httptest.NewRecorder()
				if err := tt.save(a, c, w); err != nil {
					t.Error(err)
				}
				if len(w.Header()) != 0 {
					t.Errorf("header %v", w.Header())
				}
				return nil
			})
			if got := a.browser().post("/", withCookie("key")).cookie("__session"); got == nil || got.Value != "key" {
				t.Errorf("cookie %v", got)
			}
			docs := a.documents()
			if tt.want == "" && len(docs) != 0 || tt.want != "" && !strings.Contains(fmt.Sprint(docs), tt.want) {
				t.Errorf("documents %v, want %q", docs, tt.want)
			}
		})
	}
}

// TestLateRenewOfANewSession renews a session whose key has just gone out: the client has it, so it is no longer fresh.
func TestLateRenewOfANewSession(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	a.POST("/", func(c echo.Context) error {
		setOne(c)
		if err := c.String(http.StatusOK, "begun"); err != nil {
			return err
		}
		if err := echofirestore.Renew(c); !errors.Is(err, echofirestore.ErrCommitted) {
			t.Errorf("error %v, want ErrCommitted", err)
		}
		return nil
	})
	got := a.browser().post("/")
	if docs, cookie := a.documents(), got.cookie("__session"); len(docs) != 1 || cookie == nil || docs[cookie.Value] == nil {
		t.Errorf("documents %v, cookie %v", docs, cookie)
	}
}

// TestLateRenew renews when no cookie can be sent any more: that is refused, and keeps nothing else from being saved.
func TestLateRenew(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	a.putSession("key", `{"n": 0}`)
	a.POST("/", func(c echo.Context) error {
		if err := c.String(http.StatusOK, "begun"); err != nil {
			return err
		}
		if err := echofirestore.Renew(c); !errors.Is(err, echofirestore.ErrCommitted) {
			t.Errorf("error %v, want ErrCommitted", err)
		}
		setOne(c)
		return nil
	})
	if got := a.browser().post("/", withCookie("key")); got.StatusCode != http.StatusOK {
		t.Errorf("status %d", got.StatusCode)
	}
	if diff := cmp.Diff(map[string]any{"n": 1}, a.values("key")); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
}
