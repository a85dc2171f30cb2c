package browser

import (
	"context"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

func TestStoredDocument(t *testing.T) {
	t.Parallel()
	d, p, tab := startDemo(t), newProfile(t), newTable(t)

	p.open(d.url + "/document")
	expect(tab, "of a browser that was never here", "What is stored | Nothing: your browser has sent no session that lives. The front page begins one.", p.headings())
	expect(tab, "which gets no session", "none", describe(p.sessionCookie()))
	p.open(d.url)
	p.fill("note", "buy milk")
	p.press("Save note")
	p.signIn("Ada")
	p.follow("Show the document")
	expect(tab, "its fields", "data max_age expire started user hashed", ask[string](p, `Array.from(document.querySelectorAll(".fields dt code"), e => e.innerText).join(" ")`))
	expect(tab, "its data", `{"device":"Chrome on Linux","name":"Ada","note":"buy milk","views":3}`, ask[string](p, `JSON.stringify(JSON.parse(document.querySelector(".fields pre").innerText).session)`))
	expect(tab, "the key is on the page", false, strings.Contains(ask[string](p, `document.documentElement.outerHTML`), p.key()))
	expect(tab, "the ID is the hash of the cookie", true, ask[bool](p, `(async () => {
		const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode("`+sessionCookie+`:`+p.key()+`"));
		const text = btoa(String.fromCharCode(...new Uint8Array(hash))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
		return document.querySelector(".path").innerText === "echo_sessions/" + text;
	})()`))
	expect(tab, "what it cost", "2 reads", p.cost())
}

func TestTenChangesAtOnce(t *testing.T) {
	t.Parallel()
	d, p, tab := startDemo(t), newProfile(t), newTable(t)
	p.open(d.url)
	p.fill("note", "buy milk")
	p.press("Save note")
	for _, button := range []string{"Change it ten times", "Once more"} {
		p.press(button)
		expect(tab, "what became of them", "10 saved, 0 lost", p.text(".figure"))
		expect(tab, "what the page cost", "1 read", p.cost())
	}
	p.open(d.url)
	expect(tab, "the session goes on", "Hello, stranger. | 3 times", p.glance())
	expect(tab, "the note stays", "buy milk", p.note())
}

func TestLateSave(t *testing.T) {
	t.Parallel()
	d, p, thief, tab := startDemo(t), newProfile(t), newProfile(t), newTable(t)
	p.open(d.url)
	p.fill("note", "buy milk")
	p.press("Save note")
	p.signIn("Ada")
	key := p.key()
	p.press("End it meanwhile")
	expect(tab, "what became of it", "A logout that stays | Your session has ended, and a request that was still under way could not bring it back.", p.headings())
	expect(tab, "who is signed in", "Demo", p.text(".who"))
	expect(tab, "the key is another", false, p.key() == key)
	p.open(d.url)
	expect(tab, "the next visit", "Hello, stranger. | 1 time", p.glance())
	expect(tab, "the note of the late request is not there", "", p.note())
	thief.plant(d.url, key)
	thief.open(d.url)
	expect(tab, "the old key is dead", ended+" | Hello, stranger. | 1 time", thief.glance())
}

// TestKeyboard uses the new pages without a mouse.
func TestKeyboard(t *testing.T) {
	t.Parallel()
	d, p, tab := startDemo(t), newProfile(t), newTable(t)
	p.open(d.url)
	expect(tab, "the way to the document", "echofirestore, note, Save note, name, keep, Sign in, Show the document", p.tabTo("Show the document"))
	p.photograph("keyboard")
	p.enter()
	expect(tab, "leads there", "What is stored", p.text("h1"))
	p.open(d.url)
	p.tabTo("Change it ten times")
	p.enter()
	expect(tab, "ten changes", "10 saved, 0 lost", p.text(".figure"))
	p.tabTo("Once more")
	p.enter()
	expect(tab, "ten more", "10 saved, 0 lost", p.text(".figure"))
	p.tabTo("To the front page")
	p.enter()
	p.tabTo("End it meanwhile")
	p.enter()
	expect(tab, "a late save", "A logout that stays", p.text("h1"))
	p.open(d.url + "/nowhere")
	p.tabTo("Sign out")
	p.enter()
	expect(tab, "signed out from an error page", "You are signed out, and your session is deleted. | Hello, stranger. | 1 time", p.glance())
}

// tabTo presses the tabulator key until something with the given label has the focus, and returns what had it on the way. It
// ends the test if that has no outline.
func (p *profile) tabTo(label string) string {
	p.t.Helper()
	var way []string
	for len(way) == 0 || way[len(way)-1] != label {
		if len(way) > 30 {
			p.t.Fatalf("the keyboard doesn't reach %s: %s", label, strings.Join(way, ", "))
		}
		run(p, chromedp.KeyEvent(kb.Tab))
		way = append(way, ask[string](p, `document.activeElement.name || document.activeElement.innerText.trim()`))
		if ask[string](p, `getComputedStyle(document.activeElement).outlineStyle`) == "none" {
			p.t.Fatalf("one can't see that %s has the focus", way[len(way)-1])
		}
	}
	return strings.Join(way, ", ")
}

// enter presses the enter key, and waits for the page that it leads to.
func (p *profile) enter() {
	p.t.Helper()
	run(p, func(ctx context.Context, _ *chromedp.Target) (*network.Response, error) {
		return chromedp.RunResponse(ctx, chromedp.KeyEvent(kb.Enter))
	})
}

// headings returns the heading of a page and what it says below.
func (p *profile) headings() string {
	p.t.Helper()
	return p.text("h1") + " | " + p.text("h1 + p")
}

// text returns the text of the first element that a selector of CSS fits.
func (p *profile) text(selector string) string {
	p.t.Helper()
	return strings.Join(strings.Fields(ask[string](p, `document.querySelector("`+selector+`")?.innerText ?? ""`)), " ")
}

// cost returns what a page of the demo says that it cost.
func (p *profile) cost() string {
	p.t.Helper()
	return p.text(".receipt strong")
}
