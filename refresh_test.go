package echofirestore_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/sessions"
	"github.com/labstack/echo/v4"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
)

// TestRefresh has a handler do something, lets something else happen to its session, and refreshes it.
func TestRefresh(t *testing.T) {
	t.Parallel()
	change := func(key string, value any) func(echo.Context) error {
		return func(c echo.Context) error {
			session(c).Values[key] = value
			return nil
		}
	}
	const old = "map[a:1 list:[1]]"
	for _, tt := range []struct {
		name    string
		cookie  string // "__session=key" if empty
		before  func(a *app)
		handler func(c echo.Context) error // before Refresh; nil only asks for the session
		between func(a *app)
		err     error
		code    codes.Code // of an error of Firestore's
		values  string     // that the handler sees then
		stored  string     // at the end
		newKey  bool       // under which that is stored
		cost    firestoretest.Ops
	}{
		{name: "nothing has happened", values: old, stored: old, cost: costsARead},
		{name: "another request has saved", between: othersSave, values: "map[a:2 b:2]", stored: "map[a:2 b:2]", cost: costsARead},
		{
			name: "the handler has set a value", handler: change("c", 3), between: othersSave,
			values: "map[a:2 b:2 c:3]", stored: "map[a:2 b:2 c:3]", cost: costsARead,
		},
		{
			name: "the handler has set a value that another request has set", handler: change("a", 7), between: othersSave,
			values: "map[a:7 b:2]", stored: "map[a:7 b:2]", cost: costsARead,
		},
		{
			name: "the handler has changed a value deep inside, and removed one", between: othersSave,
			handler: func(c echo.Context) error {
				session(c).Values["list"].([]any)[0] = 7
				delete(session(c).Values, "a")
				return nil
			},
			values: "map[b:2 list:[7]]", stored: "map[b:2 list:[7]]", cost: costsARead,
		},
		{
			name: "the handler has saved", handler: func(c echo.Context) error {
				session(c).Values["c"] = 3
				return echofirestore.Save(c)
			},
			values: "map[a:1 c:3 list:[1]]", stored: "map[a:1 c:3 list:[1]]", cost: costsARead,
		},
		{
			name: "the handler has renewed it, and not saved", handler: echofirestore.Renew, between: othersSave,
			values: "map[a:2 b:2]", stored: "map[a:2 b:2]", newKey: true, cost: costsARead,
		},
		{
			name: "the handler has renewed it, and saved", handler: func(c echo.Context) error {
				return errors.Join(echofirestore.Renew(c), echofirestore.Save(c))
			},
			values: old, stored: old, newKey: true, cost: costsARead,
		},
		{
			name: "the handler has emptied it", between: othersSave, handler: func(c echo.Context) error {
				clear(session(c).Values)
				return nil
			},
			values: "map[b:2]", stored: "map[b:2]", cost: costsARead,
		},
		{
			name: "the handler has dropped its fields", between: othersSave, handler: func(c echo.Context) error {
				session(c).Values, session(c).Options = nil, nil
				return nil
			},
			values: "map[b:2]", stored: "map[b:2]", cost: costsARead,
		},
		{
			name: "the handler is about to end it", between: othersSave, handler: func(c echo.Context) error {
				session(c).Options.MaxAge = -1
				return nil
			},
			values: "map[a:2 b:2]", stored: "none", cost: costsARead,
		},
		{
			name: "the context has ended, as in the error handler after a time-out", handler: func(c echo.Context) error {
				_ = session(c)
				ctx, end := context.WithCancel(c.Request().Context())
				end()
				c.SetRequest(c.Request().WithContext(ctx))
				return nil
			},
			values: old, stored: old, cost: costsARead,
		},
		{name: "not read before", handler: func(echo.Context) error { return nil }, values: old, stored: old, cost: costsARead},
		{name: "over", between: othersEnd, err: echofirestore.ErrGone, values: "map[]", stored: "none", cost: costsARead},
		{
			name: "over, and the handler has set a value", handler: change("c", 3), between: othersEnd,
			err: echofirestore.ErrGone, values: "map[]", stored: "none", cost: costsARead,
		},
		{
			name: "over, as a save has found", between: othersEnd, handler: func(c echo.Context) error {
				session(c)
				othersEnd(appOf(c))
				session(c).Values["c"] = 3
				if err := echofirestore.Save(c); !errors.Is(err, echofirestore.ErrGone) {
					return fmt.Errorf("saved: %w", err)
				}
				return nil
			},
			err: echofirestore.ErrGone, values: "map[]", stored: "none",
		},
		{
			name: "expired", between: func(a *app) { a.clock.Advance(time.Minute) },
			before: func(a *app) {
				a.put("key", map[string]any{"data": payload(a.clock.Now()), "max_age": 60, "expire": a.clock.Now().Add(time.Minute)})
			},
			err: echofirestore.ErrGone, values: "map[]", stored: "none", cost: costsReadDelete,
		},
		{
			name: "malformed", between: func(a *app) { a.put("key", map[string]any{"data": 7}) },
			err: echofirestore.ErrGone, values: "map[]", stored: "malformed", cost: costsARead,
		},
		{name: "ended by the handler", handler: echofirestore.Destroy, values: "map[]", stored: "none"},
		{name: "over before", before: othersEnd, err: echofirestore.ErrGone, values: "map[]", stored: "none"},
		{
			name: "over before, and not asked for", before: othersEnd, handler: func(echo.Context) error { return nil },
			err: echofirestore.ErrGone, values: "map[]", stored: "none", cost: costsARead,
		},
		{
			name: "over before, and the handler begins a new one", before: othersEnd, handler: change("c", 3),
			err: echofirestore.ErrGone, values: "map[]", stored: "none",
		},
		{
			name: "over before, and the handler has begun a new one", before: othersEnd, handler: func(c echo.Context) error {
				session(c).Values["c"] = 3
				return echofirestore.Save(c)
			},
			values: "map[c:3]", stored: "map[c:3]", newKey: true, cost: costsARead,
		},
		{name: "no cookie", cookie: "no=session", values: "map[]", stored: old},
		{name: "no cookie, and not asked for", cookie: "no=session", handler: func(echo.Context) error { return nil }, values: "map[]", stored: old},
		{name: "Firestore does not answer", between: failLoad, code: codes.PermissionDenied, values: old, stored: old},
		{name: "Firestore has not answered before", before: failLoad, values: old, stored: old, cost: costsARead},
		{
			name: "Firestore has not answered before, and the handler has set a value", before: failLoad, handler: change("c", 3),
			code: codes.PermissionDenied, values: "map[c:3]", stored: old,
		},
		{name: "Firestore does not answer twice", before: failLoad, between: failLoad, code: codes.PermissionDenied, values: "map[]", stored: old},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t)
			a.putSession("key", `{"a": 1, "list": [1]}`)
			if tt.before != nil {
				tt.before(a)
			}
			var err error
			var values string
			var cost firestoretest.Ops
			a.POST("/", func(c echo.Context) error {
				c.Set("app", a)
				if tt.handler == nil {
					session(c)
				} else if err := tt.handler(c); err != nil {
					t.Error(err)
				}
				if tt.between != nil {
					tt.between(a)
				}
				cost = a.cost(func() { err = echofirestore.Refresh(c) })
				values = fmt.Sprint(session(c).Values)
				return c.NoContent(http.StatusNoContent)
			})
			a.browser().post("/", func(r *http.Request) { r.Header.Set("Cookie", cmp.Or(tt.cookie, "__session=key")) })
			if tt.code != codes.OK && status.Code(err) != tt.code || tt.code == codes.OK && !errors.Is(err, tt.err) {
				t.Errorf("error %v", err)
			}
			if values != tt.values || cost != tt.cost {
				t.Errorf("the handler sees %s for %v", values, cost)
			}
			stored := "none"
			for key, doc := range a.documents() {
				stored = "malformed"
				if newKey := key != "key"; newKey != tt.newKey {
					t.Errorf("stored under a new key: %t", newKey)
				}
				if data, ok := doc["data"].(string); ok {
					payload, err := echofirestore.DecodeJSON(data)
					if err != nil {
						t.Fatal(err)
					}
					stored = fmt.Sprint(payload.Values)
				}
			}
			if stored != tt.stored {
				t.Errorf("stored %s, want %s", stored, tt.stored)
			}
		})
	}
}

func othersSave(a *app) { a.putSession("key", `{"a": 2, "b": 2}`) }

func othersEnd(a *app) {
	a.t.Helper()
	if _, err := a.collection().Doc("key").Delete(a.t.Context()); err != nil {
		a.t.Error(err)
	}
}

func failLoad(a *app) {
	a.firestore.Inject(firestoretest.Fault{Method: "BatchGetDocuments", Err: status.Error(codes.PermissionDenied, "no")})
}

func appOf(c echo.Context) *app { return c.Get("app").(*app) }

// TestRefreshWhileUpdating has the function of an Update refresh its session.
func TestRefreshWhileUpdating(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	a.putSession("key", `{"n": 1}`)
	a.POST("/", func(c echo.Context) error {
		return echofirestore.Update(c, func(sess *sessions.Session) error {
			if err := echofirestore.Refresh(c); err == nil || !strings.Contains(err.Error(), "the function of an Update must not") {
				t.Errorf("error %v", err)
			}
			return countUp(sess)
		})
	})
	a.browser().post("/", withCookie("key"))
	if values := a.values("key"); values["n"] != 2 {
		t.Errorf("values %v", values)
	}
}

// TestRefreshInAStream ends a session while a response is under way that looks at it from time to time.
func TestRefreshInAStream(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	a.putSession("key", `{"user": "alice"}`)
	a.GET("/", func(c echo.Context) error {
		for i := range 3 {
			if err := echofirestore.Refresh(c); err != nil {
				fmt.Fprint(c.Response(), err)
				return nil
			}
			fmt.Fprintln(c.Response(), session(c).Values["user"])
			c.Response().Flush()
			if i == 1 {
				othersEnd(a)
			}
		}
		return nil
	})
	want := "alice\nalice\n" + echofirestore.ErrGone.Error()
	if got := a.browser().get("/", withCookie("key")); got.body != want {
		t.Errorf("the client gets %q, want %q", got.body, want)
	}
}

// TestRefreshWithoutMiddleware refreshes a session of gorilla's registry.
func TestRefreshWithoutMiddleware(t *testing.T) {
	t.Parallel()
	a := newBareApp(t)
	a.putSession("key", `{"a": 1}`)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
	withCookie("key")(r)
	sess, err := a.store.Get(r, "__session")
	if err != nil {
		t.Fatal(err)
	}
	othersSave(a)
	if err := a.store.Refresh(r, "__session"); err != nil || fmt.Sprint(sess.Values) != "map[a:2 b:2]" {
		t.Errorf("values %v, %v", sess.Values, err)
	}
	othersEnd(a)
	if err := a.store.Refresh(r, "__session"); !errors.Is(err, echofirestore.ErrGone) || len(sess.Values) > 0 {
		t.Errorf("values %v, %v", sess.Values, err)
	}
	r = httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
	withCookie("key")(r)
	a.putSession("key", `{"a": 1}`)
	failLoad(a)
	if sess, err = a.store.Get(r, "__session"); err == nil {
		t.Error("the load did not fail")
	}
	if err := a.store.Refresh(r, "__session"); err != nil || fmt.Sprint(sess.Values) != "map[a:1]" {
		t.Errorf("after a failed load: values %v, %v", sess.Values, err)
	}
	if err := a.store.Refresh(r, "a name;"); err == nil {
		t.Error("a name that is not one of a cookie is accepted")
	}
	if err := echofirestore.Refresh(a.NewContext(r, httptest.NewRecorder())); !errors.Is(err, echofirestore.ErrNoMiddleware) {
		t.Errorf("without the middleware: %v", err)
	}
}

// TestRefreshOfSeveralCookies refreshes a session that nothing has asked for, and that the second of two cookies opens. The
// process has it in its cache, and another process has ended it.
func TestRefreshOfSeveralCookies(t *testing.T) {
	t.Parallel()
	a := newCachedApp(t)
	a.POST("/check", func(c echo.Context) error {
		if err := echofirestore.Refresh(c); err != nil {
			return c.String(http.StatusOK, err.Error())
		}
		return c.String(http.StatusOK, fmt.Sprint(session(c).Values))
	})
	dead, living := a.browser(), a.browser()
	cookie := func(b *browser) string { return b.post("/set/a").cookie("__session").String() }
	both := cookie(dead) + "; " + cookie(living)
	a.takeStep("here/destroy", dead, nil)
	check := func() (got string, cost firestoretest.Ops) {
		cost = a.cost(func() { got = a.browser().post("/check", func(r *http.Request) { r.Header.Set("Cookie", both) }).body })
		return got, cost
	}
	if got, cost := check(); got != "map[a:1]" || cost != (firestoretest.Ops{Reads: 2}) {
		t.Errorf("alive: %s for %v", got, cost)
	}
	a.takeStep("there/destroy", living, nil)
	if got, cost := check(); got != overAlready || cost != (firestoretest.Ops{Reads: 2}) {
		t.Errorf("ended elsewhere: %s for %v", got, cost)
	}
}

// TestRefreshThatCannotDecode has the Decoder fail when the values are copied for the handler, since the library cannot copy
// their types itself: the session is what it was.
func TestRefreshThatCannotDecode(t *testing.T) {
	t.Parallel()
	calls := math.MinInt
	a := newApp(t, func(cfg *echofirestore.Config) {
		cfg.Encoder = echofirestore.EncodeJSON
		cfg.Decoder = func(text string) (echofirestore.Payload, error) {
			if calls++; calls == 2 {
				return echofirestore.Payload{}, errors.New("once")
			}
			p, err := echofirestore.DecodeJSON(text)
			p.Values["time"] = time.Duration(1)
			return p, err
		}
	})
	a.putSession("key", `{"a": 1, "time": 1}`)
	a.POST("/", func(c echo.Context) error {
		session(c).Values["b"] = 2
		calls = 0
		if err := echofirestore.Refresh(c); err == nil || err.Error() != "once" {
			t.Errorf("error %v", err)
		}
		if got := fmt.Sprint(session(c).Values); got != "map[a:1 b:2 time:1ns]" {
			t.Errorf("the handler sees %s", got)
		}
		return c.NoContent(http.StatusNoContent)
	})
	a.browser().post("/", withCookie("key"))
	if got := fmt.Sprint(a.values("key")); got != "map[a:1 b:2 time:1]" {
		t.Errorf("stored %s", got)
	}
}
