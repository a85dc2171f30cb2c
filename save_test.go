package echofirestore_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/firestore"
	"github.com/google/go-cmp/cmp"
	"github.com/labstack/echo/v4"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
	"github.com/echofirestore/echofirestore/internal/testclock"
)

// TestSave looks at the documents that handlers leave behind.
func TestSave(t *testing.T) {
	t.Parallel()
	now := testclock.New().Now()
	data := func(values string) string {
		text, err := json.Marshal(now.Unix())
		if err != nil {
			t.Fatal(err)
		}
		return `{"created":` + string(text) + `,"session":` + values + `}`
	}
	stored := map[string]any{"data": payload(now.Add(-time.Hour)), "max_age": int64(60), "expire": now.Add(time.Second)}

	for _, tt := range []struct {
		name      string
		configure func(*echofirestore.Config)
		document  map[string]any
		handler   echo.HandlerFunc
		want      map[string]any // nil: no document
	}{
		{
			name:    "new",
			handler: set("user", "bob"),
			want:    map[string]any{"data": data(`{"user":"bob"}`), "max_age": int64(3600), "expire": now.Add(time.Hour).UTC()},
		},
		{
			name:      "new browser session",
			configure: func(cfg *echofirestore.Config) { cfg.MaxAge = 0 },
			handler:   set("user", "bob"),
			want:      map[string]any{"data": data(`{"user":"bob"}`), "max_age": nil},
		},
		{
			name:      "new browser session with a Lifetime",
			configure: func(cfg *echofirestore.Config) { cfg.MaxAge, cfg.Lifetime = 0, time.Minute },
			handler:   set("user", "bob"),
			want:      map[string]any{"data": data(`{"user":"bob"}`), "max_age": nil, "expire": now.Add(time.Minute).UTC(), "started": now.UTC()},
		},
		{
			name:      "Lifetime shorter than MaxAge",
			configure: func(cfg *echofirestore.Config) { cfg.Lifetime = time.Minute },
			handler:   set("user", "bob"),
			want:      map[string]any{"data": data(`{"user":"bob"}`), "max_age": int64(3600), "expire": now.Add(time.Minute).UTC(), "started": now.UTC()},
		},
		{name: "new and empty", handler: see},
		{
			name:     "changed",
			document: stored,
			handler:  set("n", 1),
			want:     map[string]any{"data": data(`{"n":1,"user":"alice"}`), "max_age": int64(60), "expire": now.Add(time.Minute).UTC()},
		},
		{name: "unchanged", document: stored, handler: see, want: stored},
		{
			name:     "fields of others survive",
			document: map[string]any{"data": payload(now), "max_age": nil, "note": "mine", "user": "theirs", "started": now.UTC()},
			handler:  set("user", "bob"),
			want:     map[string]any{"data": data(`{"user":"bob"}`), "max_age": nil, "note": "mine", "user": "theirs", "started": now.UTC()},
		},
		{
			name:     "legacy document gets its fields",
			document: map[string]any{"data": payload(now)},
			handler:  set("user", "bob"),
			want:     map[string]any{"data": data(`{"user":"bob"}`), "max_age": int64(3600), "expire": now.Add(time.Hour).UTC()},
		},
		{
			name:     "lifetime changed",
			document: stored,
			handler: func(c echo.Context) error {
				session(c).Options.MaxAge = 120
				return nil
			},
			want: map[string]any{"data": data(`{"user":"alice"}`), "max_age": int64(120), "expire": now.Add(2 * time.Minute).UTC()},
		},
		{
			name:     "lifetime removed",
			document: stored,
			handler: func(c echo.Context) error {
				session(c).Options.MaxAge = 0
				return nil
			},
			want: map[string]any{"data": data(`{"user":"alice"}`), "max_age": nil},
		},
		{name: "emptied", document: stored, handler: func(c echo.Context) error { clear(session(c).Values); return nil }},
		{name: "deleted as gorilla does", document: stored, handler: func(c echo.Context) error {
			session(c).Options.MaxAge = -1
			return session(c).Save(c.Request(), c.Response())
		}},
		{name: "destroyed", document: stored, handler: echofirestore.Destroy},
		{
			name:     "destroyed though the response is an error",
			document: stored,
			handler: func(c echo.Context) error {
				if err := echofirestore.Destroy(c); err != nil {
					return err
				}
				return errors.New("later trouble")
			},
		},
		{
			name:     "not saved with a status of 500",
			document: stored,
			handler: func(c echo.Context) error {
				session(c).Values["n"] = 1
				return c.NoContent(http.StatusInternalServerError)
			},
			want: stored,
		},
		{
			name:     "saved with a status of 404",
			document: stored,
			handler: func(c echo.Context) error {
				session(c).Values["n"] = 1
				return echo.ErrNotFound
			},
			want: map[string]any{"data": data(`{"n":1,"user":"alice"}`), "max_age": int64(60), "expire": now.Add(time.Minute).UTC()},
		},
		{
			name:      "user field",
			configure: func(cfg *echofirestore.Config) { cfg.UserKey = "user" },
			document:  stored,
			handler:   set("user", 4711),
			want: map[string]any{
				"data": data(`{"user":4711}`), "max_age": int64(60), "expire": now.Add(time.Minute).UTC(), "user": "4711",
			},
		},
		{
			name:      "user field of a user who left",
			configure: func(cfg *echofirestore.Config) { cfg.UserKey = "user" },
			document:  map[string]any{"data": payload(now), "max_age": nil, "user": "alice"},
			handler: func(c echo.Context) error {
				delete(session(c).Values, "user")
				session(c).Values["n"] = 1
				return nil
			},
			want: map[string]any{"data": data(`{"n":1}`), "max_age": nil},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t, func(cfg *echofirestore.Config) {
				cfg.KeyFactory = func() string { return "key" }
				cfg.Now = func() time.Time { return now }
				if tt.configure != nil {
					tt.configure(cfg)
				}
			})
			a.GET("/", tt.handler)
			var request []func(*http.Request)
			if tt.document != nil {
				a.put("key", tt.document)
				request = append(request, withCookie("key"))
			}
			a.browser().get("/", request...)
			want := map[string]map[string]any{}
			if tt.want != nil {
				want["key"] = tt.want
			}
			if diff := cmp.Diff(want, a.documents()); diff != "" {
				t.Errorf("documents (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCustomCodec(t *testing.T) {
	t.Parallel()
	reverse := func(s string) string {
		runes := []rune(s)
		for i, j := 0, len(runes)-1; i < j; i, j = i+1, j-1 {
			runes[i], runes[j] = runes[j], runes[i]
		}
		return string(runes)
	}
	a := newApp(t, func(cfg *echofirestore.Config) {
		cfg.Encoder = func(p echofirestore.Payload) (string, error) {
			if _, bad := p.Values["bad"]; bad {
				return "", errors.New("bad value")
			}
			text, err := echofirestore.EncodeJSON(p)
			return reverse(text), err
		}
		cfg.Decoder = func(text string) (echofirestore.Payload, error) { return echofirestore.DecodeJSON(reverse(text)) }
	})
	a.GET("/", see)
	a.POST("/", set("user", "alice"))
	a.POST("/bad", set("bad", true))
	b := a.browser()
	key := b.post("/").cookie("__session").Value
	if got := a.documents()[key]["data"].(string); !strings.HasSuffix(got, `:"detaerc"{`) {
		t.Errorf("stored %s", got)
	}
	if got := b.get("/"); !strings.Contains(got.body, `"user":"alice"`) {
		t.Errorf("body %s", got.body)
	}
	if got := b.post("/bad"); got.StatusCode != http.StatusInternalServerError {
		t.Errorf("status %d, want 500", got.StatusCode)
	}
}

// TestGobKeepsTypes changes, in place, values that only gob can store.
func TestGobKeepsTypes(t *testing.T) {
	t.Parallel()
	a := newApp(t, func(cfg *echofirestore.Config) {
		cfg.Encoder, cfg.Decoder = echofirestore.EncodeGob, echofirestore.DecodeGob
	})
	at := time.Date(2026, 11, 23, 12, 0, 0, 1, time.UTC)
	a.POST("/", func(c echo.Context) error {
		sess := session(c)
		sess.Values["at"], sess.Values["ints"], sess.Values["n"] = at, []int{1, 2}, int8(3)
		return nil
	})
	a.POST("/change", func(c echo.Context) error {
		sess := session(c)
		if got := sess.Values["at"].(time.Time); !got.Equal(at) {
			t.Errorf("at %v", got)
		}
		if got := sess.Values["n"].(int8); got != 3 {
			t.Errorf("n %v", got)
		}
		sess.Values["ints"].([]int)[0] = 7
		return nil
	})
	a.GET("/", func(c echo.Context) error { return c.JSON(http.StatusOK, session(c).Values["ints"]) })
	b := a.browser()
	b.post("/")
	b.post("/change")
	if got := b.get("/"); got.body != "[7,2]\n" {
		t.Errorf("body %s", got.body)
	}
	if cost := a.cost(func() { b.get("/") }); cost != (firestoretest.Ops{Reads: 1}) {
		t.Errorf("reading cost %v", cost)
	}
}

// TestPreconditions looks at what Firestore is asked for: each save must name the version that it was made from.
func TestPreconditions(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		handler echo.HandlerFunc
		advance time.Duration
	}{
		{name: "change", handler: set("n", 1)},
		{name: "touch", handler: see, advance: 30 * time.Minute},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t, func(cfg *echofirestore.Config) { cfg.TouchAfter = time.Minute })
			a.GET("/", tt.handler)
			now := a.clock.Now()
			ref := a.put("key", map[string]any{"data": payload(now), "max_age": 3600, "expire": now.Add(time.Hour)})
			a.clock.Advance(tt.advance)
			a.firestore.Inject(firestoretest.Fault{Method: "Commit", Do: func() {
				if _, err := ref.Delete(t.Context()); err != nil {
					t.Error(err)
				}
			}})
			if got := a.browser().get("/", withCookie("key")); got.StatusCode != http.StatusOK || got.cookie("__session") != nil {
				t.Errorf("status %d, cookie %v", got.StatusCode, got.cookie("__session"))
			}
			if docs := a.documents(); len(docs) != 0 {
				t.Errorf("the session was brought back: %v", docs)
			}
		})
	}
}

func TestSaveOfAGoneSession(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	ref := a.put("key", map[string]any{"data": payload(a.clock.Now()), "max_age": nil})
	var calls map[string]int
	a.POST("/", func(c echo.Context) error {
		sess := session(c)
		if _, err := ref.Delete(c.Request().Context()); err != nil {
			return err
		}
		sess.Values["n"] = 1
		for try := range 2 {
			if err := echofirestore.Save(c); !errors.Is(err, echofirestore.ErrGone) {
				t.Errorf("error %v, want ErrGone", err)
			}
			if try == 0 {
				calls = a.firestore.Calls()
			}
		}
		return echofirestore.Save(c)
	})
	got := a.browser().post("/", withCookie("key"))
	if got.StatusCode != http.StatusConflict || got.cookie("__session") != nil {
		t.Errorf("status %d, cookie %v", got.StatusCode, got.cookie("__session"))
	}
	if diff := cmp.Diff(calls, a.firestore.Calls()); diff != "" {
		t.Errorf("Firestore was asked again (-before +after):\n%s", diff)
	}
	if docs := a.documents(); len(docs) != 0 {
		t.Errorf("the session was brought back: %v", docs)
	}
}

// TestNoCookieOfAGoneSession lets another request end a session that this one has saved: the client may have the cookie
// of a new one by then.
func TestNoCookieOfAGoneSession(t *testing.T) {
	t.Parallel()
	change := func(c echo.Context) { session(c).Values["n"] = 2 }
	for _, tt := range []struct {
		name   string
		then   echo.HandlerFunc
		status int
	}{
		{name: "at the end", status: 200, then: func(c echo.Context) error { change(c); return nil }},
		{name: "by Save", status: 409, then: func(c echo.Context) error { change(c); return echofirestore.Save(c) }},
		{name: "by Save, whatever it says", status: 200, then: func(c echo.Context) error {
			change(c)
			_ = echofirestore.Save(c)
			return nil
		}},
		{name: "by Update, whatever it says", status: 200, then: func(c echo.Context) error {
			_ = countOne(c)
			return nil
		}},
		{name: "in a response that saves nothing", status: 500, then: func(c echo.Context) error {
			_ = countOne(c)
			return c.NoContent(http.StatusInternalServerError)
		}},
		{name: "by gorilla's Save", status: 200, then: func(c echo.Context) error {
			change(c)
			_ = session(c).Save(c.Request(), c.Response())
			return nil
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t)
			ref := a.put("key", map[string]any{"data": payload(a.clock.Now()), "max_age": nil})
			a.POST("/", func(c echo.Context) error {
				session(c).Values["n"] = 1
				if err := echofirestore.Save(c); err != nil {
					return err
				}
				if _, err := ref.Delete(c.Request().Context()); err != nil {
					return err
				}
				return tt.then(c)
			})
			got := a.browser().post("/", withCookie("key"))
			if cookie := got.cookie("__session"); got.StatusCode != tt.status || cookie != nil {
				t.Errorf("status %d, cookie %v", got.StatusCode, cookie)
			}
		})
	}

	t.Run("without the middleware", func(t *testing.T) {
		t.Parallel()
		a := newBareApp(t)
		ref := a.put("key", map[string]any{"data": payload(a.clock.Now()), "max_age": nil})
		a.POST("/:how", func(c echo.Context) error {
			r, w := c.Request(), c.Response()
			sess, err := a.store.Get(r, "__session")
			if err != nil {
				return err
			}
			sess.Values["n"] = 1
			if err := sess.Save(r, w); err != nil {
				return err
			}
			if _, err := ref.Delete(r.Context()); err != nil {
				return err
			}
			sess.Values["n"] = 2
			if c.Param("how") == "save" {
				err = sess.Save(r, w)
			} else {
				err = a.store.Update(r, w, "__session", countUp)
			}
			if !errors.Is(err, echofirestore.ErrGone) {
				t.Errorf("error %v", err)
			}
			return nil
		})
		for _, path := range []string{"/save", "/update"} {
			a.put("key", map[string]any{"data": payload(a.clock.Now()), "max_age": nil})
			if cookie := a.browser().post(path, withCookie("key")).cookie("__session"); cookie != nil {
				t.Errorf("%s: cookie %v", path, cookie)
			}
		}
	})
}

// TestMerge lets another client change the session between its load and its save.
func TestMerge(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	ref := a.put("key", map[string]any{"data": `{"created": 1, "session": {"a": 1, "b": 1, "c": 1, "d": 1}}`, "max_age": nil})
	a.POST("/", func(c echo.Context) error {
		sess := session(c)
		_, err := ref.Update(c.Request().Context(), []firestore.Update{
			{Path: "data", Value: `{"created": 2, "session": {"a": 2, "b": 2, "d": 1, "e": 2}}`},
		})
		if err != nil {
			return err
		}
		sess.Values["b"], sess.Values["f"] = 3, 3
		delete(sess.Values, "d")
		if err := echofirestore.Save(c); err != nil {
			return err
		}
		sess.Values["g"] = 3 // the second save must not undo what the first one merged
		return nil
	})
	if got := a.browser().post("/", withCookie("key")); got.StatusCode != http.StatusOK {
		t.Errorf("status %d: %s", got.StatusCode, got.body)
	}
	payload, err := echofirestore.DecodeJSON(a.documents()["key"]["data"].(string))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"a": 2, "b": 3, "e": 2, "f": 3, "g": 3}
	if diff := cmp.Diff(want, payload.Values); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
}

// TestUnclearAnswers lets Firestore apply a commit, or not, and answer so that nobody can tell. After UNAVAILABLE its client
// tries again; after the other codes the store looks, and tries again what is not there.
func TestUnclearAnswers(t *testing.T) {
	t.Parallel()
	type ops = firestoretest.Ops
	for _, tt := range []struct {
		name               string
		handler            echo.HandlerFunc
		new                bool   // the client has no session
		want               string // what is stored; "": no document
		applied, not, once ops    // what it costs if it was applied, if it was not, and if the client has tried that again
		repeated           ops    // if the client has tried again what was applied, where that is something else
		anybody            bool   // whose delete it was nobody can say: the cookie may be that of a new session by now
	}{
		{
			name: "create", handler: set("n", 1), new: true, want: `{"n":1}`,
			applied: ops{Reads: 1, Writes: 1}, not: ops{Reads: 1, Writes: 1}, once: ops{Writes: 1},
		},
		{
			name: "update", handler: set("n", 1), want: `{"n":1,"user":"alice"}`,
			applied: ops{Reads: 2, Writes: 1}, not: ops{Reads: 2, Writes: 1}, once: ops{Reads: 1, Writes: 1},
		},
		{
			name: "Update", handler: countOne, want: `{"n":1,"user":"alice"}`,
			applied: ops{Reads: 2, Writes: 1}, not: ops{Reads: 2, Writes: 1}, once: ops{Reads: 1, Writes: 1},
		},
		{
			name: "emptied", handler: func(c echo.Context) error { clear(session(c).Values); return nil }, anybody: true,
			applied: ops{Reads: 2, Deletes: 1}, not: ops{Reads: 2, Deletes: 1}, once: ops{Reads: 1, Deletes: 1},
		},
		{
			name: "destroyed", handler: echofirestore.Destroy,
			applied: ops{Reads: 1, Deletes: 1}, not: ops{Reads: 1, Deletes: 1}, once: ops{Deletes: 1}, repeated: ops{Deletes: 2},
		},
	} {
		for _, code := range lostCodes {
			for _, applied := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%v, applied: %v", tt.name, code, applied), func(t *testing.T) {
					t.Parallel()
					a := newApp(t)
					a.POST("/", tt.handler)
					var request []func(*http.Request)
					if !tt.new {
						a.put("key", map[string]any{"data": payload(a.clock.Now()), "max_age": nil})
						request = append(request, withCookie("key"))
					}
					a.firestore.Inject(firestoretest.Fault{Method: "Commit", After: applied, Err: status.Error(code, "lost")})
					want := tt.not
					switch {
					case applied && code == codes.Unavailable && tt.repeated != ops{}:
						want = tt.repeated
					case applied:
						want = tt.applied
					case code == codes.Unavailable:
						want = tt.once
					}
					var got reply
					if cost := a.cost(func() { got = a.browser().post("/", request...) }); cost != want {
						t.Errorf("cost %v, want %v", cost, want)
					}
					docs, cookie := a.documents(), got.cookie("__session")
					if got.StatusCode != http.StatusOK || (cookie == nil) != (applied && tt.anybody) {
						t.Errorf("status %d, cookie %v: %s", got.StatusCode, cookie, got.body)
					}
					if tt.want == "" {
						if len(docs) != 0 {
							t.Errorf("documents %v", docs)
						}
						return
					}
					doc := docs[cookie.Value]
					if len(docs) != 1 || doc == nil || !strings.HasSuffix(doc["data"].(string), tt.want+"}") {
						t.Errorf("documents %v, want one with %s", docs, tt.want)
					}
				})
			}
		}
	}
}

// TestDroppedChangesAreLoggedOnce looks at the log of a request whose session was ended meanwhile.
func TestDroppedChangesAreLoggedOnce(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	var ref *firestore.DocumentRef
	a.POST("/", func(c echo.Context) error {
		session(c).Values["n"] = 1
		if _, err := ref.Delete(c.Request().Context()); err != nil {
			return err
		}
		if c.QueryParam("save") == "" {
			return c.NoContent(http.StatusNoContent)
		}
		if err := echofirestore.Save(c); !errors.Is(err, echofirestore.ErrGone) {
			t.Errorf("error %v", err)
		}
		return c.NoContent(http.StatusNoContent)
	})
	for query, want := range map[string]int{"": 1, "?save=yes": 0} {
		ref = a.put("key", map[string]any{"data": payload(a.clock.Now()), "max_age": nil})
		before := strings.Count(a.log.String(), "dropped")
		a.browser().post("/"+query, withCookie("key"))
		if got := strings.Count(a.log.String(), "dropped") - before; got != want {
			t.Errorf("%q: logged %d times, want %d", query, got, want)
		}
	}
}
