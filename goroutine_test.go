package echofirestore_test

import (
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/echofirestore/echofirestore"
)

// TestGoroutines has several goroutines of one handler use the session, for the race detector to watch.
func TestGoroutines(t *testing.T) {
	t.Parallel()
	get := func(c echo.Context) error { _, err := echofirestore.Get(c); return err }
	another := func(c echo.Context) error {
		sess, err := echofirestore.Get(c)
		if err != nil {
			return err
		}
		_, err = sess.Store().Get(c.Request(), "prefs")
		return err
	}
	for _, tt := range []struct {
		name  string
		calls []echo.HandlerFunc
		left  int // documents
	}{
		{name: "Save", calls: []echo.HandlerFunc{echofirestore.Save}, left: 1},
		{name: "Get and Save", calls: []echo.HandlerFunc{get, echofirestore.Save}, left: 1},
		{name: "Get of another session and Save", calls: []echo.HandlerFunc{another, echofirestore.Save}, left: 1},
		{name: "Destroy", calls: []echo.HandlerFunc{echofirestore.Destroy}},
		{name: "Get and Destroy", calls: []echo.HandlerFunc{get, echofirestore.Destroy}},
		{name: "Save and Destroy", calls: []echo.HandlerFunc{echofirestore.Save, echofirestore.Destroy}},
		{name: "Save and Renew", calls: []echo.HandlerFunc{echofirestore.Save, echofirestore.Renew}, left: 1},
	} {
		for name, cookie := range map[string]string{"new": "none", "existing": "key"} {
			t.Run(tt.name+"/"+name, func(t *testing.T) {
				t.Parallel()
				a := newApp(t)
				a.POST("/", func(c echo.Context) error {
					if cookie == "none" || tt.left > 0 {
						setOne(c)
					}
					var wg sync.WaitGroup
					for range 4 {
						for _, call := range tt.calls {
							wg.Go(func() {
								if err := call(c); err != nil {
									t.Error(err)
								}
							})
						}
					}
					wg.Wait()
					return c.NoContent(http.StatusNoContent)
				})
				b := a.browser()
				for range 10 {
					if cookie == "key" {
						a.putSession("key", `{"user": "alice"}`)
					}
					got := b.post("/", withCookie(cookie))
					sent := got.cookie("__session")
					if got.StatusCode != http.StatusNoContent || sent == nil && (cookie == "key" || tt.left > 0) {
						t.Errorf("status %d, cookie %v", got.StatusCode, sent)
					}
					docs := a.documents()
					if len(docs) != tt.left || tt.left > 0 && docs[sent.Value] == nil {
						t.Fatalf("documents %v, cookie %v", docs, sent)
					}
					for key := range docs {
						if _, err := a.collection().Doc(key).Delete(t.Context()); err != nil {
							t.Fatal(err)
						}
					}
				}
			})
		}
	}
}

// TestGoroutinesOfAnEndedSession has several goroutines of one handler save a session that another request has ended.
func TestGoroutinesOfAnEndedSession(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	a.POST("/", func(c echo.Context) error {
		setOne(c)
		if _, err := a.collection().Doc("key").Delete(t.Context()); err != nil {
			return err
		}
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if err := echofirestore.Save(c); !errors.Is(err, echofirestore.ErrGone) {
					t.Errorf("error %v", err)
				}
			})
		}
		wg.Wait()
		return c.NoContent(http.StatusNoContent)
	})
	for range 10 {
		a.putSession("key", `{"user": "alice"}`)
		if got := a.browser().post("/", withCookie("key")); got.StatusCode != http.StatusNoContent || len(a.documents()) != 0 {
			t.Errorf("status %d, documents %v", got.StatusCode, a.documents())
		}
	}
	if strings.Contains(a.log.String(), "dropped") {
		t.Errorf("the log says what the handler knows: %s", a.log)
	}
}
