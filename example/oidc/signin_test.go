package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/firestore"
	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/echofirestore/echofirestore"
)

// TestRefused goes to a callback that must sign nobody in.
func TestRefused(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		// callback prepares the address, which the browser then visits.
		callback func(b *browser) string
		status   int
		text     string
		cost     string
	}{
		{"no sign-in was begun", func(*browser) string {
			return "/callback?state=made-up&code=made-up"
		}, http.StatusBadRequest, "was begun in another browser", "nothing"},
		{"no state", func(b *browser) string {
			b.begin("/")
			return "/callback?code=made-up"
		}, http.StatusBadRequest, "was begun in another browser", "1 read"},
		{"begun and authenticated in another browser (login CSRF)", func(b *browser) string {
			mallory := b.site.newBrowser(b.t)
			return mallory.authenticate(mallory.begin("/"), "grace")
		}, http.StatusBadRequest, "was begun in another browser", "nothing"},
		{"the same, and this browser has begun a sign-in too", func(b *browser) string {
			b.begin("/")
			mallory := b.site.newBrowser(b.t)
			return mallory.authenticate(mallory.begin("/"), "grace")
		}, http.StatusBadRequest, "was begun in another browser", "1 read"},
		{"the code of another browser's sign-in (code injection)", func(b *browser) string {
			mallory := b.site.newBrowser(b.t)
			code := query(b.t, mallory.authenticate(mallory.begin("/"), "grace"), "code")
			return with(b.t, b.authenticate(b.begin("/"), "ada"), "code", code)
		}, http.StatusBadGateway, "did not confirm who you are", "1 read, 1 write"},
		{"a code that was used", func(b *browser) string {
			other := b.site.newBrowser(b.t)
			callback := other.authenticate(other.begin("/"), "ada")
			other.get(callback).wants(b.t, http.StatusSeeOther, "")
			return with(b.t, b.authenticate(b.begin("/"), "ada"), "code", query(b.t, callback, "code"))
		}, http.StatusBadGateway, "did not confirm who you are", "1 read, 1 write"},
		{"no code", func(b *browser) string {
			return with(b.t, b.authenticate(b.begin("/"), "ada"), "code", "")
		}, http.StatusBadGateway, "did not confirm who you are", "1 read, 1 write"},
		{"the ID token has another nonce", func(b *browser) string {
			return b.authenticate(parse(b.t, with(b.t, b.begin("/").String(), "nonce", "another")), "ada")
		}, http.StatusBadGateway, "did not confirm who you are", "1 read, 1 write"},
		{"the ID token has no nonce", func(b *browser) string {
			return b.authenticate(parse(b.t, with(b.t, b.begin("/").String(), "nonce", "")), "ada")
		}, http.StatusBadGateway, "did not confirm who you are", "1 read, 1 write"},
		{"the user cancels", func(b *browser) string {
			return b.authenticate(b.begin("/"), "")
		}, http.StatusForbidden, "The sign-in was cancelled", "1 read, 1 write"},
		{"the provider refuses the request", func(b *browser) string {
			at := with(b.t, b.begin("/").String(), "prompt", "none") // as somebody who is not signed in there
			return b.get(at).redirect(b.t).String()
		}, http.StatusBadGateway, "The sign-in service reported a problem.", "1 read, 1 write"},
		{"the provider took too long", func(b *browser) string {
			callback := b.authenticate(b.begin("/"), "ada")
			b.site.ahead.Add(int64(signInWithin))
			return callback
		}, http.StatusBadRequest, "more than 30 minutes ago", "2 reads, 1 delete"},
		{"the provider took too long, and the session lives on", func(b *browser) string {
			callback := b.authenticate(b.begin("/"), "ada")
			b.site.ahead.Add(int64(signInWithin / 2))
			b.begin("/")
			b.site.ahead.Add(int64(signInWithin / 2))
			return callback
		}, http.StatusBadRequest, "more than 30 minutes ago", "1 read"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := newSite(t).newBrowser(t)
			callback := test.callback(b)
			key := b.key()
			refused := b.comeBack(callback).wants(t, test.status, test.text).costs(t, test.cost)
			if !strings.Contains(refused.body, `<a href="/sign-in`) {
				t.Errorf("the page does not offer to sign in again:\n%s", refused.body)
			}
			if b.key() != key && b.key() != "" {
				t.Error("the session has a new key")
			}
			b.get("/").wants(t, http.StatusOK, "Hello, stranger.")

			// Whatever was refused is refused again, because its state is used up or never was any.
			b.comeBack(callback).wants(t, http.StatusBadRequest, "can’t be completed")
			b.signIn("ada")
			b.get("/").wants(t, http.StatusOK, "Hello, Ada Example.")
		})
	}
}

// TestWhatStays has a value in the session that the application does not know, as that of a visitor and of a user.
func TestWhatStays(t *testing.T) {
	t.Parallel()
	b := newSite(t).newBrowser(t)
	has := func(value string, want bool) {
		t.Helper()
		if data := b.stored(); strings.Contains(data, value) != want {
			t.Errorf("the session has %q: %v, want %v: %s", value, !want, want, data)
		}
	}
	callback := b.authenticate(b.begin("/"), "ada")
	other := b.authenticate(b.begin("/"), "ada")
	b.store("basket", "of a visitor")
	b.get(callback).wants(t, http.StatusSeeOther, "")
	has("of a visitor", true)
	b.store("basket", "of Ada")
	b.get(other).wants(t, http.StatusSeeOther, "")
	has("of Ada", true)

	ada := b.key()
	b.signIn("grace")
	has("of Ada", false)
	b.get("/").wants(t, http.StatusOK, "Hello, Grace Example.")
	b.plant(ada)
	b.get("/").wants(t, http.StatusOK, "Hello, stranger.")
}

// TestForms sends the form of the sign-out as other sites would.
func TestForms(t *testing.T) {
	t.Parallel()
	b := newSite(t).newBrowser(t)
	b.signIn("ada")
	b.csrf = "made up"
	b.post("/sign-out").wants(t, http.StatusForbidden, "can’t be trusted").costs(t, "nothing")
	b.get("/").wants(t, http.StatusOK, "Hello, Ada Example.")
	b.get("/sign-out").wants(t, http.StatusMethodNotAllowed, "only takes forms")
	b.post("/sign-out").wants(t, http.StatusSeeOther, "")
}

// TestSignOutURL has a provider that offers no sign-out, as Google is, and one that does.
func TestSignOutURL(t *testing.T) {
	t.Parallel()
	for end, want := range map[string]string{
		"": "/",
		`, "end_session_endpoint": "https://id.example/end?tenant=7"`: "https://id.example/end?client_id=id" +
			"&post_logout_redirect_uri=https%3A%2F%2Fshop.example%2F&tenant=7",
	} {
		var issuer string
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintf(w, `{"issuer": %q%s}`, issuer, end)
		}))
		t.Cleanup(server.Close)
		issuer = server.URL
		provider, err := oidc.NewProvider(t.Context(), issuer)
		requireNoError(t, err)
		got, err := signOutURL(provider, config{ClientID: "id", BaseURL: "https://shop.example"})
		requireNoError(t, err)
		if got != want {
			t.Errorf("%s: sign-outs lead to %s, want %s", end, got, want)
		}
	}
}

// TestSessionEnds lets the application's time pass.
func TestSessionEnds(t *testing.T) {
	t.Parallel()
	b := newSite(t).newBrowser(t)
	b.signIn("ada")
	b.site.ahead.Add(int64(signedInFor - time.Minute))
	b.get("/private").wants(t, http.StatusOK, "Only Ada Example sees this.")
	b.site.ahead.Add(int64(time.Minute))
	b.get("/private").wants(t, http.StatusSeeOther, "").costs(t, "1 read, 1 delete")
}

// stored returns the data of the only session, as Firestore has it.
func (b *browser) stored() string {
	b.t.Helper()
	data, _ := b.document().Data()["data"].(string)
	return data
}

// store sets a value of the only session.
func (b *browser) store(key, value string) {
	b.t.Helper()
	var data struct {
		Created int64          `json:"created"`
		Session map[string]any `json:"session"`
	}
	requireNoError(b.t, json.Unmarshal([]byte(b.stored()), &data))
	data.Session[key] = value
	changed, err := json.Marshal(data)
	requireNoError(b.t, err)
	_, err = b.document().Ref.Update(b.t.Context(), []firestore.Update{{Path: "data", Value: string(changed)}})
	requireNoError(b.t, err)
}

func (b *browser) document() *firestore.DocumentSnapshot {
	b.t.Helper()
	docs, err := b.site.client.Collection(echofirestore.DefaultCollection).Documents(b.t.Context()).GetAll()
	requireNoError(b.t, err)
	if len(docs) != 1 {
		b.t.Fatalf("there are %d sessions", len(docs))
	}
	return docs[0]
}

func parse(t *testing.T, address string) *url.URL {
	t.Helper()
	u, err := url.Parse(address)
	requireNoError(t, err)
	return u
}

// query returns a parameter of an address.
func query(t *testing.T, address, name string) string {
	t.Helper()
	return parse(t, address).Query().Get(name)
}

// with returns an address with another value of a parameter, or without it.
func with(t *testing.T, address, name, value string) string {
	t.Helper()
	u := parse(t, address)
	values := u.Query()
	values.Set(name, value)
	if value == "" {
		values.Del(name)
	}
	u.RawQuery = values.Encode()
	return u.String()
}
