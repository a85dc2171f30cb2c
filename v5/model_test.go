package echofirestore_test

import (
	"net/http"
	"testing"

	"github.com/echofirestore/echofirestore/firesession"
	"github.com/echofirestore/echofirestore/internal/hosttest"
	"github.com/echofirestore/echofirestore/internal/leaktest"
	"github.com/echofirestore/echofirestore/internal/model"
	"github.com/labstack/echo/v5"
	"github.com/labstack/echo/v5/middleware"
)

// TestModel runs random histories of requests and faults.
func TestModel(t *testing.T) {
	t.Parallel()
	model.Run(t, newHost)
}

// TestLeaks looks for what requests leave behind.
func TestLeaks(t *testing.T) { //nolint:paralleltest // it measures the process
	leaktest.Run(t, newHost)
}

// newHost is a [model.Host].
func newHost(t testing.TB, cfg firesession.Config, handler model.Handler) http.Handler {
	t.Helper()
	stores := openStores(t, hosttest.App{Stores: []firesession.Config{cfg}}, nil)
	e := echo.New()
	e.Use(middleware.Recover(), stores[0].Middleware())
	e.POST("/", func(c *echo.Context) error { return handler(c.Response(), c.Request(), echoSessions{c, stores}) })
	return e
}
