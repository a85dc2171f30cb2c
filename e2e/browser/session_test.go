package browser

import "testing"

func TestCounterAndMessages(t *testing.T) {
	t.Parallel()
	d, p, tab := startDemo(t), newProfile(t), newTable(t)

	p.open(d.url)
	expect(tab, "first visit", "Hello, stranger. | 1 time", p.glance())
	p.open(d.url)
	expect(tab, "second visit", "Hello, stranger. | 2 times", p.glance())
	p.fill("note", "buy milk")
	p.press("Save note")
	expect(tab, "a form was sent", "Your note is saved. | Hello, stranger. | 3 times", p.glance())
	expect(tab, "what it stored", "buy milk", p.note())
	p.open(d.url)
	expect(tab, "the message is told once", "Hello, stranger. | 4 times", p.glance())
	expect(tab, "the note stays", "buy milk", p.note())
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	d, ada, mallory, tab := startDemo(t), newProfile(t), newProfile(t), newTable(t)

	mallory.open(d.url)
	planted := mallory.key()
	ada.plant(d.url, planted)
	ada.open(d.url)
	expect(tab, "somebody else's key was planted", "Hello, stranger. | 2 times", ada.glance())
	ada.signIn("Ada")
	expect(tab, "signed in, the count goes on", "You are signed in. | Hello, Ada. | 3 times", ada.glance())
	expect(tab, "the key is still the planted one", false, ada.key() == planted)

	mallory.open(d.url)
	expect(tab, "the planted key is dead", ended+" | Hello, stranger. | 1 time", mallory.glance())
	ada.open(d.url)
	expect(tab, "the new one is not", "Hello, Ada. | 4 times", ada.glance())
}

// ended is what a page says to a browser that has the key of a session that is over.
const ended = "Your session has ended. It may have expired, or been ended from another device."
