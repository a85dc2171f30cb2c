package main

import (
	"encoding/base64"
	"net/http"

	"github.com/gorilla/sessions"
	"github.com/labstack/echo/v4"

	"github.com/echofirestore/echofirestore"
)

const sessionEnded = "Your session has ended. It may have expired, or been ended from another device."

// sessionOf returns the request's session. If the browser still has the key of one that is over, the next page says so:
// else its user would wonder where the name and the note have gone. It says it once, for the message itself begins a
// new session, whose key takes the place of the old one.
func sessionOf(c echo.Context) (*sessions.Session, error) {
	sess, err := echofirestore.Get(c)
	if err != nil {
		return nil, err
	}
	if sess.IsNew && hasKey(c.Request()) {
		sess.AddFlash(sessionEnded, keyNotices)
	}
	return sess, nil
}

// hasKey reports whether the request's cookie has the form of a session's key. What has another form, such as the cookie
// of another program on localhost, was never one of ours. An invented key can't be told from that of a session that is over,
// and needn't be: none but its inventor is told of a session that never was.
func hasKey(r *http.Request) bool {
	cookie, err := r.Cookie(echofirestore.DefaultCookieName)
	if err != nil {
		return false
	}
	key, err := base64.RawURLEncoding.DecodeString(cookie.Value)
	return err == nil && len(key) == 32
}
