package python

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/firestore"
	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
	"github.com/gorilla/sessions"
)

// A side is where a step takes place.
type side string

const (
	inPython    side = "Python"
	inGo        side = "Go"
	inFirestore side = "Firestore"
)

// A pair is an application in Python and one in Go that have their sessions in common, and a browser that visits both.
// The cookies of one are sent to the other, for cookies don't tell ports apart.
type pair struct {
	t         *testing.T
	firestore *firestoretest.Server
	client    *firestore.Client
	urls      map[side]string
	browser   http.Client
	call      func(*sessions.Session) // what the Echo application does at /call
}

// newPair starts both applications, Python's with a version of aiohttp-session-firestore and the max age of the Config.
func newPair(t *testing.T, version string, cfg echofirestore.Config) *pair {
	t.Helper()
	p := &pair{t: t}
	p.firestore, p.client = firestoretest.Start(t)
	cfg.Client = p.client
	p.urls = map[side]string{
		inPython: startPython(t, version, p.firestore, cfg.MaxAge),
		inGo:     startGo(t, cfg, &p.call),
	}
	p.reset()
	return p
}

// reset takes a new browser, and empties the collection.
func (p *pair) reset() {
	p.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		p.t.Fatal(err)
	}
	p.browser = http.Client{Jar: jar, Timeout: time.Minute}
	docs, err := p.documents()
	if err != nil {
		p.t.Fatal(err)
	}
	for _, doc := range docs {
		if _, err := doc.Ref.Delete(p.t.Context()); err != nil {
			p.t.Fatal(err)
		}
	}
}

func (p *pair) documents() ([]*firestore.DocumentSnapshot, error) {
	return p.client.Collection(collection).Documents(p.t.Context()).GetAll()
}

// only returns the one document that there is.
func (p *pair) only() (*firestore.DocumentSnapshot, error) {
	docs, err := p.documents()
	if err != nil {
		return nil, err
	}
	if len(docs) != 1 {
		return nil, fmt.Errorf("%d documents", len(docs))
	}
	return docs[0], nil
}

// A reply is what a request came to.
type reply struct {
	status int
	body   string
	cookie *http.Cookie // the session's, if the response sets it
	cost   firestoretest.Ops
	asked  time.Time
}

// get asks one of the applications for a path.
func (p *pair) get(on side, path string) (reply, error) {
	return p.ask(on, http.MethodGet, path, "")
}

// put has one of the applications store a value as "value": in Python, that of an expression.
func (p *pair) put(on side, value any) (reply, error) {
	if on == inPython {
		return p.ask(on, http.MethodPost, "/put", value.(string))
	}
	p.call = func(sess *sessions.Session) { sess.Values["value"] = value }
	return p.get(on, "/call")
}

func (p *pair) ask(on side, method, path, body string) (reply, error) {
	req, err := http.NewRequestWithContext(p.t.Context(), method, p.urls[on]+path, strings.NewReader(body))
	if err != nil {
		return reply{}, err
	}
	r := reply{asked: time.Now()}
	before := p.firestore.Ops()
	resp, err := p.browser.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return reply{}, err
	}
	r.status, r.body, r.cost = resp.StatusCode, string(text), p.firestore.Ops().Sub(before)
	switch cookies := resp.Cookies(); {
	case len(cookies) > 1 || len(cookies) == 1 && cookies[0].Name != echofirestore.DefaultCookieName:
		return reply{}, fmt.Errorf("cookies %v", cookies)
	case len(cookies) == 1:
		r.cookie = cookies[0]
	}
	return r, nil
}

// String tells in a line all that matters of a reply, what becomes of the session's cookie and the cost included.
func (r reply) String() string {
	parts := []string{fmt.Sprint(r.status)}
	if r.status == http.StatusOK {
		parts[0] += " " + r.body
	}
	switch {
	case r.cookie == nil:
	case r.cookie.MaxAge > 0:
		parts = append(parts, fmt.Sprintf("cookie for %d s", r.cookie.MaxAge))
	case r.cookie.MaxAge < 0:
		parts = append(parts, "cookie deleted")
	default:
		parts = append(parts, "cookie")
	}
	if r.cost != (firestoretest.Ops{}) {
		parts = append(parts, r.cost.String())
	}
	return strings.Join(parts, ", ")
}

// overtake has do happen when the next request that saves has read its session, and before what it saves arrives in
// Firestore. To be called after that request, stop returns what do has cost; it fails if nothing was saved.
func (p *pair) overtake(do func()) (stop func() (firestoretest.Ops, error)) {
	done := make(chan firestoretest.Ops, 1)
	remove := p.firestore.Inject(firestoretest.Fault{Method: "Commit", Do: func() {
		before := p.firestore.Ops()
		do()
		done <- p.firestore.Ops().Sub(before)
	}})
	return func() (firestoretest.Ops, error) {
		remove()
		select {
		case cost := <-done:
			return cost, nil
		default:
			return firestoretest.Ops{}, errors.New("nothing was to be saved")
		}
	}
}
