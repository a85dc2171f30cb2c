package main

import (
	"fmt"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gorilla/sessions"
	"github.com/labstack/echo/v4"

	"github.com/echofirestore/echofirestore"
)

// The longest texts, in characters.
const (
	maxNote = 280
	maxName = 40
)

// saveNote stores the note, or removes it.
func (a *app) saveNote(c echo.Context) error {
	sess, err := a.session(c)
	if err != nil {
		return err
	}
	if c.FormValue("remove") != "" {
		delete(sess.Values, keyNote)
		return confirm(c, sess, "/", "Your note is gone.")
	}
	note := readText(c, "note", maxNote)
	if note.Problem != "" {
		page := a.homePage(c, sess)
		page.Note = note
		return a.showHome(c, http.StatusUnprocessableEntity, page)
	}
	sess.Values[keyNote] = note.Value
	return confirm(c, sess, "/", "Your note is saved.")
}

// signIn signs in anyone who gives a name. A real application would ask for more.
func (a *app) signIn(c echo.Context) error {
	sess, err := a.session(c)
	if err != nil {
		return err
	}
	form := signInForm{Name: readText(c, "name", maxName), Keep: c.FormValue("keep") != ""}
	if form.Name.Problem != "" {
		page := a.homePage(c, sess)
		page.SignIn = form
		return a.showHome(c, http.StatusUnprocessableEntity, page)
	}
	if err := begin(c, sess, form); err != nil {
		return err
	}
	return confirm(c, sess, "/", "You are signed in.")
}

// begin makes the session that of a user. The session gets a new key, because somebody else may know the old one and must
// not be signed in as this user (session fixation).
func begin(c echo.Context, sess *sessions.Session, form signInForm) error {
	sess.Values[keyName] = form.Name.Value
	sess.Values[keyDevice] = deviceOf(c.Request().UserAgent())
	sess.Options.MaxAge = 0 // until the browser is closed
	if form.Keep {
		sess.Options.MaxAge = int(keepFor.Seconds())
	}
	return echofirestore.Renew(c)
}

// signOut ends the session. The message, which is set afterwards, begins a new one with a key of its own.
func (a *app) signOut(c echo.Context) error {
	if err := echofirestore.Destroy(c); err != nil {
		return err
	}
	sess, err := newSession(c)
	if err != nil {
		return err
	}
	return confirm(c, sess, "/", "You are signed out, and your session is deleted.")
}

// readText returns the text in a form's field, which must be there and not be too long.
func readText(c echo.Context, name string, longest int) field {
	// Browsers send each line break as two characters.
	text := strings.TrimSpace(strings.ReplaceAll(c.FormValue(name), "\r\n", "\n"))
	f := field{Value: text}
	switch n := utf8.RuneCountInString(text); {
	case !utf8.ValidString(text) || strings.ContainsFunc(text, isUnreadable):
		f.Problem = "This contains characters that are not text. Please write it again."
	case n == 0:
		f.Problem = fmt.Sprintf("Please enter a %s.", name)
	case n > longest:
		f.Problem = fmt.Sprintf("This is %d characters long. Please use no more than %d.", n, longest)
	}
	return f
}

func isUnreadable(r rune) bool {
	return unicode.IsControl(r) && r != '\n' && r != '\t'
}
