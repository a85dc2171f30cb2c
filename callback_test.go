package echofirestore_test

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/sessions"
	"github.com/labstack/echo/v4"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/internal/bubble"
)

// A caller has one callback use the session of the request, once, when it is armed.
type caller struct {
	callback string
	call     func()
	armed    atomic.Bool
	called   atomic.Bool
}

func (r *caller) in(callback string) {
	if callback == r.callback && r.armed.CompareAndSwap(true, false) {
		r.call()
		r.called.Store(true)
	}
}

type callingAEAD struct {
	echofirestore.AEAD
	*caller
}

func (a callingAEAD) Encrypt(plaintext, data []byte) ([]byte, error) {
	a.in("AEAD.Encrypt")
	return a.AEAD.Encrypt(plaintext, data)
}

func (a callingAEAD) Decrypt(ciphertext, data []byte) ([]byte, error) {
	a.in("AEAD.Decrypt")
	return a.AEAD.Decrypt(ciphertext, data)
}

type callingValue struct{ caller *caller }

func (v callingValue) MarshalJSON() ([]byte, error) {
	v.caller.in("MarshalJSON")
	return []byte("1"), nil
}

// TestCallbacksMayUseTheSession has each callback that a load or a save needs use the session that is being loaded or
// saved. What only looks does not wait, and what has to wait does so for Config.Timeout at most: then it fails, and the
// request goes on.
func TestCallbacksMayUseTheSession(t *testing.T) {
	t.Parallel()
	aboutResponses(t)
	uses := map[string]func(*app, echo.Context) error{
		"Get":   func(_ *app, c echo.Context) error { _, err := echofirestore.Get(c); return err },
		"c.Get": func(_ *app, c echo.Context) error { _ = session(c); return nil },
		"SessionID, Ended": func(a *app, c echo.Context) error {
			sess := session(c)
			_, _ = a.store.SessionID(sess), a.store.Ended(sess)
			return nil
		},
		"Save":    func(_ *app, c echo.Context) error { return echofirestore.Save(c) },
		"Update":  func(_ *app, c echo.Context) error { return countOne(c) },
		"Renew":   func(_ *app, c echo.Context) error { return echofirestore.Renew(c) },
		"Refresh": func(_ *app, c echo.Context) error { return echofirestore.Refresh(c) },
		"Destroy": func(_ *app, c echo.Context) error { return echofirestore.Destroy(c) },
		"another session": func(a *app, c echo.Context) error {
			_, err := a.store.Get(c.Request(), "prefs")
			return err
		},
	}
	for _, moment := range []struct {
		name      string
		callbacks string
		new       bool
		act       func(*caller, echo.Context) error // with the callback armed
		prompt    string                            // uses that must not have to wait
	}{
		{
			name: "load", callbacks: "Decoder AEAD.Decrypt Now", prompt: "another session",
			act: func(_ *caller, c echo.Context) error { _, err := echofirestore.Get(c); return err },
		},
		{
			name: "save", callbacks: "Encoder Decoder AEAD.Encrypt Now MarshalJSON", prompt: "Get, c.Get, SessionID, Ended, another session",
			act: func(r *caller, c echo.Context) error {
				session(c).Values["v"] = callingValue{r}
				return echofirestore.Save(c)
			},
		},
		{
			name: "first save", callbacks: "KeyFactory", new: true, prompt: "Get, c.Get, SessionID, Ended, another session",
			act: func(_ *caller, c echo.Context) error { setOne(c); return echofirestore.Save(c) },
		},
		{
			name: "Refresh", callbacks: "Decoder AEAD.Decrypt Now", prompt: "Get, c.Get, SessionID, Ended, another session",
			act: func(_ *caller, c echo.Context) error { return echofirestore.Refresh(c) },
		},
		{
			name: "Update", callbacks: "Encoder Decoder AEAD.Encrypt Now", prompt: "Get, c.Get, SessionID, Ended, another session",
			act: func(_ *caller, c echo.Context) error { return countOne(c) },
		},
	} {
		for callback := range strings.FieldsSeq(moment.callbacks) {
			for use, call := range uses {
				t.Run(fmt.Sprintf("%s in %s at %s", use, callback, moment.name), func(t *testing.T) {
					t.Parallel()
					n := bubble.NewNetwork(t)
					synctest.Test(t, func(t *testing.T) {
						r := &caller{callback: callback}
						a := newBubbleApp(t, n, func(cfg *echofirestore.Config) {
							now := cfg.Now
							cfg.KeyFactory = func() string { r.in("KeyFactory"); return rand.Text() }
							cfg.Encoder = func(p echofirestore.Payload) (string, error) { r.in("Encoder"); return echofirestore.EncodeJSON(p) }
							cfg.Decoder = func(s string) (echofirestore.Payload, error) { r.in("Decoder"); return echofirestore.DecodeJSON(s) }
							cfg.AEAD = callingAEAD{newGCM([]byte("0123456789abcdef")), r}
							cfg.Now = func() time.Time { r.in("Now"); return now() }
						})
						a.POST("/begin", set("user", "alice"))
						a.GET("/see", see)
						a.POST("/", func(c echo.Context) error {
							if moment.name != "load" {
								_ = session(c)
							}
							r.call = func() {
								begun := time.Now()
								err := call(a, c)
								waited := time.Since(begun)
								if strings.Contains(moment.prompt, use) && (err != nil || waited > 0) || waited > echofirestore.DefaultTimeout {
									t.Errorf("it waited for %v, error %v", waited, err)
								}
							}
							r.armed.Store(true)
							_ = moment.act(r, c) // it may have run out of time, waiting for the callback
							return nil
						})
						b := a.browser()
						if !moment.new {
							b.post("/begin")
						}
						if _, err := b.try(http.MethodPost, "/"); err != nil {
							t.Errorf("no response: %v", err)
						}
						if !r.called.Load() {
							t.Error("the callback has not returned")
						}
						if got := b.get("/see"); got.StatusCode != http.StatusOK {
							t.Errorf("the next request: status %d: %s", got.StatusCode, got.body)
						}
					})
				})
			}
		}
	}
}

// TestUpdateThatPanics has the function of an Update panic, or a callback of its commit, when the function has changed the
// session: nothing of that is saved by a handler that recovers and goes on.
func TestUpdateThatPanics(t *testing.T) {
	t.Parallel()
	for _, where := range []string{"fn", "Encoder"} {
		t.Run(where, func(t *testing.T) {
			t.Parallel()
			wire := &tripwire{callback: where}
			a := newApp(t, func(cfg *echofirestore.Config) {
				cfg.Encoder = func(p echofirestore.Payload) (string, error) { wire.in("Encoder"); return echofirestore.EncodeJSON(p) }
				cfg.Decoder = echofirestore.DecodeJSON
			})
			a.putSession("key", `{"n": 4}`)
			a.POST("/", func(c echo.Context) error {
				session(c).Values["mine"] = 1
				func() {
					defer func() {
						if recover() == nil {
							t.Error("no panic")
						}
					}()
					wire.arm()
					_ = echofirestore.Update(c, func(sess *sessions.Session) error {
						if err := countUp(sess); err != nil {
							return err
						}
						wire.in("fn")
						return nil
					})
				}()
				return c.NoContent(http.StatusOK)
			})
			if got := a.browser().post("/", withCookie("key")); got.StatusCode != http.StatusOK {
				t.Errorf("status %d: %s", got.StatusCode, got.body)
			}
			if got := a.values("key"); got["n"] != 4 || got["mine"] != 1 {
				t.Errorf("values %v", got)
			}
		})
	}
}
