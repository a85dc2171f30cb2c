package hosttest

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"

	"cloud.google.com/go/firestore"

	"github.com/echofirestore/echofirestore/firestoretest"
)

// A stage serves one application after another, over one protocol, on a Firestore of its own. It takes one request at a time.
type stage struct {
	firestore *firestoretest.Server
	client    *firestore.Client
	web       *httptest.Server
	plain     func() *httptest.Server // the same without TLS
	playing   atomic.Pointer[http.Handler]
	visit     atomic.Pointer[visit]
	rows      atomic.Int64
}

const (
	http10 = "HTTP/1.0"
	http11 = "HTTP/1.1"
	http2  = "HTTP/2"
)

func newStage(t *testing.T, protocol string) *stage {
	t.Helper()
	s := new(stage)
	s.firestore, s.client = firestoretest.Start(t)
	s.web = httptest.NewUnstartedServer(s)
	s.web.EnableHTTP2 = protocol == http2
	s.web.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.web.StartTLS()
	t.Cleanup(s.web.Close)
	s.plain = sync.OnceValue(func() *httptest.Server {
		server := httptest.NewUnstartedServer(s)
		server.Config.ErrorLog = log.New(io.Discard, "", 0)
		server.Start()
		t.Cleanup(server.Close)
		return server
	})
	return s
}

// ServeHTTP implements http.Handler.
func (s *stage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v := s.visit.Load()
	defer close(v.done)
	w.Header().Set(outsideHeader, "yes")
	(*s.playing.Load()).ServeHTTP(w, r)
}

// play has h serve requests from now on.
func (s *stage) play(h http.Handler) { s.playing.Store(&h) }
