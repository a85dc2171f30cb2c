package echofirestore_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/labstack/echo/v4"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
	"github.com/echofirestore/echofirestore/internal/bubble"
)

// byUser has sessions found by the value "user".
func byUser(cfg *echofirestore.Config) { cfg.UserKey = "user" }

// newUserApp starts an app that signs in whoever ?user= names.
func newUserApp(t *testing.T, configure ...func(*echofirestore.Config)) *app {
	t.Helper()
	return withUserPages(newApp(t, append([]func(*echofirestore.Config){byUser}, configure...)...))
}

// withUserPages adds the pages of newUserApp.
func withUserPages(a *app) *app {
	a.POST("/login", func(c echo.Context) error {
		session(c).Values["user"] = c.QueryParam("user")
		return nil
	})
	a.POST("/renew", echofirestore.Renew)
	a.POST("/out", echofirestore.Destroy)
	a.POST("/change", set("n", 1))
	a.GET("/id", func(c echo.Context) error { return c.String(http.StatusOK, a.store.SessionID(session(c))) })
	a.GET("/", see)
	return a
}

// login returns a browser with a session of user's.
func (a *app) login(user string) *browser {
	a.t.Helper()
	b := a.browser()
	if got := b.post("/login?user=" + user); got.StatusCode != http.StatusOK {
		a.t.Fatalf("status %d: %s", got.StatusCode, got.body)
	}
	return b
}

// user returns who is signed in.
func (b *browser) user() string {
	b.t.Helper()
	body := b.get("/").body
	_, rest, _ := strings.Cut(body, `"user":"`)
	user, _, _ := strings.Cut(rest, `"`)
	return user
}

func (a *app) sessions(user string) []echofirestore.SessionInfo {
	a.t.Helper()
	infos, err := a.store.Sessions(a.t.Context(), user)
	if err != nil {
		a.t.Fatal(err)
	}
	return infos
}

// protections are the ways to keep sessions that what is found, listed, ended and swept must not depend on.
var protections = []struct {
	name      string
	configure func(*testing.T) func(*echofirestore.Config)
}{
	{"plain", func(*testing.T) func(*echofirestore.Config) { return func(*echofirestore.Config) {} }},
	{"hashed", func(*testing.T) func(*echofirestore.Config) { return hashing }},
	{"signed", func(*testing.T) func(*echofirestore.Config) { return signed(hashKey, blockKey) }},
	{"encrypted", func(t *testing.T) func(*echofirestore.Config) { return encrypting(t, oldKey) }},
	{"all at once", func(t *testing.T) func(*echofirestore.Config) {
		return func(cfg *echofirestore.Config) {
			hashing(cfg)
			signed(hashKey, blockKey)(cfg)
			encrypting(t, oldKey)(cfg)
			cfg.Encoder, cfg.Decoder = echofirestore.EncodeGob, echofirestore.DecodeGob
		}
	}},
}

// TestProtectionsTogether lives through all that can happen to a session, under each protection and under all of them.
func TestProtectionsTogether(t *testing.T) {
	t.Parallel()
	for _, p := range protections {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			a := newUserApp(t, p.configure(t))
			phone, laptop, tablet := a.login("alice"), a.login("alice"), a.login("alice")
			bob := a.login("bob")
			everyone := func(want ...string) {
				t.Helper()
				got := []string{phone.user(), laptop.user(), tablet.user(), bob.user()}
				if !slices.Equal(got, want) {
					t.Errorf("signed in are %q, want %q", got, want)
				}
			}
			everyone("alice", "alice", "alice", "bob")

			before := phone.get("/id").body
			phone.post("/renew")
			id := phone.get("/id").body
			if id == before || len(id) != 22 {
				t.Errorf("ID %q became %q", before, id)
			}
			if err := a.store.Revoke(t.Context(), "alice", before); !errors.Is(err, echofirestore.ErrGone) {
				t.Errorf("revoking a renewed session: %v", err)
			}
			if err := a.store.Revoke(t.Context(), "bob", id); !errors.Is(err, echofirestore.ErrGone) {
				t.Errorf("revoking somebody else's session: %v", err)
			}
			if got := len(a.sessions("alice")); got != 3 {
				t.Errorf("%d sessions", got)
			}
			everyone("alice", "alice", "alice", "bob")

			if err := a.store.Revoke(t.Context(), "alice", tablet.get("/id").body); err != nil {
				t.Error(err)
			}
			everyone("alice", "alice", "", "bob")
			if n, err := a.store.RevokeUser(t.Context(), "alice", id); n != 1 || err != nil {
				t.Errorf("revoked %d, error %v", n, err)
			}
			everyone("alice", "", "", "bob")

			laptop = a.login("alice")
			a.clock.Advance(59 * time.Minute)
			phone.post("/change")
			a.clock.Advance(time.Minute)
			if n, err := a.store.DeleteExpired(t.Context()); n != 2 || err != nil {
				t.Errorf("deleted %d, error %v", n, err)
			}
			everyone("alice", "", "", "")
			phone.post("/out")
			if docs := a.documents(); len(docs) > 0 {
				t.Errorf("documents %v", docs)
			}

			phone, bob = a.login("alice"), a.login("bob")
			everyone("alice", "", "", "bob")
			if n, err := a.store.RevokeAll(t.Context()); n != 2 || err != nil {
				t.Errorf("revoked %d, error %v", n, err)
			}
			everyone("", "", "", "")
		})
	}
}

// TestSessions looks at what a user is shown of the sessions there are.
func TestSessions(t *testing.T) {
	t.Parallel()
	a := newUserApp(t)
	now := a.clock.Now()
	renewed := now.Add(-24 * time.Hour).UTC()
	a.put("expired", map[string]any{"data": payload(now), "max_age": 60, "expire": now, "user": "alice"})
	a.put("malformed", map[string]any{"data": "?", "max_age": nil, "user": "alice"})
	a.put("bobs", map[string]any{"data": payload(now), "max_age": nil, "user": "bob"})
	a.put("unlimited", map[string]any{"data": payload(now), "max_age": nil, "user": "alice", "started": renewed})
	recent := a.put("recent", map[string]any{"data": payload(now), "max_age": 60, "expire": now.Add(time.Minute), "user": "alice"})
	snap, err := recent.Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []echofirestore.SessionInfo
	if cost := a.cost(func() { got = a.sessions("alice") }); cost != (firestoretest.Ops{Reads: 4}) {
		t.Errorf("cost %v", cost)
	}
	if len(got) != 2 {
		t.Fatalf("sessions %+v", got)
	}
	alice := map[string]any{"user": "alice"}
	want := []echofirestore.SessionInfo{
		{ID: got[0].ID, User: "alice", Began: snap.CreateTime, Saved: snap.UpdateTime, Expires: now.Add(time.Minute).UTC(), MaxAge: 60, Values: alice},
		{ID: got[1].ID, User: "alice", Began: renewed, Saved: got[1].Saved, Values: alice},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("sessions (-want +got):\n%s", diff)
	}
	b := a.browser()
	for i, key := range []string{"recent", "unlimited"} {
		if id := b.get("/id", withCookie(key)).body; id != got[i].ID {
			t.Errorf("session %s has the ID %q, and is listed as %q", key, id, got[i].ID)
		}
		if strings.Contains(got[i].ID, key) || b.get("/", withCookie(got[i].ID)).body == b.get("/", withCookie(key)).body {
			t.Errorf("the ID %q is a credential", got[i].ID)
		}
	}
	if id := b.get("/id").body; id != "" {
		t.Errorf("a session that is not stored has the ID %q", id)
	}
	if cost := a.cost(func() { a.sessions("nobody") }); cost != (firestoretest.Ops{Reads: 1}) {
		t.Errorf("cost of a user without sessions: %v", cost)
	}
}

// TestSessionsThatEndByOtherFields lists sessions whose documents bear no expiry, but end all the same.
func TestSessionsThatEndByOtherFields(t *testing.T) {
	t.Parallel()
	a := newUserApp(t, func(cfg *echofirestore.Config) { cfg.Lifetime = time.Hour })
	now := a.clock.Now()
	for name, tt := range map[string]struct {
		fields map[string]any
		want   time.Time
	}{
		"stored before there was a Lifetime": {map[string]any{"max_age": nil, "started": now}, now.Add(time.Hour)},
		"by version 0.1.1 for Python":        {map[string]any{"max_age": 60, "started": now}, now.Add(time.Minute)},
		"expires after its Lifetime":         {map[string]any{"max_age": 7200, "started": now, "expire": now.Add(2 * time.Hour)}, now.Add(time.Hour)},
	} {
		t.Run(name, func(t *testing.T) {
			maps.Copy(tt.fields, map[string]any{"data": payload(now), "user": name})
			a.put(name, tt.fields)
			if got := a.sessions(name); len(got) != 1 || !got[0].Expires.Equal(tt.want) {
				t.Errorf("sessions %+v, want the end %v", got, tt.want)
			}
		})
	}
}

// TestUsersOfAllNames finds the sessions of users whose names differ in little.
func TestUsersOfAllNames(t *testing.T) {
	t.Parallel()
	a := newUserApp(t)
	names := []string{
		"alice", "Alice", "alice ", " ", "a/b", ".", "__x__", "~", "*", "alice' OR '1'='1", "ä", "a\u0308", "日本語", "👩🏽‍🚀", "0", "007", "7",
		"null", "true", "\n", "a\x00b", strings.Repeat("n", 1499), strings.Repeat("n", 1498) + "m",
	}
	for i, name := range names {
		a.POST(fmt.Sprintf("/login/%d", i), set("user", name))
		a.browser().post(fmt.Sprintf("/login/%d", i))
	}
	for _, name := range names {
		infos := a.sessions(name)
		if len(infos) != 1 || infos[0].Values["user"] != name {
			t.Errorf("sessions of %.20q: %v", name, infos)
		}
	}
	for _, name := range names[:len(names)/2] {
		if n, err := a.store.RevokeUser(t.Context(), name); n != 1 || err != nil {
			t.Errorf("revoked %d sessions of %.20q, error %v", n, name, err)
		}
	}
	if n := len(a.documents()); n != len(names)-len(names)/2 {
		t.Errorf("%d documents are left", n)
	}
}

// TestUserThatCannotBeFound refuses users whom Firestore would not find by their whole name.
func TestUserThatCannotBeFound(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]string{"too long": strings.Repeat("n", 1500), "no UTF-8": "\xff"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newUserApp(t, func(cfg *echofirestore.Config) {
				cfg.Encoder, cfg.Decoder = echofirestore.EncodeGob, echofirestore.DecodeGob
			})
			a.POST("/", set("user", value))
			got := a.browser().post("/")
			if got.StatusCode != http.StatusInternalServerError || len(a.documents()) > 0 {
				t.Errorf("status %d, documents %v", got.StatusCode, a.documents())
			}
			if log := a.log.String(); !strings.Contains(log, "Config.UserKey") || strings.Contains(log, "nnn") {
				t.Errorf("log %s", log)
			}
		})
	}
}

// TestUserFieldFollows changes who is signed in to a session: it must be found by its user, and by nobody else's name.
func TestUserFieldFollows(t *testing.T) {
	t.Parallel()
	a := newUserApp(t)
	a.POST("/leave", func(c echo.Context) error { delete(session(c).Values, "user"); return nil })
	a.POST("/nil", set("user", nil))
	b := a.browser()
	b.post("/change")
	for _, step := range []struct{ path, alice, bob string }{
		{"/login?user=alice", "1", "0"},
		{"/change", "1", "0"},
		{"/login?user=bob", "0", "1"},
		{"/renew", "0", "1"},
		{"/leave", "0", "0"},
		{"/login?user=alice", "1", "0"},
		{"/nil", "0", "0"},
		{"/login?user=bob", "0", "1"},
		{"/out", "0", "0"},
	} {
		b.post(step.path)
		alice, bob := fmt.Sprint(len(a.sessions("alice"))), fmt.Sprint(len(a.sessions("bob")))
		if alice != step.alice || bob != step.bob {
			t.Errorf("after %s: %s sessions of Alice, %s of Bob", step.path, alice, bob)
		}
	}
}

// TestEnded asks whether there was a session before: by the request's cookie, and by what becomes of the session.
func TestEnded(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, cookie string
		fields       map[string]any
		handler      echo.HandlerFunc // that runs before
		want         bool
	}{
		{name: "no cookie"},
		{name: "no key", cookie: ".."},
		{name: "alive", cookie: "key", fields: map[string]any{"max_age": nil}},
		{name: "malformed", cookie: "key", fields: map[string]any{"max_age": "?"}},
		{name: "missing", cookie: "key", want: true},
		{name: "expired", cookie: "key", fields: map[string]any{"max_age": 60, "expire": time.Unix(1, 0)}, want: true},
		{name: "destroyed by itself", cookie: "key", fields: map[string]any{"max_age": nil}, handler: echofirestore.Destroy},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := newUserApp(t)
			if tt.fields != nil {
				tt.fields["data"] = payload(a.clock.Now())
				a.put("key", tt.fields)
			}
			a.POST("/ended", func(c echo.Context) error {
				if tt.handler != nil {
					if err := tt.handler(c); err != nil {
						return err
					}
				}
				return c.JSON(http.StatusOK, a.store.Ended(session(c)))
			})
			got := a.browser().post("/ended", withCookie(tt.cookie))
			if want := fmt.Sprintln(tt.want); got.body != want {
				t.Errorf("%s, want %s", got.body, want)
			}
		})
	}
	t.Run("meanwhile", func(t *testing.T) {
		t.Parallel()
		a := newUserApp(t)
		b := a.login("alice")
		a.POST("/ended", func(c echo.Context) error {
			sess := session(c)
			if _, err := a.store.RevokeUser(c.Request().Context(), "alice"); err != nil {
				return err
			}
			sess.Values["n"] = 1
			err := echofirestore.Save(c)
			return c.JSON(http.StatusOK, []any{errors.Is(err, echofirestore.ErrGone), a.store.Ended(sess)})
		})
		if got := b.post("/ended"); got.body != "[true,true]\n" {
			t.Errorf("body %s", got.body)
		}
	})
}

func TestSessionsOfNobody(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, user string
		configure  func(*echofirestore.Config)
		want       string
	}{
		{name: "no UserKey", user: "alice", configure: func(*echofirestore.Config) {}, want: "Config.UserKey"},
		{name: "no user", configure: byUser, want: "the user is empty"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t, tt.configure)
			a.putSession("key", "{}")
			infos, listed := a.store.Sessions(t.Context(), tt.user)
			n, ended := a.store.RevokeUser(t.Context(), tt.user)
			for _, err := range []error{listed, ended, a.store.Revoke(t.Context(), tt.user, "id")} {
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("error %v", err)
				}
			}
			if infos != nil || n != 0 || len(a.documents()) != 1 {
				t.Errorf("sessions %v, %d ended", infos, n)
			}
		})
	}
}

// TestRevokeMany ends 1,200 sessions of one user, in several batches, and none of the 300 of others.
func TestRevokeMany(t *testing.T) {
	t.Parallel()
	a := newUserApp(t)
	a.putSessions(1200, "alice", nil)
	a.putSessions(200, "bob", nil)
	a.putSessions(100, "carol", nil)
	here := a.login("alice")
	var n int
	cost := a.cost(func() {
		var err error
		if n, err = a.store.RevokeUser(t.Context(), "alice", here.get("/id").body); err != nil {
			t.Error(err)
		}
	})
	if n != 1200 || len(a.documents()) != 301 || here.user() != "alice" {
		t.Errorf("ended %d, left %d, here is %q", n, len(a.documents()), here.user())
	}
	if cost.Deletes != 1200 || cost.Writes != 0 || cost.Reads < 1202 || cost.Reads > 1204 {
		t.Errorf("cost %v", cost) // the session that is spared is read once to learn its ID, and at most once a batch
	}
	t.Logf("1,200 sessions ended, 301 left: %v", cost)
}

// TestRevokedUserCannotEscape has a session of the user's saved, renewed or begun while all of them are being ended.
func TestRevokedUserCannotEscape(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"BeginTransaction", "RunQuery", "Commit"} {
		for _, path := range []string{"/change", "/renew"} {
			t.Run(path+" before "+method, func(t *testing.T) {
				t.Parallel()
				a := newUserApp(t)
				other := a.login("alice")
				a.login("alice")
				// On the emulator a save waits for a transaction that has read its document, so nobody waits for the save.
				var saves sync.WaitGroup
				a.firestore.Inject(firestoretest.Fault{Method: method, Do: func() {
					done := make(chan struct{})
					saves.Go(func() { defer close(done); other.post(path) })
					if method != "Commit" {
						<-done
					}
				}})
				n, err := a.store.RevokeUser(t.Context(), "alice")
				saves.Wait()
				if left := a.sessions("alice"); n < 1 || err != nil || len(left) > 0 {
					t.Errorf("ended %d, error %v, left %v", n, err, left)
				}
				if user := other.user(); user != "" {
					t.Errorf("signed in is %q", user)
				}
			})
		}
	}
}

// TestRevokeInContention has Firestore refuse the deletion for a time, and until the end of the time there is.
func TestRevokeInContention(t *testing.T) {
	t.Parallel()
	for _, times := range []int{1, 3, -1} {
		t.Run(fmt.Sprintf("%d times", times), func(t *testing.T) {
			t.Parallel()
			n := bubble.NewNetwork(t)
			synctest.Test(t, func(t *testing.T) {
				a := withUserPages(newBubbleApp(t, n, byUser))
				b := a.login("alice")
				id := b.get("/id").body
				remove := a.firestore.Inject(firestoretest.Fault{Method: "Commit", Times: times, Err: status.Error(codes.Aborted, "contention")})
				err := a.store.Revoke(t.Context(), "alice", id)
				remove()
				if ended := b.user() == ""; ended != (err == nil) || ended != (times > 0) || errors.Is(err, echofirestore.ErrGone) {
					t.Errorf("ended: %v, error %v", ended, err)
				}
			})
		})
	}
}

// TestRevokedSessionStaysEnded has a request under way while its session is revoked.
func TestRevokedSessionStaysEnded(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/change", "/renew", "/login?user=alice"} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			a := newUserApp(t)
			b := a.login("alice")
			id := b.get("/id").body
			a.firestore.Inject(firestoretest.Fault{Method: "BatchGetDocuments", After: true, Do: func() {
				if err := a.store.Revoke(t.Context(), "alice", id); err != nil {
					t.Error(err)
				}
			}})
			got := b.post(path)
			if got.StatusCode != http.StatusOK && got.StatusCode != http.StatusConflict || got.cookie("__session") != nil {
				t.Errorf("status %d, cookie %v", got.StatusCode, got.cookie("__session"))
			}
			if docs := a.documents(); len(docs) > 0 || b.user() != "" {
				t.Errorf("documents %v", docs)
			}
		})
	}
}

// TestLostAnswers has the answer to any one call be lost, before or after the call has been applied.
func TestLostAnswers(t *testing.T) {
	t.Parallel()
	type call struct {
		method string
		code   codes.Code
	}
	calls := []call{{"BeginTransaction", codes.Unavailable}, {"RunQuery", codes.Unavailable}}
	for _, code := range lostCodes {
		calls = append(calls, call{"Commit", code})
	}
	for _, call := range calls {
		method := call.method
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, %v, applied: %v", method, call.code, after), func(t *testing.T) {
				t.Parallel()
				network := bubble.NewNetwork(t)
				synctest.Test(t, func(t *testing.T) {
					a := withUserPages(newBubbleApp(t, network, byUser))
					phone, laptop := a.login("alice"), a.login("alice")
					fault := firestoretest.Fault{Method: method, After: after, Err: status.Error(call.code, "went away")}
					remove := a.firestore.Inject(fault)
					infos, err := a.store.Sessions(t.Context(), "alice")
					remove()
					if len(infos) != 2 || err != nil {
						t.Errorf("sessions %v, error %v", infos, err)
					}
					id := phone.get("/id").body
					a.firestore.Inject(fault)
					err = a.store.Revoke(t.Context(), "alice", id)
					// The client repeats a commit that is UNAVAILABLE: whoever had ended the session, it is gone then.
					repeated := method == "Commit" && after && call.code == codes.Unavailable
					if repeated != errors.Is(err, echofirestore.ErrGone) || !repeated && err != nil {
						t.Errorf("error %v", err)
					}
					if phone.user() != "" || laptop.user() != "alice" {
						t.Errorf("signed in are %q and %q", phone.user(), laptop.user())
					}
					tablet := a.login("alice")
					a.firestore.Inject(fault)
					if n, err := a.store.RevokeUser(t.Context(), "alice"); n != 2 || err != nil {
						t.Errorf("ended %d, error %v", n, err)
					}
					if laptop.user() != "" || tablet.user() != "" {
						t.Errorf("signed in are %q and %q", laptop.user(), tablet.user())
					}
				})
			})
		}
	}
}

// TestRevokeUserExcept spares sessions whose IDs are given, be they there or not, and meets the limits of a batch.
func TestRevokeUserExcept(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name          string
		stored        int // sessions of the user
		spared, other int // of their IDs, and of IDs that no session has
		twice         bool
		reads         int // in batches of 500 and of as many as are to be spared
	}{
		{name: "none stored", other: 1, reads: 1},
		{name: "all spared", stored: 3, spared: 3, reads: 3},
		{name: "given twice", stored: 3, spared: 1, twice: true, reads: 3},
		{name: "not there", stored: 3, spared: 1, other: 2, reads: 3},
		{name: "one less than a batch", stored: 499, reads: 499},
		{name: "a batch", stored: 500, reads: 502}, // nothing behind it, and nothing at all any more
		{name: "one more than a batch", stored: 501, reads: 502},
		{name: "a batch with the one to spare", stored: 500, spared: 1, reads: 500},
		{name: "a batch beside the one to spare", stored: 501, spared: 1, reads: 503}, // the last look finds that
		{name: "two batches", stored: 1000, reads: 1002},
		{name: "more to spare than a batch", stored: 601, spared: 600, reads: 601},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := newUserApp(t)
			a.putSessions(tt.stored, "alice", nil)
			a.putSessions(1, "bob", nil)
			except := make([]string, tt.other)
			for i := range except {
				except[i] = fmt.Sprintf("nobody's-%d", i)
			}
			keep := make(map[string]bool)
			if tt.spared > 0 {
				for _, info := range a.sessions("alice")[:tt.spared] {
					except = append(except, info.ID)
					keep[info.ID] = true
				}
			}
			if tt.twice {
				except = append(except, except...)
			}
			var n int
			var err error
			cost := a.cost(func() { n, err = a.store.RevokeUser(t.Context(), "alice", except...) })
			want := tt.stored - tt.spared
			if n != want || err != nil {
				t.Errorf("ended %d, want %d, error %v", n, want, err)
			}
			if want := (firestoretest.Ops{Reads: tt.reads, Deletes: want}); cost != want {
				t.Errorf("cost %v, want %v", cost, want)
			}
			left := a.sessions("alice")
			if len(left) != tt.spared || len(a.sessions("bob")) != 1 {
				t.Errorf("%d sessions of Alice and %d of Bob are left", len(left), len(a.sessions("bob")))
			}
			for _, info := range left {
				if !keep[info.ID] {
					t.Errorf("session %s was not to be spared", info.ID)
				}
			}
		})
	}
}

// TestSessionsStop has Firestore not answer those who list sessions or end one of them, and has their context end.
func TestSessionsStop(t *testing.T) {
	t.Parallel()
	for _, call := range []struct {
		name string
		do   func(context.Context, *echofirestore.Store) error
	}{
		{"list sessions", func(ctx context.Context, s *echofirestore.Store) error {
			_, err := s.Sessions(ctx, "alice")
			return err
		}},
		{"revoke session", func(ctx context.Context, s *echofirestore.Store) error { return s.Revoke(ctx, "alice", "id") }},
	} {
		for name, is := range map[string]error{"ctx ends": context.Canceled, "no answer": context.DeadlineExceeded} {
			t.Run(call.name+", "+name, func(t *testing.T) {
				t.Parallel()
				n := bubble.NewNetwork(t)
				synctest.Test(t, func(t *testing.T) {
					a := newBubbleApp(t, n, byUser)
					a.putSessions(1, "alice", nil)
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					n.Silent = "RunQuery"
					if errors.Is(is, context.Canceled) {
						time.AfterFunc(time.Second, cancel)
					}
					err := call.do(ctx, a.store)
					if !errors.Is(err, is) || !strings.HasPrefix(err.Error(), "echofirestore: "+call.name+": ") {
						t.Errorf("error %v, want %v", err, is)
					}
				})
			})
		}
	}
}
