package browser

import "testing"

// TestEcho5 walks through the quick start's program on Echo 5.
func TestEcho5(t *testing.T) {
	t.Parallel()
	d, ada, mallory, tab := startProgram(t, echo5Path), newProfile(t), newProfile(t), newTable(t)

	mallory.open(d.url)
	planted := mallory.key()
	ada.plant(d.url, planted)
	ada.open(d.url)
	expect(tab, "somebody else's key was planted", "Hello, stranger. | 2 times", ada.glance())
	ada.signIn("Ada")
	expect(tab, "signed in, the count goes on", "Hello, Ada. | 3 times", ada.glance())
	expect(tab, "the key is still the planted one", false, ada.key() == planted)
	ada.open(d.url)
	expect(tab, "the next visit", "Hello, Ada. | 4 times", ada.glance())
	mallory.open(d.url)
	expect(tab, "the planted key is dead", "Hello, stranger. | 1 time", mallory.glance())

	key := ada.key()
	ada.press("Sign out")
	expect(tab, "signed out, the count begins anew", "Hello, stranger. | 1 time", ada.glance())
	mallory.plant(d.url, key)
	mallory.open(d.url)
	expect(tab, "the key is dead for others too", "Hello, stranger. | 1 time", mallory.glance())
}
