package browser

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// open types an address.
func (p *profile) open(url string) {
	p.t.Helper()
	run(p, chromedp.Navigate(url))
}

// follow follows a link.
func (p *profile) follow(label string) {
	p.t.Helper()
	p.leaveBy(fmt.Sprintf(`//a[normalize-space() = %q]`, label))
}

// press presses the first button whose label begins so, and returns the status of the page that its form leads to.
func (p *profile) press(label string) (status int64) {
	p.t.Helper()
	return p.leaveBy(fmt.Sprintf(`//button[starts-with(normalize-space(), %q)]`, label)).Status
}

func (p *profile) leaveBy(xpath string) *network.Response {
	p.t.Helper()
	p.find(xpath)
	resp := run(p, func(ctx context.Context, _ *chromedp.Target) (*network.Response, error) {
		return chromedp.RunResponse(ctx, chromedp.Click(xpath))
	})
	if resp == nil {
		p.t.Fatalf("%s led nowhere", xpath)
	}
	return resp
}

// fill types a text into a field.
func (p *profile) fill(id, text string) {
	p.t.Helper()
	p.find("#" + id)
	run(p, chromedp.SendKeys(chromedp.ID(id), text))
}

// find ends the test if something is not on the page. What comes later would wait for it.
func (p *profile) find(selector string) {
	p.t.Helper()
	if nodes := run(p, chromedp.Nodes(selector, chromedp.AtLeast(0))); len(nodes) == 0 {
		p.t.Fatalf("there is no %s on the page %q", selector, p.glance())
	}
}

// signIn fills in the form of the front page.
func (p *profile) signIn(name string) {
	p.t.Helper()
	p.fill("name", name)
	p.press("Sign in")
}

// signInToStay does so, and asks to be kept signed in.
func (p *profile) signInToStay(name string) {
	p.t.Helper()
	run(p, chromedp.Click(chromedp.CSS(`[name="keep"]`)))
	p.signIn(name)
}

// The ways in which a page comes back.
const (
	restored = "restored from memory"
	noStore  = "reloaded, because it is marked no-store"
)

// back presses the back button, and returns how the page came back.
func (p *profile) back() string {
	p.t.Helper()
	how := run(p, func(ctx context.Context, target *chromedp.Target) (string, error) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		reloads := cdp.Events(ctx, target, page.BackForwardCacheNotUsed)
		ofPage := func(event page.EventFrameNavigated) bool { return event.Frame.ParentID == "" }
		event, err := chromedp.WaitEvent(page.FrameNavigated, ofPage, pressBack)(ctx, target)
		if err != nil || event.Type == page.NavigationTypeBackForwardCacheRestore {
			return restored, err
		}
		for reload, err := range reloads { // there is one, before or after the other event
			return describeReload(reload), err
		}
		return "", chromedp.ErrChannelClosed
	})
	p.await(`document.readyState === "complete"`)
	return how
}

// describeReload tells why the browser doesn't show a page that it has in memory. Chromium has several reasons that are about
// no-store, one of which is that a cookie has changed.
func describeReload(event page.EventBackForwardCacheNotUsed) string {
	var reasons []string
	for _, explanation := range event.NotRestoredExplanations {
		reason := explanation.Reason.String()
		if strings.Contains(reason, "CacheControlNoStore") {
			return noStore
		}
		reasons = append(reasons, reason)
	}
	return "reloaded, because of " + strings.Join(reasons, ", ")
}

// pressBack doesn't wait for the page to load, as [chromedp.NavigateBack] does: a page from memory never loads.
func pressBack(ctx context.Context, target *chromedp.Target) (cdp.Empty, error) {
	history, err := chromedp.NavigationEntries()(ctx, target)
	if err != nil {
		return cdp.Empty{}, err
	}
	previous := history.Entries[history.CurrentIndex-1]
	return cdp.Call(ctx, target, page.NavigateToHistoryEntry, page.NavigateToHistoryEntryParams{EntryID: previous.ID})
}

// await waits until a JavaScript expression is true.
func (p *profile) await(expression string) {
	p.t.Helper()
	for deadline := time.Now().Add(patience); !ask[bool](p, expression); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			p.t.Fatalf("still not true: %s", expression)
		}
	}
}

// ask returns the value of a JavaScript expression.
func ask[T any](p *profile, expression string) T {
	p.t.Helper()
	return run(p, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// glance returns what strikes the eye on a page of the demo: messages, heading, how often it was seen.
func (p *profile) glance() string {
	p.t.Helper()
	text := ask[string](p, `Array.from(document.querySelectorAll(".flash, h1, .count"), e => e.innerText).join(" | ")`)
	text = strings.Join(strings.Fields(text), " ")
	return strings.Replace(text, "You have seen this page ", "", 1)
}

// note returns the note that the front page shows.
func (p *profile) note() string {
	p.t.Helper()
	return ask[string](p, `document.getElementById("note").value`)
}
