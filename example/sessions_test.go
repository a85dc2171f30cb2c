package main

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
)

var sessionItems = regexp.MustCompile(`(?s)<li class="card.*?</li>`)

// otherSession returns the ID and the text of the one session in the list that isn't that of the browser.
func (r reply) otherSession(t *testing.T) (id, item string) {
	t.Helper()
	var others []string
	for _, item := range sessionItems.FindAllString(r.body, -1) {
		if !strings.Contains(item, "This one") {
			others = append(others, item)
		}
	}
	if len(others) != 1 {
		t.Fatalf("there are %d other sessions:\n%s", len(others), r.body)
	}
	return regexp.MustCompile(`name="id" value="([^"]+)"`).FindStringSubmatch(others[0])[1], others[0]
}

// signedIn returns another browser on the application of b, signed in.
func signedIn(b *browser, userAgent, name string) *browser {
	b.t.Helper()
	other := newBrowserOf(b)
	other.userAgent = userAgent
	other.get("/")
	other.submit("/sign-in", "name", name).redirectsHome(b.t)
	other.get("/").wants(b.t, http.StatusOK, "Signed in as", `href="/sessions"`).lacks(b.t, sessionEnded)
	return other
}

func TestSessionsAreListed(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	phone, laptop := signedIn(b, safariOnIPhone, "Ada"), signedIn(b, firefoxOnLinux, "Ada")
	signedIn(b, chromeOnAndroid, "Grace")
	b.clock.advance(2 * time.Minute)

	page := phone.get("/sessions").wants(t, http.StatusOK, "<title>Your sessions", "Signed in as <strong>Ada</strong>",
		"<h2>Safari on iPhone <span", "<h2>Firefox on Linux</h2>", "Sign out everywhere else", "cost <strong>3 reads</strong>")
	page.lacks(t, "Android")
	if strings.Index(page.body, "Safari") > strings.Index(page.body, "Firefox") {
		t.Errorf("the browser's own session is not the first:\n%s", page.body)
	}
	_, item := page.otherSession(t)
	for _, want := range []string{
		`<dt>Last seen</dt><dd><time datetime="20`, ">2 minutes ago</time>", ">in 90 days</time>",
		`End session<span class="unseen"> of Firefox on Linux, last seen 2 minutes ago, began `,
	} {
		if !strings.Contains(item, want) {
			t.Errorf("the other session lacks %q:\n%s", want, item)
		}
	}
	for _, cookie := range laptop.cookies() {
		page.lacks(t, cookie.Value)
	}
}

func TestManySessionsAreNotAllListed(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	var last *browser
	for range maxListed {
		last = signedIn(b, firefoxOnLinux, "Ada")
	}
	last.get("/sessions").wants(t, http.StatusOK, "cost <strong>21 reads</strong>").lacks(t, "There are more")
	for range 3 {
		last = signedIn(b, firefoxOnLinux, "Ada")
	}
	page := last.get("/sessions").wants(t, http.StatusOK, "These are 20 of them. There are more", "cost <strong>22 reads</strong>")
	if n := len(sessionItems.FindAllString(page.body, -1)); n != maxListed {
		t.Errorf("%d sessions are listed", n)
	}
	last.submit("/sessions/end-others").redirectsTo(t, "/sessions")
	last.get("/sessions").wants(t, http.StatusOK, "22 sessions ended").lacks(t, "There are more")
}

func TestAnotherDeviceCanBeSignedOut(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	phone, laptop := signedIn(b, safariOnIPhone, "Ada"), signedIn(b, firefoxOnLinux, "Ada")
	id, _ := laptop.get("/sessions").otherSession(t)
	laptop.submit("/sessions/end", "id", id).redirectsTo(t, "/sessions")
	laptop.get("/sessions").wants(t, http.StatusOK, `<p class="flash" role="status">That session has ended.`, "Firefox on Linux", "cost <strong>2 reads, 1 write</strong>").
		lacks(t, "iPhone").lacks(t, "everywhere else")

	phone.get("/").wants(t, http.StatusOK, `<p class="flash notice" role="status">`+sessionEnded, "Hello, stranger.", "cost <strong>1 read, 1 write</strong>")
	phone.get("/").wants(t, http.StatusOK, "Hello, stranger.").lacks(t, sessionEnded)

	laptop.submit("/sessions/end", "id", id).redirectsTo(t, "/sessions")
	laptop.get("/sessions").wants(t, http.StatusOK, "That session had already ended.", "Signed in as <strong>Ada</strong>")
}

func TestThisDeviceCanBeSignedOut(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	laptop := signedIn(b, firefoxOnLinux, "Ada")
	id := regexp.MustCompile(`name="id" value="([^"]+)"`).FindStringSubmatch(laptop.get("/sessions").body)[1]
	laptop.submit("/sessions/end", "id", id).redirectsHome(t)
	laptop.get("/").wants(t, http.StatusOK, "You are signed out", "Hello, stranger.").lacks(t, sessionEnded)
	b.onlyDocument()
}

func TestSigningOutEverywhereElse(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	phone, tablet, laptop := signedIn(b, safariOnIPhone, "Ada"), signedIn(b, chromeOnAndroid, "Ada"), signedIn(b, firefoxOnLinux, "Ada")
	grace := signedIn(b, firefoxOnLinux, "Grace")
	laptop.get("/sessions")
	laptop.submit("/sessions/end-others").redirectsTo(t, "/sessions")
	laptop.get("/sessions").wants(t, http.StatusOK, "You are signed out everywhere else: 2 sessions ended.", "Firefox on Linux")
	laptop.submit("/sessions/end-others").redirectsTo(t, "/sessions")
	laptop.get("/sessions").wants(t, http.StatusOK, "There was no other session to end.")
	for _, other := range []*browser{phone, tablet} {
		other.get("/").wants(t, http.StatusOK, sessionEnded, "Hello, stranger.")
	}
	grace.get("/").wants(t, http.StatusOK, "Signed in as <strong>Grace</strong>")
}

func TestSessionsOfOthersCannotBeEnded(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	ada, adaToo, mallory := signedIn(b, safariOnIPhone, "Ada"), signedIn(b, firefoxOnLinux, "Ada"), signedIn(b, firefoxOnLinux, "Mallory")
	id, _ := ada.get("/sessions").otherSession(t)
	mallory.submit("/sessions/end", "id", id, "user", "Ada", "name", "Ada").redirectsTo(t, "/sessions")
	mallory.get("/sessions").wants(t, http.StatusOK, "That session had already ended.")
	adaToo.get("/").wants(t, http.StatusOK, "Signed in as <strong>Ada</strong>")
	mallory.post("/sessions/end", "id="+id).wants(t, http.StatusForbidden)
	mallory.post("/sessions/end-others", "").wants(t, http.StatusForbidden)
}

func TestSessionsAreForTheSignedIn(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	b.get("/")
	b.get("/sessions").redirectsHome(t)
	b.get("/").wants(t, http.StatusOK, "Please sign in first.")
	b.submit("/sessions/end", "id", "x").redirectsHome(t)
	b.submit("/sessions/end-others").redirectsHome(t)
	b.get("/").wants(t, http.StatusOK, "Please sign in first.")
}

func TestDevicesAndNamesAreNoMarkup(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	name := `<script>alert("1")</script>`
	signedIn(b, `"><script>alert(2)</script> Firefox/1.0`, name)
	laptop := signedIn(b, firefoxOnLinux, name)
	laptop.get("/sessions").wants(t, http.StatusOK, "<h2>Firefox</h2>", "&lt;script&gt;alert(&#34;1&#34;)&lt;/script&gt;").lacks(t, "alert(2)")
}

func TestLookingExtendsSessions(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	b.get("/")
	b.submit("/sign-in", "name", "Ada", "keep", "yes")
	b.get("/")
	before := b.onlyDocument()["expire"].(time.Time)
	b.clock.advance(touchAfter / 2)
	b.get("/sessions").wants(t, http.StatusOK, "cost <strong>2 reads</strong>")
	b.clock.advance(touchAfter)
	b.get("/sessions").wants(t, http.StatusOK, "cost <strong>2 reads, 1 write</strong>")
	if after := b.onlyDocument()["expire"].(time.Time); after.Sub(before) < touchAfter {
		t.Errorf("session was to expire at %v, and now at %v", before, after)
	}
}

func TestEndOfASessionIsTold(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, cookie string
		told         bool
	}{
		{"a key without a session", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", true},
		{"no cookie", "", false},
		{"what can't be a key", "user/17", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := newBrowser(t)
			b.setSession(test.cookie)
			page := b.get("/").wants(t, http.StatusOK, "Hello, stranger.")
			if got := strings.Contains(page.body, sessionEnded); got != test.told {
				t.Errorf("told: %t, want %t", got, test.told)
			}
			b.get("/").wants(t, http.StatusOK, "<strong>2</strong>").lacks(t, sessionEnded)
		})
	}
}

func TestEndOfALifetimeIsTold(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	b.get("/")
	b.clock.advance(lifetime + time.Minute)
	b.get("/").wants(t, http.StatusOK, sessionEnded, "<strong>1</strong>", "cost <strong>1 read, 1 write, 1 delete</strong>")
}

// TestEndIsToldAfterAForm sends a form from a page that was shown before the session was ended.
func TestEndIsToldAfterAForm(t *testing.T) {
	t.Parallel()
	for path, also := range map[string]string{
		"/note":                "Your note is saved.",
		"/sign-in":             "You are signed in.",
		"/sessions/end":        "Please sign in first.",
		"/sessions/end-others": "Please sign in first.",
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			b := newBrowser(t)
			b.get("/")
			b.setSession("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
			b.submit(path, "note", "tea", "name", "Ada").redirectsHome(t)
			b.get("/").wants(t, http.StatusOK, sessionEnded, also)
			b.get("/").lacks(t, sessionEnded)
		})
	}
}

func TestSessionsDuringAnOutage(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	signedIn(b, safariOnIPhone, "Ada")
	laptop := signedIn(b, firefoxOnLinux, "Ada")
	id, _ := laptop.get("/sessions").otherSession(t)
	repair := b.firestore.Inject(firestoretest.Fault{Method: "RunQuery", Times: -1, Err: status.Error(codes.PermissionDenied, "secret")})
	for _, page := range []reply{
		laptop.get("/sessions"),
		laptop.submit("/sessions/end", "id", id),
		laptop.submit("/sessions/end-others"),
	} {
		page.wants(t, http.StatusServiceUnavailable, "We can’t reach our database", "cost <strong>1 read</strong>").lacks(t, "secret")
	}
	repair()
	laptop.get("/sessions").otherSession(t)
}

func (b *browser) url() *url.URL {
	b.t.Helper()
	u, err := url.Parse(b.server.URL)
	requireNoError(b.t, err)
	return u
}

func (b *browser) cookies() []*http.Cookie { return b.http.Jar.Cookies(b.url()) }

// setSession gives the browser the session's cookie with a value, if there is one.
func (b *browser) setSession(value string) {
	if value != "" {
		b.http.Jar.SetCookies(b.url(), []*http.Cookie{{Name: echofirestore.DefaultCookieName, Value: value, Path: "/"}})
	}
}
