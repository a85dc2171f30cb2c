package echofirestore_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/gorilla/sessions"
	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
)

// customContext is a context of an application's own, as Echo's guide makes one.
type customContext struct {
	echo.Context
}

// customValue is one that is no pointer and embeds another.
type customValue struct {
	customContext
}

// surroundings are the middleware that an app may have around its sessions, or between them and the handler.
var surroundings = []struct {
	name            string
	outside, inside []echo.MiddlewareFunc
	check           func(echo.Context) error // in the handler
	unflushable     bool                     // a Flush panics here, with or without a session
}{
	{name: "bare"},
	{name: "Gzip outside", outside: []echo.MiddlewareFunc{middleware.Gzip()}},
	{name: "Gzip inside", inside: []echo.MiddlewareFunc{middleware.Gzip()}},
	{name: "Gzip of long bodies outside", outside: []echo.MiddlewareFunc{middleware.GzipWithConfig(middleware.GzipConfig{MinLength: 1000})}},
	{name: "Gzip of long bodies inside", inside: []echo.MiddlewareFunc{middleware.GzipWithConfig(middleware.GzipConfig{MinLength: 1000})}},
	{name: "BodyDump outside", outside: []echo.MiddlewareFunc{middleware.BodyDump(func(echo.Context, []byte, []byte) {})}},
	{name: "BodyDump inside", inside: []echo.MiddlewareFunc{middleware.BodyDump(func(echo.Context, []byte, []byte) {})}},
	{name: "ContextTimeout outside", outside: []echo.MiddlewareFunc{middleware.ContextTimeout(time.Minute)}},
	{name: "ContextTimeout inside", inside: []echo.MiddlewareFunc{middleware.ContextTimeout(time.Minute)}},
	{name: "Timeout outside", outside: []echo.MiddlewareFunc{middleware.TimeoutWithConfig(middleware.TimeoutConfig{Timeout: time.Minute})}, unflushable: true},
	{name: "Timeout inside", inside: []echo.MiddlewareFunc{middleware.TimeoutWithConfig(middleware.TimeoutConfig{Timeout: time.Minute})}, unflushable: true},
	{name: "RequestLogger outside", outside: []echo.MiddlewareFunc{middleware.RequestLoggerWithConfig(middleware.RequestLoggerConfig{
		HandleError:   true,
		LogValuesFunc: func(echo.Context, middleware.RequestLoggerValues) error { return nil },
	})}},
	{
		name: "custom context outside",
		outside: []echo.MiddlewareFunc{func(next echo.HandlerFunc) echo.HandlerFunc {
			return func(c echo.Context) error { return next(&customContext{c}) }
		}},
		check: func(c echo.Context) error {
			if _, ok := c.(*customContext); !ok {
				return fmt.Errorf("the context became a %T", c)
			}
			return nil
		},
	},
	{
		name: "custom context outside, a value that embeds another",
		outside: []echo.MiddlewareFunc{func(next echo.HandlerFunc) echo.HandlerFunc {
			return func(c echo.Context) error { return next(customValue{customContext{c}}) }
		}},
		check: func(c echo.Context) error {
			if _, ok := c.(customValue); !ok {
				return fmt.Errorf("the context became a %T", c)
			}
			return nil
		},
	},
	{
		name: "custom context inside",
		inside: []echo.MiddlewareFunc{func(next echo.HandlerFunc) echo.HandlerFunc {
			return func(c echo.Context) error { return next(&customContext{c}) }
		}},
		check: func(c echo.Context) error {
			if _, ok := c.(*customContext); !ok {
				return fmt.Errorf("the context became a %T", c)
			}
			return nil
		},
	},
	{name: "net/http middleware outside", outside: []echo.MiddlewareFunc{echo.WrapMiddleware(addHeader)}},
	{name: "net/http middleware inside", inside: []echo.MiddlewareFunc{echo.WrapMiddleware(addHeader)}},
}

// addHeader is a net/http middleware that wraps the writer, as many do.
func addHeader(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(struct{ passThrough }{passThrough{w}}, r)
	})
}

type passThrough struct{ http.ResponseWriter }

func (p passThrough) Unwrap() http.ResponseWriter { return p.ResponseWriter }

// errTeapot is an application's error, which its error handler answers with 418.
var errTeapot = errors.New("teapot")

// TestResponses runs every way to respond within all surroundings. Each handler sets the value n to 1. What the client
// sees and what is stored must agree: without a fault, and with a Firestore that refuses to save.
func TestResponses(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(file, []byte("<p>handler's</p>"), 0o600); err != nil {
		t.Fatal(err)
	}
	one := func(c echo.Context) { session(c).Values["n"] = 1 }
	recovering := []echo.MiddlewareFunc{middleware.RecoverWithConfig(middleware.RecoverConfig{DisableErrorHandler: false, LogLevel: 1, DisablePrintStack: true})}

	for _, row := range []struct {
		name    string
		method  string
		outside []echo.MiddlewareFunc
		handler echo.HandlerFunc
		status  int    // that the client sees; 0: the connection breaks
		body    string // part of what it sees
		unsaved bool   // nothing is to be saved
	}{
		{name: "writes nothing", status: 200, handler: func(c echo.Context) error { one(c); return nil }},
		{name: "JSON", status: 200, body: "handler's", handler: func(c echo.Context) error {
			one(c)
			return c.JSON(http.StatusOK, "handler's")
		}},
		{name: "stream", status: 200, body: "handler's", handler: func(c echo.Context) error {
			one(c)
			return c.Stream(http.StatusOK, "text/plain", strings.NewReader("handler's"))
		}},
		{name: "file", status: 200, body: "handler's", handler: func(c echo.Context) error {
			one(c)
			return echo.StaticFileHandler("f", fstest.MapFS{"f": {Data: []byte("handler's")}})(c)
		}},
		{name: "net/http handler", status: 201, body: "handler's", handler: func(c echo.Context) error {
			one(c)
			return echo.WrapHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Length", "9")
				w.WriteHeader(http.StatusCreated)
				_, _ = io.WriteString(w, "handler's")
			}))(c)
		}},
		{name: "redirect", status: 303, handler: func(c echo.Context) error {
			one(c)
			return c.Redirect(http.StatusSeeOther, "/elsewhere")
		}},
		{name: "HEAD", method: http.MethodHead, status: 200, handler: func(c echo.Context) error {
			one(c)
			return c.String(http.StatusOK, "handler's")
		}},
		{name: "204", status: 204, handler: func(c echo.Context) error { one(c); return c.NoContent(http.StatusNoContent) }},
		{name: "304", status: 304, handler: func(c echo.Context) error { one(c); return c.NoContent(http.StatusNotModified) }},
		{name: "writes 500", status: 500, unsaved: true, handler: func(c echo.Context) error {
			one(c)
			return c.String(http.StatusInternalServerError, "handler's")
		}},
		{name: "returns an error", status: 400, handler: func(c echo.Context) error { one(c); return echo.ErrBadRequest }},
		{name: "returns an error that stands for 500", status: 500, unsaved: true, handler: func(c echo.Context) error {
			one(c)
			return errors.New("trouble")
		}},
		{name: "returns an error to a handler that uses the session", status: 418, body: "n=1", handler: func(c echo.Context) error {
			one(c)
			return errTeapot
		}},
		{name: "returns an error to a handler that is first to use the session", status: 418, body: "n=1", handler: func(echo.Context) error {
			return errTeapot
		}},
		{name: "panics within Recover", status: 500, unsaved: true, outside: recovering, handler: func(c echo.Context) error {
			one(c)
			panic("trouble")
		}},
		{name: "panics", unsaved: true, handler: func(c echo.Context) error {
			one(c)
			panic(http.ErrAbortHandler)
		}},
		{name: "flushes first", status: 200, body: "data: handler's", handler: func(c echo.Context) error {
			one(c)
			c.Response().Header().Set("Content-Type", "text/event-stream")
			c.Response().Flush()
			_, err := io.WriteString(c.Response(), "data: handler's\n\n")
			c.Response().Flush()
			return err
		}},
		{name: "goes on changing the session", status: 200, body: "handler's", handler: func(c echo.Context) error {
			session(c).Values["m"] = 1
			if _, err := io.WriteString(c.Response(), "handler's"); err != nil {
				return err
			}
			one(c)
			return nil
		}},
		{name: "replaces the request", status: 200, body: "handler's", handler: func(c echo.Context) error {
			type key struct{}
			c.SetRequest(c.Request().WithContext(context.WithValue(c.Request().Context(), key{}, 1)))
			one(c)
			return c.String(http.StatusOK, "handler's")
		}},
		{name: "uses the session from several goroutines", status: 200, body: "handler's", handler: func(c echo.Context) error {
			var wg sync.WaitGroup
			for range 4 {
				wg.Go(func() { _, _ = echofirestore.Get(c) })
				wg.Go(func() { _ = session(c) })
			}
			wg.Wait()
			one(c)
			return c.String(http.StatusOK, "handler's")
		}},
	} {
		for _, around := range surroundings {
			if around.unflushable && row.name == "flushes first" {
				continue
			}
			for _, broken := range []bool{false, true} {
				name := fmt.Sprintf("%s/%s/broken=%v", row.name, around.name, broken)
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					a := newBareApp(t)
					a.Logger.SetOutput(io.Discard)
					a.HTTPErrorHandler = func(err error, c echo.Context) {
						if !errors.Is(err, errTeapot) || c.Response().Committed {
							a.DefaultHTTPErrorHandler(err, c)
							return
						}
						sess, err := echofirestore.Get(c)
						if err != nil {
							t.Error(err)
						}
						sess.Values["n"] = 1
						_ = c.String(http.StatusTeapot, fmt.Sprintf("n=%v", sess.Values["n"]))
					}
					a.Use(row.outside...)
					a.Use(around.outside...)
					a.Use(a.store.Middleware())
					a.Use(around.inside...)
					a.Any("/", func(c echo.Context) error {
						c.Response().Header().Set("X-Handler", "yes")
						if around.check != nil {
							if err := around.check(c); err != nil {
								t.Error(err)
							}
						}
						return row.handler(c)
					})
					a.put("key", map[string]any{"data": `{"created":1,"session":{"n":0}}`, "max_age": nil})
					if broken {
						a.firestore.Inject(firestoretest.Fault{Method: "Commit", Times: -1, Err: status.Error(codes.PermissionDenied, "no")})
					}

					method := row.method
					if method == "" {
						method = http.MethodPost
					}
					got, err := a.browser().try(method, "/", withCookie("key"))
					if row.status == 0 {
						if err == nil {
							t.Errorf("status %d, want a broken connection", got.StatusCode)
						}
					} else if err != nil {
						t.Fatal(err)
					}
					wantStatus, wantBody, saved := row.status, row.body, !row.unsaved && !broken
					if broken && !row.unsaved {
						wantStatus, wantBody = http.StatusServiceUnavailable, "Service Unavailable"
						if method == http.MethodHead {
							wantBody = ""
						}
						if strings.Contains(got.body, "handler's") || got.Header.Get("X-Handler") != "" || got.cookie("__session") != nil {
							t.Errorf("the client saw what was not saved: %v %q", got.Header, got.body)
						}
						if got.ContentLength >= 0 && method != http.MethodHead && got.ContentLength != int64(len(got.body)) && !got.Uncompressed {
							t.Errorf("Content-Length %d of %q", got.ContentLength, got.body)
						}
					}
					if wantStatus != 0 && (got.StatusCode != wantStatus || !strings.Contains(got.body, wantBody)) {
						t.Errorf("status %d, body %q; want %d, %q", got.StatusCode, got.body, wantStatus, wantBody)
					}
					if saved && wantStatus != 0 && got.cookie("__session") == nil {
						t.Error("saved, but no cookie")
					}
					data := a.documents()["key"]["data"].(string)
					if strings.Contains(data, `"n":1`) != saved {
						t.Errorf("stored %s, want it saved: %v", data, saved)
					}
				})
			}
		}
	}
}

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
