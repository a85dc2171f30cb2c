// Package echofirestore keeps the sessions of an [Echo] application in Google Cloud Firestore.
//
// The browser holds an opaque key in a cookie; the data is a Firestore document. A session is read when a handler first
// asks for it and saved before the first byte of the response, if it was changed:
//
//	func main() {
//		client, err := firestore.NewClient(context.Background(), firestore.DetectProjectID)
//		if err != nil {
//			log.Fatal(err)
//		}
//		e := echo.New()
//		e.Use(echofirestore.Middleware(echofirestore.Config{Client: client, MaxAge: 86400, Secure: true}))
//		e.GET("/", visits)
//		e.Logger.Fatal(e.Start(":8080"))
//	}
//
//	func visits(c echo.Context) error {
//		sess, err := echofirestore.Get(c)
//		if err != nil {
//			return err
//		}
//		n, _ := sess.Values["visits"].(int)
//		sess.Values["visits"] = n + 1
//		return c.String(http.StatusOK, fmt.Sprint(n+1))
//	}
//
// What a request costs is exact: nothing if no handler asks for the session or the client has none, one read if it is
// only read, one read and one write if it is changed. A response with a 2xx status means that the session was saved;
// if it could not be, the client gets an error in place of what the handler wrote. Requests that change one session at
// the same time lose nothing: their changes are merged key by key. A session that was ended stays ended.
//
// The documents are those of Python's aiohttp-session-firestore. Sessions are [sessions.Session] values of gorilla,
// and the session.Get of echo-contrib finds them too. Package firestoretest is a Firestore in memory for tests.
//
// [Echo]: https://echo.labstack.com
package echofirestore

import (
	"github.com/gorilla/sessions"
	"github.com/labstack/echo/v4"
)

// SessionKey is the key under which a handler finds its session in the context, without an error to look at:
//
//	sess := c.Get(echofirestore.SessionKey).(*sessions.Session)
//
// The key is taken: what an application stores under it with c.Set is not found by its handlers.
//
// The document is read at the first such call. The session is never nil: if its document could not be read, it is
// empty, and the client gets an error response whatever the handler writes. In an echo.HTTPErrorHandler use [Get]:
// there the session is in the context only if the handler had asked for it.
const SessionKey = "session"

// Middleware returns the middleware that cfg describes. It panics if cfg is invalid; [Config.ToMiddleware] returns the
// error instead, and [NewStore] gives the Store beneath. Install it with Echo's Use or on a group. With Pre it would hand
// Echo's router a context that is not Echo's own, and the router panics at that.
//
// Middleware whose headers belong on every response, such as Echo's CORS, RequestID and Secure, belongs outside of this
// one: an error response of the session drops the headers that were set inside.
//
// With several of them on one request, each with a Store of its own, the functions of this package act on the
// innermost.
func Middleware(cfg Config) echo.MiddlewareFunc {
	mw, err := cfg.ToMiddleware()
	if err != nil {
		panic(err)
	}
	return mw
}

// Get returns the request's session, reading its document on the first call. Every way to the session leads to the
// same one. It is saved, if it was changed, before the first byte of the response.
//
// An error means that Firestore did not answer; returned by the handler it becomes the error response of
// Config.ErrorHandler. The session is then empty, and it cannot be saved. Without the middleware the error is
// [ErrNoMiddleware], and the session nil.
func Get(c echo.Context) (*sessions.Session, error) {
	x, err := exchangeIn(c)
	if err != nil {
		return nil, err
	}
	return x.Load()
}

// Session is [Get] for code that cannot deal with an error: it never returns nil. If the document could not be read, the
// session is empty, and the client gets an error response whatever the handler writes. Without the middleware it panics
// with [ErrNoMiddleware].
func Session(c echo.Context) *sessions.Session {
	x, err := exchangeIn(c)
	if err != nil {
		panic(err)
	}
	return x.Session()
}

// Save saves the request's sessions now rather than before the first byte of the response, for handlers that need to
// know the outcome or never write a response. Before a WebSocket upgrade it is the way to get a new session's cookie
// out: it is in c.Response().Header() then, for the upgrade to send. A save that changes nothing more costs nothing more.
// Errors are those of [Store.Save].
func Save(c echo.Context) error {
	x, err := exchangeIn(c)
	if err != nil {
		return err
	}
	return x.SaveAll()
}

// Destroy ends the request's session, at once: its document is deleted, its values are cleared, and the response
// deletes the cookie, whatever else the handler does. The document need not be read for it. Values that are set in
// what [Get] returns afterwards begin a new session with a new key. If the request has several cookies of the name, it ends
// what each of them stands for, three at most.
//
// Destroy does not look at what it deletes unless the session was read before: Config.Collection must be for sessions alone.
//
// A request that had read the session before it ended cannot bring it back. One that is under way and reads it only
// afterwards finds a new, empty session, and begins one if it sets values: its cookie then takes the place of the one that
// the browser has by that time. [Store.Ended] reports that.
//
// If Firestore did not answer, the session may live on, and Destroy returns the error. Before a response that is no error
// it is tried once more, and that response becomes an error if it fails again.
func Destroy(c echo.Context) error {
	x, err := exchangeIn(c)
	if err != nil {
		return err
	}
	return x.Destroy()
}

// Renew gives the request's session a new key, and keeps its data: call it when somebody signs in or gains rights, so that
// a key that was known before is not worth more from then on. The change takes place when the session is next saved, in one
// commit that creates the new document and deletes the old one; the old key is dead from then on. A session that is new
// gets a new key anyway. If another request ends the session meanwhile, it stays ended.
//
// If the response is lost on its way, the client is left with the old key, and has to sign in again. For requests under way
// with the old key that is what [Destroy] says of them.
func Renew(c echo.Context) error {
	x, err := exchangeIn(c)
	if err != nil {
		return err
	}
	return x.Renew()
}

// Update changes the request's session by fn and saves it now, as one step: if another request saves the session
// meanwhile, fn runs again on what that one stored. So counters count exactly and tokens are used once. Changes that the
// handler made before are saved along. If fn returns an error, or the session cannot be saved, what fn did is undone, and
// Update returns the error. So it is undone if fn panics.
//
// If fn removes all values, the session stays, without values. If fn ends the session by Options.MaxAge = -1, it ends as it
// was when fn saw it; whoever comes second gets [ErrGone]. If the answer of Firestore is lost then, and the document is
// gone, ErrGone may stand for this Update's own delete.
//
// fn must have no effects but on its session, which is the one that [Get] returns, and must not call this package's
// functions that save. It must not change in place, as in m["x"]++, a value that the handler itself had set before,
// unless that is of a type that comes from JSON, such as map[string]any. One request must not run two Updates at once.
func Update(c echo.Context, fn func(*sessions.Session) error) error {
	x, err := exchangeIn(c)
	if err != nil {
		return err
	}
	return x.Update(fn)
}
