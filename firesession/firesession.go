// Package firesession keeps the sessions of a net/http program in Google Cloud Firestore.
//
// The browser holds an opaque key in a cookie; the data is a Firestore document. A session is read when a handler first
// asks for it and saved before the first byte of the response, if it was changed:
//
//	func main() {
//		client, err := firestore.NewClient(context.Background(), firestore.DetectProjectID)
//		if err != nil {
//			log.Fatal(err)
//		}
//		store, err := firesession.NewStore(firesession.Config{Client: client, MaxAge: 86400, Secure: true})
//		if err != nil {
//			log.Fatal(err)
//		}
//		mux := http.NewServeMux()
//		mux.HandleFunc("GET /{$}", visits)
//		log.Fatal(http.ListenAndServe(":8080", store.Handler(mux)))
//	}
//
//	func visits(w http.ResponseWriter, r *http.Request) {
//		sess := firesession.Session(r)
//		n, _ := sess.Values["visits"].(int)
//		sess.Values["visits"] = n + 1
//		fmt.Fprint(w, n+1)
//	}
//
// Package [github.com/echofirestore/echofirestore] is the same for Echo 4, and says what can be relied on.
package firesession

import (
	"net/http"

	"github.com/gorilla/sessions"

	"github.com/echofirestore/echofirestore/internal/session"
)

// Get returns the session of a request that came through [Store.Handler], reading its document on the first call. Every
// way to the session leads to the same one. It is saved, if it was changed, before the first byte of the response.
//
// An error means that Firestore did not answer. The session is then empty, and it cannot be saved. A request that did not
// come through a Handler gets [ErrNoMiddleware], and a session that is nil. With several Handlers, each of a Store of its
// own, the functions of this package are about the innermost.
func Get(r *http.Request) (*sessions.Session, error) {
	x, err := exchangeOf(r)
	if err != nil {
		return nil, err
	}
	return x.Load()
}

// Session is [Get] for handlers that cannot deal with an error: it never returns nil. If the document could not be read,
// the session is empty, and the client gets the error response of Config.ErrorHandler whatever the handler writes. Without
// a [Store.Handler] it panics with [ErrNoMiddleware].
func Session(r *http.Request) *sessions.Session {
	x, err := exchangeOf(r)
	if err != nil {
		panic(err)
	}
	return x.Session()
}

// Save saves the request's sessions now rather than before the first byte of the response, for handlers that need to
// know the outcome. Before a WebSocket upgrade it is the way to get a new session's cookie out: it is in the response's
// header then, for the upgrade to send. A save that changes nothing more costs nothing more. Errors are those of
// [Store.Save].
func Save(r *http.Request) error {
	x, err := exchangeOf(r)
	if err != nil {
		return err
	}
	return x.SaveAll()
}

// Destroy ends the request's session, at once: its document is deleted, its values are cleared, and the response
// deletes the cookie, whatever else the handler does. The document need not be read for it. Values that are set in
// what [Get] returns afterwards begin a new session with a new key.
//
// If Firestore did not answer, the session may live on, and Destroy returns the error. Before a response that is no error
// it is tried once more, and that response becomes an error if it fails again.
func Destroy(r *http.Request) error {
	x, err := exchangeOf(r)
	if err != nil {
		return err
	}
	return x.Destroy()
}

// Renew gives the request's session a new key, and keeps its data: call it when somebody signs in or gains rights, so
// that a key that was known before is not worth more from then on. The change takes place when the session is next saved,
// in one commit that creates the new document and deletes the old one.
func Renew(r *http.Request) error {
	x, err := exchangeOf(r)
	if err != nil {
		return err
	}
	return x.Renew()
}

// Update changes the request's session by fn and saves it now, as one step: if another request saves the session
// meanwhile, fn runs again on what that one stored. So counters count exactly and tokens are used once. If fn returns an
// error, or the session cannot be saved, what fn did is undone, and Update returns the error.
//
// fn must have no effects but on its session, which is the one that [Get] returns, and must not call functions that save.
func Update(r *http.Request, fn func(*sessions.Session) error) error {
	x, err := exchangeOf(r)
	if err != nil {
		return err
	}
	return x.Update(fn)
}

func exchangeOf(r *http.Request) (*session.Exchange, error) {
	if x := session.ExchangeOf(r.Context(), nil); x != nil {
		return x, nil
	}
	return nil, ErrNoMiddleware
}
