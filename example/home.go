package main

import (
	"net/http"
	"time"

	"github.com/gorilla/sessions"
	"github.com/labstack/echo/v4"

	"github.com/echofirestore/echofirestore"
)

// The session's values. All of them have types that JSON keeps.
const (
	keyViews  = "views"  // int: how often the page was seen
	keyNote   = "note"   // string
	keyName   = "name"   // string: who is signed in
	keyDevice = "device" // string: where that is, "Firefox on Linux"
)

// homePage is what the template home.html shows.
type homePage struct {
	frame
	Views    int
	KeptLong bool // the session outlives the browser's
	HasNote  bool
	Note     field
	SignIn   signInForm
	CSRF     string

	MaxNote, MaxName, KeepDays int
}

// A field is a field of a form, as it was filled in, and what is wrong with it.
type field struct{ Value, Problem string }

type signInForm struct {
	Name field
	Keep bool
}

// home shows the page, and counts it.
func (a *app) home(c echo.Context) error {
	sess, err := a.session(c)
	if err != nil {
		return err
	}
	views, _ := echofirestore.Value[int](sess, keyViews)
	sess.Values[keyViews] = views + 1

	page := a.homePage(c, sess)
	page.Messages = takeMessages(sess)
	return a.showHome(c, http.StatusOK, page)
}

// homePage returns the page as the session has it.
func (a *app) homePage(c echo.Context, sess *sessions.Session) homePage {
	page := homePage{
		KeptLong: sess.Options.MaxAge > 0,
		MaxNote:  maxNote,
		MaxName:  maxName,
		KeepDays: int(keepFor / (24 * time.Hour)),
	}
	page.User, _ = echofirestore.Value[string](sess, keyName)
	page.Views, _ = echofirestore.Value[int](sess, keyViews)
	page.Note.Value, page.HasNote = echofirestore.Value[string](sess, keyNote)
	page.CSRF = csrfToken(c)
	return page
}

func (a *app) showHome(c echo.Context, status int, page homePage) error {
	if err := a.saveFor(c, &page.frame); err != nil {
		return err
	}
	return a.pages.show(c, status, "home.html", page)
}
