package echofirestore_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
	"github.com/echofirestore/echofirestore/internal/testsize"
	"github.com/echofirestore/echofirestore/internal/uploadtest"
)

// TestUploadsLeaveNoFiles posts files that do not fit into memory, and looks for what is left of them in the folder of
// temporary files: no more than without the middleware.
func TestUploadsLeaveNoFiles(t *testing.T) { //nolint:paralleltest // the folder of temporary files is the process's
	parse := func(c echo.Context) error {
		if err := c.Request().ParseMultipartForm(1); err != nil {
			return err
		}
		_, err := c.FormFile("file")
		return err
	}
	quiet := middleware.RecoverWithConfig(middleware.RecoverConfig{LogErrorFunc: func(_ echo.Context, err error, _ []byte) error { return err }})
	replace := func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			c.SetRequest(c.Request().WithContext(context.WithValue(c.Request().Context(), t, 1)))
			return next(c)
		}
	}
	brief := middleware.TimeoutWithConfig(middleware.TimeoutConfig{Timeout: 250 * time.Millisecond}) //nolint:staticcheck // in use
	for _, tt := range []struct {
		name            string
		outside, inside []echo.MiddlewareFunc
		handler         echo.HandlerFunc
	}{
		{name: "no session", handler: parse},
		{name: "session changed", handler: func(c echo.Context) error {
			if c.Get(echofirestore.SessionKey) != nil { // with the middleware
				setOne(c)
			}
			return parse(c)
		}},
		{name: "error", handler: func(c echo.Context) error { return errors.Join(parse(c), echo.ErrTeapot) }},
		{name: "panic", handler: func(c echo.Context) error { _ = parse(c); panic(http.ErrAbortHandler) }},
		{name: "panic within Recover", outside: []echo.MiddlewareFunc{quiet}, handler: func(c echo.Context) error { _ = parse(c); panic("trouble") }},
		{name: "panic with Recover inside", inside: []echo.MiddlewareFunc{quiet}, handler: func(c echo.Context) error { _ = parse(c); panic("trouble") }},
		{name: "Timeout outside", outside: []echo.MiddlewareFunc{timeout}, handler: parse},
		{name: "Timeout inside", inside: []echo.MiddlewareFunc{timeout}, handler: parse},
		{name: "Timeout inside that passes", inside: []echo.MiddlewareFunc{brief}, handler: func(c echo.Context) error {
			defer func() { <-c.Request().Context().Done() }()
			return parse(c)
		}},
		{name: "request replaced outside", outside: []echo.MiddlewareFunc{replace}, handler: parse},
		{name: "request replaced inside", inside: []echo.MiddlewareFunc{replace}, handler: parse},
		{name: "net/http handler", handler: echo.WrapHandler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_ = r.ParseMultipartForm(1)
		}))},
		{name: "parsed outside", outside: []echo.MiddlewareFunc{func(next echo.HandlerFunc) echo.HandlerFunc {
			return func(c echo.Context) error { return errors.Join(parse(c), next(c)) }
		}}, handler: parse},
		{name: "passed on to Echo again", handler: func(c echo.Context) error {
			c.Request().URL.Path = "/again"
			c.Echo().ServeHTTP(c.Response(), c.Request())
			return nil
		}},
	} {
		for _, protocol := range []string{"HTTP/1.1", "HTTP/2"} {
			name := tt.name + "/" + protocol
			if protocol == "HTTP/2" && !testsize.Try(name) {
				continue
			}
			t.Run(name, func(t *testing.T) {
				client := firestoretest.NewClient(t)
				left := func(sessions ...echo.MiddlewareFunc) int {
					e := echo.New()
					e.Logger.SetOutput(io.Discard)
					e.Use(tt.outside...)
					e.Use(sessions...)
					e.Use(tt.inside...)
					e.POST("/", tt.handler)
					e.POST("/again", parse)
					return uploadtest.Left(t, e, protocol == "HTTP/2")
				}
				without := left()
				if with := left(echofirestore.Middleware(echofirestore.Config{Client: client})); with > without {
					t.Errorf("%d files are left, without the middleware %d", with, without)
				}
			})
		}
	}
}
