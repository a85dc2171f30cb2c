package main

import (
	"github.com/gorilla/sessions"
	"github.com/labstack/echo/v4"

	"github.com/echofirestore/echofirestore"
)

const sessionEnded = "Your session has ended. It may have expired, or been ended from another device."

// session returns the request's session. If the browser still has the key of a session that is over, the next page says
// so. Otherwise the user would wonder where the name and the note have gone. The page says it once, because the message
// begins a new session, whose key replaces the old one.
func (a *app) session(c echo.Context) (*sessions.Session, error) {
	sess, err := echofirestore.Get(c)
	if err != nil {
		return nil, err
	}
	if a.store.Ended(sess) {
		sess.AddFlash(sessionEnded, keyNotices)
	}
	if sess.IsNew {
		tryOut(sess)
	} else {
		admit(sess)
	}
	return sess, nil
}

// newSession returns the session in the place of one that was ended by this request.
func newSession(c echo.Context) (*sessions.Session, error) {
	sess, err := echofirestore.Get(c)
	if err != nil {
		return nil, err
	}
	tryOut(sess)
	return sess, nil
}
