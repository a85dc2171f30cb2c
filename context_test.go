package echofirestore_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/labstack/echo/v4"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
)

// TestContextIsPutBack looks at an application's own context after the request: what it embeds is Echo's again.
func TestContextIsPutBack(t *testing.T) {
	t.Parallel()
	for name, handler := range map[string]echo.HandlerFunc{
		"answers": set("n", 1),
		"fails":   func(echo.Context) error { return echo.ErrTeapot },
		"panics":  func(echo.Context) error { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newBareApp(t)
			a.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
				return func(c echo.Context) error {
					custom := &customContext{c}
					defer func() {
						if custom.Context != c {
							t.Errorf("the context embeds a %T", custom.Context)
						}
					}()
					return next(custom)
				}
			}, a.store.Middleware(), a.store.Middleware())
			a.POST("/", handler)
			_, _ = a.browser().try(http.MethodPost, "/")
		})
	}
}

// TestResponseSeenOutside has middleware outside, which has an application's own context, look at the response when the
// handlers have returned.
func TestResponseSeenOutside(t *testing.T) {
	t.Parallel()
	aboutResponses(t)
	for name, handler := range map[string]echo.HandlerFunc{
		"200":           func(c echo.Context) error { return c.String(http.StatusOK, "handler's") },
		"500":           func(c echo.Context) error { return c.String(http.StatusInternalServerError, "handler's") },
		"503":           func(c echo.Context) error { return c.String(http.StatusServiceUnavailable, "handler's") },
		"error":         func(echo.Context) error { return echo.ErrInternalServerError },
		"not saved":     set("n", make(chan int)),
		"nothing saved": func(c echo.Context) error { session(c).Values["n"] = make(chan int); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newBareApp(t)
			var status, size int
			a.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
				return func(c echo.Context) error { return next(&customContext{c}) }
			}, func(next echo.HandlerFunc) echo.HandlerFunc {
				return func(c echo.Context) error {
					if err := next(c); err != nil {
						c.Error(err)
					}
					status, size = c.Response().Status, int(c.Response().Size)
					return nil
				}
			}, a.store.Middleware())
			a.POST("/", handler)
			if got := a.browser().post("/"); got.StatusCode != status || len(got.body) != size {
				t.Errorf("status %d and %d bytes seen; the client got %d and %q", status, size, got.StatusCode, got.body)
			}
		})
	}
}

// TestContextGivenAway has Echo give a context to another request while a handler still runs, as it does with one that its
// Timeout has abandoned. The handler's session cannot be loaded, or saved. The other request gets nothing of that.
func TestContextGivenAway(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		refused string           // method of Firestore
		before  echo.HandlerFunc // the context is given away
		after   echo.HandlerFunc
	}{
		{name: "not loaded, nobody told", refused: "BatchGetDocuments", after: func(c echo.Context) error { _ = session(c); return nil }},
		{name: "not loaded, returned", refused: "BatchGetDocuments", after: func(c echo.Context) error { _, err := echofirestore.Get(c); return err }},
		{name: "not saved", refused: "Commit", after: func(c echo.Context) error { setOne(c); return nil }},
		{name: "not saved, read before", refused: "Commit", before: func(c echo.Context) error { setOne(c); return nil }},
		{name: "not saved, returned", refused: "Commit", after: func(c echo.Context) error { setOne(c); return echofirestore.Save(c) }},
		{name: "not updated, returned", refused: "Commit", after: countOne},
		{name: "not ended, returned", refused: "Commit", after: echofirestore.Destroy},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := newBareApp(t)
			var echos echo.Context
			a.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
				return func(c echo.Context) error { echos = c; return next(c) }
			}, a.store.Middleware())
			other := httptest.NewRecorder()
			other.Header().Set("X-Other", "yes")
			a.POST("/", func(c echo.Context) error {
				if tt.before != nil {
					if err := tt.before(c); err != nil {
						t.Error(err)
					}
				}
				c.Reset(httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/other", http.NoBody), other)
				if tt.after != nil {
					return tt.after(c)
				}
				return nil
			})
			a.HTTPErrorHandler = func(error, echo.Context) {} // that of the other request, in which this one's error ends
			a.putSession("key", `{"user": "alice"}`)
			a.firestore.Inject(firestoretest.Fault{Method: tt.refused, Times: -1, Err: status.Error(codes.PermissionDenied, "no")})
			a.browser().post("/", withCookie("key"))
			if other.Header().Get("X-Other") != "yes" || len(other.Header()) != 1 || other.Body.Len() != 0 {
				t.Errorf("the other response has %v, %q", other.Header(), other.Body)
			}
			if sess := echos.Get(echofirestore.SessionKey); sess != nil {
				t.Errorf("the other request's error handler finds %v", sess)
			}
		})
	}
}

// TestContextKept has a goroutine keep the context of a request that is over, and Echo use it for another one. What the goroutine
// does to its request and its response does not reach those of the other one.
func TestContextKept(t *testing.T) {
	t.Parallel()
	a := newBareApp(t)
	var echos, kept echo.Context
	a.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error { echos = c; return next(c) }
	}, a.store.Middleware())
	a.POST("/", func(c echo.Context) error {
		kept = c
		_ = session(c)
		return c.NoContent(http.StatusNoContent)
	})
	a.putSession("key", `{"user": "alice"}`)
	a.browser().post("/", withCookie("key"))
	a.server.Close() // Echo has put the context back

	other, request := httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/other", http.NoBody)
	echos.Reset(request, other)
	sess := session(kept)
	sess.Values["n"] = 1
	if err := sess.Save(kept.Request(), kept.Response()); err != nil || a.values("key")["n"] != 1 {
		t.Errorf("error %v, values %v", err, a.values("key"))
	}
	kept.SetRequest(kept.Request().WithContext(t.Context()))
	kept.Response().Header().Set("X-Kept", "yes")
	if _, err := kept.Response().Write([]byte("kept's")); err == nil {
		t.Error("a write that goes nowhere has no error")
	}
	if len(other.Header()) > 0 || other.Body.Len() > 0 || echos.Request() != request {
		t.Errorf("the other response has %v, %q; its request is %s", other.Header(), other.Body, echos.Request().URL)
	}
}
