package main

import (
	"bytes"
	"cmp"
	_ "embed"
	"html/template"
	"net/http"

	"github.com/echofirestore/echofirestore"
	"github.com/labstack/echo/v4"
)

//go:embed pages.html
var pagesHTML string

var pages = template.Must(template.New("").Parse(pagesHTML))

// userPage is what the templates home and private show.
type userPage struct{ Name, CSRF string }

func (a *app) home(c echo.Context) error {
	_, page, err := signedIn(c)
	if err != nil {
		return err
	}
	return show(c, http.StatusOK, "home", page)
}

// private is a page for users: others sign in first, and then see it.
func (a *app) private(c echo.Context) error {
	ok, page, err := signedIn(c)
	if err != nil {
		return err
	}
	if !ok {
		return c.Redirect(http.StatusSeeOther, signInAddress(c.Request().RequestURI))
	}
	return show(c, http.StatusOK, "private", page)
}

// signedIn tells whether somebody is signed in. If not, the page greets a stranger.
func signedIn(c echo.Context) (bool, userPage, error) {
	sess, err := echofirestore.Get(c)
	if err != nil {
		return false, userPage{}, err
	}
	id, _ := echofirestore.Value[string](sess, keyUser)
	if id == "" {
		return false, userPage{}, nil
	}
	name, _ := echofirestore.Value[string](sess, keyName)
	csrf, _ := c.Get(csrfField).(string)
	return true, userPage{Name: cmp.Or(name, id), CSRF: csrf}, nil
}

func show(c echo.Context, status int, page string, data any) error {
	var html bytes.Buffer
	if err := pages.ExecuteTemplate(&html, page, data); err != nil {
		return err
	}
	return c.HTMLBlob(status, html.Bytes())
}
