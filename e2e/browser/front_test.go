package browser

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
)

// A front stands before the demo as that of Cloud Run does: it ends TLS, and tells the demo of it. It takes down which cookies
// came with each request for a page.
type front struct {
	scheme, port string

	mu       sync.Mutex
	requests []string
}

func startFront(t *testing.T, d demo, scheme string) *front {
	t.Helper()
	target, err := url.Parse(d.url)
	requireNoError(t, err)
	f := &front{scheme: scheme}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.SetXForwarded()
			r.Out.Host = r.In.Host
			f.takeDown(r.In)
		},
		ModifyResponse: func(resp *http.Response) error {
			resp.Header.Del("Strict-Transport-Security") // so that a test can see what the browser sends by http
			return nil
		},
	}
	f.port = startSite(t, scheme, proxy)
	return f
}

// startSite serves a site on a port of its own, under whichever name the browser asks for.
func startSite(t *testing.T, scheme string, handler http.Handler) (port string) {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	if scheme == "https" {
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	address, err := url.Parse(server.URL)
	requireNoError(t, err)
	return address.Port()
}

// trustedKey returns the hash of the public key in the certificate of [startSite]'s servers. A browser that trusts it sees no
// certificate error. One that is told to ignore such errors still takes a page from its memory when it meets one, which a late
// request for the page's icon is enough for.
var trustedKey = sync.OnceValue(func() string {
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	hash := sha256.Sum256(server.Certificate().RawSubjectPublicKeyInfo)
	return base64.StdEncoding.EncodeToString(hash[:])
})

func (f *front) url(host string) string {
	return f.scheme + "://" + host + ":" + f.port
}

func (f *front) takeDown(r *http.Request) {
	if r.URL.Query().Has("v") {
		return // style and icon
	}
	var names []string
	for _, cookie := range r.Cookies() {
		names = append(names, cookie.Name)
	}
	slices.Sort(names)
	cookies := "without cookies"
	if len(names) > 0 {
		cookies = "with " + strings.Join(names, ", ")
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.requests = append(f.requests, r.Method+" "+r.URL.Path+" "+cookies)
}

// received returns the requests since it was asked last.
func (f *front) received() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	requests := strings.Join(f.requests, " | ")
	f.requests = nil
	return requests
}

// forget forgets the requests so far.
func (f *front) forget() { f.received() }
