package firesession_test

import (
	"net/http"
	"testing"

	"github.com/gorilla/sessions"

	"github.com/echofirestore/echofirestore/firesession"
	"github.com/echofirestore/echofirestore/internal/model"
)

// TestModel runs random histories of requests and faults on net/http.
func TestModel(t *testing.T) {
	t.Parallel()
	model.Run(t, func(t testing.TB, cfg firesession.Config, handler model.Handler) http.Handler {
		t.Helper()
		store, err := firesession.NewStore(cfg)
		if err != nil {
			t.Fatal(err)
		}
		return store.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if err := handler(w, r, modelSessions{r}); err != nil {
				w.WriteHeader(http.StatusInternalServerError)
			}
		}))
	})
}

type modelSessions struct{ r *http.Request }

func (s modelSessions) Get() (*sessions.Session, error) { return firesession.Get(s.r) }
func (s modelSessions) Session() *sessions.Session      { return firesession.Session(s.r) }
func (s modelSessions) Save() error                     { return firesession.Save(s.r) }
func (s modelSessions) Destroy() error                  { return firesession.Destroy(s.r) }
func (s modelSessions) Renew() error                    { return firesession.Renew(s.r) }

func (s modelSessions) Update(fn func(*sessions.Session) error) error {
	return firesession.Update(s.r, fn)
}
