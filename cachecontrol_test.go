package echofirestore_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/internal/testsize"
)

// TestCacheControlValues sets a cookie in responses whose handler forbids shared caches to store them, or does not, or only
// seems to.
func TestCacheControlValues(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		lines  []string
		stays  bool
		logged bool // it asked a shared cache
	}{
		{lines: []string{"no-store"}, stays: true},
		{lines: []string{"No-Store"}, stays: true},
		{lines: []string{"private"}, stays: true},
		{lines: []string{"PRIVATE"}, stays: true},
		{lines: []string{"private, max-age=60"}, stays: true},
		{lines: []string{"max-age=60\t,\tprivate"}, stays: true},
		{lines: []string{"max-age=60", "private"}, stays: true},
		{lines: []string{"private", "max-age=60"}, stays: true},
		{lines: []string{", ,private,, max-age=60,"}, stays: true},
		{lines: []string{`community="UCI", private`}, stays: true},
		{lines: []string{`ext="a\"b, c\\", no-store`}, stays: true},
		{lines: []string{"public, private"}, stays: true}, // what forbids wins (RFC 9111, section 4.2.1)
		{lines: []string{"s-maxage=60, no-store"}, stays: true},
		{lines: []string{"must-understand, private"}, stays: true},
		{lines: []string{"no-cache, no-store, must-revalidate, max-age=0"}, stays: true},
		{lines: []string{`private="X-Foo", no-store`}, stays: true},

		{lines: nil},
		{lines: []string{""}},
		{lines: []string{"max-age=60"}},
		{lines: []string{"no-cache"}},
		{lines: []string{"immutable"}},
		{lines: []string{"must-understand, no-store, max-age=60"}}, // caches that know the status ignore no-store (section 5.2.2.3)
		{lines: []string{"no-store", "Must-Understand"}},
		{lines: []string{`private="set-cookie"`}},
		{lines: []string{`private="set-cookie, no-store"`}},
		{lines: []string{`private="a, private, b"`}},
		{lines: []string{`private="x", private`}},
		{lines: []string{`private, private="x"`}},
		{lines: []string{`private=""`}},
		{lines: []string{"private=x"}},
		{lines: []string{`ext="private"`}},
		{lines: []string{`ext="no-store"`}},
		{lines: []string{`ext="a\", private, b"`}},
		{lines: []string{`no-store="x"`}},
		{lines: []string{"no-store=1"}},
		{lines: []string{"no-storey"}},
		{lines: []string{"x-private"}},
		{lines: []string{"not-private, no-store-at-all"}},

		{lines: []string{`private, ext="unfinished`}}, // malformed from here on
		{lines: []string{`ext="unfinished, no-store`}},
		{lines: []string{`ext="unfinished\`, `no-store"`}},
		{lines: []string{`a="x`, `y", no-store`}},
		{lines: []string{"private="}},
		{lines: []string{"=private"}},
		{lines: []string{"no-store max-age=60"}},
		{lines: []string{"no-store; max-age=60"}},
		{lines: []string{"private =x"}},
		{lines: []string{`"no-store"`}},
		{lines: []string{`ext="x"no-store`}},
		{lines: []string{"no-store, {}"}},
		{lines: []string{"no-store, a=(b)"}},
		{lines: []string{"no-störe"}},

		{lines: []string{"public"}, logged: true},
		{lines: []string{"max-age=60, Public"}, logged: true},
		{lines: []string{"s-maxage=60"}, logged: true},
		{lines: []string{`public, private="set-cookie"`}, logged: true},
		{lines: []string{`ext="public"`}},
	} {
		for name, handler := range map[string]echo.HandlerFunc{"change": set("n", 1), "destroy": echofirestore.Destroy} {
			for _, field := range []string{"Cache-Control", "cache-control"} {
				title := name + "/" + field + "/" + strings.Join(tt.lines, "/")
				if (name == "destroy" || field == "cache-control") && !testsize.Try(title) {
					continue
				}
				t.Run(title, func(t *testing.T) {
					t.Parallel()
					a := newApp(t)
					a.GET("/", func(c echo.Context) error {
						c.Response().Header()[field] = slices.Clone(tt.lines) // as code does that knows no canonical names
						return handler(c)
					})
					got := a.browser().get("/")
					want := []string{"private, no-store"}
					if tt.stays {
						want = tt.lines
					}
					if lines := got.Header["Cache-Control"]; !slices.Equal(lines, want) {
						t.Errorf("Cache-Control %q, want %q", lines, want)
					}
					if logged := strings.Contains(a.log.String(), "level=WARN"); logged != tt.logged {
						t.Errorf("log %q", a.log)
					}
				})
			}
		}
	}
}

// TestTargetedCacheFields looks at the fields that speak to some caches alone, which heed them before Cache-Control.
func TestTargetedCacheFields(t *testing.T) {
	t.Parallel()
	const anyCDN = "CDN-Cache-Control"
	for _, tt := range []struct {
		field string
		lines []string
		stays bool
	}{
		{field: anyCDN, lines: []string{"max-age=60"}},
		{field: anyCDN, lines: []string{"public"}},
		{field: anyCDN, lines: []string{""}},
		{field: anyCDN, lines: []string{"no-store"}, stays: true},
		{field: anyCDN, lines: []string{"private"}, stays: true},
		{field: anyCDN, lines: []string{"max-age=60, private"}, stays: true},
		{field: anyCDN, lines: []string{"max-age=60", "no-store"}, stays: true},
		{field: anyCDN, lines: []string{`private="set-cookie"`}},
		{field: anyCDN, lines: []string{"no-store=?0"}},
		{field: anyCDN, lines: []string{"no-store, no-store=?0"}}, // of a structured field, the last one counts
		{field: anyCDN, lines: []string{`ext="no-store"`}},
		{field: anyCDN, lines: []string{`no-store, ext="unfinished`}},
		{field: anyCDN, lines: []string{"must-understand, no-store"}},
		{field: "cdn-cache-control", lines: []string{"max-age=60"}},
		{field: "Cloudflare-CDN-Cache-Control", lines: []string{"max-age=60"}},
		{field: "Cloudflare-CDN-Cache-Control", lines: []string{"no-store"}, stays: true},
		{field: "Vercel-CDN-Cache-Control", lines: []string{"s-maxage=60"}},
		{field: "Netlify-CDN-Cache-Control", lines: []string{"public, durable, max-age=60"}},
		{field: "Netlify-Cache-Control", lines: []string{"max-age=60"}},
		{field: "Akamai-Cache-Control", lines: []string{"max-age=60"}},
		{field: "X-LiteSpeed-Cache-Control", lines: []string{"public,max-age=60"}},
		{field: "Surrogate-Control", lines: []string{"max-age=60"}},
		{field: "Surrogate-Control", lines: []string{`content="ESI/1.0", max-age=60+60`}},
		{field: "Surrogate-Control", lines: []string{"no-store"}, stays: true},
		{field: "Surrogate-Control", lines: []string{"private"}},
		{field: "Surrogate-Control", lines: []string{"no-store-remote"}},
		{field: "Edge-Control", lines: []string{"cache-maxage=60m"}},
		{field: "Edge-Control", lines: []string{"!no-store, max-age=60"}},
		{field: "Edge-Control", lines: []string{"no-store"}, stays: true},
		{field: "X-Accel-Expires", lines: []string{"60"}},
		{field: "X-Accel-Expires", lines: []string{"@1900000000"}},
		{field: "X-Accel-Expires", lines: []string{"0"}, stays: true},
		{field: "X-Accel-Expires", lines: []string{"0", "60"}},
		{field: "x-accel-expires", lines: []string{"60"}},
	} {
		t.Run(tt.field+"/"+strings.Join(tt.lines, "/"), func(t *testing.T) {
			t.Parallel()
			a := newApp(t)
			with := func(next echo.HandlerFunc) echo.HandlerFunc {
				return func(c echo.Context) error {
					c.Response().Header()[tt.field] = slices.Clone(tt.lines)
					c.Response().Header().Set("Expires", "Wed, 02 Jan 2030 03:04:05 GMT")
					c.Response().Header().Set("X-Cache-Tag", "a")
					return next(c)
				}
			}
			a.GET("/set", with(set("n", 1)))
			a.GET("/destroy", with(echofirestore.Destroy))
			a.GET("/see", with(see))
			canonical := http.CanonicalHeaderKey(tt.field)
			for path, stays := range map[string]bool{"/set": tt.stays, "/destroy": tt.stays, "/see": true} {
				got := a.browser().get(path)
				var want []string
				if stays {
					want = tt.lines
				}
				if lines := got.Header[canonical]; !slices.Equal(lines, want) {
					t.Errorf("%s: %s %q, want %q", path, tt.field, lines, want)
				}
				control, setsCookie := got.Header.Get("Cache-Control"), path != "/see"
				if control == "private, no-store" != setsCookie || got.Header.Get("Expires") == "" || got.Header.Get("X-Cache-Tag") != "a" {
					t.Errorf("%s: headers %v", path, got.Header)
				}
			}
			if logged := strings.Contains(a.log.String(), "level=WARN"); logged == tt.stays {
				t.Errorf("log %q", a.log)
			}
		})
	}
}
