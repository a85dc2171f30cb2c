package browser

import (
	"net/http"
	"testing"
)

func TestBackAfterSignOut(t *testing.T) {
	t.Parallel()
	for _, scheme := range []string{"http", "https"} {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			f, p, tab := startFront(t, startDemo(t), scheme), newProfile(t), newTable(t)

			p.open(f.url("localhost"))
			p.fill("note", "buy milk")
			p.press("Save note")
			p.signIn("Ada")
			p.follow("See your sessions")
			expect(tab, "signed in", "Your sessions", p.glance())
			p.press("Sign out of this session")
			expect(tab, "signed out", "You are signed out, and your session is deleted. | Hello, stranger. | 1 time", p.glance())
			expect(tab, "the note is gone", "", p.note())

			expect(tab, "back to the list of sessions", noStore, p.back())
			expect(tab, "which is not shown", "Please sign in first. | Hello, stranger. | 2 times", p.glance())
			expect(tab, "back to the page that greeted Ada", noStore, p.back())
			expect(tab, "which greets no more", "Hello, stranger. | 3 times", p.glance())
			expect(tab, "nor has it the note", "", p.note())
		})
	}
}

// TestBackElsewhere shows that the browser of TestBackAfterSignOut brings a page back as it was, if the page doesn't forbid it.
func TestBackElsewhere(t *testing.T) {
	t.Parallel()
	for _, scheme := range []string{"http", "https"} {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			p, tab := newProfile(t), newTable(t)
			site := scheme + "://localhost:" + startSite(t, scheme, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = w.Write([]byte("<!DOCTYPE html><title>Any</title><h1>" + r.URL.Path + "</h1>"))
			}))
			p.open(site + "/first")
			p.open(site + "/second")
			expect(tab, "back to a page that may be stored", restored, p.back())
			expect(tab, "which is shown", "/first", p.glance())
		})
	}
}
