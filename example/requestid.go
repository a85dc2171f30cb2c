package main

import (
	"regexp"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
)

// requestIDs are the IDs that are taken over from clients and proxies. They appear in headers, in the log and on pages.
var requestIDs = regexp.MustCompile(`^[0-9A-Za-z_-]{1,64}$`)

// identifyRequests gives each request an ID. One that the client has chosen stays, unless it is too long or odd.
func identifyRequests() echo.MiddlewareFunc {
	identify := middleware.RequestID()
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		next = identify(next)
		return func(c echo.Context) error {
			if header := c.Request().Header; !requestIDs.MatchString(header.Get(echo.HeaderXRequestID)) {
				header.Del(echo.HeaderXRequestID)
			}
			return next(c)
		}
	}
}
