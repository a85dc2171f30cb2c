package main

import (
	"cmp"
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"
)

// retryAfter is how many seconds clients should wait before they repeat a request that failed because of Firestore, or of
// too many others.
const retryAfter = "10"

// A problem is an error as pages show it.
type problem struct {
	Title, Text string
}

var problems = map[int]problem{
	http.StatusBadRequest: {
		"That form can’t be read",
		"What arrived here is not what the forms of this site send. Please go back and try again.",
	},
	http.StatusForbidden: {
		"That form can’t be trusted",
		"It didn’t come from this site, or the page it was on is too old. Nothing was changed. " +
			"Please open the front page and try again; if that doesn’t help, allow cookies for this site.",
	},
	http.StatusNotFound: {
		"There is no such page",
		"The address may be mistyped, or it led somewhere that never was.",
	},
	http.StatusMethodNotAllowed: {
		"This address only takes forms",
		"There is nothing to look at here. The form for it is on another page.",
	},
	http.StatusConflict: {
		"Your session has ended",
		"It was ended in another tab or on another device while this page was on its way. Nothing was saved.",
	},
	http.StatusRequestEntityTooLarge: {
		"That’s too much",
		"The form was far longer than anything that is kept here. Nothing was saved.",
	},
	http.StatusTooManyRequests: {
		"That’s too often",
		"Experiments are limited for all visitors together, because each costs more than a page. Nothing was changed. " +
			"Please try again in a few seconds.",
	},
	http.StatusServiceUnavailable: {
		"We can’t reach our database",
		"Your session is kept there, so this page could be neither loaded nor saved. You are not signed out. " +
			"Please try again in a few seconds.",
	},
	http.StatusInternalServerError: {
		"Something went wrong here",
		"It’s not your fault, and it has been noted. Please try again later.",
	},
}

// errorPage is what the template error.html shows.
type errorPage struct {
	frame
	problem
	Status    int
	RequestID string // to find the error in the log; empty if it is not logged
	SignOut   bool   // the client may be signed in, and can sign out here
	CSRF      string
}

// showError is the application's echo.HTTPErrorHandler. It does not need a session, because that may be what failed. So it
// does not know who is signed in either, but it lets people sign out, which needs no more than their cookie.
func (a *app) showError(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	status := statusOf(err)
	page := errorPage{
		problem: cmp.Or(problems[status], problem{Title: http.StatusText(status)}),
		Status:  status,
	}
	a.complete(c, &page.frame)
	if status >= http.StatusInternalServerError {
		page.RequestID = c.Response().Header().Get(echo.HeaderXRequestID)
	}
	if !sessionFails(status) && hasSession(c.Request()) {
		page.SignOut, page.CSRF = true, newCSRFToken(c)
	}
	if status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests {
		c.Response().Header().Set(echo.HeaderRetryAfter, retryAfter)
	}
	if err := a.pages.show(c, status, "error.html", page); err != nil {
		_ = c.NoContent(status) // the template is broken, or the client is gone
	}
}

// statusOf returns the status that an error is answered with.
func statusOf(err error) int {
	if he, ok := errors.AsType[*echo.HTTPError](err); ok {
		return he.Code
	}
	return http.StatusInternalServerError
}

// sessionFails reports whether a response with this status may mean that the session can't be read, saved or ended.
func sessionFails(status int) bool {
	return status == http.StatusConflict || status >= http.StatusInternalServerError
}
