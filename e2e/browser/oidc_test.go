package browser

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
)

// TestOpenIDConnect signs in with a provider on another site, and signs out.
func TestOpenIDConnect(t *testing.T) {
	t.Parallel()
	d, ada, tab := startProgram(t, oidcPath), newProfile(t), newTable(t)

	ada.open(d.url)
	expect(tab, "first visit", "Hello, stranger.", ada.glance())
	ada.follow("Private page")
	expect(tab, "a page for users leads to the provider", "Who are you?", ada.glance())
	expect(tab, "which is another site", "127.0.0.1", ask[string](ada, `location.hostname`))
	cookie := ada.sessionCookie()
	expect(tab, "the session's cookie", "localhost only, /, HttpOnly, SameSite=Lax, for 0 days", describe(cookie))
	ada.press("Ada")
	expect(tab, "back from there, the cookie came along", "Private page", ada.glance())
	expect(tab, "the page asked for", "/private", ask[string](ada, `location.pathname`))
	expect(tab, "the key is still that of the stranger", false, ada.key() == cookie.Value)
	ada.follow("Front page")
	expect(tab, "signed in", "Hello, Ada Example.", ada.glance())

	ada.open(callbackOfGrace(t, d))
	expect(tab, "a callback that somebody else has sent", "This sign-in can’t be completed", ada.glance())
	ada.open(d.url)
	expect(tab, "signs in nobody else", "Hello, Ada Example.", ada.glance())

	ada.press("Sign out")
	expect(tab, "signed out here and there, and back", "Hello, stranger.", ada.glance())
	expect(tab, "on the front page", d.url+"/", ask[string](ada, `location.href`))
	expect(tab, "back to the page that greeted Ada", noStore, ada.back())
	expect(tab, "which greets no more", "Hello, stranger.", ada.glance())

	ada.follow("Sign in")
	ada.press("Cancel")
	expect(tab, "a sign-in is cancelled", "The sign-in was cancelled", ada.glance())
	ada.follow("Sign in again")
	ada.press("Grace")
	expect(tab, "and done again, by somebody else", "Hello, Grace Example.", ada.glance())
}

// callbackOfGrace returns the address to which the provider sends Grace back, who has begun the sign-in in a browser of her own.
func callbackOfGrace(t *testing.T, d demo) string {
	t.Helper()
	jar, err := cookiejar.New(nil)
	requireNoError(t, err)
	var callback string
	grace := http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if !strings.HasPrefix(r.URL.String(), d.url+"/callback?") {
			return nil
		}
		callback = r.URL.String()
		return http.ErrUseLastResponse
	}}
	login, err := grace.Get(d.url + "/sign-in")
	requireNoError(t, err)
	login.Body.Close()
	id := login.Request.URL.Query().Get("authRequestID")
	done, err := grace.PostForm(login.Request.URL.String(), url.Values{"id": {id}, "user": {"grace"}})
	requireNoError(t, err)
	done.Body.Close()
	if callback == "" {
		t.Fatalf("the provider answered %s", done.Status)
	}
	return callback
}
