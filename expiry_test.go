package echofirestore_test

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
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

// A longRequest is what a handler does with a session whose time ends while the handler runs.
type longRequest struct {
	name    string
	streams bool // the response begins before that
	goesOn  echo.HandlerFunc
	refused bool // with ErrGone, if the session is over
	dropped bool // if it is over, the log says that changes were dropped
	touches bool // it changes nothing

	// What it makes of a session that another request has extended: the values, nil for none.
	values map[string]any
	cost   firestoretest.Ops
	cookie string
}

func longRequests() []longRequest {
	type ops = firestoretest.Ops
	type values = map[string]any
	do := func(f func(echo.Context)) echo.HandlerFunc { return func(c echo.Context) error { f(c); return nil } }
	set := values{"user": "alice", "other": 1, "n": 1}
	unset := values{"user": "alice", "other": 1}
	one, moved := ops{Reads: 2, Writes: 1}, ops{Reads: 2, Writes: 1, Deletes: 1}
	return []longRequest{
		{name: "changes", goesOn: do(setOne), dropped: true, values: set, cost: one, cookie: "set to key1"},
		{name: "changes late in a stream", streams: true, goesOn: do(setOne), dropped: true, values: set, cost: one, cookie: "left alone"},
		{name: "changes the max age", goesOn: do(func(c echo.Context) { session(c).Options.MaxAge = 7200 }), dropped: true, values: unset, cost: one, cookie: "set to key1"},
		{
			name: "Save", goesOn: func(c echo.Context) error { setOne(c); return echofirestore.Save(c) },
			refused: true, values: set, cost: one, cookie: "set to key1",
		},
		{
			name: "the session's Save", goesOn: func(c echo.Context) error { setOne(c); return session(c).Save(c.Request(), c.Response()) },
			refused: true, values: set, cost: one, cookie: "set to key1",
		},
		{name: "Update", goesOn: countOne, refused: true, values: set, cost: one, cookie: "set to key1"},
		{name: "Update late in a stream", streams: true, goesOn: countOne, refused: true, values: set, cost: one, cookie: "left alone"},
		{name: "Renew", goesOn: echofirestore.Renew, dropped: true, values: unset, cost: moved, cookie: "set to key2"},
		{
			name: "Renew and Save", goesOn: func(c echo.Context) error { return errors.Join(echofirestore.Renew(c), echofirestore.Save(c)) },
			refused: true, values: unset, cost: moved, cookie: "set to key2",
		},
		{name: "empties", goesOn: do(func(c echo.Context) { clear(session(c).Values) }), values: values{"other": 1}, cost: one, cookie: "left alone"},
		{name: "nothing", goesOn: do(func(echo.Context) {}), touches: true, values: unset, cost: ops{Reads: 1}, cookie: "left alone"},
		{name: "nothing in a stream", streams: true, goesOn: do(func(echo.Context) {}), touches: true, values: unset, cost: ops{Reads: 1}, cookie: "left alone"},
	}
}

// newLongApp returns an app with a session key1 at /, which reads the session, waits for what wait does, and goes on as
// req says. Keys are key1, key2, and so on.
func newLongApp(t *testing.T, req longRequest, wait func(*app), want error, configure ...func(*echofirestore.Config)) *app {
	t.Helper()
	keys := new(atomic.Int64)
	configure = append(configure, func(cfg *echofirestore.Config) {
		cfg.KeyFactory = func() string { return "key" + strconv.FormatInt(keys.Add(1), 10) }
	})
	a := newApp(t, configure...)
	a.GET("/see", see)
	a.POST("/begin", set("user", "alice"))
	a.POST("/extend", set("other", 1))
	a.POST("/", func(c echo.Context) error {
		_ = session(c)
		if req.streams {
			if _, err := io.WriteString(c.Response(), "begun"); err != nil {
				return err
			}
		}
		wait(a)
		if err := req.goesOn(c); !errors.Is(err, want) || want == nil && err != nil {
			t.Errorf("error %v, want %v", err, want)
		}
		return nil
	})
	a.browser().post("/begin")
	return a
}

// TestExpiresMeanwhile has a session expire while a handler has it: it is over, whatever the handler does, and deleted as
// soon as that shows.
func TestExpiresMeanwhile(t *testing.T) {
	t.Parallel()
	for _, limit := range []struct {
		name       string
		configure  func(*echofirestore.Config)
		extensible bool // a request that changes nothing extends the session
	}{
		{name: "MaxAge", configure: func(*echofirestore.Config) {}},
		{name: "MaxAge and TouchAfter", configure: func(cfg *echofirestore.Config) { cfg.TouchAfter = time.Minute }, extensible: true},
		{name: "Lifetime", configure: func(cfg *echofirestore.Config) { cfg.MaxAge, cfg.Lifetime = 0, time.Hour }},
		{name: "Lifetime and TouchAfter", configure: func(cfg *echofirestore.Config) { cfg.Lifetime, cfg.TouchAfter = time.Hour, time.Minute }},
	} {
		for _, req := range longRequests() {
			t.Run(limit.name+"/"+req.name, func(t *testing.T) {
				t.Parallel()
				var refusal error
				if req.refused {
					refusal = echofirestore.ErrGone
				}
				a := newLongApp(t, req, func(a *app) { a.clock.Advance(8 * time.Hour) }, refusal, limit.configure)
				noticed := !req.touches || limit.extensible
				want := firestoretest.Ops{Reads: 1}
				if noticed {
					want = firestoretest.Ops{Reads: 2, Deletes: 1}
				}
				var got reply
				if cost := a.cost(func() { got = a.browser().post("/", withCookie("key1")) }); cost != want {
					t.Errorf("cost %v, want %v", cost, want)
				}
				if cookie := got.cookie("__session"); got.StatusCode != http.StatusOK || cookie != nil {
					t.Errorf("status %d, cookie %v", got.StatusCode, cookie)
				}
				if docs := a.documents(); noticed && len(docs) != 0 {
					t.Errorf("documents %v", docs)
				}
				if logged := strings.Contains(a.log.String(), "changes of an ended session dropped"); logged != req.dropped {
					t.Errorf("log %q", a.log)
				}
				if got := a.browser().get("/see", withCookie("key1")); strings.Contains(got.body, "alice") {
					t.Errorf("it is alive again: %s", got.body)
				}
			})
		}
	}
}

// TestExtendedMeanwhile has another request extend the session before it expires: the handler's copy looks expired, and
// is not.
func TestExtendedMeanwhile(t *testing.T) {
	t.Parallel()
	for _, touchAfter := range []time.Duration{0, time.Minute} {
		for _, req := range longRequests() {
			t.Run("TouchAfter "+touchAfter.String()+"/"+req.name, func(t *testing.T) {
				t.Parallel()
				extending := firestoretest.Ops{Reads: 1, Writes: 1}
				a := newLongApp(t, req, func(a *app) {
					a.clock.Advance(40 * time.Minute)
					if cost := a.cost(func() { a.elsewhere().post("/extend", withCookie("key1")) }); cost != extending {
						t.Errorf("the other request: cost %v", cost)
					}
					a.clock.Advance(40 * time.Minute)
				}, nil, func(cfg *echofirestore.Config) { cfg.TouchAfter = touchAfter })
				want, cookie := req.cost, req.cookie
				if req.touches && touchAfter > 0 {
					want = firestoretest.Ops{Reads: 2, Writes: 1}
					if !req.streams {
						cookie = "set to key1"
					}
				}
				want = firestoretest.Ops{Reads: want.Reads + extending.Reads, Writes: want.Writes + extending.Writes, Deletes: want.Deletes}
				var got reply
				if cost := a.cost(func() { got = a.browser().post("/", withCookie("key1")) }); cost != want {
					t.Errorf("cost %v, want %v", cost, want)
				}
				if has := touched(got.cookie("__session")); got.StatusCode != http.StatusOK || has != cookie {
					t.Errorf("status %d, cookie %s, want it %s", got.StatusCode, has, cookie)
				}
				key := "key1"
				if now, set := strings.CutPrefix(cookie, "set to "); set {
					key = now
				}
				if diff := cmp.Diff(req.values, a.values(key)); diff != "" || len(a.documents()) != 1 {
					t.Errorf("%d documents, values (-want +got):\n%s", len(a.documents()), diff)
				}
			})
		}
	}
}

// TestExtendedMeanwhileThenRefused has Firestore refuse to extend the session of a request that changes nothing, after another
// request has extended it: nothing is lost, so that is no error.
func TestExtendedMeanwhileThenRefused(t *testing.T) {
	t.Parallel()
	for _, req := range longRequests() {
		if !req.touches {
			continue
		}
		t.Run(req.name, func(t *testing.T) {
			t.Parallel()
			a := newLongApp(t, req, func(a *app) {
				a.clock.Advance(40 * time.Minute)
				a.elsewhere().post("/extend", withCookie("key1"))
				a.clock.Advance(40 * time.Minute)
				a.firestore.Inject(firestoretest.Fault{Method: "Commit", Times: -1, Err: status.Error(codes.PermissionDenied, "no")})
			}, nil, func(cfg *echofirestore.Config) { cfg.TouchAfter = time.Minute })
			if got := a.browser().post("/", withCookie("key1")); got.StatusCode != http.StatusOK {
				t.Errorf("status %d", got.StatusCode)
			}
			if !strings.Contains(a.log.String(), "session not extended") {
				t.Errorf("log %s", a.log)
			}
		})
	}
}

// TestExpiredBeforeItIsEncoded saves a session that has expired: that comes first, whatever the Encoder says about the values.
func TestExpiredBeforeItIsEncoded(t *testing.T) {
	t.Parallel()
	type number int
	for name, value := range map[string]any{"not encodable": make(chan int), "equal once it is stored": number(5)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t)
			a.POST("/begin", set("n", 5))
			a.POST("/", func(c echo.Context) error {
				session(c).Values["n"] = value
				a.clock.Advance(2 * time.Hour)
				if err := echofirestore.Save(c); !errors.Is(err, echofirestore.ErrGone) {
					t.Errorf("error %v, want ErrGone", err)
				}
				return nil
			})
			b := a.browser()
			b.post("/begin")
			if got := b.post("/"); got.StatusCode != http.StatusOK || len(a.documents()) != 0 {
				t.Errorf("status %d, documents %v", got.StatusCode, a.documents())
			}
		})
	}
}

// TestUpdateEndsWhatIsOver has an Update's function end a session that has expired since it was read: there is nothing to
// end, and no cookie to delete, for it may be that of a new session.
func TestUpdateEndsWhatIsOver(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	a.put("key", map[string]any{"data": payload(a.clock.Now()), "max_age": 60, "expire": a.clock.Now().Add(time.Minute)})
	a.POST("/", func(c echo.Context) error {
		_ = session(c)
		a.clock.Advance(time.Hour)
		err := echofirestore.Update(c, func(sess *sessions.Session) error { sess.Options.MaxAge = -1; return nil })
		if !errors.Is(err, echofirestore.ErrGone) {
			t.Errorf("error %v, want ErrGone", err)
		}
		return c.NoContent(http.StatusOK)
	})
	got := a.browser().post("/", withCookie("key"))
	if cookie := got.cookie("__session"); got.StatusCode != http.StatusOK || cookie != nil || len(a.documents()) != 0 {
		t.Errorf("status %d, cookie %v, documents %v", got.StatusCode, cookie, a.documents())
	}
}

// TestDroppedAfterATouch changes a session in a stream when the save at its beginning, which was to extend it, has found it
// over: the log says that the change is dropped.
func TestDroppedAfterATouch(t *testing.T) {
	t.Parallel()
	a := newApp(t, func(cfg *echofirestore.Config) { cfg.TouchAfter = time.Minute })
	a.put("key", map[string]any{"data": payload(a.clock.Now()), "max_age": 60, "expire": a.clock.Now().Add(time.Minute)})
	a.POST("/", func(c echo.Context) error {
		_ = session(c)
		a.clock.Advance(time.Hour)
		if err := c.String(http.StatusOK, "begun"); err != nil {
			return err
		}
		setOne(c)
		return nil
	})
	got := a.browser().post("/", withCookie("key"))
	if got.StatusCode != http.StatusOK || got.cookie("__session") != nil || len(a.documents()) != 0 {
		t.Errorf("status %d, cookie %v, documents %v", got.StatusCode, got.cookie("__session"), a.documents())
	}
	if n := strings.Count(a.log.String(), "dropped"); n != 1 {
		t.Errorf("logged %d times: %s", n, a.log)
	}
}
