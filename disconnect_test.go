package echofirestore_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
)

// TestClientHangsUp has the client leave while the handler works: the session is saved all the same.
func TestClientHangsUp(t *testing.T) {
	t.Parallel()
	aboutResponses(t)
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

// TestClientThatLeavesIsNoError has the client go away while its session is read: Firestore has not failed.
func TestClientThatLeavesIsNoError(t *testing.T) {
	t.Parallel()
	log := new(syncBuffer)
	a := newApp(t, func(cfg *echofirestore.Config) {
		cfg.Logger = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	a.GET("/", see)
	a.putSession("key", "{}")
	ctx, leave := context.WithCancel(t.Context())
	a.firestore.Inject(firestoretest.Fault{Method: "BatchGetDocuments", Do: leave, Delay: time.Hour})
	req := httptest.NewRequestWithContext(ctx, http.MethodGet, "/", http.NoBody)
	req.AddCookie(&http.Cookie{Name: "__session", Value: "key"})
	a.ServeHTTP(httptest.NewRecorder(), req)
	if got := log.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, `level=DEBUG msg="session not loaded"`) {
		t.Errorf("log %s", got)
	}
}
