package firesession_test

import (
	"testing"

	"github.com/echofirestore/echofirestore/internal/hosttest"
)

// TestHosts holds net/http against what every host must do.
func TestHosts(t *testing.T) {
	t.Parallel()
	hosttest.Run(t, hosttest.NetHTTP(), hosttest.Gorilla())
}

// TestTransparency compares responses with and without the Handler.
func TestTransparency(t *testing.T) {
	t.Parallel()
	hosttest.RunTransparency(t, hosttest.NetHTTP())
}
