package firesession_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/echofirestore/echofirestore/firesession"
	"github.com/echofirestore/echofirestore/firestoretest"
	"github.com/echofirestore/echofirestore/internal/uploadtest"
)

// TestUploadsLeaveNoFiles posts files that do not fit into memory, and looks for what is left of them in the folder of
// temporary files: no more than without the Handler.
func TestUploadsLeaveNoFiles(t *testing.T) { //nolint:paralleltest // the folder of temporary files is the process's
	newStore := func(name string) *firesession.Store {
		store, err := firesession.NewStore(firesession.Config{Client: firestoretest.NewClient(t), CookieName: name})
		if err != nil {
			t.Fatal(err)
		}
		return store
	}
	store, other := newStore("__session"), newStore("other")
	parse := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _ = r.ParseMultipartForm(1) })
	timeout := func(next http.Handler) http.Handler { return http.TimeoutHandler(next, time.Minute, "") }
	replace := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), t, 1)))
		})
	}
	nothing := func(next http.Handler) http.Handler { return next }
	for _, tt := range []struct {
		name            string
		outside, inside func(http.Handler) http.Handler
		handler         http.HandlerFunc
		ours            bool // one of those around is the Handler of a Store as well
	}{
		{name: "no session", handler: parse},
		{name: "session changed", handler: func(w http.ResponseWriter, r *http.Request) {
			if sess, err := firesession.Get(r); err == nil { // with the Handler
				sess.Values["n"] = 1
			}
			parse(w, r)
		}},
		{name: "panic", handler: func(w http.ResponseWriter, r *http.Request) { parse(w, r); panic(http.ErrAbortHandler) }},
		{name: "TimeoutHandler outside", outside: timeout, handler: parse},
		{name: "TimeoutHandler inside", inside: timeout, handler: parse},
		{name: "request replaced outside", outside: replace, handler: parse},
		{name: "request replaced inside", inside: replace, handler: parse},
		{name: "another store outside", outside: other.Handler, handler: parse, ours: true},
		{name: "another store inside", inside: other.Handler, handler: parse, ours: true},
		{name: "twice", inside: store.Handler, handler: parse, ours: true},
	} {
		for _, protocol := range []string{"HTTP/1.1", "HTTP/2"} {
			t.Run(tt.name+"/"+protocol, func(t *testing.T) {
				left := func(sessions func(http.Handler) http.Handler) int {
					var handler http.Handler = tt.handler
					for _, around := range []func(http.Handler) http.Handler{tt.inside, sessions, tt.outside} {
						if around != nil {
							handler = around(handler)
						}
					}
					return uploadtest.Left(t, handler, protocol == "HTTP/2")
				}
				without := 0
				if !tt.ours {
					without = left(nothing)
				}
				if with := left(store.Handler); with > without {
					t.Errorf("%d files are left, without the Handler %d", with, without)
				}
			})
		}
	}
}
