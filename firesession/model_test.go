package firesession_test

import (
	"net/http"
	"testing"

	"github.com/gorilla/sessions"

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

// newHost returns a server for package model.
func newHost(t testing.TB, cfg firesession.Config, handler model.Handler) http.Handler {
	t.Helper()
	store, err := firesession.NewStore(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return store.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := handler(w, r, hostSessions{r}); err != nil {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
}

type hostSessions struct{ r *http.Request }

func (s hostSessions) Get() (*sessions.Session, error) { return firesession.Get(s.r) }
func (s hostSessions) Session() *sessions.Session      { return firesession.Session(s.r) }
func (s hostSessions) Save() error                     { return firesession.Save(s.r) }
func (s hostSessions) Destroy() error                  { return firesession.Destroy(s.r) }
func (s hostSessions) Renew() error                    { return firesession.Renew(s.r) }

func (s hostSessions) Update(fn func(*sessions.Session) error) error {
	return firesession.Update(s.r, fn)
}
