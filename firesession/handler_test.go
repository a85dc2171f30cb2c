package firesession_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/sessions"

	"github.com/echofirestore/echofirestore/firesession"
	"github.com/echofirestore/echofirestore/firestoretest"
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

// TestWithoutHandler asks for the session of a request that no Handler has seen.
func TestWithoutHandler(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
	for name, call := range map[string]func() error{
		"Get":     func() error { _, err := firesession.Get(r); return err },
		"Save":    func() error { return firesession.Save(r) },
		"Renew":   func() error { return firesession.Renew(r) },
		"Destroy": func() error { return firesession.Destroy(r) },
		"Update":  func() error { return firesession.Update(r, func(*sessions.Session) error { return nil }) },
		"Session": func() (err error) {
			defer func() { err, _ = recover().(error) }()
			_ = firesession.Session(r)
			return nil
		},
	} {
		if err := call(); !errors.Is(err, firesession.ErrNoMiddleware) || !strings.Contains(err.Error(), "Handler") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestContextWithin asks for the session of a request that middleware within has given a deadline, while Firestore does
// not answer: the deadline counts, and not Config.Timeout.
func TestContextWithin(t *testing.T) {
	t.Parallel()
	server, client := firestoretest.Start(t)
	store, err := firesession.NewStore(firesession.Config{Client: client, Timeout: time.Hour, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	server.Inject(firestoretest.Fault{Method: "BatchGetDocuments", Delay: time.Hour})
	h := store.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 20*time.Millisecond)
		defer cancel()
		if _, err := firesession.Get(r.WithContext(ctx)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
		w.WriteHeader(http.StatusGatewayTimeout)
	}))
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
	r.Header.Set("Cookie", "__session=key")
	w := httptest.NewRecorder()
	if h.ServeHTTP(w, r); w.Code != http.StatusGatewayTimeout {
		t.Errorf("status %d", w.Code)
	}
}
