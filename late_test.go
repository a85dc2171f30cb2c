package echofirestore_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/gorilla/sessions"
	"github.com/labstack/echo/v4"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
)

// TestClientHangsUp has the client leave while the handler works: the session is saved all the same.
func TestClientHangsUp(t *testing.T) {
	t.Parallel()
	for _, around := range surroundings {
		if strings.HasPrefix(around.name, "Timeout") {
			continue // it abandons the handler
		}
		t.Run(around.name, func(t *testing.T) {
			t.Parallel()
			a := newBareApp(t)
			started, done := make(chan struct{}), make(chan struct{})
			a.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
				return func(c echo.Context) error {
					defer close(done)
					return next(c)
				}
			})
			a.Use(around.outside...)
			a.Use(a.store.Middleware())
			a.Use(around.inside...)
			a.POST("/", func(c echo.Context) error {
				session(c).Values["n"] = 1
				close(started)
				<-c.Request().Context().Done()
				return c.String(http.StatusOK, "nobody reads this")
			})
			a.put("key", map[string]any{"data": `{"created":1,"session":{"n":0}}`, "max_age": nil})
			ctx, hangUp := context.WithCancel(t.Context())
			go func() {
				<-started
				hangUp()
			}()
			_, err := a.browser().try(http.MethodPost, "/", withCookie("key"), func(r *http.Request) { *r = *r.WithContext(ctx) })
			if !errors.Is(err, context.Canceled) {
				t.Errorf("error %v", err)
			}
			<-done
			if got := a.values("key")["n"]; got != 1 {
				t.Errorf("n = %v, want 1", got)
			}
		})
	}
}

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
