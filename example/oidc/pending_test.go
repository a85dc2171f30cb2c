package main

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/echofirestore/echofirestore/firestoretest"
)

// TestOnce sends one callback many times at once.
func TestOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.newBrowser(t)
	callback := b.authenticate(b.begin("/"), "ada")
	const times = 8
	replies := make([]reply, times)
	var all sync.WaitGroup
	for i := range replies {
		tab := s.newBrowser(t) // of the same browser, but it keeps cookies to itself
		tab.plant(b.key())
		all.Go(func() { replies[i] = tab.comeBack(callback) })
	}
	all.Wait()
	answers := make(map[int]int)
	for _, r := range replies {
		answers[r.StatusCode]++
	}
	if answers[http.StatusSeeOther] != 1 || answers[http.StatusBadRequest] != times-1 {
		t.Errorf("answers by status: %v, want one %d, and no other request to get as far as the provider",
			answers, http.StatusSeeOther)
	}
}

// TestTabs completes, in any order, what several tabs of one browser have begun.
func TestTabs(t *testing.T) {
	t.Parallel()
	b := newSite(t).newBrowser(t)
	var callbacks []string
	for _, page := range []string{"/private?tab=0", "/private?tab=1", "/private?tab=2"} {
		callbacks = append(callbacks, b.authenticate(b.begin(page), "ada"))
	}
	for _, tab := range []int{1, 0, 2} {
		before := b.key()
		page := b.get(callbacks[tab]).costs(t, "1 read, 2 writes, 1 delete").redirect(t)
		if page.Query().Get("tab") != string(rune('0'+tab)) {
			t.Errorf("tab %d shows %s", tab, page)
		}
		if b.key() == before {
			t.Errorf("tab %d: the session has its old key", tab)
		}
	}
	b.get("/").wants(t, http.StatusOK, "Hello, Ada Example.")
}

// TestTabsAtOnce has two tabs come back at the same moment, to two instances of the application: the second comes while the
// first is saving the user.
func TestTabsAtOnce(t *testing.T) {
	t.Parallel()
	for name, moment := range map[string]firestoretest.Fault{
		"the first has not replaced the key yet":           {Method: "Commit", Skip: 1},
		"the first has replaced the key, and not yet told": {Method: "Commit", Skip: 1, After: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newSite(t).newBrowser(t)
			other := b.site.anotherInstance(t)
			first := b.authenticate(b.begin("/private?tab=1"), "ada")
			second := b.authenticate(b.begin("/private?tab=2"), "ada")
			var came reply
			moment.Do = func() { came = b.get(strings.Replace(second, b.site.url, other, 1)) }
			b.site.firestore.Inject(moment)
			if page := b.get(first).redirect(t); page.RequestURI() != "/private?tab=1" {
				t.Errorf("the first tab is sent to %s", page)
			}
			page := came.redirect(t)
			if page.Path == pathCallback {
				page = b.get(page.RequestURI()).redirect(t)
			}
			if page.RequestURI() != "/private?tab=2" {
				t.Errorf("the second tab is sent to %s", page)
			}
			b.get(page.RequestURI()).wants(t, http.StatusOK, "Only Ada Example sees this.")
		})
	}
}

// TestManyBegun begins far more sign-ins than anybody has tabs.
func TestManyBegun(t *testing.T) {
	t.Parallel()
	b := newSite(t).newBrowser(t)
	page := "/private?" + strings.Repeat("x", longestReturn-len("/private?"))
	var callbacks []string
	for range maxPending + 2 {
		callbacks = append(callbacks, b.authenticate(b.begin(page), "ada"))
	}
	size := len(b.stored())
	for range 20 {
		b.begin(page)
	}
	for range maxPending {
		callbacks = append(callbacks, b.authenticate(b.begin(page), "ada"))
	}
	if grown := len(b.stored()); grown > size+100 { // times are texts, of different lengths
		t.Errorf("the session has grown from %d to %d bytes", size, grown)
	}
	for i, callback := range callbacks {
		want := http.StatusSeeOther
		if i < len(callbacks)-maxPending {
			want = http.StatusBadRequest
		}
		b.get(callback).wants(t, want, "")
	}
}

func TestLocalURL(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"":                                       "/",
		"/":                                      "/",
		"/private":                               "/private",
		"/private?tab=1&q=a%2Fb":                 "/private?tab=1&q=a%2Fb",
		"/caf%C3%A9/a%2Fb":                       "/caf%C3%A9/a%2Fb",
		"/private#top":                           "/private",
		"/private?return=https://evil":           "/private?return=https://evil",
		"private":                                "/",
		"?tab=1":                                 "/",
		"https://evil.example/":                  "/",
		"https:evil.example":                     "/",
		"https:/evil.example":                    "/",
		"javascript:alert(1)":                    "/",
		"//evil.example":                         "/",
		"///evil.example":                        "/",
		"////evil.example":                       "/",
		"//user@evil.example/":                   "/",
		`/\evil.example`:                         "/%5Cevil.example",
		`\/evil.example`:                         "/",
		`\\evil.example`:                         "/",
		"/\t/evil.example":                       "/",
		"/\n/evil.example":                       "/",
		"\t//evil.example":                       "/",
		" //evil.example":                        "/",
		"/private\r\nSet-Cookie: a=b":            "/",
		"/%2Fevil.example":                       "/%2Fevil.example",
		"/" + strings.Repeat("x", longestReturn): "/",
		"/" + strings.Repeat("x", longestReturn-1): "/" + strings.Repeat("x", longestReturn-1),
	} {
		if got := localURL(given); got != want {
			t.Errorf("localURL(%q) = %q, want %q", given, got, want)
		}
	}
}
