package browser

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/chromedp"
)

const sessionCookie = "__session"

func TestCookie(t *testing.T) {
	t.Parallel()
	t.Run("http on localhost", func(t *testing.T) {
		t.Parallel()
		d, p, tab := startDemo(t), newProfile(t), newTable(t)
		p.open(d.url)
		expect(tab, "as it is stored at first", "localhost only, /, HttpOnly, SameSite=Lax, for 1 hour", describe(p.sessionCookie()))
		expectWorkingAndUnseen(tab, p, d.url)
	})
	t.Run("https", func(t *testing.T) {
		t.Parallel()
		d, p, tab := startDemo(t), newProfile(t), newTable(t)
		secure, plain := startFront(t, d, "https"), startFront(t, d, "http")
		p.open(secure.url("shop.example"))
		expect(tab, "as it is stored at first", "shop.example only, /, HttpOnly, Secure, SameSite=Lax, for 1 hour", describe(p.sessionCookie()))
		expectWorkingAndUnseen(tab, p, secure.url("shop.example"))
		expect(tab, "sent by https", "GET / without cookies | GET / with __session", secure.received())
		p.open(plain.url("shop.example"))
		expect(tab, "sent to the same host by http", "GET / without cookies", plain.received())
		p.open(secure.url("www.shop.example"))
		expect(tab, "sent to a host below it", "GET / without cookies", secure.received())
	})
}

// expectWorkingAndUnseen expects that a session goes on, and that scripts can neither read nor replace its cookie.
func expectWorkingAndUnseen(tab *table, p *profile, url string) {
	tab.t.Helper()
	key := p.key()
	expect(tab, "what JavaScript sees of it", "", ask[string](p, `document.cookie`))
	ask[any](p, `document.cookie = "`+sessionCookie+`=chosen; path=/"`)
	expect(tab, "JavaScript can replace it", false, p.key() != key)
	p.open(url)
	expect(tab, "it is sent back", "Hello, stranger. | 2 times", p.glance())
	expect(tab, "and has then", "until the browser closes", lasting(p.sessionCookie()))
}

// sessionCookie returns the session's cookie, as the browser stores it, and nil if there is none.
func (p *profile) sessionCookie() *network.Cookie {
	p.t.Helper()
	stored := run(p, func(ctx context.Context, target *chromedp.Target) (storage.GetCookiesResult, error) {
		return cdp.Call(ctx, target, storage.GetCookies, storage.GetCookiesParams{})
	})
	for _, cookie := range stored.Cookies {
		if cookie.Name == sessionCookie {
			return cookie
		}
	}
	return nil
}

// key returns the value of the session's cookie.
func (p *profile) key() string {
	p.t.Helper()
	if cookie := p.sessionCookie(); cookie != nil {
		return cookie.Value
	}
	return ""
}

// plant sets the session's cookie to a key of one's choice.
func (p *profile) plant(url, key string) {
	p.t.Helper()
	run(p, func(ctx context.Context, target *chromedp.Target) (cdp.Empty, error) {
		cookies := []*network.CookieParam{{Name: sessionCookie, Value: key, URL: url, HTTPOnly: true, SameSite: network.CookieSameSiteLax}}
		return cdp.Call(ctx, target, storage.SetCookies, storage.SetCookiesParams{Cookies: cookies})
	})
}

// describe returns all that is to say about a cookie but its value.
func describe(cookie *network.Cookie) string {
	if cookie == nil {
		return "none"
	}
	host := cookie.Domain + " only"
	if domain, ok := strings.CutPrefix(cookie.Domain, "."); ok {
		host = domain + " and below"
	}
	parts := []string{host, cookie.Path}
	if cookie.HTTPOnly {
		parts = append(parts, "HttpOnly")
	}
	if cookie.Secure {
		parts = append(parts, "Secure")
	}
	if cookie.SameSite != "" {
		parts = append(parts, "SameSite="+string(cookie.SameSite))
	}
	return strings.Join(append(parts, lasting(cookie)), ", ")
}

// lasting tells how long a cookie lasts.
func lasting(cookie *network.Cookie) string {
	if cookie.Session {
		return "until the browser closes"
	}
	left := time.Until(time.UnixMilli(int64(cookie.Expires * 1000)))
	if hours := math.Round(left.Hours()); hours == 1 {
		return "for 1 hour"
	}
	return fmt.Sprintf("for %.0f days", math.Round(left.Hours()/24))
}
