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
// The cost of a request is exact: nothing if no handler asks for the session or the client has none, one read if the
// session is only read, one read and one write if it is changed. A 2xx response means that the session was saved. If it
// could not be saved, the client gets an error in place of what the handler wrote. Requests that change one session at
// the same time do not overwrite each other: their changes are merged key by key. A session that was ended stays ended.
//
// Python's aiohttp-session-firestore can share the documents. Sessions are [sessions.Session] values of gorilla, which
// echo-contrib's session.Get finds too. Package [firesession] does the same for net/http, without Echo. Package
// [firestoretest] is an in-memory Firestore for tests.
//
// [Echo]: https://echo.labstack.com
// [firestoretest]: https://pkg.go.dev/github.com/echofirestore/echofirestore/firestoretest
package echofirestore

import (
	"github.com/gorilla/sessions"
	"github.com/labstack/echo/v4"
)

// SessionKey is the key under which a handler finds its session in Echo's context. It is the session that [Session] returns:
//
//	sess := c.Get(echofirestore.SessionKey).(*sessions.Session)
//
// The key is reserved: handlers do not find what an application stores under it with c.Set.
//
// In an echo.HTTPErrorHandler use [Get]: there, the session is in the context only if the handler asked for it.
const SessionKey = "session"

// Middleware returns the middleware that cfg describes. It panics if cfg is invalid; [Config.ToMiddleware] returns the
// error instead. [NewStore] returns the Store, for its methods and [Store.Middleware]. Install the middleware with Echo's
// Use or on a group, not with Pre: Echo's router panics if it gets a context other than its own.
//
// Install middleware whose headers belong on every response, such as Echo's CORS, RequestID and Secure, outside this one:
// an error response of the session drops the headers that were set inside.
//
// If a request passes several of them, each with a Store of its own, the functions of this package act on the innermost.
func Middleware(cfg Config) echo.MiddlewareFunc {
	mw, err := cfg.ToMiddleware()
	if err != nil {
		panic(err)
	}
	return mw
}

// Get returns the request's session. The first call reads its document. Every later call, and every other way to the
// session, returns the same one. If it was changed, it is saved before the first byte of the response.
//
// An error means that Firestore did not answer. The session is then empty and cannot be saved. If the handler returns the
// error, Config.ErrorHandler answers the request. Without the middleware, the error is [ErrNoMiddleware], and the session
// is nil.
func Get(c echo.Context) (*sessions.Session, error) {
	x, err := exchangeIn(c)
	if err != nil {
		return nil, err
	}
	return x.Load(c.Request().Context())
}

// Session is [Get] for code that cannot handle an error: it never returns nil. If the document could not be read, the
// session is empty, and the client gets the error response of Config.ErrorHandler whatever the handler writes.
// Without the middleware, it panics with [ErrNoMiddleware].
func Session(c echo.Context) *sessions.Session {
	x, err := exchangeIn(c)
	if err != nil {
		panic(err)
	}
	return x.Session(c.Request().Context())
}

// Save saves the request's sessions now, not only before the first byte of the response. It is for handlers that need the
// outcome or never write a response. Before a WebSocket upgrade, it puts a new session's cookie into c.Response().Header(),
// for the upgrade to send. A save costs nothing if nothing has changed since the last one. Its errors are those of
// [firesession.Store.Save].
//
// Call it from the handler's goroutine, while nothing else writes headers of the response.
func Save(c echo.Context) error {
	x, err := exchangeIn(c)
	if err != nil {
		return err
	}
	return x.SaveAll(c.Request().Context())
}

// Destroy ends the request's session at once: it deletes the document, clears the values, and has the response delete the
// cookie, whatever else the handler does. It does not read the document first, so Config.Collection must hold nothing but
// sessions. If the request has several cookies of the name, Destroy ends the session of each, of three at most.
// Values that are set afterwards, in what [Get] returns, begin a new session with a new key.
//
// A request that had read the session before it ended cannot bring it back. A request that is under way and reads it only
// afterwards finds a new, empty session, which [firesession.Store.Ended] reports. If that request sets a value, its cookie replaces the
// one that the browser has by then.
//
// If Firestore does not answer, the session may live on, and Destroy returns the error. The middleware then tries once more
// before a response with a status below 500. If that fails too, the client gets an error.
//
// Call it from the handler's goroutine, while nothing else writes headers of the response.
func Destroy(c echo.Context) error {
	x, err := exchangeIn(c)
	if err != nil {
		return err
	}
	return x.Destroy(c.Request().Context())
}

// Renew gives the request's session a new key and keeps its data. Call it when somebody signs in or gains rights, so that
// nobody who knew the old key shares them. The next save makes the change, in one commit that creates the new document and
// deletes the old one; from then on, the old key is invalid. A new session gets a new key anyway. If another request ends
// the session meanwhile, it stays ended.
//
// If the response is lost, the client still has the old key, and its user has to sign in again. What [Destroy] says about
// requests under way also applies to those with the old key.
func Renew(c echo.Context) error {
	x, err := exchangeIn(c)
	if err != nil {
		return err
	}
	return x.Renew(c.Request().Context())
}

// Update changes the request's session by fn and saves it now, as one step. If another request saves the session meanwhile,
// fn runs again on what that request stored, so that counters count exactly and tokens are used once. Update also saves the
// changes that the handler made before. If fn returns an error, or the session cannot be saved, Update undoes what fn did
// and returns the error.
//
// If fn empties the session, an empty session is stored. If fn ends it, by a negative Options.MaxAge, it ends only in the
// state that fn saw; the request that comes second gets [ErrGone]. If the answer to its commit is lost, Update may return
// ErrGone for its own delete.
//
// fn gets the session that [Get] returns. It must have no other effects, and must not modify in place, as in m["x"]++, a
// value that the handler set before, unless that value has a type that comes from JSON, such as map[string]any. While it
// runs, Save, Renew, Refresh, Destroy and Update return an error, and so does beginning the response. Other saves of the
// session in this Store wait for it, but not for longer than a second.
//
// Call it from the handler's goroutine, while nothing else writes headers of the response.
func Update(c echo.Context, fn func(*sessions.Session) error) error {
	x, err := exchangeIn(c)
	if err != nil {
		return err
	}
	return x.Update(c.Request().Context(), fn)
}

// Refresh reads the request's session as it is stored now, even if it was read before, for one read. Use it where a
// handler must know: before an action that a revoked session must not take, if there is a Config.CacheFor, and from time
// to time in a long stream. What the handler has changed stays, on top of what others have stored; [Get] returns the same
// session as before.
//
// If the session is over, Refresh clears its values and returns [ErrGone]. It also returns ErrGone if [Get] has returned a
// new session in its place; that one keeps its values. It returns nil if the client has no session. After any other error,
// such as that Firestore did not answer, the session is what it was.
//
// Call it from the handler's goroutine, while nothing else writes headers of the response.
func Refresh(c echo.Context) error {
	x, err := exchangeIn(c)
	if err != nil {
		return err
	}
	return x.Refresh(c.Request().Context())
}
