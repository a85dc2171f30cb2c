package firebase

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/labstack/echo/v4"
)

// now is when everything happens.
var now = time.Now()

// claims are what Firebase puts into the ID token of a user who signed in a minute ago.
func claims() map[string]any {
	return map[string]any{
		"iss": "https://securetoken.google.com/shop", "aud": "shop", "sub": "ada",
		"auth_time": now.Add(-time.Minute).Unix(), "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
	}
}

// A page is what a browser of the application does. It has the keys that sign Firebase's ID tokens.
type page struct {
	t         *testing.T
	google    *rsa.PrivateKey
	firestore *firestoretest.Server
	store     *echofirestore.Store
	revoked   *revocations
	echo      *echo.Echo
	cookie    *http.Cookie
}

type revocations struct {
	users []string
	err   error
}

func (r *revocations) RevokeRefreshTokens(_ context.Context, uid string) error {
	if r.err == nil {
		r.users = append(r.users, uid)
	}
	return r.err
}

func newPage(t *testing.T) *page {
	t.Helper()
	google := newKey(t)
	server, client := firestoretest.Start(t)
	clock := func() time.Time { return now }
	store, err := echofirestore.NewStore(echofirestore.Config{Client: client, MaxAge: 3600, UserKey: "user", Now: clock})
	requireNoError(t, err)
	p := &page{t: t, google: google, firestore: server, store: store, revoked: new(revocations), echo: echo.New()}
	verifier, err := newVerifier(oidc.ClientContext(t.Context(), &http.Client{Transport: googleOf(google)}), "shop")
	requireNoError(t, err)
	a := &application{store: store, verifier: verifier, firebase: p.revoked, now: clock}
	a.install(p.echo)
	p.echo.GET("/", func(c echo.Context) error {
		values := echofirestore.Session(c).Values
		user, _ := values["user"].(string)
		note, _ := values["note"].(string)
		return c.String(http.StatusOK, "Hello, "+user+note)
	})
	p.echo.POST("/note", func(c echo.Context) error {
		echofirestore.Session(c).Values["note"] = ", buy milk"
		return c.NoContent(http.StatusNoContent)
	})
	return p
}

// googleOf answers what newVerifier and its verifier ask Google: Firebase's configuration, which has no more than this, and the
// keys, of which there is one.
func googleOf(key *rsa.PrivateKey) http.RoundTripper {
	const keys = "https://www.googleapis.com/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com"
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		rec := httptest.NewRecorder()
		var answer any
		switch r.URL.String() {
		case "https://securetoken.google.com/shop/.well-known/openid-configuration":
			answer = map[string]any{
				"issuer": "https://securetoken.google.com/shop", "jwks_uri": keys,
				"response_types_supported": []string{"id_token"}, "subject_types_supported": []string{"public"},
				"id_token_signing_alg_values_supported": []string{"RS256"},
			}
		case keys:
			answer = jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), Algorithm: "RS256", Use: "sig"}}}
		default:
			rec.WriteHeader(http.StatusNotFound)
		}
		err := json.NewEncoder(rec).Encode(answer)
		return rec.Result(), err
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// post sends a form as a script of the site itself does, or with another value of Sec-Fetch-Site.
func (p *page) post(path, site, idToken string) *httptest.ResponseRecorder {
	p.t.Helper()
	form := url.Values{}
	if idToken != "" {
		form.Set("id_token", idToken)
	}
	req := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", site)
	return p.do(req)
}

func (p *page) wantGreeting(want string) {
	p.t.Helper()
	if got := p.do(httptest.NewRequest(http.MethodGet, "/", nil)).Body.String(); got != want {
		p.t.Errorf("the page says %q, want %q", got, want)
	}
}

func (p *page) do(req *http.Request) *httptest.ResponseRecorder {
	if p.cookie != nil {
		req.AddCookie(p.cookie)
	}
	rec := httptest.NewRecorder()
	p.echo.ServeHTTP(rec, req)
	for _, cookie := range rec.Result().Cookies() {
		if cookie.Name == echofirestore.DefaultCookieName {
			p.cookie = cookie
		}
	}
	return rec
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		claim  string
		value  any
		status int
	}{
		{"as Firebase makes it", "", nil, http.StatusNoContent},
		{"signed in too long ago, and the token is fresh", "auth_time", now.Add(-recently - time.Second).Unix(), http.StatusUnauthorized},
		{"no time of the sign-in", "auth_time", nil, http.StatusUnauthorized},
		{"of another project", "aud", "other", http.StatusUnauthorized},
		{"by another issuer", "iss", "https://securetoken.google.com/other", http.StatusUnauthorized},
		{"expired", "exp", now.Add(-time.Minute).Unix(), http.StatusUnauthorized},
		{"of nobody", "sub", "", http.StatusUnauthorized},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p, c, greeting := newPage(t), claims(), "Hello, ada"
			c[test.claim] = test.value
			if test.status != http.StatusNoContent {
				greeting = "Hello, "
			}
			rec := p.post("/session", "same-origin", sign(t, p.google, c))
			if rec.Code != test.status {
				t.Errorf("answered %d, want %d: %s", rec.Code, test.status, rec.Body)
			}
			p.wantGreeting(greeting)
		})
	}
}

func TestForgeries(t *testing.T) {
	t.Parallel()
	p := newPage(t)
	good := sign(t, p.google, claims())
	unsigned := "eyJhbGciOiJub25lIn0." + strings.Split(good, ".")[1] + "."
	for name, rec := range map[string]*httptest.ResponseRecorder{
		"signed by somebody else":    p.post("/session", "same-origin", sign(t, newKey(t), claims())),
		"not signed":                 p.post("/session", "same-origin", unsigned),
		"no token":                   p.post("/session", "same-origin", ""),
		"a token in the address":     p.post("/session?id_token="+good, "same-origin", ""),
		"a form on another site":     p.post("/session", "cross-site", good),
		"a form on a sibling domain": p.post("/session", "same-site", good),
	} {
		if rec.Code/100 != 4 {
			t.Errorf("%s: answered %d", name, rec.Code)
		}
	}
	p.wantGreeting("Hello, ")
	if cost := p.firestore.Ops().String(); cost != "nothing" {
		t.Errorf("they cost %s", cost)
	}
}

func TestAnotherUser(t *testing.T) {
	t.Parallel()
	p := newPage(t)
	p.post("/note", "same-origin", "")
	p.post("/session", "same-origin", sign(t, p.google, claims()))
	p.wantGreeting("Hello, ada, buy milk")
	before := p.cookie.Value
	cost := p.firestore.Ops()
	other := claims()
	other["sub"] = "grace"
	p.post("/session", "same-origin", sign(t, p.google, other))
	if got := p.firestore.Ops().Sub(cost).String(); got != "1 read, 1 write, 1 delete" {
		t.Errorf("another sign-in cost %s", got)
	}
	if p.cookie.Value == before {
		t.Error("the session has its old key")
	}
	p.wantGreeting("Hello, grace")
	p.cookie.Value = before
	p.wantGreeting("Hello, ")
}

// TestSignInWhileTheOldSessionEnds has the user's sessions be revoked while the browser signs in again. It is signed in.
func TestSignInWhileTheOldSessionEnds(t *testing.T) {
	t.Parallel()
	p := newPage(t)
	p.post("/session", "same-origin", sign(t, p.google, claims()))
	p.firestore.Inject(firestoretest.Fault{Method: "Commit", Do: func() {
		if n, err := p.store.RevokeUser(t.Context(), "ada"); n != 1 || err != nil {
			t.Errorf("%d revoked, error %v", n, err)
		}
	}})
	if rec := p.post("/session", "same-origin", sign(t, p.google, claims())); rec.Code != http.StatusNoContent {
		t.Errorf("answered %d: %s", rec.Code, rec.Body)
	}
	p.wantGreeting("Hello, ada")
}

func TestSignOut(t *testing.T) {
	t.Parallel()
	p := newPage(t)
	p.post("/session", "same-origin", sign(t, p.google, claims()))
	laptop := p.cookie
	p.cookie = nil
	p.post("/session", "same-origin", sign(t, p.google, claims()))
	phone := p.cookie

	p.revoked.err = errors.New("Firebase does not answer")
	if rec := p.post("/sign-out-everywhere", "same-origin", ""); rec.Code != http.StatusInternalServerError {
		t.Errorf("answered %d", rec.Code)
	}
	p.cookie = laptop
	p.wantGreeting("Hello, ") // all the same

	p.revoked.err = nil
	p.cookie = nil
	p.post("/session", "same-origin", sign(t, p.google, claims()))
	copied := *p.cookie
	p.post("/sign-out-everywhere", "same-origin", "")
	if len(p.revoked.users) != 1 || p.revoked.users[0] != "ada" {
		t.Errorf("Firebase was told to revoke %v", p.revoked.users)
	}
	for _, cookie := range []*http.Cookie{laptop, phone, &copied} {
		p.cookie = cookie
		p.wantGreeting("Hello, ")
	}
}

// TestPage makes sure that the page's code compiles and passes these tests: it is this package's.
func TestPage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../../docs/firebase-auth.md")
	requireNoError(t, err)
	code, err := os.ReadFile("firebase.go")
	requireNoError(t, err)
	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllSubmatch(page, -1)
	if len(blocks) < 3 {
		t.Errorf("the page has %d blocks of Go", len(blocks))
	}
	for _, block := range blocks {
		if !strings.Contains(string(code), string(block[1])) {
			t.Errorf("this is not in firebase.go:\n%s", block[1])
		}
	}
}

func newKey(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	requireNoError(t, err)
	return key
}

func sign(t *testing.T, key *rsa.PrivateKey, claims map[string]any) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: key}, nil)
	requireNoError(t, err)
	token, err := jwt.Signed(signer).Claims(claims).Serialize()
	requireNoError(t, err)
	return token
}

func requireNoError(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
