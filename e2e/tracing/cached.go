package tracing

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"
)

// loadFromCache has a host begin a session, and read it while it is in the cache.
func loadFromCache(t *testing.T, host Host) {
	t.Helper()
	s := newScene(t)
	cfg := s.config(s.traced(), false)
	cfg.SigningKeys, cfg.CacheFor = [][]byte{[]byte("the secret of 32 or more random bytes")}, time.Minute
	app, _ := host.App(t, cfg, s.tracers, func(session Session) error {
		sess, err := session.Get()
		if err == nil && session.Request().URL.Path == "/begin" {
			sess.Values["user"], sess.Values["secret"] = user, secret
		}
		return err
	})
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/begin", http.NoBody)
	w := httptest.NewRecorder()
	app.ServeHTTP(w, r)
	r = httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/read", http.NoBody)
	for _, cookie := range w.Result().Cookies() {
		r.AddCookie(cookie)
	}
	app.ServeHTTP(httptest.NewRecorder(), r)

	out := s.collect()
	out.checkSecrets(t, []string{newKey}, false, false)
	out.checkParents(t)
	out.checkMetrics(t)
	if got, want := out.summary(), []string{"save created: 1 write", "load cached: "}; !slices.Equal(got, want) {
		t.Errorf("spans %q, want %q", got, want)
	}
}
