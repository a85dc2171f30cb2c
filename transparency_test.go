package echofirestore_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/echofirestore/echofirestore/internal/hosttest"
)

// TestTransparency compares responses with and without the middleware, among them those that Echo makes.
func TestTransparency(t *testing.T) {
	t.Parallel()
	hosttest.RunTransparency(t, echo4(), echoResponses...)
}

// echoResponses are ways to respond that only Echo has.
var echoResponses = []hosttest.Response{
	{Name: "JSON of Echo", Handle: withEcho(func(c echo.Context) error { return c.JSON(http.StatusCreated, map[string]int{"n": 1}) })},
	{Name: "Blob of Echo", Method: "HEAD", Handle: withEcho(func(c echo.Context) error {
		return c.Blob(http.StatusOK, "image/png", []byte(strings.Repeat("blob", 100_000)))
	})},
	{Name: "Stream of Echo", Handle: withEcho(func(c echo.Context) error {
		return c.Stream(http.StatusOK, "text/plain", strings.NewReader(strings.Repeat("stream", 100_000)))
	})},
	{Name: "Redirect of Echo", Handle: withEcho(func(c echo.Context) error { return c.Redirect(http.StatusSeeOther, "/x") })},
	{Name: "NoContent of Echo", Handle: withEcho(func(c echo.Context) error { return c.NoContent(http.StatusResetContent) })},
	{Name: "an HTTPError", Handle: withEcho(func(echo.Context) error { return echo.NewHTTPError(http.StatusConflict, "handler's") })},
	{Name: "an HTTPError with headers", Handle: withEcho(func(c echo.Context) error {
		c.Response().Header().Set("Retry-After", "9")
		return echo.ErrTooManyRequests
	})},
	{Name: "an HTTPError to HEAD", Method: "HEAD", Handle: withEcho(func(echo.Context) error { return echo.ErrBadRequest })},
	{Name: "an error", Handle: withEcho(func(echo.Context) error { return errors.New("trouble") })},
	{Name: "an error for the application's error handler", Handle: withEcho(func(echo.Context) error { return hosttest.ErrTeapot })},
	{Name: "an error after a write", Handle: withEcho(func(c echo.Context) error {
		return errors.Join(c.String(http.StatusOK, "handler's"), hosttest.ErrTeapot)
	})},
	{Name: "an error after an answer to it", Handle: withEcho(func(c echo.Context) error {
		c.Error(hosttest.ErrTeapot)
		return hosttest.ErrTeapot
	})},
	{Name: "no such route", Handle: withEcho(echo.NotFoundHandler)},
	{Name: "no such method", Method: "PUT", Handle: withEcho(func(c echo.Context) error {
		c.Set(echo.ContextKeyHeaderAllow, "OPTIONS, GET")
		return echo.MethodNotAllowedHandler(c)
	})},
	{Name: "hooks", Handle: withEcho(func(c echo.Context) error {
		c.Response().Before(func() { c.Response().Header().Set("X-Before", fmt.Sprint(c.Response().Status)) })
		c.Response().After(func() { hosttest.Saw(c.Request(), c.Response().Size, c.Response().Committed) })
		return c.String(http.StatusOK, "handler's")
	})},
	{Name: "a hook that changes the status", Handle: withEcho(func(c echo.Context) error {
		c.Response().Before(func() { c.Response().Status = http.StatusAccepted })
		return c.String(http.StatusOK, "handler's")
	})},
	{Name: "a status without a call", Handle: withEcho(func(c echo.Context) error {
		c.Response().Status = http.StatusAccepted
		_, err := io.WriteString(c.Response(), "handler's")
		return err
	})},
	{Name: "an error after a flush", Handle: withEcho(func(c echo.Context) error { c.Response().Flush(); return echo.ErrTeapot })},
	{Name: "JSON after a flush", Handle: withEcho(func(c echo.Context) error {
		c.Response().Flush()
		hosttest.Saw(c.Request(), c.Response().Size)
		return c.JSON(http.StatusOK, 1)
	})},
	{Name: "Echo's view of hints", Handle: withEcho(func(c echo.Context) error {
		c.Response().WriteHeader(http.StatusEarlyHints)
		hosttest.Saw(c.Request(), c.Response().Committed, c.Response().Status)
		return c.String(http.StatusAccepted, "handler's")
	})},
}

func withEcho(h echo.HandlerFunc) hosttest.Handler {
	return func(_ http.ResponseWriter, _ *http.Request, s hosttest.Sessions) error {
		return h(s.(echoSessions).Context)
	}
}
