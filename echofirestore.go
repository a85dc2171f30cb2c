// Package echofirestore keeps the sessions of an [Echo] application in Google Cloud Firestore.
//
// The browser holds an opaque key in a cookie; the data is a Firestore document. A session is read when a handler first
// asks for it. If it was changed, it is saved before the first byte of the response:
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
// could not be saved, the client gets an error instead of what the handler wrote. Requests that change one session at the
// same time do not overwrite each other: their changes are merged key by key. A session that has ended does not come back.
//
// Python's aiohttp-session-firestore can share the documents. Sessions are gorilla's [sessions.Session] values, and
// echo-contrib's session.Get finds them too. Package [firesession] does the same for net/http, without Echo. Package
// [firestoretest] is an in-memory Firestore for tests.
//
// [Echo]: https://echo.labstack.com
// [firestoretest]: https://pkg.go.dev/github.com/echofirestore/echofirestore/firestoretest
package echofirestore

import (
	"github.com/gorilla/sessions"
	"github.com/labstack/echo/v4"
)

// SessionKey is the key of the session in Echo's context. It gives the session that [Session] returns:
//
//	sess := c.Get(echofirestore.SessionKey).(*sessions.Session)
//
// The key is reserved: a value that an application stores under it with c.Set is hidden from handlers.
//
// In an echo.HTTPErrorHandler, use [Get]: its context has the session only if the handler asked for it.
const SessionKey = "session"

// Middleware returns middleware with a Store of its own. It panics if cfg is invalid; [Config.ToMiddleware] returns the
// error instead. If you need the Store, call [NewStore] and [Store.Middleware]. Install the middleware with Echo's Use or
// on a group, not with Pre: Echo's router panics if it gets a context other than its own.
//
// Install middleware whose headers belong on every response, such as Echo's CORS, RequestID and Secure, outside this one:
// if a session cannot be loaded or saved, the error response drops the headers that were set inside.
//
// If a request passes several such middlewares, each with a Store of its own, the functions of this package act on the
// session of the innermost one.
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
// error, Config.ErrorHandler answers the request. Without the middleware, the error is [ErrNoMiddleware] and the session is
// nil.
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

// Save saves the request's sessions now, instead of before the first byte of the response. It is for handlers that need to
// know the outcome, or never write a response. Before a WebSocket upgrade, it adds a new session's cookie to
// c.Response().Header(), so that the upgrade can send it. A save costs nothing if nothing has changed since the last one.
// Its errors are those of [firesession.Store.Save].
//
// Call it from the handler's goroutine, while nothing else writes headers of the response.
func Save(c echo.Context) error {
	x, err := exchangeIn(c)
	if err != nil {
		return err
	}
	return x.SaveAll(c.Request().Context())
}

// Destroy ends the request's session at once, whatever else the handler does: it deletes the document, clears the values,
// and makes the response delete the cookie. It does not read the document first, so Config.Collection must hold nothing but
// sessions. If the request has several cookies of the name, Destroy ends the sessions of up to three. Values that are set
// afterwards, in what [Get] returns, begin a new session with a new key.
//
// A request that read the session before it ended cannot bring it back. A request that is under way and reads it only
// afterwards gets a new, empty session, and [firesession.Store.Ended] reports that. If that request sets a value, its
// cookie replaces the one that the browser has by then.
//
// If Firestore does not answer, Destroy returns the error, and the session may live on. The middleware then tries once more
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

// Renew gives the request's session a new key and keeps its data. Call it when a user signs in or gains rights, so that
// nobody who knew the old key gets these rights, too. The next save makes the change, in one commit that creates the new
// document and deletes the old one; from then on, the old key is invalid. A new session gets a new key in any case. If
// another request ends the session meanwhile, it stays ended.
//
// If the response is lost, the client still has the old key, and its user has to sign in again. Requests under way with the
// old key are treated as after [Destroy].
func Renew(c echo.Context) error {
	x, err := exchangeIn(c)
	if err != nil {
		return err
	}
	return x.Renew(c.Request().Context())
}

// Update calls fn to change the request's session, and saves it at once, as one step. If another request saves the session
// meanwhile, fn runs again on what that request stored. So counters count exactly, and a token is used only once. Update
// also saves the changes that the handler made before. If fn returns an error, or the session cannot be saved, Update
// undoes what fn did and returns the error.
//
// If fn empties the session, an empty session is stored. If fn ends it with a negative Options.MaxAge, it ends only in the
// state that fn saw; of two such requests, the second gets [ErrGone]. If the answer to its commit is lost, Update may
// return ErrGone for its own delete.
//
// fn gets the session that [Get] returns. It must have no other effects, because it may run more than once. It must not
// modify in place, as in m["x"]++, a value that the handler set before, unless that value has a type that comes from JSON,
// such as map[string]any. While it runs, Save, Renew, Refresh, Destroy and Update return an error, and so does a write to
// the response. Other saves of the session in this Store wait for it, for at most a second.
//
// Call it from the handler's goroutine, while nothing else writes headers of the response.
func Update(c echo.Context, fn func(*sessions.Session) error) error {
	x, err := exchangeIn(c)
	if err != nil {
		return err
	}
	return x.Update(c.Request().Context(), fn)
}

// Refresh reads the request's session as it is stored now, even if it was read before, for one read. Use it where a handler
// must know: with Config.CacheFor before anything that a revoked session must not do, and from time to time in a long
// stream. What the handler has changed stays, on top of what others have stored. [Get] returns the same session as before.
//
// If the session is over, Refresh clears its values and returns [ErrGone], even if [Get] has returned a new one in its
// place. If the client has no session, Refresh returns nil. Other errors mean that Firestore did not answer, and leave the
// session as it was. A session that [Get] could not read is read again, unless the handler has set values in it.
//
// Call it from the handler's goroutine, while nothing else writes headers of the response.
func Refresh(c echo.Context) error {
	x, err := exchangeIn(c)
	if err != nil {
		return err
	}
	return x.Refresh(c.Request().Context())
}
