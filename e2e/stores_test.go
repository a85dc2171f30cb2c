package e2e

import (
	"net/http"
	"testing"

	"github.com/gorilla/sessions"

	"github.com/echofirestore/echofirestore/e2e/behaviour"
)

// TestStores exchanges the store under the same handlers: what they show stays the same, but for what is known.
func TestStores(t *testing.T) {
	t.Parallel()
	key := []byte("an authentication key of 32 byte")
	options := sessions.Options{Path: "/", MaxAge: behaviour.MaxAge, HttpOnly: true, SameSite: http.SameSiteLaxMode}
	behaviour.Run(t,
		behaviour.Program{Name: behaviour.CookieStore, App: behaviour.NetHTTP, Store: func(*testing.T) sessions.Store {
			store := sessions.NewCookieStore(key)
			*store.Options = options
			return store
		}},
		behaviour.Program{Name: behaviour.FilesystemStore, App: behaviour.NetHTTP, Store: func(t *testing.T) sessions.Store {
			t.Helper()
			store := sessions.NewFilesystemStore(t.TempDir(), key)
			*store.Options = options
			return store
		}},
		behaviour.Program{Name: "echofirestore", App: behaviour.NetHTTP},
	)
}
