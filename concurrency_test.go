package echofirestore_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gorilla/sessions"
	"github.com/labstack/echo/v4"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
	"github.com/echofirestore/echofirestore/internal/testsize"
)

const clients = 20

// atOnce runs f for 20 clients at once.
func (a *app) atOnce(f func(client int)) {
	var wg sync.WaitGroup
	for client := range clients {
		wg.Go(func() { f(client) })
	}
	wg.Wait()
}

// TestNoChangeIsLost has 20 requests at once, many times, set a key of their own in one session.
func TestNoChangeIsLost(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	a.put("key", map[string]any{"data": payload(a.clock.Now()), "max_age": nil})
	a.POST("/:key", func(c echo.Context) error {
		session(c).Values[c.Param("key")] = true
		return c.NoContent(http.StatusNoContent)
	})
	b, rounds := a.browser(), testsize.N(5, 50)
	for round := range rounds {
		a.atOnce(func(client int) {
			if got := b.post(fmt.Sprintf("/%d-%d", round, client), withCookie("key")); got.StatusCode != http.StatusNoContent {
				t.Errorf("status %d", got.StatusCode)
			}
		})
	}
	if got := len(a.values("key")) - 1; got != clients*rounds {
		t.Errorf("%d of %d keys lost", clients*rounds-got, clients*rounds)
	}
}

// TestUpdateIsExact has 20 requests at once, many times, count in one session.
func TestUpdateIsExact(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	a.put("key", map[string]any{"data": payload(a.clock.Now()), "max_age": nil})
	a.POST("/", func(c echo.Context) error {
		return echofirestore.Update(c, func(sess *sessions.Session) error {
			n, _ := sess.Values["n"].(int)
			sess.Values["n"] = n + 1
			return nil
		})
	})
	b, rounds := a.browser(), testsize.N(5, 50)
	for range rounds {
		a.atOnce(func(int) {
			if got := b.post("/", withCookie("key")); got.StatusCode != http.StatusOK {
				t.Errorf("status %d: %s", got.StatusCode, got.body)
			}
		})
	}
	if got := a.values("key")["n"]; got != clients*rounds {
		t.Errorf("counted %v, want %d", got, clients*rounds)
	}
}

// TestLogoutStands lets a request that began before a logout save after it, many times.
func TestLogoutStands(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	a.POST("/login", set("user", "alice"))
	a.POST("/logout", echofirestore.Destroy)
	loaded, proceed := make(chan struct{}), make(chan struct{})
	a.POST("/slow", func(c echo.Context) error {
		session(c).Values["n"] = 1
		loaded <- struct{}{}
		<-proceed
		return c.NoContent(http.StatusOK)
	})
	for range testsize.N(20, 100) {
		b := a.browser()
		key := b.post("/login").cookie("__session").Value
		slow := make(chan reply)
		go func() { slow <- a.browser().post("/slow", withCookie(key)) }()
		<-loaded
		b.post("/logout")
		proceed <- struct{}{}
		if got := (<-slow).cookie("__session"); got != nil {
			t.Errorf("the slow request touched the cookie: %v", got)
		}
	}
	if docs := a.documents(); len(docs) != 0 {
		t.Errorf("brought back: %v", docs)
	}
}

// TestMaxAgeOfAnotherRequest has another request change the max age of a session while this one changes a value: both stay, and
// the cookie lives as long as the session.
func TestMaxAgeOfAnotherRequest(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	a.put("key", map[string]any{"data": payload(a.clock.Now()), "max_age": 3600, "expire": a.clock.Now().Add(time.Hour)})
	a.POST("/other", func(c echo.Context) error { session(c).Options.MaxAge = 60; return nil })
	a.POST("/", set("n", 1))
	a.firestore.Inject(firestoretest.Fault{Method: "Commit", Do: func() { a.elsewhere().post("/other", withCookie("key")) }})
	got := a.browser().post("/", withCookie("key"))
	doc := a.documents()["key"]
	if cookie := got.cookie("__session"); doc["max_age"] != int64(60) || cookie == nil || cookie.MaxAge != 60 {
		t.Errorf("max age %v, cookie %v", doc["max_age"], cookie)
	}
	if values := a.values("key"); values["n"] != 1 {
		t.Errorf("values %v", values)
	}
}

// TestEqualValueIsNoChange has a request set a value that is equal to the stored one once it is stored, such as a struct that JSON
// decodes as a map, and change another value. Meanwhile, another request changes the first: that stays.
func TestEqualValueIsNoChange(t *testing.T) {
	t.Parallel()
	type profile struct{ Name string }
	for name, expired := range map[string]bool{"at the same time": false, "before this request's copy expires": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t)
			a.POST("/begin", set("profile", profile{"alice"}))
			a.POST("/other", set("profile", profile{"bob"}))
			key := ""
			other := func() { a.elsewhere().post("/other", withCookie(key)) }
			a.POST("/", func(c echo.Context) error {
				session(c).Values["profile"] = profile{"alice"}
				session(c).Values["n"] = 1
				if !expired {
					a.firestore.Inject(firestoretest.Fault{Method: "Commit", Do: other})
					return nil
				}
				a.clock.Advance(40 * time.Minute)
				other()
				a.clock.Advance(40 * time.Minute)
				return nil
			})
			key = a.browser().post("/begin").cookie("__session").Value
			a.browser().post("/", withCookie(key))
			want := map[string]any{"profile": map[string]any{"Name": "bob"}, "n": 1}
			if diff := cmp.Diff(want, a.values(key)); diff != "" {
				t.Errorf("values (-want +got):\n%s", diff)
			}
		})
	}
}
