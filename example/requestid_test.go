package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestRequestIDs(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		sent  string
		stays bool
	}{
		"none":                 {"", false},
		"a UUID":               {"0b7a5dcb-7fc9-4a4e-9d8f-6f1c3f0e2a55", true},
		"the longest":          {strings.Repeat("x", 64), true},
		"too long":             {strings.Repeat("x", 65), false},
		"another line":         {"a\nseverity=ERROR", false},
		"markup":               {"<script>alert(1)</script>", false},
		"another field":        {`a" severity="ERROR`, false},
		"a control character":  {"a\x1b[2J", false},
		"letters beyond ASCII": {"né", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var logs bytes.Buffer
			b := newBrowserWith(t, newLogger(&logs, true))
			req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/nowhere", http.NoBody)
			req.Header.Set("X-Request-Id", test.sent)
			rec := httptest.NewRecorder()
			b.echo.ServeHTTP(rec, req)
			got := rec.Header().Get("X-Request-Id")
			if (got == test.sent) != test.stays || !requestIDs.MatchString(got) {
				t.Errorf("the ID is %q", got)
			}
			var line struct {
				RequestID string `json:"request_id"`
			}
			requireNoError(t, json.Unmarshal(logs.Bytes(), &line)) // it is one line
			if line.RequestID != got {
				t.Errorf("the log has %q, the header %q", line.RequestID, got)
			}
		})
	}
}

// TestLogsCantBeForged sends requests whose every part tries to begin another line, or another field of one.
func TestLogsCantBeForged(t *testing.T) {
	t.Parallel()
	const attack = "x\r\nlevel=ERROR msg=\"forged\"\n{\"severity\":\"ERROR\",\"message\":\"forged\"}\x1b[2J"
	for name, cloud := range map[string]bool{"for people": false, "for Cloud Logging": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var logs bytes.Buffer
			b := newBrowserWith(t, newLogger(&logs, cloud))
			req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
			req.URL.Path = "/" + attack
			for _, header := range []string{"X-Request-Id", "User-Agent", "Cookie", "X-Forwarded-For", "X-Forwarded-Proto"} {
				req.Header.Set(header, attack)
			}
			b.echo.ServeHTTP(httptest.NewRecorder(), req)
			if lines := strings.Split(strings.TrimSuffix(logs.String(), "\n"), "\n"); len(lines) != 1 {
				t.Errorf("there are %d lines:\n%s", len(lines), logs.String())
			}
			for _, forged := range []string{"\r", "\x1b", ` msg="forged"`, `"severity":"ERROR"`} {
				if strings.Contains(logs.String(), forged) {
					t.Errorf("the log contains %q:\n%s", forged, logs.String())
				}
			}
		})
	}
}
