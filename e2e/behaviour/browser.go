package behaviour

import (
	"cmp"
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// keyword stands for a session's key, or whatever else another store has in its cookie.
const keyword = "KEY"

// A browser keeps cookies from one request to the next.
type browser struct {
	jar http.CookieJar
	key string // the latest that it was given
}

func newBrowser(t *testing.T) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{jar: jar}
}

// visit makes one request of app, over the network, and returns what is seen of it, all but the cost.
func (b *browser) visit(ctx context.Context, app http.Handler, step Step) (Seen, error) {
	server := httptest.NewServer(app) // on another port each time, which is all the same to cookies
	defer server.Close()
	client := server.Client()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+cmp.Or(step.Path, "/"), http.NoBody)
	if err != nil {
		return Seen{}, err
	}
	if step.Cookie != "" {
		req.Header.Set("Cookie", strings.ReplaceAll(step.Cookie, keyword, b.key))
	} else {
		client.Jar = b.jar
	}
	resp, err := client.Do(req)
	if err != nil {
		return Seen{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return Seen{}, err
	}
	seen := Seen{Body: string(body), Cookies: b.note(resp.Cookies())}
	if resp.StatusCode != http.StatusOK {
		seen.Body = strconv.Itoa(resp.StatusCode)
	}
	return seen, nil
}

// note remembers the key among cookies, and returns them in words that are the same every time.
func (b *browser) note(cookies []*http.Cookie) []string {
	var lines []string
	for _, cookie := range cookies {
		if cookie.Value != "" {
			b.key, cookie.Value = cookie.Value, keyword
		}
		cookie.Expires = time.Time{} // says what Max-Age says
		lines = append(lines, cookie.String())
	}
	slices.Sort(lines)
	return lines
}
