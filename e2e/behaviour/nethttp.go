package behaviour

import (
	"io"
	"net/http"

	"github.com/gorilla/sessions"
)

// NetHTTP is the App of a program that uses gorilla's interface and nothing else.
func NetHTTP(store sessions.Store, handle Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := handle(Request{
			W:   w,
			R:   r,
			Get: func(name string) (*sessions.Session, error) { return store.Get(r, name) },
		})
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		_, _ = io.WriteString(w, body)
	})
}
