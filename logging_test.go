package echofirestore_test

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
)

// TestLoggerMayUseTheSession has the Logger's handler use the session of the request that it logs for, in every way, at
// everything that is logged: nothing waits for itself, and nothing is logged for what the handler itself does.
func TestLoggerMayUseTheSession(t *testing.T) {
	t.Parallel()
	aboutResponses(t)
	type contextKey struct{}
	begin := func(c echo.Context) error { _, err := io.WriteString(c.Response(), "begun"); return err }
	destroyed := func(a *app) error { _, err := a.collection().Doc("key").Delete(a.t.Context()); return err }
	refused := func(method string) *firestoretest.Fault {
		return &firestoretest.Fault{Method: method, Times: -1, Err: status.Error(codes.PermissionDenied, "no")}
	}
	uses := map[string]func(*app, echo.Context){
		"SessionID": func(a *app, c echo.Context) {
			if sess, err := echofirestore.Get(c); err == nil {
				_ = a.store.SessionID(sess)
			}
		},
		"Ended": func(a *app, c echo.Context) {
			if sess, err := echofirestore.Get(c); err == nil {
				_ = a.store.Ended(sess)
			}
		},
		"Get":     func(_ *app, c echo.Context) { _, _ = echofirestore.Get(c) },
		"Save":    func(_ *app, c echo.Context) { _ = echofirestore.Save(c) },
		"Update":  func(_ *app, c echo.Context) { _ = countOne(c) },
		"Renew":   func(_ *app, c echo.Context) { _ = echofirestore.Renew(c) },
		"Refresh": func(_ *app, c echo.Context) { _ = echofirestore.Refresh(c) },
		"Destroy": func(_ *app, c echo.Context) { _ = echofirestore.Destroy(c) },
		"the session's Save": func(_ *app, c echo.Context) {
			if sess, err := echofirestore.Get(c); err == nil {
				_ = sess.Save(c.Request(), c.Response())
			}
		},
	}
	for _, tt := range []struct {
		message  string
		then     []string // further messages
		when     string
		document map[string]any // instead of a session
		keys     func() string  // Config.KeyFactory
		fault    *firestoretest.Fault
		handler  func(*app, echo.Context) error
	}{
		{
			message: "session keys of Config.KeyFactory are short, and may be guessed", keys: func() string { return rand.Text()[:8] },
			handler: func(_ *app, c echo.Context) error { return echofirestore.Renew(c) },
		},
		{
			message: "session keys of Config.KeyFactory are short, and may be guessed", when: "by Save", keys: func() string { return rand.Text()[:8] },
			handler: func(_ *app, c echo.Context) error { return errors.Join(echofirestore.Renew(c), echofirestore.Save(c)) },
		},
		{
			message: "session document ignored", then: []string{"session is new"}, document: map[string]any{"data": "malformed"},
			handler: func(_ *app, c echo.Context) error { _ = session(c); return nil },
		},
		{
			message: "session not loaded",
			fault:   &firestoretest.Fault{Method: "BatchGetDocuments", Err: status.Error(codes.PermissionDenied, "once")},
			handler: func(_ *app, c echo.Context) error { _ = session(c); return nil },
		},
		{
			message: "session document ignored", when: "by Refresh",
			handler: func(a *app, c echo.Context) error {
				_ = session(c)
				a.put("key", map[string]any{"data": "malformed"})
				_ = echofirestore.Refresh(c)
				return nil
			},
		},
		{
			message: "session not loaded", when: "by Refresh",
			handler: func(a *app, c echo.Context) error {
				_ = session(c)
				failLoad(a)
				_ = echofirestore.Refresh(c)
				return nil
			},
		},
		{
			message: "session not extended", fault: refused("Commit"),
			handler: func(a *app, c echo.Context) error { _ = session(c); a.clock.Advance(30 * time.Minute); return nil },
		},
		{
			message: "session not extended", when: "by Save",
			fault: &firestoretest.Fault{Method: "Commit", Err: status.Error(codes.PermissionDenied, "once")},
			handler: func(a *app, c echo.Context) error {
				_ = session(c)
				a.clock.Advance(30 * time.Minute)
				return echofirestore.Save(c)
			},
		},
		{
			message: "session not saved", fault: refused("Commit"),
			handler: func(_ *app, c echo.Context) error { setOne(c); return nil },
		},
		{
			message: "session not saved", when: "before a response", fault: refused("Commit"),
			handler: func(_ *app, c echo.Context) error { setOne(c); return c.NoContent(http.StatusOK) },
		},
		{
			message: "session not saved", when: "late in a stream", fault: refused("Commit"),
			handler: func(_ *app, c echo.Context) error {
				_ = session(c)
				err := begin(c)
				setOne(c)
				return err
			},
		},
		{
			message: "changes of an ended session dropped",
			handler: func(a *app, c echo.Context) error { setOne(c); return destroyed(a) },
		},
		{
			message: "changes of an ended session dropped", when: "late in a stream",
			handler: func(a *app, c echo.Context) error {
				_ = session(c)
				err := errors.Join(begin(c), destroyed(a))
				setOne(c)
				return err
			},
		},
		{
			message: "cache headers of a response that sets a session cookie replaced by private, no-store",
			handler: func(_ *app, c echo.Context) error {
				setOne(c)
				c.Response().Header().Set("Cache-Control", "public")
				return c.NoContent(http.StatusOK)
			},
		},
		{
			message: "cache headers of a response that sets a session cookie replaced by private, no-store", when: "by Save",
			handler: func(_ *app, c echo.Context) error {
				setOne(c)
				c.Response().Header().Set("Cache-Control", "public")
				return echofirestore.Save(c)
			},
		},
	} {
		for name, use := range uses {
			t.Run(tt.message+" "+tt.when+"/"+name, func(t *testing.T) {
				t.Parallel()
				var a *app
				var mu sync.Mutex
				var logged []string
				a = newBareApp(t, func(cfg *echofirestore.Config) {
					cfg.TouchAfter, cfg.KeyFactory = time.Minute, tt.keys
					cfg.Logger = slog.New(logger(func(ctx context.Context, message string) {
						mu.Lock()
						logged = append(logged, message)
						n := len(logged)
						mu.Unlock()
						if n < 10 { // else it would never end
							use(a, ctx.Value(contextKey{}).(echo.Context))
						}
					}))
				})
				a.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
					return func(c echo.Context) error {
						c.SetRequest(c.Request().WithContext(context.WithValue(c.Request().Context(), contextKey{}, c)))
						return next(c)
					}
				}, a.store.Middleware())
				a.POST("/", func(c echo.Context) error { return tt.handler(a, c) })
				document := tt.document
				if document == nil {
					document = map[string]any{"data": payload(a.clock.Now()), "max_age": 3600, "expire": a.clock.Now().Add(time.Hour)}
				}
				a.put("key", document)
				if tt.fault != nil {
					a.firestore.Inject(*tt.fault)
				}
				b := a.browser()
				b.Timeout = 5 * time.Second
				if _, err := b.try(http.MethodPost, "/", withCookie("key")); errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("it hangs: %v", err)
				}
				mu.Lock()
				defer mu.Unlock()
				if !slices.Equal(logged, append([]string{tt.message}, tt.then...)) {
					t.Errorf("logged %q", logged)
				}
			})
		}
	}
}

// logger is a [slog.Handler] that calls a function with each message.
type logger func(context.Context, string)

func (logger) Enabled(context.Context, slog.Level) bool { return true }
func (l logger) Handle(ctx context.Context, r slog.Record) error {
	l(ctx, r.Message)
	return nil
}
func (l logger) WithAttrs([]slog.Attr) slog.Handler { return l }
func (l logger) WithGroup(string) slog.Handler      { return l }
