package session

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/sessions"
	"go.opentelemetry.io/otel"

	"github.com/echofirestore/echofirestore/firestoretest"
	"github.com/echofirestore/echofirestore/internal/credential"
)

func newStore(t *testing.T, change func(*Settings)) *Store {
	t.Helper()
	cfg := Settings{
		Client:     firestoretest.NewClient(t),
		Collection: "echo_sessions",
		CookieName: "__session",
		KeyFactory: credential.NewKey,
		Path:       "/",
		Timeout:    10 * time.Second,
		Logger:     slog.New(slog.DiscardHandler),
		Now:        time.Now,

		TracerProvider: otel.GetTracerProvider(),
		MeterProvider:  otel.GetMeterProvider(),
	}
	change(&cfg)
	return NewStore(cfg)
}

func TestSaveOfASessionWithAnImpossibleName(t *testing.T) {
	t.Parallel()
	store := newStore(t, func(*Settings) {})
	sess := sessions.NewSession(store, "a:b")
	sess.Values["n"] = 1
	err := store.Save(httptest.NewRequest(http.MethodGet, "/", http.NoBody), httptest.NewRecorder(), sess)
	if err == nil || !strings.Contains(err.Error(), `session name "a:b"`) {
		t.Errorf("error %v", err)
	}
}
