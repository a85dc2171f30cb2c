package browser

import (
	"context"
	_ "embed"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// legible is the contrast that WCAG 2 asks of text, at level AA.
const legible = 4.5

const iPhone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1"

// TestAppearance looks at the pages in light and in dark, and on a small phone, and has axe look for what keeps
// people from using them.
func TestAppearance(t *testing.T) {
	t.Parallel()
	d, p, tab := startDemo(t), newProfile(t), newTable(t)
	rules := axe(t)
	d.signIn(t, "Ada", iPhone)

	for _, page := range []struct {
		name string
		show func()
	}{
		{"home", func() { p.open(d.url) }},
		{"problem", func() { p.signIn(" ") }},
		{"signed-in", func() { p.signInToStay("Ada") }},
		{"note", func() {
			p.fill("note", "Ask the Analytical Engine for the Bernoulli numbers.")
			p.press("Save note")
		}},
		{"sessions", func() { p.follow("See your sessions") }},
		{"document", func() {
			p.open(d.url)
			p.follow("Show the document")
		}},
		{"burst-before", func() { p.open(d.url + "/burst") }},
		{"burst", func() { p.press("Change it ten times") }},
		{"error", func() { p.open(d.url + "/nowhere") }},
		{"late-before", func() { p.open(d.url + "/late-save") }},
		{"late", func() { p.press("End it meanwhile") }},
	} {
		page.show()
		p.resize(1000, 700)
		for _, scheme := range []string{"light", "dark"} {
			p.prefer(scheme)
			look := ask[look](p, lookOfPage)
			expect(tab, page.name+", "+scheme+": ground", scheme, look.Ground)
			expectAtLeast(tab, page.name+", "+scheme+": lowest contrast", legible, look.Contrast)
			expect(tab, page.name+", "+scheme+": violations of accessibility", "", p.violations(rules))
			p.photograph(page.name + "-" + scheme)
		}
		p.resize(320, 640)
		expect(tab, page.name+", 320 pixels wide: width of content", 320, ask[int](p, `document.documentElement.scrollWidth`))
		p.photograph(page.name + "-narrow")
	}
}

// A look is what lookOfPage tells of a page.
type look struct {
	Ground   string  `json:"ground"`
	Contrast float64 `json:"contrast"`
}

//go:embed contrast.js
var lookOfPage string

// prefer sets the colour scheme that a person prefers. Colours change at once, not by and by.
func (p *profile) prefer(scheme string) {
	p.t.Helper()
	run(p, func(ctx context.Context, target *chromedp.Target) (cdp.Empty, error) {
		return cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{
				{Name: "prefers-color-scheme", Value: scheme},
				{Name: "prefers-reduced-motion", Value: "reduce"},
			},
		})
	})
}

func (p *profile) resize(width, height int64) {
	p.t.Helper()
	run(p, chromedp.EmulateViewport(width, height))
}
