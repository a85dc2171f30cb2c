package echofirestore_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gorilla/sessions"
	"github.com/labstack/echo/v4"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
)

// touched says what a response does to the session's cookie.
func touched(cookie *http.Cookie) string {
	switch {
	case cookie == nil:
		return "left alone"
	case cookie.MaxAge < 0:
		return "deleted"
	default:
		return "set to " + cookie.Value
	}
}

// A saver is a way in which a handler's changes are saved.
type saver struct {
	name string
	late bool // the response has begun: no cookie can be sent
	save func(echo.Context) error
}

func savers() []saver {
	return []saver{
		{name: "automatically", save: func(echo.Context) error { return nil }},
		{name: "by Save", save: echofirestore.Save},
		{name: "by the session's Save", save: func(c echo.Context) error { return session(c).Save(c.Request(), c.Response()) }},
		{name: "late in a stream", late: true, save: func(echo.Context) error { return nil }},
	}
}

// handler returns the handler that changes its session and saves that.
func (s saver) handler(change func(echo.Context)) echo.HandlerFunc {
	return func(c echo.Context) error {
		_ = session(c)
		if s.late {
			if _, err := io.WriteString(c.Response(), "begun"); err != nil {
				return err
			}
		}
		change(c)
		return s.save(c)
	}
}

// TestEmptying empties a session in every way, while another request does something to it: first the other one stores
// that, then the delete arrives.
func TestEmptying(t *testing.T) {
	t.Parallel()
	type ops = firestoretest.Ops
	ways := map[string]func(*sessions.Session){
		"the values cleared":   func(sess *sessions.Session) { clear(sess.Values) },
		"the values nil":       func(sess *sessions.Session) { sess.Values = nil },
		"the last key deleted": func(sess *sessions.Session) { delete(sess.Values, "_flash") },
		"the last flash shown": func(sess *sessions.Session) { sess.Flashes() },
	}
	change := func(f func(*sessions.Session)) echo.HandlerFunc {
		return func(c echo.Context) error { f(session(c)); return nil }
	}
	for _, tt := range []struct {
		name          string
		meanwhile     echo.HandlerFunc // of another request
		stored        map[string]map[string]any
		cookie, other string // what becomes of each client's
		cost          ops    // of both requests
	}{
		{name: "nothing", cookie: "deleted", cost: ops{Reads: 1, Deletes: 1}},
		{
			name: "another key is set", meanwhile: set("cart", "apple"),
			stored: map[string]map[string]any{"key": {"cart": "apple"}},
			cookie: "left alone", other: "set to key", cost: ops{Reads: 3, Writes: 2},
		},
		{
			name: "the same key is set", meanwhile: change(func(sess *sessions.Session) { sess.AddFlash("more") }),
			cookie: "deleted", other: "set to key", cost: ops{Reads: 3, Writes: 1, Deletes: 1},
		},
		{
			name: "it is extended by a max age of its own", meanwhile: change(func(sess *sessions.Session) { sess.Options.MaxAge = 60 }),
			cookie: "deleted", other: "set to key", cost: ops{Reads: 3, Writes: 1, Deletes: 1},
		},
		{
			name: "it is renewed", meanwhile: echofirestore.Renew,
			stored: map[string]map[string]any{"new": {"_flash": []any{"hi"}}},
			cookie: "left alone", other: "set to new", cost: ops{Reads: 3, Writes: 1, Deletes: 1},
		},
		{
			name: "it is destroyed", meanwhile: echofirestore.Destroy,
			cookie: "left alone", other: "deleted", cost: ops{Reads: 2, Deletes: 1},
		},
		{
			name: "it is emptied as well", meanwhile: change(func(sess *sessions.Session) { clear(sess.Values) }),
			cookie: "left alone", other: "deleted", cost: ops{Reads: 3, Deletes: 1},
		},
		{
			name: "it is emptied by an Update", meanwhile: func(c echo.Context) error {
				return echofirestore.Update(c, func(sess *sessions.Session) error { clear(sess.Values); return nil })
			},
			cookie: "deleted", other: "set to key", cost: ops{Reads: 3, Writes: 1, Deletes: 1},
		},
	} {
		for way, empty := range ways {
			for _, s := range savers() {
				t.Run(tt.name+"/"+way+"/"+s.name, func(t *testing.T) {
					t.Parallel()
					a := newApp(t, func(cfg *echofirestore.Config) { cfg.KeyFactory = func() string { return "new" } })
					a.putSession("key", `{"_flash": ["hi"]}`)
					a.POST("/", s.handler(func(c echo.Context) { empty(session(c)) }))
					other := ""
					if tt.meanwhile != nil {
						a.POST("/other", tt.meanwhile)
						a.firestore.Inject(firestoretest.Fault{Method: "Commit", Do: func() {
							other = touched(a.elsewhere().post("/other", withCookie("key")).cookie("__session"))
						}})
					}
					var got reply
					if cost := a.cost(func() { got = a.browser().post("/", withCookie("key")) }); cost != tt.cost {
						t.Errorf("cost %v, want %v", cost, tt.cost)
					}
					want := tt.cookie
					if s.late {
						want = "left alone"
					}
					if cookie := touched(got.cookie("__session")); got.StatusCode != http.StatusOK || cookie != want || other != tt.other {
						t.Errorf("status %d, cookie %s, want it %s; the other's %q, want %q", got.StatusCode, cookie, want, other, tt.other)
					}
					stored := map[string]map[string]any{}
					for key := range a.documents() {
						stored[key] = a.values(key)
					}
					if diff := cmp.Diff(tt.stored, stored); diff != "" && len(tt.stored)+len(stored) > 0 {
						t.Errorf("stored (-want +got):\n%s", diff)
					}
				})
			}
		}
	}
}

// TestEmptiedTogether has two requests each remove the key that the other one leaves: whoever comes second deletes the
// document.
func TestEmptiedTogether(t *testing.T) {
	t.Parallel()
	remove := func(key string) func(echo.Context) {
		return func(c echo.Context) { delete(session(c).Values, key) }
	}
	for _, s := range savers() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t)
			a.putSession("key", `{"a": 1, "b": 1}`)
			a.POST("/a", s.handler(remove("a")))
			a.POST("/b", s.handler(remove("b")))
			first := ""
			a.firestore.Inject(firestoretest.Fault{Method: "Commit", Do: func() {
				first = touched(a.elsewhere().post("/b", withCookie("key")).cookie("__session"))
			}})
			var got reply
			want := firestoretest.Ops{Reads: 3, Writes: 1, Deletes: 1}
			if cost := a.cost(func() { got = a.browser().post("/a", withCookie("key")) }); cost != want {
				t.Errorf("cost %v, want %v", cost, want)
			}
			second := touched(got.cookie("__session"))
			if docs := a.documents(); len(docs) != 0 {
				t.Errorf("documents %v", docs)
			}
			if s.late && (first != "left alone" || second != "left alone") || !s.late && (first != "set to key" || second != "deleted") {
				t.Errorf("cookies %s and %s", first, second)
			}
		})
	}
}

// TestEmptiedWhenOver empties a session that has expired since it was read.
func TestEmptiedWhenOver(t *testing.T) {
	t.Parallel()
	for _, s := range savers() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t)
			a.put("key", map[string]any{"data": payload(a.clock.Now()), "max_age": 60, "expire": a.clock.Now().Add(time.Minute)})
			a.POST("/", s.handler(func(c echo.Context) {
				a.clock.Advance(time.Hour)
				clear(session(c).Values)
			}))
			var got reply
			want := firestoretest.Ops{Reads: 2, Deletes: 1}
			if cost := a.cost(func() { got = a.browser().post("/", withCookie("key")) }); cost != want {
				t.Errorf("cost %v, want %v", cost, want)
			}
			if cookie := got.cookie("__session"); got.StatusCode != http.StatusOK || cookie != nil || len(a.documents()) != 0 {
				t.Errorf("status %d, cookie %v, documents %v", got.StatusCode, cookie, a.documents())
			}
		})
	}
}

// TestAfterEmptying has the handler that has emptied its session go on and set a value.
func TestAfterEmptying(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name      string
		meanwhile echo.HandlerFunc // of another request, before the session is emptied
		want      error            // of saving the value
		stored    map[string]map[string]any
		cookie    string
	}{
		{name: "undisturbed", stored: map[string]map[string]any{"new": {"n": 1}}, cookie: "set to new"},
		{
			name: "others have stored something", meanwhile: set("cart", "apple"),
			stored: map[string]map[string]any{"key": {"cart": "apple", "n": 1}}, cookie: "set to key",
		},
		{
			name: "others have ended the session", meanwhile: echofirestore.Destroy, want: echofirestore.ErrGone,
			stored: map[string]map[string]any{}, cookie: "left alone",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t, func(cfg *echofirestore.Config) { cfg.KeyFactory = func() string { return "new" } })
			a.putSession("key", `{"a": 1, "b": 1}`)
			if tt.meanwhile != nil {
				a.POST("/other", tt.meanwhile)
			}
			a.POST("/", func(c echo.Context) error {
				sess := session(c)
				if tt.meanwhile != nil {
					a.browser().post("/other", withCookie("key"))
				}
				clear(sess.Values)
				if err := echofirestore.Save(c); err != nil {
					t.Errorf("emptied: %v", err)
				}
				sess.Values["n"] = 1
				if err := echofirestore.Save(c); !errors.Is(err, tt.want) || tt.want == nil && err != nil {
					t.Errorf("afterwards: error %v, want %v", err, tt.want)
				}
				return nil
			})
			got := a.browser().post("/", withCookie("key"))
			if cookie := touched(got.cookie("__session")); got.StatusCode != http.StatusOK || cookie != tt.cookie {
				t.Errorf("status %d, cookie %s, want it %s", got.StatusCode, cookie, tt.cookie)
			}
			stored := map[string]map[string]any{}
			for key := range a.documents() {
				stored[key] = a.values(key)
			}
			if diff := cmp.Diff(tt.stored, stored); diff != "" {
				t.Errorf("stored (-want +got):\n%s", diff)
			}
		})
	}
}

// TestAfterOthersRemovedTheRest has the handler go on once what it removed, and what another request removed, was all that
// there was. It still sees what the other one removed, which is stored no more.
func TestAfterOthersRemovedTheRest(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		goesOn func(echo.Context) error
		stored map[string]any // nil: no document
	}{
		{name: "does nothing", goesOn: func(echo.Context) error { return nil }},
		{name: "removes it too", goesOn: func(c echo.Context) error { clear(session(c).Values); return nil }},
		{name: "sets a value", goesOn: set("n", 1), stored: map[string]any{"n": 1}},
		{name: "updates", goesOn: countOne, stored: map[string]any{"n": 1}},
		{name: "updates by what is removed", goesOn: func(c echo.Context) error {
			return echofirestore.Update(c, func(sess *sessions.Session) error {
				if token, found := sess.Values["token"]; found {
					t.Errorf("the token %v is there, which another request has used", token)
				}
				sess.Values["token"] = "x"
				return nil
			})
		}, stored: map[string]any{"token": "x"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t, func(cfg *echofirestore.Config) { cfg.KeyFactory = func() string { return "new" } })
			a.putSession("key", `{"_flash": ["hi"], "token": "x"}`)
			a.POST("/use", func(c echo.Context) error { delete(session(c).Values, "token"); return nil })
			a.POST("/", func(c echo.Context) error {
				session(c).Flashes()
				a.browser().post("/use", withCookie("key"))
				return errors.Join(echofirestore.Save(c), tt.goesOn(c))
			})
			got, want := a.browser().post("/", withCookie("key")), "deleted"
			if tt.stored != nil {
				want = "set to new"
			}
			if cookie := touched(got.cookie("__session")); got.StatusCode != http.StatusOK || cookie != want {
				t.Errorf("status %d, cookie %s, want it %s", got.StatusCode, cookie, want)
			}
			if docs := a.documents(); len(docs) > 1 || (docs["new"] != nil) != (tt.stored != nil) {
				t.Errorf("documents %v", docs)
			} else if tt.stored != nil && !cmp.Equal(tt.stored, a.values("new")) {
				t.Errorf("stored %v, want %v", a.values("new"), tt.stored)
			}
		})
	}
}

// TestUpdateEmpties has an Update remove all values: the session is empty then, and no less a session.
func TestUpdateEmpties(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name      string
		fault     error // that Firestore answers once, having applied the commit
		meanwhile echo.HandlerFunc
		cost      firestoretest.Ops
		stored    map[string]any
	}{
		{name: "undisturbed", cost: firestoretest.Ops{Reads: 1, Writes: 1}, stored: map[string]any{}},
		{name: "its answer is lost", fault: status.Error(codes.Unavailable, "lost"), cost: firestoretest.Ops{Reads: 2, Writes: 1}, stored: map[string]any{}},
		{name: "its answer is unclear", fault: status.Error(codes.Unknown, "lost"), cost: firestoretest.Ops{Reads: 2, Writes: 1}, stored: map[string]any{}},
		{
			name: "another request sets a value", meanwhile: set("cart", "apple"),
			cost: firestoretest.Ops{Reads: 3, Writes: 2}, stored: map[string]any{},
		},
		{
			name: "its answer is lost, and another request sets a value", fault: status.Error(codes.Unavailable, "lost"), meanwhile: set("cart", "apple"),
			cost: firestoretest.Ops{Reads: 3, Writes: 2}, stored: map[string]any{"cart": "apple"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t)
			a.putSession("key", `{"token": "x"}`)
			a.POST("/", func(c echo.Context) error {
				return echofirestore.Update(c, func(sess *sessions.Session) error { clear(sess.Values); return nil })
			})
			a.POST("/count", func(c echo.Context) error {
				return echofirestore.Update(c, func(sess *sessions.Session) error {
					if len(sess.Values) != len(tt.stored) || sess.IsNew {
						t.Errorf("the next Update sees %v, new: %v", sess.Values, sess.IsNew)
					}
					return countUp(sess)
				})
			})
			fault := firestoretest.Fault{Method: "Commit", Err: tt.fault, After: tt.fault != nil}
			if tt.meanwhile != nil {
				a.POST("/other", tt.meanwhile)
				fault.Do = func() { a.elsewhere().post("/other", withCookie("key")) }
			}
			a.firestore.Inject(fault)
			var got reply
			if cost := a.cost(func() { got = a.browser().post("/", withCookie("key")) }); cost != tt.cost {
				t.Errorf("cost %v, want %v", cost, tt.cost)
			}
			if cookie := touched(got.cookie("__session")); got.StatusCode != http.StatusOK || cookie != "set to key" {
				t.Errorf("status %d, cookie %s", got.StatusCode, cookie)
			}
			if diff := cmp.Diff(tt.stored, a.values("key")); diff != "" {
				t.Errorf("stored (-want +got):\n%s", diff)
			}
			if got := a.browser().post("/count", withCookie("key")); got.StatusCode != http.StatusOK || a.values("key")["n"] != 1 {
				t.Errorf("the next Update: status %d, values %v", got.StatusCode, a.values("key"))
			}
		})
	}
}

// TestUpdateEndsWhatItSaw has an Update's function end a session that another request changes: it is asked again.
func TestUpdateEndsWhatItSaw(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name      string
		meanwhile echo.HandlerFunc
		status    int
		runs      int
		cookie    string
		stored    map[string]any // nil: no document
	}{
		{name: "undisturbed", status: 200, runs: 1, cookie: "deleted"},
		{name: "it decides the same", meanwhile: set("cart", "apple"), status: 200, runs: 2, cookie: "deleted"},
		{
			name: "it decides otherwise", meanwhile: set("keep", true), status: 200, runs: 2, cookie: "set to key",
			stored: map[string]any{"user": "alice", "keep": true, "kept": true},
		},
		{name: "another request has ended it", meanwhile: echofirestore.Destroy, status: 409, runs: 1, cookie: "left alone"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t)
			a.putSession("key", `{"user": "alice"}`)
			runs := 0
			a.POST("/", func(c echo.Context) error {
				return echofirestore.Update(c, func(sess *sessions.Session) error {
					runs++
					if sess.Values["keep"] != nil {
						sess.Values["kept"] = true
					} else {
						sess.Options.MaxAge = -1
					}
					return nil
				})
			})
			if tt.meanwhile != nil {
				a.POST("/other", tt.meanwhile)
				a.firestore.Inject(firestoretest.Fault{Method: "Commit", Do: func() { a.elsewhere().post("/other", withCookie("key")) }})
			}
			got := a.browser().post("/", withCookie("key"))
			if cookie := touched(got.cookie("__session")); got.StatusCode != tt.status || runs != tt.runs || cookie != tt.cookie {
				t.Errorf("status %d, %d runs, cookie %s; want %d, %d, %s", got.StatusCode, runs, cookie, tt.status, tt.runs, tt.cookie)
			}
			if docs := a.documents(); (docs["key"] != nil) != (tt.stored != nil) {
				t.Errorf("documents %v", docs)
			} else if tt.stored != nil && !cmp.Equal(tt.stored, a.values("key")) {
				t.Errorf("stored %v, want %v", a.values("key"), tt.stored)
			}
		})
	}
}

// TestEmptiedAndRenewed has a handler renew its session and empty it, while another request sets a value: the session
// lives on under the new key, which the client gets.
func TestEmptiedAndRenewed(t *testing.T) {
	t.Parallel()
	a := newApp(t, func(cfg *echofirestore.Config) { cfg.KeyFactory = func() string { return "new" } })
	a.putSession("key", `{"_flash": ["hi"]}`)
	a.POST("/other", set("cart", "apple"))
	a.POST("/", func(c echo.Context) error {
		session(c).Flashes()
		return echofirestore.Renew(c)
	})
	a.firestore.Inject(firestoretest.Fault{Method: "Commit", Do: func() { a.elsewhere().post("/other", withCookie("key")) }})
	got := a.browser().post("/", withCookie("key"))
	if cookie := touched(got.cookie("__session")); got.StatusCode != http.StatusOK || cookie != "set to new" {
		t.Errorf("status %d, cookie %s", got.StatusCode, cookie)
	}
	if docs := a.documents(); len(docs) != 1 || docs["new"] == nil {
		t.Errorf("documents %v", docs)
	} else if diff := cmp.Diff(map[string]any{"cart": "apple"}, a.values("new")); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
}

// TestEmptiedWithoutAnAnswer loses the answer to the delete of an emptied session that another request renews or changes
// meanwhile: what that has set stays, its cookie too.
func TestEmptiedWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	for _, code := range lostCodes {
		for name, tt := range map[string]struct {
			other  echo.HandlerFunc
			key    string
			stored map[string]any
		}{
			"renewed": {echofirestore.Renew, "new", map[string]any{"_flash": []any{"hi"}}},
			"changed": {set("cart", "apple"), "key", map[string]any{"cart": "apple"}},
		} {
			t.Run(fmt.Sprint(name, " ", code), func(t *testing.T) {
				t.Parallel()
				a := newApp(t, func(cfg *echofirestore.Config) { cfg.KeyFactory = func() string { return "new" } })
				a.putSession("key", `{"_flash": ["hi"]}`)
				a.POST("/other", tt.other)
				a.POST("/", func(c echo.Context) error { session(c).Flashes(); return nil })
				a.firestore.Inject(firestoretest.Fault{Method: "Commit", Err: status.Error(code, "lost"), Do: func() {
					a.elsewhere().post("/other", withCookie("key"))
				}})
				got := a.browser().post("/", withCookie("key"))
				if cookie := touched(got.cookie("__session")); got.StatusCode != http.StatusOK || cookie != "left alone" {
					t.Errorf("status %d, cookie %s", got.StatusCode, cookie)
				}
				if diff := cmp.Diff(tt.stored, a.values(tt.key)); diff != "" {
					t.Errorf("values (-want +got):\n%s", diff)
				}
			})
		}
	}
}

// TestEmptiedTogetherWithoutAnAnswer has two requests remove one value each, and loses the answer to the delete by the second,
// or has another request be first with that. The session is over, as that request wants it, though it still holds the other value.
func TestEmptiedTogetherWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	faults := map[string]func(*app) firestoretest.Fault{
		"another request ends it": func(a *app) firestoretest.Fault {
			return firestoretest.Fault{Method: "Commit", Do: func() { a.elsewhere().post("/logout", withCookie("key")) }}
		},
	}
	for _, code := range lostCodes {
		faults[code.String()] = func(*app) firestoretest.Fault {
			return firestoretest.Fault{Method: "Commit", Err: status.Error(code, "lost"), After: true}
		}
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t)
			a.putSession("key", `{"a": 1, "b": 1}`)
			a.POST("/logout", echofirestore.Destroy)
			a.POST("/other", func(c echo.Context) error { delete(session(c).Values, "b"); return nil })
			a.POST("/", func(c echo.Context) error {
				delete(session(c).Values, "a")
				return echofirestore.Save(c)
			})
			a.firestore.Inject(firestoretest.Fault{Method: "Commit", Do: func() {
				a.elsewhere().post("/other", withCookie("key"))
				a.firestore.Inject(fault(a))
			}})
			got := a.browser().post("/", withCookie("key"))
			if cookie := touched(got.cookie("__session")); got.StatusCode != http.StatusOK || cookie != "left alone" {
				t.Errorf("status %d, cookie %s: %s", got.StatusCode, cookie, got.body)
			}
			if docs := a.documents(); len(docs) != 0 {
				t.Errorf("documents %v", docs)
			}
		})
	}
}

// TestEmptySessionIsKept changes an empty session, which an Update has stored, but none of its values: it stays.
func TestEmptySessionIsKept(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]echo.HandlerFunc{
		"max age": func(c echo.Context) error { session(c).Options.MaxAge = 60; return nil },
		"Renew":   echofirestore.Renew,
	} {
		for _, s := range savers() {
			if s.late && name == "Renew" {
				continue // which is too late
			}
			t.Run(name+"/"+s.name, func(t *testing.T) {
				t.Parallel()
				a := newApp(t)
				a.putSession("key", `{}`)
				a.POST("/", s.handler(func(c echo.Context) {
					if err := change(c); err != nil {
						t.Error(err)
					}
				}))
				got := a.browser().post("/", withCookie("key"))
				if cookie := touched(got.cookie("__session")); cookie == "deleted" || len(a.documents()) != 1 {
					t.Errorf("cookie %s, documents %v", cookie, a.documents())
				}
			})
		}
	}
}

// TestUpdateThatCannotEnd has an Update's function end the session, and Firestore refuse that: the session goes on, also
// after the response.
func TestUpdateThatCannotEnd(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	a.putSession("key", `{"user": "alice"}`)
	a.POST("/", func(c echo.Context) error {
		a.firestore.Inject(firestoretest.Fault{Method: "Commit", Err: status.Error(codes.PermissionDenied, "no")})
		err := echofirestore.Update(c, func(sess *sessions.Session) error { sess.Options.MaxAge = -1; return nil })
		if status.Code(err) != codes.PermissionDenied {
			t.Errorf("error %v", err)
		}
		if got := session(c).Values["user"]; got != "alice" {
			t.Errorf("user %v", got)
		}
		return c.NoContent(http.StatusOK)
	})
	got := a.browser().post("/", withCookie("key"))
	if cookie := touched(got.cookie("__session")); got.StatusCode != http.StatusOK || cookie != "left alone" || a.documents()["key"] == nil {
		t.Errorf("status %d, cookie %s, documents %v", got.StatusCode, cookie, a.documents())
	}
}

// TestUpdateEndsWithoutAnAnswer loses the answer to the delete of a session that an Update's function ends. If the document
// is gone, nobody can say whose delete it was.
func TestUpdateEndsWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	for _, code := range lostCodes {
		for applied, want := range map[bool]struct {
			status int
			cookie string
		}{true: {409, "left alone"}, false: {200, "deleted"}} {
			t.Run(fmt.Sprint(code, ", applied: ", applied), func(t *testing.T) {
				t.Parallel()
				a := newApp(t)
				a.putSession("key", `{"user": "alice"}`)
				runs := 0
				a.POST("/", func(c echo.Context) error {
					return echofirestore.Update(c, func(sess *sessions.Session) error { runs++; sess.Options.MaxAge = -1; return nil })
				})
				a.firestore.Inject(firestoretest.Fault{Method: "Commit", Err: status.Error(code, "lost"), After: applied})
				got := a.browser().post("/", withCookie("key"))
				if cookie := touched(got.cookie("__session")); got.StatusCode != want.status || cookie != want.cookie || runs != 1 {
					t.Errorf("status %d, cookie %s, %d runs", got.StatusCode, cookie, runs)
				}
				if docs := a.documents(); len(docs) != 0 {
					t.Errorf("documents %v", docs)
				}
			})
		}
	}
}
