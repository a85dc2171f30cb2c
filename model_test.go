package echofirestore_test

import (
	"net/http"
	"testing"

	"github.com/echofirestore/echofirestore/firesession"
	"github.com/echofirestore/echofirestore/internal/hosttest"
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

// newHost is a [model.Host].
func newHost(t testing.TB, cfg firesession.Config, handler model.Handler) http.Handler {
	t.Helper()
	return echo4().Serve(t, hosttest.App{
		Stores: []firesession.Config{cfg},
		Handle: func(w http.ResponseWriter, r *http.Request, s hosttest.Sessions) error { return handler(w, r, s) },
	})
}
