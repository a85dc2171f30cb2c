package main

import (
	"fmt"
	"net/http"

	"github.com/gorilla/sessions"
	"github.com/labstack/echo/v4"
)

// A message says what has happened. It appears once, on the next page.
type message struct {
	Text   string
	Notice bool // it says that something was not done
}

// keyNotices is the session's value for messages that are notices. Other messages are where gorilla's flashes are.
const keyNotices = "notices"

// takeMessages returns the messages in the session, and removes them.
func takeMessages(sess *sessions.Session) []message {
	var messages []message
	for _, text := range sess.Flashes(keyNotices) {
		messages = append(messages, message{Text: fmt.Sprint(text), Notice: true})
	}
	for _, text := range sess.Flashes() {
		messages = append(messages, message{Text: fmt.Sprint(text)})
	}
	return messages
}

// confirm sends the browser to a page that says what was done, so that reloading it doesn't send the form again.
func confirm(c echo.Context, sess *sessions.Session, path, text string) error {
	sess.AddFlash(text)
	return c.Redirect(http.StatusSeeOther, path)
}

// explain sends the browser to a page that says why nothing was done.
func explain(c echo.Context, sess *sessions.Session, path, text string) error {
	sess.AddFlash(text, keyNotices)
	return c.Redirect(http.StatusSeeOther, path)
}
