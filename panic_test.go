package echofirestore_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/sessions"
	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
	"github.com/echofirestore/echofirestore/internal/testsize"
)

// errTrip is what a callback panics with.
var errTrip = errors.New("tripped")

// A tripwire makes one callback panic once, when it is armed.
type tripwire struct {
	callback string
	armed    atomic.Bool
	tripped  atomic.Bool
}

func (w *tripwire) arm() { w.armed.Store(true) }

// in is called by each callback.
func (w *tripwire) in(callback string) {
	if callback == w.callback && w.armed.CompareAndSwap(true, false) {
		w.tripped.Store(true)
		panic(errTrip)
	}
}

// configure has all callbacks of a Config step on the wire.
func (w *tripwire) configure(cfg *echofirestore.Config) {
	now := cfg.Now
	cfg.UserKey, cfg.TouchAfter, cfg.Timeout = "user", time.Minute, 3*time.Second
	cfg.Skipper = func(echo.Context) bool { w.in("Skipper"); return false }
	cfg.KeyFactory = func() string { w.in("KeyFactory"); return fmt.Sprint("key", time.Now().UnixNano()) }
	cfg.Encoder = func(p echofirestore.Payload) (string, error) { w.in("Encoder"); return echofirestore.EncodeJSON(p) }
	cfg.Decoder = func(s string) (echofirestore.Payload, error) { w.in("Decoder"); return echofirestore.DecodeJSON(s) }
	cfg.AEAD = trippingAEAD{newGCM([]byte("0123456789abcdef")), w}
	cfg.Now = func() time.Time { w.in("Now"); return now() }
	cfg.Logger = slog.New(logger(func(context.Context, string) { w.in("Logger") }))
	cfg.ErrorHandler = func(_ echo.Context, err error) error {
		w.in("ErrorHandler")
		return echo.NewHTTPError(http.StatusServiceUnavailable).SetInternal(err)
	}
}

type trippingAEAD struct {
	echofirestore.AEAD
	wire *tripwire
}

func (a trippingAEAD) Encrypt(plaintext, data []byte) ([]byte, error) {
	a.wire.in("AEAD.Encrypt")
	return a.AEAD.Encrypt(plaintext, data)
}

func (a trippingAEAD) Decrypt(ciphertext, data []byte) ([]byte, error) {
	a.wire.in("AEAD.Decrypt")
	return a.AEAD.Decrypt(ciphertext, data)
}

type trippingValue struct{ wire *tripwire }

func (v trippingValue) MarshalJSON() ([]byte, error) {
	v.wire.in("MarshalJSON")
	return json.Marshal("value")
}

// TestPanics has each callback of the application panic at each moment at which it is called. The panic is the request's:
// it arrives as it is at the Recover that is around. Nothing is left locked, so that neither the request hangs, nor what
// comes after: the error handler that asks for the session, the same call again by a handler that recovers, and the next
// request.
func TestPanics(t *testing.T) {
	t.Parallel()
	aboutResponses(t)
	respond := func(_ *app, _ *tripwire, c echo.Context) error { return c.String(http.StatusOK, "done") }
	load := func(_ *app, _ *tripwire, c echo.Context) error { _, err := echofirestore.Get(c); return err }
	save := func(_ *app, _ *tripwire, c echo.Context) error { return echofirestore.Save(c) }
	stop := func(*app, *tripwire, echo.Context) error { return nil }
	refuse := func(method string) *firestoretest.Fault {
		return &firestoretest.Fault{Method: method, Err: status.Error(codes.PermissionDenied, "no")}
	}
	forget := &firestoretest.Fault{Method: "Commit", Err: status.Error(codes.Unknown, "lost")} // the document is read again
	change := func(c echo.Context, w *tripwire) error {
		sess, err := echofirestore.Get(c)
		if err == nil {
			sess.Values["n"], sess.Values["v"] = 1, trippingValue{w}
		}
		return err
	}
	read := func(c echo.Context, _ *tripwire) error { _, err := echofirestore.Get(c); return err }
	nothing := func(echo.Context, *tripwire) error { return nil }
	const both = "Encoder Decoder AEAD.Encrypt Now MarshalJSON"
	for _, moment := range []struct {
		name      string
		callbacks string // that are called
		new       bool   // the client has no session
		advance   time.Duration
		arrival   bool // the wire is armed before the request
		prepare   func(echo.Context, *tripwire) error
		act       func(*app, *tripwire, echo.Context) error // with the wire armed
		late      bool                                      // what panics runs after the handler
		ends      bool                                      // the session, if the second call succeeds
		fault     *firestoretest.Fault
	}{
		{name: "arrival", callbacks: "Skipper", arrival: true, prepare: read, act: respond, late: true},
		{name: "load", callbacks: "Decoder AEAD.Decrypt Now", prepare: nothing, act: load},
		{name: "failed load", callbacks: "Logger", prepare: nothing, act: load, fault: refuse("BatchGetDocuments")},
		{name: "failed load, answered", callbacks: "ErrorHandler", prepare: nothing, act: load, late: true, fault: refuse("BatchGetDocuments")},
		{name: "new session", callbacks: both + " KeyFactory", new: true, prepare: change, act: respond},
		{name: "automatic save", callbacks: both, prepare: change, act: respond},
		{name: "automatic save without a response", callbacks: both, prepare: change, act: stop, late: true},
		{name: "automatic save, refused", callbacks: "Logger ErrorHandler", prepare: change, act: respond, fault: refuse("Commit")},
		{name: "automatic save of unknown outcome", callbacks: both + " AEAD.Decrypt", prepare: change, act: respond, fault: forget},
		{name: "Save", callbacks: both, prepare: change, act: save},
		{name: "the session's Save", callbacks: both, prepare: change, act: func(_ *app, _ *tripwire, c echo.Context) error {
			return session(c).Save(c.Request(), c.Response())
		}},
		{name: "Save that makes the response private", callbacks: "Logger", prepare: func(c echo.Context, w *tripwire) error {
			c.Response().Header().Set("Cache-Control", "public")
			return change(c, w)
		}, act: save},
		{name: "Update", callbacks: both + " fn", prepare: read, act: func(_ *app, w *tripwire, c echo.Context) error {
			return echofirestore.Update(c, func(sess *sessions.Session) error {
				sess.Values["v"] = trippingValue{w}
				w.in("fn")
				return countUp(sess)
			})
		}},
		{name: "Renew", callbacks: "KeyFactory Encoder Decoder AEAD.Encrypt Now", prepare: func(c echo.Context, _ *tripwire) error { return echofirestore.Renew(c) }, act: respond},
		{name: "emptying", ends: true, callbacks: "Now Encoder Decoder", prepare: func(c echo.Context, _ *tripwire) error {
			clear(session(c).Values)
			return nil
		}, act: respond},
		{name: "touch", callbacks: "Now", advance: 30 * time.Minute, prepare: read, act: respond},
		{name: "touch, refused", callbacks: "Now Logger", advance: 30 * time.Minute, prepare: read, act: respond, fault: refuse("Commit")},
		{name: "save late in a stream", callbacks: both, prepare: func(c echo.Context, w *tripwire) error {
			if _, err := io.WriteString(c.Response(), "begun"); err != nil {
				return err
			}
			return change(c, w)
		}, act: stop, late: true},
		{name: "listing", callbacks: "Decoder AEAD.Decrypt Now", prepare: read, act: func(a *app, _ *tripwire, c echo.Context) error {
			found, err := a.store.Sessions(c.Request().Context(), "alice")
			if err == nil && len(found) != 1 {
				err = fmt.Errorf("found %v", found)
			}
			return err
		}},
	} {
		for callback := range strings.FieldsSeq(moment.callbacks) {
			for _, recoverer := range []string{"outside", "inside", "nowhere", "in the handler"} {
				if recoverer == "in the handler" && moment.late {
					continue
				}
				name := fmt.Sprintf("%s at %s, recovered %s", callback, moment.name, recoverer)
				if recoverer != "outside" && !testsize.Try(name) {
					continue
				}
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					wire := &tripwire{callback: callback}
					a := newBareApp(t, wire.configure)
					var mu sync.Mutex
					var seen []any
					note := func(p any) {
						mu.Lock()
						defer mu.Unlock()
						seen = append(seen, p)
					}
					witness := func(next echo.HandlerFunc) echo.HandlerFunc {
						return func(c echo.Context) error {
							defer func() {
								if p := recover(); p != nil {
									note(p)
									panic(http.ErrAbortHandler)
								}
							}()
							return next(c)
						}
					}
					recovers := middleware.RecoverWithConfig(middleware.RecoverConfig{LogErrorFunc: func(_ echo.Context, err error, _ []byte) error {
						note(err)
						return err
					}})
					switch recoverer {
					case "outside":
						a.Use(witness, recovers, a.store.Middleware())
					case "inside":
						a.Use(witness, a.store.Middleware(), recovers)
					default:
						a.Use(witness, a.store.Middleware())
					}
					a.HTTPErrorHandler = func(err error, c echo.Context) {
						if sess, err := echofirestore.Get(c); err == nil {
							_, _ = a.store.SessionID(sess), a.store.Ended(sess)
						}
						a.DefaultHTTPErrorHandler(err, c)
					}
					a.POST("/begin", set("user", "alice"))
					a.GET("/see", see)
					a.POST("/", func(c echo.Context) error {
						if err := moment.prepare(c, wire); err != nil {
							return err
						}
						if recoverer == "in the handler" {
							func() {
								defer func() { note(recover()) }()
								wire.arm()
								_ = moment.act(a, wire, c)
							}()
							if err := moment.act(a, wire, c); err != nil && moment.fault == nil {
								t.Errorf("the second call: %v", err)
							}
							return nil
						}
						wire.arm()
						return moment.act(a, wire, c)
					})
					b := a.browser()
					b.Timeout = 10 * time.Second
					if !moment.new {
						b.post("/begin")
					}
					a.clock.Advance(moment.advance)
					if moment.fault != nil {
						a.firestore.Inject(*moment.fault)
					}
					if moment.arrival {
						wire.arm()
					}
					got, err := b.try(http.MethodPost, "/")
					if err != nil && (recoverer == "outside" && !moment.late || errors.Is(err, context.DeadlineExceeded)) {
						t.Errorf("no response: %v", err)
					}
					if err == nil && recoverer == "in the handler" && moment.fault == nil && got.StatusCode != http.StatusOK {
						t.Errorf("status %d: %s", got.StatusCode, got.body)
					}
					if !wire.tripped.Load() {
						t.Fatal("it is not called")
					}
					if !slices.Equal(seen, []any{errTrip}) {
						t.Errorf("panicked with %v", seen)
					}
					over := moment.new || moment.ends && recoverer == "in the handler"
					if got := b.get("/see"); got.StatusCode != http.StatusOK || strings.Contains(got.body, `"alice"`) == over {
						t.Errorf("the next request: status %d: %s", got.StatusCode, got.body)
					}
				})
			}
		}
	}
}
