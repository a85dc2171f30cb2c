package main

import (
	"github.com/gorilla/sessions"
	"github.com/labstack/echo/v4"

	"github.com/echofirestore/echofirestore"
)

const sessionEnded = "Your session has ended. It may have expired, or been ended from another device."

// session returns the request's session. If the browser still has the key of one that is over, the next page says so:
// else its user would wonder where the name and the note have gone. It says it once, for the message itself begins a
// new session, whose key takes the place of the old one.
func (a *app) session(c echo.Context) (*sessions.Session, error) {
	sess, err := echofirestore.Get(c)
	if err != nil {
		return nil, err
	}
	if a.store.Ended(sess) {
		sess.AddFlash(sessionEnded, keyNotices)
	}
	return sess, nil
}
