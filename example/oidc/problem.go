package main

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"
)

// A problem is a page that says what went wrong, and what to do.
type problem struct {
	Status      int
	Title, Text string
	Action      string // the label of a link to Address; none if it is empty
	Address     string
}

// A problemError is an error with a page.
type problemError struct {
	problem
	cause error
}

const again = "Sign in again"

var (
	signInUnknown = problem{
		Status: http.StatusBadRequest, Title: "This sign-in can’t be completed",
		Text: "It was begun in another browser or more than 30 minutes ago, or it has been completed before. Nothing has changed: " +
			"if you were signed in, you still are.",
		Action: again,
	}
	signInFailed = problem{
		Status: http.StatusBadGateway, Title: "The sign-in has failed",
		Text: "The sign-in service did not confirm who you are. Please sign in again. If that doesn’t help, try later.", Action: again,
	}
	signInRefused = problem{
		Status: http.StatusBadGateway, Title: "The sign-in has failed",
		Text: "The sign-in service reported a problem. Please sign in again. If that doesn’t help, try later.", Action: again,
	}
	signInCancelled = problem{
		Status: http.StatusForbidden, Title: "The sign-in was cancelled",
		Text: "Nothing has changed: if you were signed in, you still are.", Action: again,
	}
	callbackUnavailable = problem{
		Status: http.StatusServiceUnavailable, Title: "You are not signed in yet",
		Text: "The sign-in service has sent you back, but our database does not answer. Please reload this page in a few seconds.",
	}
	signInNotSaved = problem{
		Status: http.StatusServiceUnavailable, Title: "You are not signed in yet",
		Text: "The sign-in service has confirmed who you are, but our database does not answer. Please sign in again in a few seconds. " +
			"Reloading this page does not help.",
		Action: again,
	}
	signOutUnavailable = problem{
		Status: http.StatusServiceUnavailable, Title: "You may still be signed in",
		Text: "Our database does not answer. Please go back and sign out again in a few seconds.",
	}
)

// problems are those of the framework and of the session library, by status.
var problems = map[int]problem{
	http.StatusForbidden: {
		Title: "That form can’t be trusted", Text: "It didn’t come from this site, or it is too old. Nothing has changed.",
	},
	http.StatusNotFound:         {Title: "There is no such page", Text: "The address may be mistyped."},
	http.StatusMethodNotAllowed: {Title: "There is nothing to see here", Text: "This address only takes forms."},
	http.StatusConflict: {
		Title: "Your session has ended", Text: "It was ended in another tab or on another device. Nothing has changed.", Action: again,
	},
	http.StatusServiceUnavailable: {
		Title: "We can’t reach our database", Text: "You are not signed out. Please try again in a few seconds.",
	},
	http.StatusInternalServerError: {Title: "Something went wrong here", Text: "Please try again later."},
}

// because returns the error that shows the page.
func (p problem) because(err error) error { return problemError{p, err} }

// returningTo lets the next sign-in lead to where the failed one should have led.
func (p problem) returningTo(page string) problem {
	p.Address = signInAddress(page)
	return p
}

func (e problemError) Error() string { return e.Title + ": " + e.cause.Error() }
func (e problemError) Unwrap() error { return e.cause }

// refused returns the problem that the provider has reported. Its description goes to the log, not to the page: anyone can
// make a link with a text of their own.
func refused(code, description, returnTo string) error {
	p := signInRefused
	if code == "access_denied" {
		p = signInCancelled
	}
	return p.returningTo(returnTo).because(errors.New("the provider answered " + code + ": " + description))
}

func signInAddress(returnTo string) string {
	return "/sign-in?" + url.Values{"return": {returnTo}}.Encode()
}

// showError is the application's echo.HTTPErrorHandler. It needs no session, because that may be what failed.
func (a *app) showError(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	pe, known := errors.AsType[problemError](err)
	p := pe.problem
	if !known {
		status := http.StatusInternalServerError
		if he, ok := errors.AsType[*echo.HTTPError](err); ok {
			status = he.Code
		}
		p = problems[status]
		p.Status, p.Title = status, cmp.Or(p.Title, http.StatusText(status))
	}
	if p.Action != "" {
		p.Address = cmp.Or(p.Address, "/sign-in")
	}
	if known || p.Status >= http.StatusInternalServerError {
		a.log.WarnContext(c.Request().Context(), "request failed", "path", c.Path(), "status", p.Status, "error", err)
	}
	if p.Status == http.StatusServiceUnavailable {
		c.Response().Header().Set(echo.HeaderRetryAfter, "10")
	}
	if err := show(c, p.Status, "problem", p); err != nil {
		_ = c.NoContent(p.Status) // the client is gone
	}
}
