package echofirestore_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"text/tabwriter"
	"time"

	"cloud.google.com/go/firestore"
	"github.com/google/go-cmp/cmp"
	"github.com/labstack/echo/v4"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
	"github.com/echofirestore/echofirestore/internal/bubble"
)

// TestRenew renews a session while other requests use it and Firestore falters: there must be exactly one valid key.
func TestRenew(t *testing.T) {
	t.Parallel()
	unavailable := status.Error(codes.Unavailable, "went away")
	refused := status.Error(codes.PermissionDenied, "no")
	lost := func(code codes.Code, applied bool) *firestoretest.Fault {
		return &firestoretest.Fault{Err: status.Error(code, "lost"), After: applied}
	}
	alice := map[string]any{"user": "alice", "admin": true}
	for _, tt := range []struct {
		name      string
		fault     *firestoretest.Fault
		meanwhile func(*testing.T, *firestore.DocumentRef) // before the commit is applied
		status    int
		values    map[string]any // under the new key; nil: the old one is the valid one
		gone      bool           // neither is
		cost      firestoretest.Ops
	}{
		{name: "undisturbed", status: 200, values: alice, cost: firestoretest.Ops{Reads: 1, Writes: 1, Deletes: 1}},
		{
			name: "changed meanwhile", status: 200, values: map[string]any{"user": "alice", "admin": true, "n": 1},
			meanwhile: func(t *testing.T, ref *firestore.DocumentRef) {
				if _, err := ref.Update(t.Context(), []firestore.Update{{Path: "data", Value: `{"created": 1, "session": {"user": "alice", "n": 1}}`}}); err != nil {
					t.Error(err)
				}
			},
			cost: firestoretest.Ops{Reads: 3, Writes: 2, Deletes: 1},
		},
		{
			name: "ended meanwhile", status: 200, gone: true,
			meanwhile: func(t *testing.T, ref *firestore.DocumentRef) {
				if _, err := ref.Delete(t.Context()); err != nil {
					t.Error(err)
				}
			},
			cost: firestoretest.Ops{Reads: 3, Deletes: 1},
		},
		{name: "refused", fault: &firestoretest.Fault{Err: refused}, status: 503, cost: firestoretest.Ops{Reads: 1}},
		{
			name: "unavailable once, not applied", fault: &firestoretest.Fault{Err: unavailable}, status: 200, values: alice,
			cost: firestoretest.Ops{Reads: 1, Writes: 1, Deletes: 1},
		},
		{
			name: "unavailable once, applied", fault: &firestoretest.Fault{Err: unavailable, After: true}, status: 200, values: alice,
			cost: firestoretest.Ops{Reads: 2, Writes: 1, Deletes: 1},
		},
		{
			name: "internal error once, applied", fault: lost(codes.Internal, true), status: 200, values: alice,
			cost: firestoretest.Ops{Reads: 2, Writes: 1, Deletes: 1},
		},
		{
			name: "unknown error once, applied", fault: lost(codes.Unknown, true), status: 200, values: alice,
			cost: firestoretest.Ops{Reads: 2, Writes: 1, Deletes: 1},
		},
		{
			name: "too late once, applied", fault: lost(codes.DeadlineExceeded, true), status: 200, values: alice,
			cost: firestoretest.Ops{Reads: 2, Writes: 1, Deletes: 1},
		},
		{
			name: "internal error once, not applied", fault: lost(codes.Internal, false), status: 200, values: alice,
			cost: firestoretest.Ops{Reads: 3, Writes: 1, Deletes: 1},
		},
		{
			name: "unknown error once, not applied", fault: lost(codes.Unknown, false), status: 200, values: alice,
			cost: firestoretest.Ops{Reads: 3, Writes: 1, Deletes: 1},
		},
		{
			name: "too late once, not applied", fault: lost(codes.DeadlineExceeded, false), status: 200, values: alice,
			cost: firestoretest.Ops{Reads: 3, Writes: 1, Deletes: 1},
		},
		{
			name: "internal error twice", fault: &firestoretest.Fault{Err: status.Error(codes.Internal, "lost"), Times: 2}, status: 503,
			cost: firestoretest.Ops{Reads: 5},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t, func(cfg *echofirestore.Config) { cfg.KeyFactory = func() string { return "new" } })
			now := a.clock.Now()
			ref := a.put("old", map[string]any{
				"data": payload(now), "max_age": 60, "expire": now.Add(time.Minute), "note": "mine", "started": now.Add(-time.Hour),
			})
			a.POST("/", func(c echo.Context) error {
				if err := errors.Join(echofirestore.Renew(c), echofirestore.Renew(c)); err != nil {
					return err
				}
				session(c).Values["admin"] = true
				return nil
			})
			if tt.fault != nil {
				tt.fault.Method = "Commit"
				a.firestore.Inject(*tt.fault)
			}
			if tt.meanwhile != nil {
				a.firestore.Inject(firestoretest.Fault{Method: "Commit", Do: func() { tt.meanwhile(t, ref) }})
			}
			var got reply
			if cost := a.cost(func() { got = a.browser().post("/", withCookie("old")) }); cost != tt.cost {
				t.Errorf("cost %v, want %v", cost, tt.cost)
			}
			if got.StatusCode != tt.status {
				t.Errorf("status %d: %s", got.StatusCode, got.body)
			}
			docs, cookie := a.documents(), got.cookie("__session")
			switch {
			case tt.gone:
				if len(docs) != 0 || cookie != nil {
					t.Errorf("documents %v, cookie %v", docs, cookie)
				}
			case tt.values == nil:
				if len(docs) != 1 || docs["old"] == nil || cookie != nil {
					t.Errorf("documents %v, cookie %v", docs, cookie)
				}
			default:
				if len(docs) != 1 || docs["new"] == nil || cookie == nil || cookie.Value != "new" {
					t.Fatalf("documents %v, cookie %v", docs, cookie)
				}
				if diff := cmp.Diff(tt.values, a.values("new")); diff != "" {
					t.Errorf("values (-want +got):\n%s", diff)
				}
				doc := docs["new"]
				delete(doc, "data")
				want := map[string]any{
					"max_age": int64(60), "expire": now.Add(time.Minute).UTC(), "note": "mine", "started": now.Add(-time.Hour).UTC(),
				}
				if diff := cmp.Diff(want, doc); diff != "" {
					t.Errorf("fields (-want +got):\n%s", diff)
				}
			}
		})
	}
}

// TestRenewByEmptyID renews as applications of other gorilla stores do.
func TestRenewByEmptyID(t *testing.T) {
	t.Parallel()
	a := newApp(t, func(cfg *echofirestore.Config) { cfg.KeyFactory = func() string { return "new" } })
	a.put("old", map[string]any{"data": payload(a.clock.Now()), "max_age": nil})
	a.POST("/", func(c echo.Context) error {
		session(c).ID = ""
		return session(c).Save(c.Request(), c.Response())
	})
	got := a.browser().post("/", withCookie("old")).cookie("__session")
	if docs := a.documents(); got == nil || got.Value != "new" || len(docs) != 1 || docs["new"] == nil {
		t.Errorf("cookie %v, documents %v", got, docs)
	}
}

// TestRenewToTheSameKey renews with a KeyFactory that returns one and the same key, as that of a test may: one save does it.
func TestRenewToTheSameKey(t *testing.T) {
	t.Parallel()
	const key = "one-and-the-same-key"
	a := newApp(t, func(cfg *echofirestore.Config) { cfg.KeyFactory = func() string { return key } })
	a.putSession(key, `{"user": "alice"}`)
	a.POST("/", func(c echo.Context) error {
		if err := errors.Join(echofirestore.Renew(c), echofirestore.Save(c)); err != nil {
			return err
		}
		if _, err := io.WriteString(c.Response(), "begun"); err != nil {
			return err
		}
		return echofirestore.Save(c)
	})
	var got reply
	want := firestoretest.Ops{Reads: 1, Writes: 1}
	if cost := a.cost(func() { got = a.browser().post("/", withCookie(key)) }); cost != want || got.StatusCode != http.StatusOK {
		t.Errorf("cost %v, want %v; status %d", cost, want, got.StatusCode)
	}
	if a.log.String() != "" {
		t.Errorf("log %s", a.log)
	}
}

// TestRenewOnce renews and saves a session several times in one request. The key that the first save took is known to
// nobody before the response begins, so one is enough.
func TestRenewOnce(t *testing.T) {
	t.Parallel()
	type (
		ops  = firestoretest.Ops
		step = func(echo.Context) error
	)
	set1 := func(c echo.Context) error { session(c).Values["n"] = 1; return nil }
	set2 := func(c echo.Context) error { session(c).Values["n"] = 2; return nil }
	for _, tt := range []struct {
		name  string
		fresh bool // there is no session before
		steps []step
		want  ops
	}{
		{name: "Renew, Renew", steps: []step{echofirestore.Renew, echofirestore.Renew}, want: ops{Reads: 1, Writes: 1, Deletes: 1}},
		{name: "set, Renew, set", steps: []step{set1, echofirestore.Renew, set2}, want: ops{Reads: 1, Writes: 1, Deletes: 1}},
		{
			name:  "Renew, set, Save, Renew, Save",
			steps: []step{echofirestore.Renew, set1, echofirestore.Save, echofirestore.Renew, echofirestore.Save},
			want:  ops{Reads: 1, Writes: 1, Deletes: 1},
		},
		{
			name:  "Renew, Save, Renew, set",
			steps: []step{echofirestore.Renew, echofirestore.Save, echofirestore.Renew, set1},
			want:  ops{Reads: 1, Writes: 2, Deletes: 1},
		},
		{name: "begun, Save, Renew", fresh: true, steps: []step{set1, echofirestore.Save, echofirestore.Renew}, want: ops{Writes: 1}},
		{
			name:  "Destroy, set, Save, Renew",
			steps: []step{echofirestore.Destroy, set1, echofirestore.Save, echofirestore.Renew},
			want:  ops{Writes: 1, Deletes: 1},
		},
		{
			name:  "Renew, Save, set, Save, Renew, set",
			steps: []step{echofirestore.Renew, echofirestore.Save, set1, echofirestore.Save, echofirestore.Renew, set2},
			want:  ops{Reads: 1, Writes: 3, Deletes: 1},
		},
		{ // the key that it has is not of this request
			name:  "set, Save, Renew",
			steps: []step{set1, echofirestore.Save, echofirestore.Renew},
			want:  ops{Reads: 1, Writes: 2, Deletes: 1},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t)
			a.POST("/", func(c echo.Context) error {
				for _, do := range tt.steps {
					if err := do(c); err != nil {
						return err
					}
				}
				return nil
			})
			a.POST("/renew", echofirestore.Renew)
			b := a.browser()
			key := ""
			if !tt.fresh {
				a.putSession("old", `{"user":"alice"}`)
				key = "old"
			}
			var got reply
			if cost := a.cost(func() { got = b.post("/", withCookie(key)) }); cost != tt.want {
				t.Errorf("cost %v, want %v", cost, tt.want)
			}
			docs, cookie := a.documents(), got.cookie("__session")
			if len(docs) != 1 || docs["old"] != nil || cookie == nil || docs[cookie.Value] == nil {
				t.Fatalf("documents %v, cookie %v", docs, cookie)
			}
			if again := b.post("/renew", withCookie(cookie.Value)).cookie("__session"); again == nil || again.Value == cookie.Value {
				t.Errorf("renewed in another request: cookie %v", again)
			}
		})
	}
}

// TestRenewTakesFieldsAlong renews sessions that no longer have all that their documents have: a field of the store's goes
// with what it stood for, and those of others stay.
func TestRenewTakesFieldsAlong(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		userKey string
		handler echo.HandlerFunc
		want    map[string]any // of the fields "expire", "user" and "note"
	}{
		{name: "nobody is signed in any more", userKey: "user", handler: func(c echo.Context) error {
			delete(session(c).Values, "user")
			return nil
		}, want: map[string]any{"expire": true, "note": "mine"}},
		{name: "somebody else is", userKey: "user", handler: set("user", "bob"), want: map[string]any{"expire": true, "user": "bob", "note": "mine"}},
		{name: "no limit any more", userKey: "user", handler: func(c echo.Context) error {
			session(c).Options.MaxAge = 0
			return nil
		}, want: map[string]any{"user": "alice", "note": "mine"}},
		{name: "the user is a field of others", handler: set("n", 2), want: map[string]any{"expire": true, "user": "alice", "note": "mine"}},
	} {
		for _, renews := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, renewed: %v", tt.name, renews), func(t *testing.T) {
				t.Parallel()
				a := newApp(t, func(cfg *echofirestore.Config) {
					cfg.UserKey, cfg.KeyFactory = tt.userKey, func() string { return "new" }
				})
				now := a.clock.Now()
				a.put("old", map[string]any{
					"data": `{"created": 1, "session": {"user": "alice", "n": 1}}`, "max_age": 60, "expire": now.Add(time.Minute), "user": "alice", "note": "mine",
				})
				a.POST("/", func(c echo.Context) error {
					if renews {
						if err := echofirestore.Renew(c); err != nil {
							return err
						}
					}
					return tt.handler(c)
				})
				a.browser().post("/", withCookie("old"))
				docs := a.documents()
				doc := docs[map[bool]string{true: "new", false: "old"}[renews]]
				got := make(map[string]any)
				for _, field := range []string{"expire", "user", "note"} {
					if v, ok := doc[field]; ok {
						got[field] = v
					}
				}
				if _, ok := got["expire"].(time.Time); ok {
					got["expire"] = true
				}
				if diff := cmp.Diff(tt.want, got); diff != "" || len(docs) != 1 {
					t.Errorf("%d documents, fields (-want +got):\n%s", len(docs), diff)
				}
			})
		}
	}
}

// TestKeyIsTaken has the key factory return keys under which there is something: it is left alone, and another key taken.
func TestKeyIsTaken(t *testing.T) {
	t.Parallel()
	for _, p := range protections[:2] { // none, and the one that hashes keys
		for name, data := range map[string]string{
			"a session": `{"created": 1, "session": {"user": "bob"}}`, "malformed": "{", "the same values": `{"created": 1, "session": {"user": "alice"}}`,
		} {
			for path, cookie := range map[string]string{"/begin": "", "/renew": "old"} {
				t.Run(p.name+", "+name+", "+path, func(t *testing.T) {
					t.Parallel()
					keys := []string{"taken", "taken", "new"}
					a := newApp(t, p.configure(t), func(cfg *echofirestore.Config) {
						cfg.KeyFactory = func() string { key := keys[0]; keys = keys[1:]; return key }
					})
					id := func(key string) string {
						if a.config.HashKeys {
							return hashOf("__session", key)
						}
						return key
					}
					a.POST("/begin", set("user", "alice"))
					a.POST("/renew", echofirestore.Renew)
					a.put(id("taken"), map[string]any{"data": data, "max_age": nil})
					if cookie != "" {
						a.put(id(cookie), map[string]any{"data": payload(a.clock.Now()), "max_age": nil})
					}
					got := a.browser().post(path, withCookie(cookie)).cookie("__session")
					docs := a.documents()
					if got == nil || got.Value != "new" || len(docs) != 2 || docs[id("new")] == nil || docs[id("taken")]["data"] != data {
						t.Errorf("cookie %v, documents %v", got, docs)
					}
				})
			}
		}
	}
}

// TestRenewUnderFaults has every call of a request that renews its session go wrong, in every way, before and after it
// is applied. It prints what the client is told. There must be exactly one valid key each time; and if the client is told
// that all is well, it must have that.
func TestRenewUnderFaults(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var rows []string
	t.Cleanup(func() {
		table := new(strings.Builder)
		w := tabwriter.NewWriter(table, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "call\tfault\tapplied\tstatus\tvalid keys\tthe client's")
		slices.Sort(rows)
		for _, row := range rows {
			fmt.Fprintln(w, row)
		}
		w.Flush()
		t.Log("\n" + table.String())
	})
	for _, call := range []struct {
		method string
		skip   int
	}{{"BatchGetDocuments", 0}, {"Commit", 0}, {"BatchGetDocuments", 1}} {
		for _, code := range []codes.Code{
			codes.Unavailable, codes.Aborted, codes.DeadlineExceeded, codes.Internal, codes.ResourceExhausted, codes.PermissionDenied, codes.Canceled,
			codes.FailedPrecondition, codes.AlreadyExists, codes.NotFound, codes.Unknown,
		} {
			for _, after := range []bool{false, true} {
				name := fmt.Sprintf("%s %d, %v, applied: %v", call.method, call.skip+1, code, after)
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					n := bubble.NewNetwork(t)
					synctest.Test(t, func(t *testing.T) {
						a := newBubbleApp(t, n, func(cfg *echofirestore.Config) { cfg.KeyFactory = func() string { return "new" } })
						a.putSession("old", `{"user":"alice"}`)
						a.POST("/", func(c echo.Context) error {
							session(c).Values["admin"] = true
							return echofirestore.Renew(c)
						})
						fault := status.Error(code, "no")
						a.firestore.Inject(firestoretest.Fault{Method: call.method, Skip: call.skip, After: after, Err: fault})
						if call.skip > 0 { // reading back, which only happens if the commit was repeated
							a.firestore.Inject(firestoretest.Fault{Method: "Commit", After: true, Err: status.Error(codes.Unavailable, "no")})
						}
						got := a.browser().post("/", withCookie("old"))
						docs, cookie := a.documents(), got.cookie("__session")
						if len(docs) != 1 {
							t.Errorf("documents %v", docs)
						}
						told := "old"
						if cookie != nil {
							told = cookie.Value
						}
						ok := got.StatusCode == http.StatusOK
						if ok && docs[told] == nil || !ok && cookie != nil || ok != (cookie != nil) {
							t.Errorf("status %d, cookie %v, documents %v", got.StatusCode, cookie, docs)
						}
						mu.Lock()
						defer mu.Unlock()
						rows = append(rows, fmt.Sprintf("%s %d\t%v\t%v\t%d\t%d\t%s", call.method, call.skip+1, code, after, got.StatusCode, len(docs), told))
					})
				})
			}
		}
	}
}
