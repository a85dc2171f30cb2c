package echofirestore_test

import (
	"net/http"
	"testing"

	"github.com/gorilla/sessions"
	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firesession"
	"github.com/echofirestore/echofirestore/internal/leaktest"
	"github.com/echofirestore/echofirestore/internal/model"
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

// newHost returns an Echo for package model.
func newHost(t testing.TB, cfg firesession.Config, handler model.Handler) http.Handler {
	t.Helper()
	sessions, err := echofirestore.Config{
		Client:     cfg.Client,
		Collection: cfg.Collection,
		KeyFactory: cfg.KeyFactory,
		MaxAge:     cfg.MaxAge,
		TouchAfter: cfg.TouchAfter,
		UserKey:    cfg.UserKey,
		HashKeys:   cfg.HashKeys,
		Logger:     cfg.Logger,
		Now:        cfg.Now,
	}.ToMiddleware()
	if err != nil {
		t.Fatal(err)
	}
	e := echo.New()
	e.Use(middleware.RecoverWithConfig(middleware.RecoverConfig{
		LogErrorFunc: func(_ echo.Context, err error, _ []byte) error { return err },
	}), sessions)
	e.POST("/", func(c echo.Context) error { return handler(c.Response(), c.Request(), hostSessions{c}) })
	return e
}

type hostSessions struct{ c echo.Context }

func (s hostSessions) Get() (*sessions.Session, error) { return echofirestore.Get(s.c) }
func (s hostSessions) Session() *sessions.Session      { return session(s.c) }
func (s hostSessions) Save() error                     { return echofirestore.Save(s.c) }
func (s hostSessions) Destroy() error                  { return echofirestore.Destroy(s.c) }
func (s hostSessions) Renew() error                    { return echofirestore.Renew(s.c) }

func (s hostSessions) Update(fn func(*sessions.Session) error) error {
	return echofirestore.Update(s.c, fn)
}
