package main

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/echofirestore/echofirestore/firestoretest"
)

func TestVisitsAreCounted(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	first := b.get("/")
	first.wants(t, http.StatusOK, "Hello, stranger.", "<strong>1</strong> <span>time</span>", "cost <strong>1 write</strong>", "Sessions are kept here for tests.")
	if cookie := first.session(); cookie == nil || !cookie.HttpOnly || !cookie.Secure || cookie.MaxAge != int(trial.Seconds()) || cookie.SameSite != http.SameSiteLaxMode {
		t.Errorf("session cookie is %v", cookie)
	}
	if got := first.Header.Values("Set-Cookie"); len(got) != 2 || !strings.Contains(got[0], "; Path=/;") || !strings.HasSuffix(got[0], "; HttpOnly; Secure; SameSite=Lax") {
		t.Errorf("cookies are %q", got)
	}
	b.get("/").wants(t, http.StatusOK, "<strong>2</strong> <span>times</span>", "cost <strong>1 read, 1 write</strong>")
	newBrowserOf(b).get("/").wants(t, http.StatusOK, "<strong>1</strong> <span>time</span>")
}

func TestNoteIsKeptAndConfirmedOnce(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	b.get("/").lacks(t, "Remove note")
	b.submit("/note", "note", "oat milk\r\n<b>&").redirectsHome(t)
	b.get("/").wants(t, http.StatusOK, `role="status">Your note is saved.`, "<title>Your note is saved.", "oat milk\n&lt;b&gt;&amp;</textarea>", "cost <strong>1 read, 1 write</strong>")
	b.get("/").wants(t, http.StatusOK, "oat milk").lacks(t, `role="status"`)
	b.submit("/note", "remove", "yes").redirectsHome(t)
	b.get("/").wants(t, http.StatusOK, "Your note is gone.").lacks(t, "oat milk")
}

func TestMessagesWaitForAPage(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	b.get("/")
	b.submit("/note", "note", "tea").redirectsHome(t)
	b.submit("/sign-in", "name", "").wants(t, http.StatusUnprocessableEntity).lacks(t, `role="status"`)
	b.submit("/sign-in", "name", "Ada").redirectsHome(t)
	b.get("/").wants(t, http.StatusOK, "Your note is saved.", "You are signed in.")
}

func TestSigningIn(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, keep string
		maxAge     int
		says       string
	}{
		{"until the browser is closed", "", 0, "until you close the browser"},
		{"for 30 days", "yes", 30 * 24 * 60 * 60, "for 30 days after your last visit"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := newBrowser(t)
			before := b.get("/").session()
			signedIn := b.submit("/sign-in", "name", " Ada ", "keep", test.keep).redirectsHome(t)
			page := b.get("/").wants(t, http.StatusOK, "Signed in as <strong>Ada</strong>", "You are signed in.", test.says, "cost <strong>1 read, 1 write</strong>")
			for _, cookie := range []*http.Cookie{signedIn.session(), page.session()} {
				if cookie == nil || cookie.MaxAge != test.maxAge || cookie.Value == before.Value {
					t.Errorf("session cookie is %v, want a max age of %d and another key", cookie, test.maxAge)
				}
			}
			fields := b.onlyDocument()
			if fields["max_age"] != nilOr(test.maxAge) || fields["expire"] == nil {
				t.Errorf("document has max_age %v, expire %v", fields["max_age"], fields["expire"])
			}
			if fields["user"] != "Ada" || fields["hashed"] != true {
				t.Errorf("document has user %v, hashed %v", fields["user"], fields["hashed"])
			}
		})
	}
}

func TestSigningOutEndsTheSession(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	b.get("/")
	before := b.submit("/sign-in", "name", "Ada", "keep", "yes").session()
	after := b.submit("/sign-out").redirectsHome(t).session()
	if after == nil || after.Value == before.Value || after.MaxAge != int(trial.Seconds()) {
		t.Errorf("session cookie is %v after signing out", after)
	}
	b.get("/").wants(t, http.StatusOK, "You are signed out", "Hello, stranger.", "<strong>1</strong> <span>time</span>").lacks(t, sessionEnded)
	b.onlyDocument()
}

func TestBadInputIsExplainedAndKept(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, path, field, value string
		wants                    []string
	}{
		{"note too long", "/note", "note", strings.Repeat("é", 281), []string{"This is 281 characters long. Please use no more than 280.", "é</textarea>"}},
		{"no note", "/note", "note", " \r\n ", []string{"Please enter a note."}},
		{"name too long", "/sign-in", "name", strings.Repeat("x", 41), []string{"This is 41 characters long. Please use no more than 40.", `value="xxx`, "checked"}},
		{"no name", "/sign-in", "name", "", []string{"Please enter a name."}},
		{"not UTF-8", "/sign-in", "name", "\xff", []string{"This contains characters that are not text."}},
		{"control character", "/note", "note", "a\x00b", []string{"This contains characters that are not text."}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := newBrowser(t)
			b.get("/")
			b.get("/")
			b.submit(test.path, test.field, test.value, "keep", "yes").
				wants(t, http.StatusUnprocessableEntity, append(test.wants, "<title>Error", `aria-invalid="true"`, "cost <strong>1 read</strong>")...)
			b.get("/").wants(t, http.StatusOK, "<strong>3</strong> <span>times</span>", "Hello, stranger.")
		})
	}
}

func TestForeignFormsAreRefused(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	b.get("/")
	for name, header := range map[string][2]string{
		"without a token":   {"X-Nothing", ""},
		"from another site": {"Sec-Fetch-Site", "cross-site"},
		"of a sibling site": {"Sec-Fetch-Site", "same-site"},
	} {
		b.post("/note", "note=evil", header).wants(t, http.StatusForbidden, "That form can’t be trusted", "cost <strong>nothing</strong>")
		if page := b.get("/"); strings.Contains(page.body, "evil") {
			t.Errorf("a form %s was accepted", name)
		}
	}
	b.post("/note", "note=mine", [2]string{"Sec-Fetch-Site", "same-origin"}).redirectsHome(t)
}

func TestErrorsHavePages(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	b.get("/nowhere").wants(t, http.StatusNotFound, "There is no such page", "cost <strong>nothing</strong>")
	b.get("/note").wants(t, http.StatusMethodNotAllowed, "This address only takes forms")
	b.post("/note", "note=%zz").wants(t, http.StatusBadRequest, "That form can’t be read")
	b.post("/note", strings.Repeat("x", 65<<10)).wants(t, http.StatusRequestEntityTooLarge, "That’s too much")
	b.postUnsized("/note", strings.Repeat("x", 65<<10)).wants(t, http.StatusRequestEntityTooLarge, "That’s too much")
}

func TestErrorPagesLetPeopleSignOut(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(b *browser) reply{
		"no such page":   func(b *browser) reply { return b.get("/nowhere") },
		"not a page":     func(b *browser) reply { return b.get("/note") },
		"a broken form":  func(b *browser) reply { return b.post("/note", "note=%zz") },
		"a foreign form": func(b *browser) reply { return b.post("/note", "note=evil") },
		"too long":       func(b *browser) reply { return b.post("/note", strings.Repeat("x", 65<<10)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBrowser(t)
			stranger := fail(newBrowserOf(b)).lacks(t, `action="/sign-out"`)
			if len(stranger.Cookies()) > 0 {
				t.Errorf("a stranger gets cookies %v", stranger.Cookies())
			}
			ada := signedIn(b, firefoxOnLinux, "Ada")
			page := fail(ada)
			page.wants(t, page.StatusCode, `action="/sign-out"`, `name="csrf" value="`, "cost <strong>nothing</strong>")
			before := b.firestore.Ops()
			ada.submit("/sign-out").redirectsHome(t)
			if cost := b.firestore.Ops().Sub(before).String(); cost != "1 write, 1 delete" {
				t.Errorf("signing out cost %s", cost)
			}
			ada.get("/").wants(t, http.StatusOK, "You are signed out", "Hello, stranger.")
			b.onlyDocument()
		})
	}
}

func TestPanicsHaveAPage(t *testing.T) {
	t.Parallel()
	var logs bytes.Buffer
	b := newBrowserWith(t, newLogger(&logs, true))
	b.echo.GET("/panic", func(echo.Context) error { panic("do not show this") })
	b.get("/panic").wants(t, http.StatusInternalServerError, "Something went wrong here", "Request <code>").lacks(t, "do not show this")
	b.server.Close() // the request is logged by then
	for _, want := range []string{"do not show this", "main_test.go", `"severity":"ERROR"`} {
		if !strings.Contains(logs.String(), want) {
			t.Errorf("log lacks %s:\n%s", want, logs.String())
		}
	}
}

func TestOutageHasAPage(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"BatchGetDocuments", "Commit"} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			b := newBrowser(t)
			b.get("/")
			cost := "cost <strong>nothing</strong>"
			if method == "Commit" {
				cost = "cost <strong>1 read</strong>"
			}
			repair := b.firestore.Inject(firestoretest.Fault{Method: method, Times: -1, Err: status.Error(codes.PermissionDenied, "secret")})
			page := b.get("/").wants(t, http.StatusServiceUnavailable, "We can’t reach our database", cost).lacks(t, "secret").lacks(t, "/sign-out")
			if page.Header.Get("Retry-After") == "" || page.session() != nil {
				t.Errorf("headers are %v", page.Header)
			}
			repair()
			b.get("/").wants(t, http.StatusOK, "<strong>2</strong> <span>times</span>")
		})
	}
}

func TestAssetsAreCachedByVersion(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	for _, file := range assets {
		url, err := assetURL(file.name)
		if err != nil {
			t.Fatal(err)
		}
		versioned, plain := b.get(url).wants(t, http.StatusOK), b.get("/"+file.name).wants(t, http.StatusOK)
		if got := versioned.Header.Get("Cache-Control"); !strings.Contains(got, "immutable") || len(versioned.Cookies()) > 0 {
			t.Errorf("%s has Cache-Control %q and cookies %v", url, got, versioned.Cookies())
		}
		if got := plain.Header.Get("Cache-Control"); !strings.Contains(got, "no-cache") {
			t.Errorf("/%s has Cache-Control %q", file.name, got)
		}
	}
}

func nilOr(seconds int) any {
	if seconds == 0 {
		return nil
	}
	return int64(seconds)
}
