package firesession_test

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/gorilla/sessions"

	"github.com/echofirestore/echofirestore/firesession"
	"github.com/echofirestore/echofirestore/internal/model"
)

// TestModel runs random histories of requests and faults on net/http.
func TestModel(t *testing.T) {
	t.Parallel()
	model.Run(t, func(cfg firesession.Config, handler func(model.Request) error) (http.Handler, error) {
		store, err := firesession.NewStore(cfg)
		if err != nil {
			return nil, err
		}
		return recovering(store.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch err := handler(modelRequest{w, r}); {
			case err == nil:
			case errors.Is(err, model.ErrHandler):
				w.WriteHeader(http.StatusInternalServerError)
			case errors.Is(err, firesession.ErrGone):
				w.WriteHeader(http.StatusConflict)
			default:
				w.WriteHeader(http.StatusServiceUnavailable)
			}
		}))), nil
	})
}

// recovering answers for handlers that panic.
func recovering(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if recover() != nil {
				w.WriteHeader(http.StatusInternalServerError)
			}
		}()
		next.ServeHTTP(w, r)
	})
}

type modelRequest struct {
	w http.ResponseWriter
	r *http.Request
}

func (r modelRequest) Context() context.Context        { return r.r.Context() }
func (r modelRequest) Get() (*sessions.Session, error) { return firesession.Get(r.r) }
func (r modelRequest) Session() *sessions.Session      { return firesession.Session(r.r) }
func (r modelRequest) Save() error                     { return firesession.Save(r.r) }
func (r modelRequest) Destroy() error                  { return firesession.Destroy(r.r) }
func (r modelRequest) Renew() error                    { return firesession.Renew(r.r) }
func (r modelRequest) NoContent(status int) error      { r.w.WriteHeader(status); return nil }
func (r modelRequest) Update(fn func(*sessions.Session) error) error {
	return firesession.Update(r.r, fn)
}
