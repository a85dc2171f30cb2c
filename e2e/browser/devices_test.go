package browser

import "testing"

func TestDevices(t *testing.T) {
	t.Parallel()
	d, here, there, tab := startDemo(t), newProfile(t), newProfile(t), newTable(t)
	const onlyHere, both = "Chrome on Linux This one", "Chrome on Linux This one | Chrome on Linux"
	for _, p := range []*profile{here, there} {
		p.open(d.url)
		p.signIn("Ada")
	}

	here.follow("See your sessions")
	expect(tab, "signed in on two devices", both, here.sessions())
	here.press("End session of Chrome on Linux")
	expect(tab, "ended the other one", "That session has ended. | Your sessions", here.glance())
	expect(tab, "which is no longer listed", onlyHere, here.sessions())
	there.open(d.url)
	expect(tab, "there", ended+" | Hello, stranger. | 1 time", there.glance())
	there.open(d.url)
	expect(tab, "there, told once", "Hello, stranger. | 2 times", there.glance())

	there.signIn("Ada")
	here.open(d.url + "/sessions")
	expect(tab, "signed in there again", both, here.sessions())
	here.press("Sign out everywhere else")
	expect(tab, "ended all others", "You are signed out everywhere else: 1 session ended. | Your sessions", here.glance())
	expect(tab, "which are no longer listed", onlyHere, here.sessions())
	there.open(d.url + "/sessions")
	expect(tab, "there, whose list needs a user", ended+" | Please sign in first. | Hello, stranger. | 1 time", there.glance())
	here.open(d.url)
	expect(tab, "here", "Hello, Ada. | 3 times", here.glance())
}

// sessions returns the headings of the list of sessions.
func (p *profile) sessions() string {
	p.t.Helper()
	return ask[string](p, `Array.from(document.querySelectorAll(".card h2"), e => e.innerText).join(" | ")`)
}
