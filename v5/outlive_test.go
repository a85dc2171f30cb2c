package echofirestore_test

import (
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

	"github.com/echofirestore/echofirestore/firesession"
	"github.com/gorilla/sessions"
	"github.com/labstack/echo/v5"
	"github.com/labstack/echo/v5/middleware"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/echofirestore/echofirestore/v5"
)

var outliveFlag = flag.Int("outlive", 1000, "how many requests TestHandlersOutliveTheirRequests makes in each of its ways")

const outliveUsers = 20

// A foreign counts what handlers did to others than their own user.
type foreign struct{ reads, writes, endings, cookies atomic.Int64 }

func (f *foreign) look(sess *sessions.Session, user string, err error) error {
	if err == nil && sess.Values["user"] != nil && sess.Values["user"] != user {
		f.reads.Add(1)
	}
	return err
}

// taken is what a handler takes while its request lasts. Echo's context is not among it: Echo may use that for another
// request.
type taken struct {
	r     *http.Request
	w     http.ResponseWriter
	sess  *sessions.Session
	store sessions.Store // as echo-contrib finds it
}

// outlived is what a handler does when its request may be over, for a user. It is told whether it sees a foreign session.
var outlived = []struct {
	name string
	ends bool // the session, or its key
	call func(a *app, t taken, user string, seen *foreign) error
}{
	{name: "the session", call: func(_ *app, t taken, user string, seen *foreign) error {
		t.sess.Values["by"] = user
		return seen.look(t.sess, user, nil)
	}},
	{name: "firesession.Get", call: func(_ *app, t taken, user string, seen *foreign) error {
		sess, err := firesession.Get(t.r)
		return seen.look(sess, user, err)
	}},
	{name: "the store of echo-contrib", call: func(_ *app, t taken, user string, seen *foreign) error {
		sess, err := t.store.Get(t.r, "__session")
		return seen.look(sess, user, err)
	}},
	{name: "Store.Get", call: func(a *app, t taken, user string, seen *foreign) error {
		sess, err := a.store.Get(t.r, "__session")
		return seen.look(sess, user, err)
	}},
	{name: "another session", call: func(a *app, t taken, _ string, _ *foreign) error {
		_, err := a.store.Get(t.r, "prefs")
		return err
	}},
	{name: "firesession.Save", call: func(_ *app, t taken, user string, _ *foreign) error {
		t.sess.Values["by"] = user
		return firesession.Save(t.r)
	}},
	{name: "Save of the session", call: func(_ *app, t taken, user string, _ *foreign) error {
		t.sess.Values["by"] = user
		return t.sess.Save(t.r, t.w)
	}},
	{name: "firesession.Update", call: func(_ *app, t taken, user string, seen *foreign) error {
		return firesession.Update(t.r, func(sess *sessions.Session) error {
			sess.Values["by"] = user
			return seen.look(sess, user, nil)
		})
	}},
	{name: "Store.Update", call: func(a *app, t taken, user string, seen *foreign) error {
		return a.store.Update(t.r, t.w, "__session", func(sess *sessions.Session) error {
			sess.Values["by"] = user
			return seen.look(sess, user, nil)
		})
	}},
	{name: "firesession.Renew", ends: true, call: func(_ *app, t taken, user string, seen *foreign) error {
		return errors.Join(firesession.Renew(t.r), firesession.Save(t.r), seen.look(t.sess, user, nil))
	}},
	{name: "firesession.Destroy", ends: true, call: func(_ *app, t taken, _ string, _ *foreign) error {
		return firesession.Destroy(t.r)
	}},
	{name: "a negative MaxAge", ends: true, call: func(_ *app, t taken, _ string, _ *foreign) error {
		t.sess.Options.MaxAge = -1
		return t.sess.Save(t.r, t.w)
	}},
}

// overKey is where a goroutine finds the channel that is closed when its request is over.
type overKey struct{}

// over tells goroutines that their request is over. They change its session, and so must not do that earlier.
func over(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c *echo.Context) error {
		done := make(chan struct{})
		defer close(done)
		c.SetRequest(c.Request().WithContext(context.WithValue(c.Request().Context(), overKey{}, done)))
		return next(c)
	}
}

// abandonKey is where a handler finds what makes TimeoutHandler answer for it.
type abandonKey struct{}

// abandonable lets TimeoutHandler inside answer when the handler wants it.
func abandonable(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c *echo.Context) error {
		ctx, abandon := context.WithCancel(c.Request().Context())
		c.SetRequest(c.Request().WithContext(context.WithValue(ctx, abandonKey{}, abandon)))
		return next(c)
	}
}

// TestHandlersOutliveTheirRequests has many users' requests use contexts again while handlers of earlier requests go on with
// what they have taken: no handler may see, change or end the session of another user, nor give its cookie to one. Half of
// the users never end a session: theirs must live.
func TestHandlersOutliveTheirRequests(t *testing.T) {
	t.Parallel()
	timeout := func(next http.Handler) http.Handler { return http.TimeoutHandler(next, time.Hour, "") }
	brief := middleware.ContextTimeout(3 * time.Millisecond)
	pick := func(user string) func(*app, taken, string, *foreign) error {
		for {
			one := outlived[rand.IntN(len(outlived))] //nolint:gosec // not a secret
			if !one.ends || !strings.HasPrefix(user, "lasting") {
				return one.call
			}
		}
	}
	for _, tt := range []struct {
		name            string
		outside, inside []echo.MiddlewareFunc
		goroutine       bool // the handler returns, and a goroutine goes on
		plain           bool // the handler is one of net/http, within TimeoutHandler
		races           bool // in Echo, which resets a context that a handler within TimeoutHandler still has
	}{
		{name: "goroutines", goroutine: true},
		{name: "goroutines, Gzip outside", goroutine: true, outside: []echo.MiddlewareFunc{middleware.Gzip()}},
		{name: "goroutines, ContextTimeout inside", goroutine: true, inside: []echo.MiddlewareFunc{brief}},
		{name: "ContextTimeout inside", inside: []echo.MiddlewareFunc{brief}},
		{name: "ContextTimeout outside", outside: []echo.MiddlewareFunc{brief}},
		{name: "TimeoutHandler around a handler of net/http", inside: []echo.MiddlewareFunc{abandonable}, plain: true},
		{name: "TimeoutHandler inside", races: true, inside: []echo.MiddlewareFunc{abandonable, echo.WrapMiddleware(timeout)}},
		{name: "TimeoutHandler outside", races: true, outside: []echo.MiddlewareFunc{abandonable, echo.WrapMiddleware(timeout)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.races && raceDetector {
				return
			}
			a := newApp(t)
			var running sync.WaitGroup
			seen := new(foreign)
			// act does something for a user, after a time in which the contexts of other requests are used.
			act := func(have taken, user string) {
				time.Sleep(rand.N(6 * time.Millisecond)) //nolint:gosec // not a secret
				_ = pick(user)(a, have, user, seen)
			}
			serve := func(have taken, user string) error {
				if _ = seen.look(have.sess, user, nil); have.sess.Values["user"] == nil {
					have.sess.Values["user"] = user
				}
				if err := firesession.Save(have.r); err != nil {
					return err
				}
				if tt.goroutine {
					running.Go(func() {
						<-have.r.Context().Value(overKey{}).(chan struct{})
						act(have, user)
					})
					return nil
				}
				if abandon, ok := have.r.Context().Value(abandonKey{}).(context.CancelFunc); ok && rand.IntN(2) == 0 { //nolint:gosec // not a secret
					abandon()
				}
				act(have, user)
				return nil // an error would be written to the response of the context, and that may be another's
			}
			a.Use(over)
			a.Use(tt.outside...)
			a.Use(a.store.Middleware())
			a.Use(tt.inside...)
			if tt.plain {
				a.GET("/", echo.WrapHandler(timeout(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					running.Add(1)
					defer running.Done()
					sess, err := firesession.Get(r)
					if err == nil {
						_ = serve(taken{r, w, sess, a.store}, r.URL.Query().Get("user"))
					}
				}))))
			} else {
				a.GET("/", func(c *echo.Context) error {
					running.Add(1)
					defer running.Done()
					sess, err := echofirestore.Get(c)
					if err != nil {
						return err
					}
					have := taken{c.Request(), c.Response(), sess, c.Get("_session_store").(sessions.Store)}
					return serve(have, c.QueryParam("user"))
				})
			}
			a.outliveLoad(seen)
			running.Wait()
			for id, values := range a.stored() {
				if by := values["by"]; by != nil && by != values["user"] {
					seen.writes.Add(1)
					t.Errorf("%s: %v", id, values)
				}
			}
			if reads, writes, endings, cookies := seen.reads.Load(), seen.writes.Load(), seen.endings.Load(), seen.cookies.Load(); reads+writes+endings+cookies > 0 {
				t.Errorf("foreign: %d reads, %d writes, %d endings, %d cookies", reads, writes, endings, cookies)
			}
			t.Logf("%d requests of %d users", *outliveFlag, outliveUsers)
		})
	}
}

// outliveLoad makes the requests, those of one user one after another.
func (a *app) outliveLoad(seen *foreign) {
	ctx, cancel := context.WithTimeout(a.t.Context(), time.Minute+time.Duration(*outliveFlag)*20*time.Millisecond)
	defer cancel()
	left := new(atomic.Int64)
	left.Store(int64(*outliveFlag))
	collection := a.client.Collection(echofirestore.DefaultCollection)
	var users sync.WaitGroup
	for n := range outliveUsers {
		user, key := fmt.Sprintf("leaving-%d", n), fmt.Sprintf("key-%d", n)
		if n%2 == 0 {
			user = fmt.Sprintf("lasting-%d", n)
		}
		a.put(key, fmt.Sprintf(`{"user": %q}`, user))
		users.Go(func() {
			b := a.browser()
			first := withKey(key)
			for left.Add(-1) >= 0 {
				got, err := b.try(http.MethodGet, "/?user="+user, func(r *http.Request) { *r = *r.WithContext(ctx) }, first)
				if err != nil {
					a.t.Error(err)
					return
				}
				if cookie := got.cookie(); cookie != "" {
					snap, err := collection.Doc(cookie).Get(ctx)
					if err == nil && !strings.Contains(snap.Data()["data"].(string), fmt.Sprintf("%q", user)) {
						seen.cookies.Add(1)
					}
				}
				if strings.HasPrefix(user, "lasting") {
					switch _, err := collection.Doc(key).Get(ctx); {
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
