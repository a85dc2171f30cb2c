package echofirestore_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/gorilla/sessions"
	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firesession"
	"github.com/echofirestore/echofirestore/internal/model"
)

// TestModel runs random histories of requests and faults on Echo.
func TestModel(t *testing.T) {
	t.Parallel()
	model.Run(t, func(cfg firesession.Config, handler func(model.Request) error) (http.Handler, error) {
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
			return nil, err
		}
		e := echo.New()
		e.Use(middleware.RecoverWithConfig(middleware.RecoverConfig{
			LogErrorFunc: func(_ echo.Context, err error, _ []byte) error { return err },
		}), sessions)
		e.POST("/", func(c echo.Context) error { return handler(modelRequest{c}) })
		return e, nil
	})
}

type modelRequest struct{ c echo.Context }

func (r modelRequest) Context() context.Context        { return r.c.Request().Context() }
func (r modelRequest) Get() (*sessions.Session, error) { return echofirestore.Get(r.c) }
func (r modelRequest) Session() *sessions.Session      { return session(r.c) }
func (r modelRequest) Save() error                     { return echofirestore.Save(r.c) }
func (r modelRequest) Destroy() error                  { return echofirestore.Destroy(r.c) }
func (r modelRequest) Renew() error                    { return echofirestore.Renew(r.c) }
func (r modelRequest) NoContent(status int) error      { return r.c.NoContent(status) }
func (r modelRequest) Update(fn func(*sessions.Session) error) error {
	return echofirestore.Update(r.c, fn)
}
