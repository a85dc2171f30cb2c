package echofirestore_test

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/sessions"
	contrib "github.com/labstack/echo-contrib/session"
	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/internal/testsize"
)

var outliveFlag = flag.Int("outlive", 0, "how many requests TestHandlersOutliveTheirRequests makes in each of its ways")

const outliveUsers = 20

func outliveRequests() int { return cmp.Or(*outliveFlag, testsize.N(200, 1000)) }

// A foreign counts what handlers did to others than their own user.
type foreign struct{ reads, writes, endings, cookies atomic.Int64 }

// outlived is what a handler does when its request may be over, for a user. It is told whether it sees a foreign session.
var outlived = []struct {
	name string
	ends bool // the session, or its key
	call func(a *app, c echo.Context, user string, seen *foreign) error
}{
	{name: "Get", call: func(_ *app, c echo.Context, user string, seen *foreign) error {
		sess, err := echofirestore.Get(c)
		return seen.look(sess, user, err)
	}},
	{name: "the session in the context", call: func(_ *app, c echo.Context, user string, seen *foreign) error {
		return seen.look(session(c), user, nil)
	}},
	{name: "Session", call: func(_ *app, c echo.Context, user string, seen *foreign) error {
		return seen.look(echofirestore.Session(c), user, nil)
	}},
	{name: "echo-contrib", call: func(_ *app, c echo.Context, user string, seen *foreign) error {
		sess, err := contrib.Get("__session", c)
		return seen.look(sess, user, err)
	}},
	{name: "Store.Get", call: func(a *app, c echo.Context, user string, seen *foreign) error {
		sess, err := a.store.Get(c.Request(), "__session")
		return seen.look(sess, user, err)
	}},
	{name: "another session", call: func(a *app, c echo.Context, _ string, _ *foreign) error {
		_, err := a.store.Get(c.Request(), "prefs")
		return err
	}},
	{name: "the automatic save", call: func(_ *app, c echo.Context, user string, seen *foreign) error {
		session(c).Values["by"] = user
		return seen.look(session(c), user, nil)
	}},
	{name: "Save", call: func(_ *app, c echo.Context, user string, _ *foreign) error {
		session(c).Values["by"] = user
		return echofirestore.Save(c)
	}},
	{name: "Save of the session", call: func(_ *app, c echo.Context, user string, _ *foreign) error {
		sess := session(c)
		sess.Values["by"] = user
		return sess.Save(c.Request(), c.Response())
	}},
	{name: "Update", call: func(_ *app, c echo.Context, user string, seen *foreign) error {
		return echofirestore.Update(c, func(sess *sessions.Session) error {
			sess.Values["by"] = user
			return seen.look(sess, user, nil)
		})
	}},
	{name: "Store.Update", call: func(a *app, c echo.Context, user string, seen *foreign) error {
		return a.store.Update(c.Request(), c.Response(), "__session", func(sess *sessions.Session) error {
			sess.Values["by"] = user
			return seen.look(sess, user, nil)
		})
	}},
	{name: "Renew", ends: true, call: func(_ *app, c echo.Context, user string, seen *foreign) error {
		return errors.Join(echofirestore.Renew(c), echofirestore.Save(c), seen.look(session(c), user, nil))
	}},
	{name: "Destroy", ends: true, call: func(_ *app, c echo.Context, _ string, _ *foreign) error {
		return echofirestore.Destroy(c)
	}},
	{name: "a negative MaxAge", ends: true, call: func(_ *app, c echo.Context, _ string, _ *foreign) error {
		session(c).Options.MaxAge = -1
		return session(c).Save(c.Request(), c.Response())
	}},
}

func (f *foreign) look(sess *sessions.Session, user string, err error) error {
	if err == nil && sess.Values["user"] != nil && sess.Values["user"] != user {
		f.reads.Add(1)
	}
	return err
}

// TestHandlersOutliveTheirRequests has many users' requests use contexts again while handlers of earlier requests go on:
// no handler may see, change or end the session of another user, nor give its cookie to one. Half of the users never end
// a session: theirs must live.
func TestHandlersOutliveTheirRequests(t *testing.T) {
	t.Parallel()
	const short, long = 3 * time.Millisecond, 20 * time.Millisecond
	timeout := func(d time.Duration) echo.MiddlewareFunc {
		return middleware.TimeoutWithConfig(middleware.TimeoutConfig{Timeout: d}) //nolint:staticcheck // in use
	}
	pick := func(user string) func(*app, echo.Context, string, *foreign) error {
		for {
			one := outlived[rand.IntN(len(outlived))] //nolint:gosec // not a secret
			if !one.ends || !strings.HasPrefix(user, "lasting") {
				return one.call
			}
		}
	}
	custom := func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error { return next(&customContext{c}) }
	}
	for _, tt := range []struct {
		name            string
		outside, inside []echo.MiddlewareFunc
		timeout         time.Duration // what a handler takes is up to twice as long
		goroutine       bool          // the handler returns, and a goroutine goes on
		around          bool          // the Store's Handler is around Echo
		races           bool          // in Echo, which resets a context that a handler within its Timeout still has
	}{
		{name: "goroutines", timeout: short, goroutine: true},
		{name: "goroutines, custom context inside", timeout: short, goroutine: true, inside: []echo.MiddlewareFunc{custom}},
		{name: "Timeout inside", timeout: short, races: true, inside: []echo.MiddlewareFunc{timeout(short)}},
		{
			name: "Timeout inside, custom context outside", timeout: short, races: true,
			outside: []echo.MiddlewareFunc{custom}, inside: []echo.MiddlewareFunc{timeout(short)},
		},
		{
			name: "Timeout inside, custom context outside, Handler around", timeout: short, around: true, races: true,
			outside: []echo.MiddlewareFunc{custom}, inside: []echo.MiddlewareFunc{timeout(short)},
		},
		{name: "Timeout outside", timeout: long, races: true, outside: []echo.MiddlewareFunc{timeout(long)}},
		{name: "Timeout outside, custom context outside", timeout: long, races: true, outside: []echo.MiddlewareFunc{timeout(long), custom}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.races && raceDetector {
				return
			}
			a := newBareApp(t)
			if tt.around {
				a.server.Config.Handler = a.store.Handler(a.Echo)
			}
			var running sync.WaitGroup
			seen := new(foreign)
			linger := func() { time.Sleep(rand.N(2 * tt.timeout)) } //nolint:gosec // not a secret
			act := func(c echo.Context) error {
				user := c.Request().URL.Query().Get("user")
				sess, err := echofirestore.Get(c)
				if err != nil || seen.look(sess, user, nil) != nil {
					return err
				}
				sess.Values["user"] = user
				linger()
				return pick(user)(a, c, user, seen)
			}
			a.Use(tt.outside...)
			a.Use(a.store.Middleware())
			a.Use(tt.inside...)
			a.GET("/", func(c echo.Context) error {
				if !tt.goroutine {
					running.Add(1)
					defer running.Done()
					// An error would be written to the response of the context, and that may be another's.
					_ = act(c)
					return nil
				}
				user := c.Request().URL.Query().Get("user")
				sess, err := echofirestore.Get(c)
				if err != nil {
					return err
				}
				sess.Values["user"] = user
				if err := echofirestore.Save(c); err != nil {
					return err
				}
				over := c.Request().Context().Done()
				running.Go(func() {
					<-over // while the request saves it, nothing else may change the session
					linger()
					_ = pick(user)(a, c, user, seen)
				})
				return nil
			})
			a.outliveLoad(seen)
			running.Wait()
			for _, fields := range a.documents() {
				payload, err := echofirestore.DecodeJSON(fields["data"].(string))
				if err != nil {
					t.Fatal(err)
				}
				values := payload.Values
				if by := values["by"]; by != nil && by != values["user"] {
					seen.writes.Add(1)
					t.Errorf("%v", fields)
				}
			}
			if reads, writes, endings, cookies := seen.reads.Load(), seen.writes.Load(), seen.endings.Load(), seen.cookies.Load(); reads+writes+endings+cookies > 0 {
				t.Errorf("foreign: %d reads, %d writes, %d endings, %d cookies", reads, writes, endings, cookies)
			}
			t.Logf("%d requests of %d users", outliveRequests(), outliveUsers)
		})
	}
}

// outliveLoad makes the requests, those of one user one after another.
func (a *app) outliveLoad(seen *foreign) {
	ctx, cancel := context.WithTimeout(a.t.Context(), time.Minute+time.Duration(outliveRequests())*20*time.Millisecond)
	defer cancel()
	left := new(atomic.Int64)
	left.Store(int64(outliveRequests()))
	var users sync.WaitGroup
	for n := range outliveUsers {
		user, key := fmt.Sprintf("leaving-%d", n), fmt.Sprintf("key-%d", n)
		if n%2 == 0 {
			user = fmt.Sprintf("lasting-%d", n)
		}
		a.putSession(key, fmt.Sprintf(`{"user": %q}`, user))
		users.Go(func() {
			b := a.browser()
			first := withCookie(key)
			for left.Add(-1) >= 0 {
				got, err := b.try(http.MethodGet, "/?user="+user, func(r *http.Request) { *r = *r.WithContext(ctx) }, first)
				if err != nil {
					a.t.Error(err)
					return
				}
				if cookie := got.cookie("__session"); cookie != nil && cookie.Value != "" {
					snap, err := a.collection().Doc(cookie.Value).Get(ctx)
					if err == nil && !strings.Contains(snap.Data()["data"].(string), fmt.Sprintf("%q", user)) {
						seen.cookies.Add(1)
					}
				}
				if strings.HasPrefix(user, "lasting") {
					switch _, err := a.collection().Doc(key).Get(ctx); {
					case status.Code(err) == codes.NotFound:
						seen.endings.Add(1)
					case err != nil:
						a.t.Error(err)
						return
					}
					continue
				}
				first = func(*http.Request) {} // from now on what the response has set
			}
		})
	}
	users.Wait()
}
