package main

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/echofirestore/echofirestore/firestoretest"

	"github.com/echofirestore/echofirestore/v5"
)

// TestApp counts visits, signs in and signs out, as a browser would.
func TestApp(t *testing.T) {
	t.Parallel()
	app := newApp(echofirestore.Config{Client: firestoretest.NewClient(t)})
	app.Logger = slog.New(slog.DiscardHandler)
	server := httptest.NewServer(app)
	t.Cleanup(server.Close)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := http.Client{Jar: jar}
	key := func() string {
		address, err := url.Parse(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		for _, cookie := range jar.Cookies(address) {
			if cookie.Name == echofirestore.DefaultCookieName {
				return cookie.Value
			}
		}
		return ""
	}
	var keys []string
	for _, step := range []struct {
		method, path, site string
		status             int
		want               string
	}{
		{"GET", "/", "none", http.StatusOK, "Hello, stranger.</h1>\n<p class=\"count\">You have seen this page 1 time"},
		{"GET", "/", "same-origin", http.StatusOK, "Hello, stranger.</h1>\n<p class=\"count\">You have seen this page 2 times"},
		{"POST", "/sign-in", "cross-site", http.StatusForbidden, ""},
		{"POST", "/sign-in", "same-origin", http.StatusOK, "Hello, &lt;Ada&gt;.</h1>\n<p class=\"count\">You have seen this page 3 times"},
		{"GET", "/", "same-origin", http.StatusOK, "Hello, &lt;Ada&gt;.</h1>\n<p class=\"count\">You have seen this page 4 times"},
		{"POST", "/sign-out", "same-origin", http.StatusOK, "Hello, stranger.</h1>\n<p class=\"count\">You have seen this page 1 time"},
	} {
		req, err := http.NewRequestWithContext(t.Context(), step.method, server.URL+step.path, strings.NewReader("name=<Ada>"))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Sec-Fetch-Site", step.site)
		resp, err := browser.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != step.status || !strings.Contains(string(body), step.want) {
			t.Errorf("%s %s: status %d, %v: %s", step.method, step.path, resp.StatusCode, err, body)
		}
		keys = append(keys, key())
	}
	if keys[0] == "" || keys[1] != keys[0] || keys[3] == keys[1] || keys[4] != keys[3] || keys[5] == keys[4] {
		t.Errorf("keys %q: sign-in and sign-out must change it", keys)
	}
}
