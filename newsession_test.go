package echofirestore_test

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
)

// TestWhyASessionIsNew looks at the reason that the log has at level Debug.
func TestWhyASessionIsNew(t *testing.T) {
	t.Parallel()
	aboutResponses(t)
	const key = "the-key-of-a-session"
	signed := func(cfg *echofirestore.Config) { cfg.SigningKeys = [][]byte{[]byte(strings.Repeat("k", 32))} }
	hashed := func(cfg *echofirestore.Config) { cfg.HashKeys = true }
	document := map[string]any{"data": payload(time.Now()), "max_age": nil}
	expired := map[string]any{"data": payload(time.Unix(1, 0)), "max_age": 1, "expire": time.Unix(2, 0)}
	tests := []struct {
		name     string
		cookies  []string       // in their order
		stored   map[string]any // under key
		gone     map[string]any // under "gone"
		config   func(*echofirestore.Config)
		fault    error
		handler  func(echo.Context) error
		quiet    bool // the level is Info
		reason   string
		messages int // besides
	}{
		{name: "no cookie", reason: "no cookie"},
		{name: "an empty cookie", cookies: []string{""}, reason: "not a key"},
		{name: "not a key", cookies: []string{"__x__"}, reason: "not a key"},
		{name: "not signed", cookies: []string{key}, stored: document, config: signed, reason: "bad signature"},
		{name: "missing", cookies: []string{key}, reason: "missing"},
		{name: "missing, since the ID is hashed", cookies: []string{key}, stored: document, config: hashed, reason: "missing"},
		{
			name: "expired", cookies: []string{key}, reason: "expired",
			stored: expired,
		},
		{
			name: "malformed", cookies: []string{key}, stored: map[string]any{"data": "malformed"},
			reason: "malformed", messages: 1,
		},
		{
			name: "one that is not a key, and one that is missing", cookies: []string{"__x__", "gone"},
			reason: "missing",
		},
		{
			name: "one that is malformed, and one that is missing", cookies: []string{key, "gone"},
			stored: map[string]any{"data": "malformed"}, reason: "malformed", messages: 1,
		},
		{
			name: "one that is malformed, and one that has expired", cookies: []string{key, "gone"},
			stored: map[string]any{"data": "malformed"}, gone: expired, reason: "malformed", messages: 1,
		},
		{name: "one that is missing, and one that has expired", cookies: []string{key, "gone"}, gone: expired, reason: "expired"},
		{name: "one that has expired, and one that is missing", cookies: []string{"gone", key}, gone: expired, reason: "expired"},
		{name: "one that is missing, and a session", cookies: []string{"gone", key}, stored: document},
		{name: "a session", cookies: []string{key}, stored: document},
		{
			name: "a session that cannot be read", cookies: []string{key}, stored: document,
			fault: status.Error(codes.PermissionDenied, "no"), messages: 1,
		},
		{name: "a session that nobody asked for", handler: func(echo.Context) error { return nil }},
		{name: "a session that is only ended", handler: echofirestore.Destroy},
		{name: "at level Info", quiet: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var log syncBuffer
			a := newApp(t, func(cfg *echofirestore.Config) {
				level := slog.LevelDebug
				if tt.quiet {
					level = slog.LevelInfo
				}
				cfg.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: level}))
				if tt.config != nil {
					tt.config(cfg)
				}
			})
			a.GET("/", func(c echo.Context) error {
				if tt.handler != nil {
					return tt.handler(c)
				}
				_, first := echofirestore.Get(c)
				_, second := echofirestore.Get(c)
				return errors.Join(first, second)
			})
			if tt.stored != nil {
				a.put(key, tt.stored)
			}
			if tt.gone != nil {
				a.put("gone", tt.gone)
			}
			if tt.fault != nil {
				a.firestore.Inject(firestoretest.Fault{Times: -1, Err: tt.fault})
			}
			a.browser().get("/", func(r *http.Request) {
				for _, value := range tt.cookies {
					r.AddCookie(&http.Cookie{Name: "__session", Value: value})
				}
			})
			var reason string
			messages := 0
			for line := range strings.Lines(log.String()) {
				if _, of, ok := strings.Cut(line, `level=DEBUG msg="session is new" cookie=__session reason=`); ok {
					reason += strings.Trim(of, "\"\n")
				} else {
					messages++
				}
			}
			if reason != tt.reason || messages != tt.messages {
				t.Errorf("reason %q, and %d messages, want %q, and %d:\n%s", reason, messages, tt.reason, tt.messages, log.String())
			}
			if strings.Contains(log.String(), key) {
				t.Errorf("the key is in the log: %s", log.String())
			}
		})
	}
}
