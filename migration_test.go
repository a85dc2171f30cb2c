package echofirestore_test

import (
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/firestore"
	"github.com/google/go-cmp/cmp"
	"github.com/gorilla/sessions"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
	"github.com/echofirestore/echofirestore/internal/emulator"
)

// anOldKey is one of firestore-gorilla-sessions.
const anOldKey = "4MmSSwGcbEPM4wRkq5Zf"

// oldDocument is the document that firestore-gorilla-sessions has for a session with these values, in JSON.
func oldDocument(values string) map[string]any {
	return map[string]any{"EncodedSession": `{"Values":` + values + `,"ID":"` + anOldKey + `","Options":` +
		`{"Path":"","Domain":"","MaxAge":0,"Secure":false,"HttpOnly":false,"Partitioned":false,"SameSite":0}}`}
}

// TestMoveSession moves documents, by a visit and by moveSessions.
func TestMoveSession(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		document map[string]any
		want     map[string]any // the session's values; nil if it is new
		asItWas  bool           // the document is not changed
	}{
		{
			name:     "values of every kind, numbers as float64",
			document: oldDocument(`{"bool":true,"float":3.5,"list":["a",1,null],"map":{"n":2,"deep":{"s":"x"}},"n":41,"nil":null,"s":"Grüße \u003cb\u003e"}`),
			want: map[string]any{
				"bool": true, "float": 3.5, "list": []any{"a", 1.0, nil},
				"map": map[string]any{"n": 2.0, "deep": map[string]any{"s": "x"}}, "n": 41.0, "nil": nil, "s": "Grüße <b>",
			},
		},
		{
			name:     "large numbers, rounded as they were",
			document: oldDocument(`{"big":9007199254740993,"exp":1e+21}`),
			want:     map[string]any{"big": 9007199254740992.0, "exp": 1e21},
		},
		{
			name:     "flashes and times",
			document: oldDocument(`{"_flash":["Saved."],"since":"2019-10-01T12:00:00Z"}`),
			want:     map[string]any{"_flash": []any{"Saved."}, "since": "2019-10-01T12:00:00Z"},
		},
		{
			name:     "no values",
			document: oldDocument(`{}`),
			want:     map[string]any{},
		},
		{
			name: "by gorilla/sessions 1.2",
			document: map[string]any{"EncodedSession": `{"Values":{"s":"x"},"ID":"` + anOldKey + `","Options":` +
				`{"Path":"/","Domain":"","MaxAge":2592000,"Secure":false,"HttpOnly":false,"SameSite":0}}`},
			want: map[string]any{"s": "x"},
		},
		{
			name:     "by its first version, without Options",
			document: map[string]any{"EncodedSession": `{"Values":{"s":"x"},"ID":"` + anOldKey + `"}`},
			want:     map[string]any{"s": "x"},
		},
		{
			name: "moved before, and changed since",
			document: map[string]any{
				"EncodedSession": `{"Values":{"s":"old"},"ID":"` + anOldKey + `","Options":null}`,
				"data":           `{"created":1,"session":{"s":"new"}}`, "max_age": nil,
			},
			want: map[string]any{"s": "new"}, asItWas: true,
		},
		{
			name:     "never the old program's",
			document: map[string]any{"data": `{"created":1,"session":{"n":1}}`, "max_age": nil},
			want:     map[string]any{"n": 1}, asItWas: true,
		},
		{name: "no text", document: map[string]any{"EncodedSession": int64(1)}, asItWas: true},
		{name: "no JSON", document: map[string]any{"EncodedSession": `{"Values":`}, asItWas: true},
		{name: "no object", document: map[string]any{"EncodedSession": `[1]`}, asItWas: true},
		{name: "no values at all", document: map[string]any{"EncodedSession": `{"Values":1}`}, asItWas: true},
		{name: "something else", document: map[string]any{"foo": "bar"}, asItWas: true},
	} {
		for _, way := range []string{"visit", "moveSessions"} {
			t.Run(tt.name+", by "+way, func(t *testing.T) {
				t.Parallel()
				m := newMove(t)
				created := m.put(tt.document)
				store := sessions.Store(m.moving)
				if way == "moveSessions" {
					for range 2 { // the second time, there is nothing left to do
						if err := moveSessions(t.Context(), m.client, "hello"); err != nil {
							t.Fatal(err)
						}
					}
					store = m.moving.Store
				}
				sess, err := store.Get(request("hello="+anOldKey), "hello")
				if err != nil {
					t.Fatal(err)
				}
				if sess.IsNew != (tt.want == nil) {
					t.Errorf("new: %t", sess.IsNew)
				}
				if diff := cmp.Diff(tt.want, values(sess)); tt.want != nil && diff != "" {
					t.Errorf("values (-want +got):\n%s", diff)
				}
				if writes := m.server.Ops().Writes - 1; tt.asItWas && writes != 0 || !tt.asItWas && writes != 1 {
					t.Errorf("%d writes", writes)
				}
				m.check(created, tt.document, tt.asItWas)
			})
		}
	}
}

// TestMovingStoreCost counts what the store costs while sessions move.
func TestMovingStoreCost(t *testing.T) {
	t.Parallel()
	m := newMove(t)
	m.put(oldDocument(`{"n":41}`))
	for _, tt := range []struct{ name, cookie, cost string }{
		{"no cookie", "", "nothing"},
		{"no key", "hello=../admin", "nothing"},
		{"a key of its own that has no session", "hello=" + strings.Repeat("k", 43), "1 read"},
		{"an old key that has no session", "hello=" + strings.Repeat("k", 20), "3 reads"},
		{"the first visit", "hello=" + anOldKey, "3 reads, 1 write"},
		{"every further visit", "hello=" + anOldKey, "1 read"},
	} {
		before := m.server.Ops()
		if _, err := m.moving.Get(request(tt.cookie), "hello"); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if cost := m.server.Ops().Sub(before).String(); cost != tt.cost {
			t.Errorf("%s: cost %s, want %s", tt.name, cost, tt.cost)
		}
	}
}

// TestMoveSessionsCost counts what it costs to move the rest, and to find that there is none.
func TestMoveSessionsCost(t *testing.T) {
	t.Parallel()
	m := newMove(t)
	m.put(oldDocument(`{"n":41}`))
	for _, want := range []string{"2 reads, 1 write", "2 reads"} {
		before := m.server.Ops()
		if err := moveSessions(t.Context(), m.client, "hello"); err != nil {
			t.Fatal(err)
		}
		if cost := m.server.Ops().Sub(before).String(); cost != want {
			t.Errorf("cost %s, want %s", cost, want)
		}
	}
}

// TestMovingStoreAtOnce has one user's first requests come all at once, and moveSessions with them.
func TestMovingStoreAtOnce(t *testing.T) {
	t.Parallel()
	m := newMove(t)
	m.put(oldDocument(`{"n":41}`))
	var requests sync.WaitGroup
	for range 8 {
		requests.Go(func() {
			sess, err := m.moving.Get(request("hello="+anOldKey), "hello")
			if err != nil || sess.Values["n"] != 41.0 {
				t.Errorf("%v, error %v", sess.Values, err)
			}
		})
	}
	requests.Go(func() {
		if err := moveSessions(t.Context(), m.client, "hello"); err != nil {
			t.Error(err)
		}
	})
	requests.Wait()
	if writes := m.server.Ops().Writes - 1; writes != 1 {
		t.Errorf("%d writes, want 1", writes)
	}
}

// TestMovingStoreBesideTheOldProgram has the old program save a session while it is being moved, and again afterwards.
func TestMovingStoreBesideTheOldProgram(t *testing.T) {
	t.Parallel()
	emulator.Avoid(t, "it has the other program wait for the transaction")
	m := newMove(t)
	m.put(oldDocument(`{"n":1}`))
	save := func(values string) {
		if _, err := m.ref.Set(t.Context(), oldDocument(values)); err != nil {
			t.Error(err)
		}
	}
	m.server.Inject(firestoretest.Fault{Method: "Commit", Do: func() { save(`{"n":2}`) }})
	for _, want := range []float64{2, 3} {
		sess, err := m.moving.Get(request("hello="+anOldKey), "hello")
		if err != nil || sess.Values["n"] != want {
			t.Errorf("%v, error %v, want n=%v", sess.Values, err, want)
		}
		save(`{"n":3}`)
	}
}

// TestMovingStoreOutage has Firestore fail when the session is to be moved: that is an error, not a new session.
func TestMovingStoreOutage(t *testing.T) {
	t.Parallel()
	m := newMove(t)
	m.put(oldDocument(`{"n":41}`))
	m.server.Inject(firestoretest.Fault{Method: "Commit", Err: status.Error(codes.PermissionDenied, "no")})
	if _, err := m.moving.Get(request("hello="+anOldKey), "hello"); status.Code(err) != codes.PermissionDenied {
		t.Errorf("error %v", err)
	}
}

// TestMovingStorePath has a browser with a cookie that the old program set in a directory of the site, as it set them
// without a Path, and begins a new session from there: the old cookie must not stand before the new one.
func TestMovingStorePath(t *testing.T) {
	t.Parallel()
	m := newMove(t)
	m.put(oldDocument(`{"n":41}`))
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sess, err := m.moving.Get(r, "hello")
		if err == nil && strings.HasSuffix(r.URL.Path, "/sign-in") {
			sess.ID = "" // takes a new key
			sess.Values["user"] = "alice"
			err = sess.Save(r, w)
		}
		fmt.Fprint(w, sess.Values["n"], sess.Values["user"], err)
	}))
	t.Cleanup(web.Close)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	page, err := url.Parse(web.URL + "/account/start")
	if err != nil {
		t.Fatal(err)
	}
	jar.SetCookies(page, []*http.Cookie{{Name: "hello", Value: anOldKey}})
	b := &browser{t: t, url: web.URL, Client: http.Client{Jar: jar}}
	for _, step := range []struct{ path, want string }{
		{"/", "<nil> <nil> <nil>"},
		{"/account/profile", "41 <nil> <nil>"},
		{"/account/now/sign-in", "41alice<nil>"},
		{"/account/profile", "41alice<nil>"},
		{"/", "41alice<nil>"},
	} {
		if got := b.get(step.path); got.body != step.want {
			t.Errorf("%s: %q, want %q", step.path, got.body, step.want)
		}
	}
}

// A move is what the old program left behind, and the store that moves it.
type move struct {
	t      *testing.T
	server *firestoretest.Server
	client *firestore.Client
	ref    *firestore.DocumentRef // of the session with anOldKey
	moving movingStore
}

func newMove(t *testing.T) *move {
	t.Helper()
	server, client := firestoretest.Start(t)
	store, err := echofirestore.NewStore(echofirestore.Config{
		Client: client, Collection: "hello", CookieName: "hello", MaxAge: movedMaxAge,
	})
	if err != nil {
		t.Fatal(err)
	}
	return &move{t, server, client, client.Collection("hello").Doc(anOldKey), movingStore{store, client}}
}

func (m *move) put(document map[string]any) time.Time {
	m.t.Helper()
	result, err := m.ref.Create(m.t.Context(), document)
	if err != nil {
		m.t.Fatal(err)
	}
	return result.UpdateTime
}

// check compares the document with what it was, and what moving has added to it with the times of the store's own.
func (m *move) check(created time.Time, was map[string]any, unmoved bool) {
	m.t.Helper()
	snap, err := m.ref.Get(m.t.Context())
	if err != nil {
		m.t.Fatal(err)
	}
	fields := snap.Data()
	if !unmoved {
		expire, _ := fields["expire"].(time.Time)
		started, _ := fields["started"].(time.Time)
		if fields["max_age"] != int64(movedMaxAge) || expire.Sub(started) != movedMaxAge*time.Second || started.Before(created.Add(-time.Minute)) {
			m.t.Errorf("max_age %v, expire %v, started %v", fields["max_age"], expire, started)
		}
		for _, added := range []string{"data", "max_age", "expire", "started"} {
			delete(fields, added)
		}
	}
	if diff := cmp.Diff(was, fields); diff != "" {
		m.t.Errorf("document (-before +after):\n%s", diff)
	}
}

// request returns a request with a Cookie header.
func request(cookie string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
	if cookie != "" {
		r.Header.Set("Cookie", cookie)
	}
	return r
}

func values(sess *sessions.Session) map[string]any {
	named := make(map[string]any, len(sess.Values))
	for key, v := range sess.Values {
		named[key.(string)] = v
	}
	return named
}
