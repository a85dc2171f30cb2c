package echofirestore_test

import (
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/labstack/echo/v4"

	"github.com/echofirestore/echofirestore"
)

// TestNotYetBegun does what looks like the beginning of a response and is none. What is set after it is saved, and a new
// session gets its cookie.
func TestNotYetBegun(t *testing.T) {
	t.Parallel()
	attempts := map[string]func(*testing.T, echo.Context){
		"103 Early Hints": func(_ *testing.T, c echo.Context) {
			c.Response().Header().Set("Link", "</style.css>; rel=preload; as=style")
			c.Response().Unwrap().WriteHeader(http.StatusEarlyHints)
		},
		"103 Early Hints through Echo": func(_ *testing.T, c echo.Context) {
			c.Response().Header().Set("Link", "</style.css>; rel=preload; as=style")
			c.Response().WriteHeader(http.StatusEarlyHints)
		},
		"102 Processing and 103 Early Hints": func(_ *testing.T, c echo.Context) {
			c.Response().WriteHeader(http.StatusProcessing)
			c.Response().Writer.WriteHeader(http.StatusEarlyHints)
		},
		"Hijack of HTTP/2": func(t *testing.T, c echo.Context) {
			if _, _, err := c.Response().Hijack(); err == nil {
				t.Error("hijacked")
			}
		},
	}
	read := func(c echo.Context) { _ = session(c) }
	set := func(c echo.Context) { session(c).Values["m"] = 1 }
	for name, attempt := range attempts {
		for _, tt := range []struct {
			name     string
			existing bool
			before   func(echo.Context)
			want     map[string]any
		}{
			{name: "new session", before: func(echo.Context) {}, want: map[string]any{"n": 1}},
			{name: "new session, read before", before: read, want: map[string]any{"n": 1}},
			{name: "new session, set before", before: set, want: map[string]any{"m": 1, "n": 1}},
			{name: "existing session", existing: true, before: read, want: map[string]any{"user": "alice", "n": 1}},
			{name: "existing session, set before", existing: true, before: set, want: map[string]any{"user": "alice", "m": 1, "n": 1}},
		} {
			t.Run(name+"/"+tt.name, func(t *testing.T) {
				t.Parallel()
				a := newApp(t, func(cfg *echofirestore.Config) { cfg.KeyFactory = func() string { return "key" } })
				a.POST("/", func(c echo.Context) error {
					tt.before(c)
					attempt(t, c)
					setOne(c)
					return c.String(http.StatusOK, "handler's")
				})
				var request []func(*http.Request)
				if tt.existing {
					a.putSession("key", `{"user": "alice"}`)
					request = append(request, withCookie("key"))
				}
				got := a.browser().post("/", request...)
				if got.StatusCode != http.StatusOK || got.body != "handler's" {
					t.Errorf("status %d, body %q", got.StatusCode, got.body)
				}
				if cookie := got.cookie("__session"); cookie == nil || cookie.Value != "key" {
					t.Errorf("cookie %v", cookie)
				}
				if diff := cmp.Diff(tt.want, a.values("key")); diff != "" {
					t.Errorf("values (-want +got):\n%s", diff)
				}
			})
		}
	}
}

// TestEarlyHintsArrive makes sure that the client gets them, and that they carry no cookie.
func TestEarlyHintsArrive(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	a.POST("/", func(c echo.Context) error {
		setOne(c)
		c.Response().Header().Set("Link", "</style.css>; rel=preload; as=style")
		c.Response().Unwrap().WriteHeader(http.StatusEarlyHints)
		return c.NoContent(http.StatusNoContent)
	})
	for name, b := range map[string]*browser{"HTTP/1.1": a.plainBrowser(), "HTTP/2": a.browser()} {
		var hints []int
		trace := &httptrace.ClientTrace{Got1xxResponse: func(code int, header textproto.MIMEHeader) error {
			if hints = append(hints, code); header.Get("Link") == "" || header.Get("Set-Cookie") != "" {
				t.Errorf("%s: hints with %v", name, header)
			}
			return nil
		}}
		got := b.post("/", func(r *http.Request) { *r = *r.WithContext(httptrace.WithClientTrace(r.Context(), trace)) })
		if got.StatusCode != http.StatusNoContent || got.cookie("__session") == nil {
			t.Errorf("%s: status %d, cookie %v", name, got.StatusCode, got.cookie("__session"))
		}
		if diff := cmp.Diff([]int{http.StatusEarlyHints}, hints); diff != "" {
			t.Errorf("%s: hints (-want +got):\n%s", name, diff)
		}
	}
}
