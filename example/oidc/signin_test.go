package main

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/echofirestore/echofirestore/firestoretest"
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
		}, http.StatusForbidden, "The sign-in was cancelled.", "1 read, 1 write"},
		{"the provider refuses the request", func(b *browser) string {
			at := with(b.t, b.begin("/").String(), "prompt", "none") // as somebody who is not signed in there
			return b.get(at).redirect(b.t).String()
		}, http.StatusBadGateway, "The sign-in service reported a problem.", "1 read, 1 write"},
		{"the provider took too long", func(b *browser) string {
			callback := b.authenticate(b.begin("/"), "ada")
			b.site.ahead.Add(int64(signInWithin))
			return callback
		}, http.StatusBadRequest, "more than 30 minutes ago", "1 read, 1 delete"},
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
			refused := b.get(callback).wants(t, test.status, test.text).costs(t, test.cost)
			if !strings.Contains(refused.body, `<a href="/sign-in`) {
				t.Errorf("the page does not offer to sign in again:\n%s", refused.body)
			}
			if b.key() != key && b.key() != "" {
				t.Error("the session has a new key")
			}
			b.get("/").wants(t, http.StatusOK, "Hello, stranger.")

			// Whatever was refused is refused again, because its state is used up or never was any.
			b.get(callback).wants(t, http.StatusBadRequest, "can’t be completed")
			b.signIn("ada")
			b.get("/").wants(t, http.StatusOK, "Hello, Ada Example.")
		})
	}
}

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
		all.Go(func() { replies[i] = tab.get(callback) })
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

// TestManyBegun begins far more sign-ins than anybody has tabs.
func TestManyBegun(t *testing.T) {
	t.Parallel()
	b := newSite(t).newBrowser(t)
	page := "/private?" + strings.Repeat("x", longestReturn-len("/private?"))
	var callbacks []string
	for range maxPending + 2 {
		callbacks = append(callbacks, b.authenticate(b.begin(page), "ada"))
	}
	size := b.sessionSize()
	for range 20 {
		b.begin(page)
	}
	for range maxPending {
		callbacks = append(callbacks, b.authenticate(b.begin(page), "ada"))
	}
	if b.sessionSize() != size {
		t.Errorf("the session has grown from %d to %d bytes", size, b.sessionSize())
	}
	for i, callback := range callbacks {
		want := http.StatusSeeOther
		if i < len(callbacks)-maxPending {
			want = http.StatusBadRequest
		}
		b.get(callback).wants(t, want, "")
	}
}

// TestAnotherUser signs in over somebody else's session.
func TestAnotherUser(t *testing.T) {
	t.Parallel()
	b := newSite(t).newBrowser(t)
	b.signIn("ada")
	b.get("/").wants(t, http.StatusOK, "Hello, Ada Example.")
	ada := b.key()
	b.signIn("grace")
	b.get("/").wants(t, http.StatusOK, "Hello, Grace Example.")
	b.plant(ada)
	b.get("/").wants(t, http.StatusOK, "Hello, stranger.")
}

// TestFirestoreFails has Firestore fail at each step. The pages say what to do, and that helps.
func TestFirestoreFails(t *testing.T) {
	t.Parallel()
	down := firestoretest.Fault{Method: "Commit", Err: status.Error(codes.PermissionDenied, "not today")}
	lost := firestoretest.Fault{Method: "Commit", Err: status.Error(codes.Internal, "the answer is lost"), After: true}

	t.Run("when a sign-in begins", func(t *testing.T) {
		t.Parallel()
		b := newSite(t).newBrowser(t)
		b.site.firestore.Inject(down)
		b.get("/sign-in").wants(t, http.StatusServiceUnavailable, "try again in a few seconds")
		b.signIn("ada")
	})
	for _, method := range []string{"BatchGetDocuments", "Commit"} {
		t.Run("when the callback takes the sign-in, "+method, func(t *testing.T) {
			t.Parallel()
			b := newSite(t).newBrowser(t)
			callback := b.authenticate(b.begin("/private"), "ada")
			fault := down
			fault.Method = method
			b.site.firestore.Inject(fault)
			failed := b.get(callback).wants(t, http.StatusServiceUnavailable, "Please reload this page in a few seconds.")
			if failed.Header.Get("Retry-After") == "" || failed.Header.Get("Set-Cookie") != "" {
				t.Errorf("headers of the page: %v", failed.Header)
			}
			b.get("/").wants(t, http.StatusOK, "Hello, stranger.")
			b.get(callback).wants(t, http.StatusSeeOther, "").costs(t, "1 read, 2 writes, 1 delete")
			b.get("/").wants(t, http.StatusOK, "Hello, Ada Example.")
		})
	}
	t.Run("when the callback saves the user", func(t *testing.T) {
		t.Parallel()
		b := newSite(t).newBrowser(t)
		callback := b.authenticate(b.begin("/private?tab=1"), "ada")
		second := down
		second.Skip = 1
		b.site.firestore.Inject(second)
		b.get(callback).wants(t, http.StatusServiceUnavailable, `<a href="/sign-in?return=%2Fprivate%3Ftab%3D1">Sign in again</a>`)
		b.get("/").wants(t, http.StatusOK, "Hello, stranger.")
		b.get(callback).wants(t, http.StatusBadRequest, "can’t be completed")
		begun := b.get("/sign-in?return=%2Fprivate%3Ftab%3D1").costs(t, "1 read, 1 write").redirect(t)
		page := b.get(b.authenticate(begun, "ada")).redirect(t)
		if page.RequestURI() != "/private?tab=1" {
			t.Errorf("signed in, but sent to %s", page)
		}
	})
	for skip, what := range []string{"taking the sign-in", "saving the user"} {
		t.Run("when it was done, and the answer is lost, "+what, func(t *testing.T) {
			t.Parallel()
			b := newSite(t).newBrowser(t)
			callback := b.authenticate(b.begin("/"), "ada")
			fault := lost
			fault.Skip = skip
			b.site.firestore.Inject(fault)
			b.get(callback).wants(t, http.StatusSeeOther, "")
			b.get("/").wants(t, http.StatusOK, "Hello, Ada Example.")
		})
	}
	t.Run("at the sign-out", func(t *testing.T) {
		t.Parallel()
		b := newSite(t).newBrowser(t)
		b.signIn("ada")
		b.get("/")
		fault := down
		fault.Times = -1 // the middleware tries it once more
		up := b.site.firestore.Inject(fault)
		b.post("/sign-out").wants(t, http.StatusServiceUnavailable, "sign out again in a few seconds")
		up()
		b.get("/").wants(t, http.StatusOK, "Hello, Ada Example.")
		b.post("/sign-out").wants(t, http.StatusSeeOther, "").costs(t, "1 delete")
	})
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

// sessionSize returns how long the data of the only session is.
func (b *browser) sessionSize() int {
	b.t.Helper()
	client, err := b.site.firestore.Client(b.t.Context())
	requireNoError(b.t, err)
	defer client.Close()
	docs, err := client.Collection("echo_sessions").Documents(b.t.Context()).GetAll()
	requireNoError(b.t, err)
	if len(docs) != 1 {
		b.t.Fatalf("there are %d sessions", len(docs))
	}
	data, _ := docs[0].Data()["data"].(string)
	return len(data)
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
