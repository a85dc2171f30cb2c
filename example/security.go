package main

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
)

// contentPolicy allows what the pages consist of, and nothing else: a style sheet, an icon, forms to this site.
const contentPolicy = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

const csrfField = "csrf" // of forms, and of Echo's context

func secureHeaders() echo.MiddlewareFunc {
	return middleware.SecureWithConfig(middleware.SecureConfig{
		XSSProtection:         "0", // the filter that it controlled did harm; browsers no longer have it
		ContentTypeNosniff:    "nosniff",
		XFrameOptions:         "DENY",
		HSTSMaxAge:            31536000,
		HSTSExcludeSubdomains: true,
		ContentSecurityPolicy: contentPolicy,
		ReferrerPolicy:        "same-origin",
	})
}

// csrf refuses forms that were sent from another site.
//
// Every current browser says in Sec-Fetch-Site whether a form comes from this origin, and Echo relies on it: then no token
// and no cookie is needed. This also makes it work behind Firebase Hosting, which removes all cookies but __session from
// requests, and so the token's cookie. The token is for old browsers, and for plain http on any host but localhost, where
// browsers do not send the header.
func csrf() echo.MiddlewareFunc {
	plain, secure := csrfWithCookie(false), csrfWithCookie(true)
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		plain, secure := plain(next), secure(next)
		return func(c echo.Context) error {
			if c.Scheme() == "https" {
				return secure(c)
			}
			return plain(c)
		}
	}
}

func csrfWithCookie(secure bool) echo.MiddlewareFunc {
	return middleware.CSRFWithConfig(middleware.CSRFConfig{
		TokenLookup:    "form:" + csrfField,
		ContextKey:     csrfField,
		CookieName:     "_csrf",
		CookiePath:     "/",
		CookieHTTPOnly: true,
		CookieSecure:   secure,
		CookieSameSite: http.SameSiteLaxMode,
		ErrorHandler: func(err error, _ echo.Context) error {
			return echo.NewHTTPError(http.StatusForbidden).SetInternal(err) // 403 also if the token is missing
		},
	})
}

// csrfToken returns the token for the forms of a page. It is empty if the browser needs none.
func csrfToken(c echo.Context) string {
	token, _ := c.Get(csrfField).(string)
	return token
}

// newCSRFToken is csrfToken for a page that a request got in the place of what it asked for, whether or not the middleware
// has accepted it.
func newCSRFToken(c echo.Context) string {
	r := c.Request()
	defer c.SetRequest(r)
	look := r.WithContext(r.Context())
	look.Method = http.MethodGet // which changes nothing, and is always accepted
	c.SetRequest(look)
	if err := csrf()(func(echo.Context) error { return nil })(c); err != nil {
		return ""
	}
	return csrfToken(c)
}

// parseForm reads the request's form, so that a body that is too long, or is not a form, is refused as such: to the
// CSRF check, it is a form without a token.
func parseForm(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		err := c.Request().ParseForm()
		if _, ok := errors.AsType[*echo.HTTPError](err); ok {
			return err // of the body limit
		}
		if err != nil {
			return echo.NewHTTPError(http.StatusBadRequest).SetInternal(err)
		}
		return next(c)
	}
}
