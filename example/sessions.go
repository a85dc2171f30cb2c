package main

import (
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/gorilla/sessions"
	"github.com/labstack/echo/v4"

	"github.com/echofirestore/echofirestore"
)

const (
	pathSessions = "/sessions"

	// maxListed is how many sessions of one user the page reads and shows. A name that anybody can sign in under may have
	// thousands.
	maxListed = 20
)

// sessionsPage is what the template sessions.html shows.
type sessionsPage struct {
	frame
	Sessions []sessionItem // the one that shows the page, then the others, the last seen first
	More     bool          // there are others than these, which need not be older
	CSRF     string
}

// sessionItem is one of a user's sessions in the list of them.
type sessionItem struct {
	ID                string
	Device            string
	Here              bool // it is the one that shows the page
	Began, Seen, Ends moment
}

// A userHandler answers a request of somebody who is signed in.
type userHandler func(c echo.Context, sess *sessions.Session, user string) error

// forUser returns a handler that only serves people who are signed in.
func (a *app) forUser(next userHandler) echo.HandlerFunc {
	return func(c echo.Context) error {
		sess, err := a.session(c)
		if err != nil {
			return err
		}
		user, ok := echofirestore.Value[string](sess, keyName)
		if !ok {
			return explain(c, sess, "/", "Please sign in first.")
		}
		return next(c, sess, user)
	}
}

// listSessions shows the sessions of the user, on all devices.
func (a *app) listSessions(c echo.Context, sess *sessions.Session, user string) error {
	infos, err := a.store.Sessions(c.Request().Context(), user, echofirestore.AtMost(maxListed+1))
	if err != nil {
		return err
	}
	items := a.sessionItems(infos, a.store.SessionID(sess))
	page := sessionsPage{
		frame:    frame{User: user, Messages: takeMessages(sess)},
		Sessions: items[:min(len(items), maxListed)],
		More:     len(items) > maxListed,
		CSRF:     csrfToken(c),
	}
	if err := a.saveFor(c, &page.frame); err != nil {
		return err
	}
	return a.pages.show(c, http.StatusOK, "sessions.html", page)
}

func (a *app) sessionItems(infos []echofirestore.SessionInfo, here string) []sessionItem {
	now := a.now()
	var items []sessionItem
	for _, info := range infos {
		item := sessionItem{
			ID:     info.ID,
			Device: unknownBrowser,
			Here:   info.ID == here,
			Began:  momentOf(info.Began, now),
			Seen:   momentOf(info.Saved, now),
			Ends:   momentOf(info.Expires, now),
		}
		if device, ok := info.Values[keyDevice].(string); ok {
			item.Device = device
		}
		if item.Here {
			item.Seen = momentOf(now, now)
			items = slices.Insert(items, 0, item)
		} else {
			items = append(items, item)
		}
	}
	return items
}

// endSession ends the session whose ID is in the form. The user comes from the session, not from the form, so nobody can
// end a session of others.
func (a *app) endSession(c echo.Context, sess *sessions.Session, user string) error {
	id := c.FormValue("id")
	if id == a.store.SessionID(sess) {
		return a.signOut(c)
	}
	err := a.store.Revoke(c.Request().Context(), user, id)
	switch {
	case errors.Is(err, echofirestore.ErrGone):
		return explain(c, sess, pathSessions, "That session had already ended.")
	case err != nil:
		return err
	default:
		return confirm(c, sess, pathSessions, "That session has ended.")
	}
}

// endOthers ends all sessions of the user but this one.
func (a *app) endOthers(c echo.Context, sess *sessions.Session, user string) error {
	n, err := a.store.RevokeUser(c.Request().Context(), user, a.store.SessionID(sess))
	if err != nil {
		return err
	}
	if n == 0 {
		return explain(c, sess, pathSessions, "There was no other session to end.")
	}
	return confirm(c, sess, pathSessions, fmt.Sprintf("You are signed out everywhere else: %d %s ended.", n, plural(n, "session")))
}
