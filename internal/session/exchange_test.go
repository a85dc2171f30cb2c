package session

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gorilla/sessions"

	"github.com/echofirestore/echofirestore/internal/codec"
	"github.com/echofirestore/echofirestore/internal/document"
)

// A bareHost serves a request as net/http alone does.
type bareHost struct {
	r *http.Request
	w http.ResponseWriter
}

func (h bareHost) Context() context.Context { return h.r.Context() }
func (h bareHost) HTTPS() bool              { return true }
func (h bareHost) Owns() bool               { return true }
func (h bareHost) Header() http.Header      { return h.w.Header() }
func (h bareHost) Answer(w http.ResponseWriter, _ error) {
	w.WriteHeader(http.StatusServiceUnavailable)
}
func (h bareHost) Fail(err error) error { return err }

// TestExchangesLeaveNoTurns has handlers do all that keeps a turn. None is left when they have returned, or have panicked.
func TestExchangesLeaveNoTurns(t *testing.T) {
	t.Parallel()
	store := newStore(t, func(cfg *Settings) {
		cfg.Encoder = func(p document.Payload) (string, error) {
			if p.Values["panic"] == true {
				panic("encoder")
			}
			return codec.EncodeJSON(p.Created, p.Values)
		}
		cfg.Decoder = func(text string) (p document.Payload, err error) {
			p.Created, p.Values, err = codec.DecodeJSON(text)
			return p, err
		}
	})
	change := func(key string, value any) func(*sessions.Session) error {
		return func(sess *sessions.Session) error {
			sess.Values[key] = value
			return nil
		}
	}
	for name, handler := range map[string]func(context.Context, *Exchange){
		"reads": func(ctx context.Context, x *Exchange) { x.Session(ctx) },
		"saves": func(ctx context.Context, x *Exchange) { _ = change("n", 1)(x.Session(ctx)) },
		"saves two": func(ctx context.Context, x *Exchange) {
			_ = change("n", 1)(x.Session(ctx))
			sess, _ := x.Get(x.Request(), "prefs")
			_ = change("n", 1)(sess)
		},
		"updates": func(ctx context.Context, x *Exchange) { _ = x.Update(ctx, change("n", 2)) },
		"updates to its end": func(ctx context.Context, x *Exchange) {
			_ = x.Update(ctx, func(sess *sessions.Session) error { sess.Options.MaxAge = -1; return nil })
		},
		"renews": func(ctx context.Context, x *Exchange) {
			_ = x.Renew(ctx)
			_ = x.SaveAll(ctx)
			_ = change("n", 3)(x.Session(ctx))
		},
		"destroys": func(ctx context.Context, x *Exchange) { x.Session(ctx); _ = x.Destroy(ctx) },
		"empties":  func(ctx context.Context, x *Exchange) { clear(x.Session(ctx).Values) },
		"panics":   func(ctx context.Context, x *Exchange) { x.Session(ctx); panic("handler") },
		"panics in an Update": func(ctx context.Context, x *Exchange) {
			_ = x.Update(ctx, func(*sessions.Session) error { panic("fn") })
		},
		"panics in its commit": func(ctx context.Context, x *Exchange) { _ = x.Update(ctx, change("panic", true)) },
		"panics in its save":   func(ctx context.Context, x *Exchange) { _ = change("panic", true)(x.Session(ctx)); _ = x.SaveAll(ctx) },
		"is outlived by a goroutine": func(ctx context.Context, x *Exchange) {
			x.Session(ctx)
			go func() { <-ctx.Done() }()
			t.Cleanup(func() { // the handlers have returned
				x.Session(ctx)
				_, _ = x.Get(x.Request(), "prefs")
				_ = x.Update(ctx, change("n", 4))
				if left := len(store.turns.of); left > 0 {
					t.Errorf("a handler that outlives its request: %d turns are left", left)
				}
			})
		},
	} {
		for _, name := range []string{"__session", "prefs"} {
			id, err := store.credentials.DocumentID(name, "key")
			if err != nil {
				t.Fatal(err)
			}
			fields := map[string]any{"data": `{"created": 1, "session": {"user": "alice"}}`, "max_age": nil}
			if _, err := store.firestore.collection.Doc(id).Set(t.Context(), fields); err != nil {
				t.Fatal(err)
			}
		}
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
		r.Header.Set("Cookie", "__session=key; prefs=key")
		w := httptest.NewRecorder()
		x := new(Exchange)
		x.Init(store, bareHost{r, w}, w, r)
		held := false
		func() {
			defer func() { _ = recover() }()
			_ = x.Run(func() error {
				defer func() { held = len(store.turns.of) > 0 || store.turns.of == nil }()
				handler(x.Request().Context(), x)
				return nil
			})
		}()
		if left := len(store.turns.of); left > 0 || !held {
			t.Errorf("%s: %d turns are left; held before: %v", name, left, held)
		}
	}
}
