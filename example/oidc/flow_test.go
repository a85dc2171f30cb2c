package main

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"text/tabwriter"
)

// TestFlow goes through the whole flow, and with -v prints what each step cost in Firestore.
func TestFlow(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.newBrowser(t)
	var printed strings.Builder
	table := tabwriter.NewWriter(&printed, 0, 0, 2, ' ', 0)
	step := func(what, cost string, r reply) reply {
		t.Helper()
		r.costs(t, cost)
		fmt.Fprintf(table, "%s\t%s %s\t%d\t%v\n", what, r.Request.Method, r.Request.URL.Path, r.StatusCode, r.cost)
		return r
	}
	fmt.Fprintln(table, "step\trequest\tanswer\tFirestore")

	step("a stranger comes", "nothing", b.get("/")).wants(t, http.StatusOK, "Hello, stranger.")
	private := step("and asks for a page for users", "nothing", b.get("/private?tab=1")).redirect(t)
	at := step("the sign-in begins: its state, nonce and verifier are stored", "1 write", b.get(private.String())).redirect(t)
	begun := b.key()
	login := step("the provider shows its sign-in page", "nothing", b.get(at.String())).redirect(t)
	next := step("where the user signs in", "nothing",
		b.post(login.String(), "id", login.Query().Get("authRequestID"), "user", "ada")).redirect(t)
	callback := step("the provider sends the browser back with a code", "nothing", b.get(next.String())).redirect(t)
	entered := step("the sign-in is taken, and the session gets a user and a new key", "1 read, 2 writes, 1 delete", b.get(callback.String()))
	if page := entered.redirect(t); page.RequestURI() != "/private?tab=1" {
		t.Errorf("signed in, but sent to %s", page)
	}
	for _, cookie := range entered.Cookies() {
		if !cookie.HttpOnly || !cookie.Secure || cookie.SameSite != http.SameSiteLaxMode {
			t.Errorf("cookie %v", cookie)
		}
	}
	step("the user sees the page", "1 read", b.get("/private?tab=1")).wants(t, http.StatusOK, "Only Ada Example sees this.")
	key := b.key()
	if begun == "" || key == begun {
		t.Error("the session's key is the one from before the sign-in")
	}
	end := step("the user signs out here", "1 delete", b.post("/sign-out")).redirect(t)
	front := step("and at the provider", "nothing", b.get(end.String())).redirect(t)
	if front.String() != s.url+"/" {
		t.Errorf("signed out, but sent to %s", front)
	}
	step("which sends the browser back", "nothing", b.get(front.String())).wants(t, http.StatusOK, "Hello, stranger.")

	thief := s.newBrowser(t)
	thief.plant(key)
	step("somebody who has copied the cookie is a stranger", "1 read", thief.get("/")).wants(t, http.StatusOK, "Hello, stranger.")
	thief.plant(begun)
	step("and so with the cookie from before the sign-in", "1 read", thief.get("/")).wants(t, http.StatusOK, "Hello, stranger.")

	requireNoError(t, table.Flush())
	t.Logf("The OpenID Connect flow, step by step:\n%s", &printed)
}

// plant gives the browser the session's cookie of another one.
func (b *browser) plant(key string) {
	b.t.Helper()
	at, err := url.Parse(b.site.url)
	requireNoError(b.t, err)
	b.http.Jar.SetCookies(at, []*http.Cookie{{Name: "__session", Value: key, Path: "/", Secure: true}})
}
