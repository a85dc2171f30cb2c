package echofirestore_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/labstack/echo/v5"
)

// TestSecureCookies has requests come over HTTPS and HTTP, themselves or, as a header says, to a proxy. Echo believes the
// header of addresses that its SchemeExtractor trusts, by default private ones.
func TestSecureCookies(t *testing.T) {
	t.Parallel()
	_, public, err := net.ParseCIDR("198.51.100.0/24")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name      string
		url, from string
		header    string
		extractor echo.SchemeExtractor
		secure    bool
	}{
		{name: "HTTP", url: "http://example.com/", from: "10.0.0.1:1"},
		{name: "HTTPS", url: "https://example.com/", from: "10.0.0.1:1", secure: true},
		{name: "private proxy", url: "http://example.com/", from: "10.0.0.1:1", header: "https", secure: true},
		{name: "private proxy, over HTTP", url: "http://example.com/", from: "10.0.0.1:1", header: "http"},
		{name: "public address", url: "http://example.com/", from: "198.51.100.7:1", header: "https"},
		{
			name: "public proxy that is trusted", url: "http://example.com/", from: "198.51.100.7:1", header: "https",
			extractor: echo.ExtractSchemeFromHeaders(echo.TrustIPRange(public)), secure: true,
		},
		{
			name: "no proxy is trusted", url: "http://example.com/", from: "10.0.0.1:1", header: "https",
			extractor: echo.ExtractSchemeDirect(),
		},
		{name: "WebSocket over TLS", url: "http://example.com/", from: "10.0.0.1:1", header: "WSS", secure: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t)
			a.SchemeExtractor = tt.extractor
			a.Use(a.store.Middleware())
			a.GET("/", count)
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, tt.url, http.NoBody)
			if r.RemoteAddr = tt.from; tt.header != "" {
				r.Header.Set("X-Forwarded-Proto", tt.header)
			}
			rec := httptest.NewRecorder()
			a.ServeHTTP(rec, r)
			resp := rec.Result()
			defer resp.Body.Close()
			if cookies := resp.Cookies(); len(cookies) != 1 || cookies[0].Secure != tt.secure {
				t.Errorf("cookies %v", cookies)
			}
		})
	}
}
