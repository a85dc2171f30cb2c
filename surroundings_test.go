package echofirestore_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"github.com/echofirestore/echofirestore/internal/hosttest"
	"github.com/echofirestore/echofirestore/internal/testsize"
)

// customContext is a context of an application's own, as Echo's guide makes one.
type customContext struct {
	echo.Context
}

// customValue is one that is no pointer and embeds another.
type customValue struct {
	customContext
}

// A surrounding is middleware that an app may have around its sessions, or between them and the handler.
type surrounding struct {
	name            string
	outside, inside []echo.MiddlewareFunc
	check           func(echo.Context) error // in the handler
	unflushable     bool                     // a Flush panics here, with or without a session
	lacks           hosttest.Feature
	adds            []string // headers of every response
}

// tries reports whether to run a test of this name in the surrounding: without any, always.
func (s surrounding) tries(name string) bool { return s.name == "bare" || testsize.Try(name) }

var surroundings = []surrounding{
	{name: "bare"},
	{name: "Gzip outside", outside: []echo.MiddlewareFunc{middleware.Gzip()}, adds: ofGzip, lacks: hosttest.Hints | hosttest.Upgrade},
	{name: "Gzip inside", inside: []echo.MiddlewareFunc{middleware.Gzip()}, adds: ofGzip, lacks: hosttest.Hints | hosttest.Upgrade},
	{name: "Gzip of long bodies outside", outside: []echo.MiddlewareFunc{middleware.GzipWithConfig(middleware.GzipConfig{MinLength: 1000})}, adds: ofGzip, lacks: hosttest.Hints | hosttest.Upgrade},
	{name: "Gzip of long bodies inside", inside: []echo.MiddlewareFunc{middleware.GzipWithConfig(middleware.GzipConfig{MinLength: 1000})}, adds: ofGzip, lacks: hosttest.Hints | hosttest.Upgrade},
	{name: "BodyDump outside", outside: []echo.MiddlewareFunc{middleware.BodyDump(func(echo.Context, []byte, []byte) {})}, lacks: hosttest.Duplex},
	{name: "BodyDump inside", inside: []echo.MiddlewareFunc{middleware.BodyDump(func(echo.Context, []byte, []byte) {})}, lacks: hosttest.Duplex},
	{name: "ContextTimeout outside", outside: []echo.MiddlewareFunc{middleware.ContextTimeout(time.Minute)}},
	{name: "ContextTimeout inside", inside: []echo.MiddlewareFunc{middleware.ContextTimeout(time.Minute)}},
	{name: "Timeout outside", outside: []echo.MiddlewareFunc{timeout}, unflushable: true, lacks: hosttest.Flush | hosttest.Hijack | hosttest.Hints},
	{name: "Timeout inside", inside: []echo.MiddlewareFunc{timeout}, unflushable: true, lacks: hosttest.Flush | hosttest.Hijack | hosttest.Hints},
	{name: "RequestLogger outside", outside: []echo.MiddlewareFunc{middleware.RequestLoggerWithConfig(middleware.RequestLoggerConfig{
		HandleError:   true,
		LogValuesFunc: func(echo.Context, middleware.RequestLoggerValues) error { return nil },
	})}},
	{
		name: "custom context outside",
		outside: []echo.MiddlewareFunc{func(next echo.HandlerFunc) echo.HandlerFunc {
			return func(c echo.Context) error { return next(&customContext{c}) }
		}},
		check: func(c echo.Context) error {
			if _, ok := c.(*customContext); !ok {
				return fmt.Errorf("the context became a %T", c)
			}
			return nil
		},
	},
	{
		name: "custom context outside, a value that embeds another",
		outside: []echo.MiddlewareFunc{func(next echo.HandlerFunc) echo.HandlerFunc {
			return func(c echo.Context) error { return next(customValue{customContext{c}}) }
		}},
		check: func(c echo.Context) error {
			if _, ok := c.(customValue); !ok {
				return fmt.Errorf("the context became a %T", c)
			}
			return nil
		},
	},
	{
		name: "custom context inside",
		inside: []echo.MiddlewareFunc{func(next echo.HandlerFunc) echo.HandlerFunc {
			return func(c echo.Context) error { return next(&customContext{c}) }
		}},
		check: func(c echo.Context) error {
			if _, ok := c.(*customContext); !ok {
				return fmt.Errorf("the context became a %T", c)
			}
			return nil
		},
	},
	{name: "net/http middleware outside", outside: []echo.MiddlewareFunc{echo.WrapMiddleware(wrapWriter)}},
	{name: "net/http middleware inside", inside: []echo.MiddlewareFunc{echo.WrapMiddleware(wrapWriter)}},
}

// moreSurroundings are those that change the outcome of requests that fail, or of all.
func moreSurroundings() []surrounding {
	recovering := []echo.MiddlewareFunc{middleware.RecoverWithConfig(middleware.RecoverConfig{
		LogErrorFunc: func(_ echo.Context, err error, _ []byte) error { return err },
	})}
	logging := []echo.MiddlewareFunc{
		middleware.LoggerWithConfig(middleware.LoggerConfig{Output: io.Discard}), //nolint:staticcheck // deprecated, and in use
	}
	cors, ofCORS := []echo.MiddlewareFunc{middleware.CORS()}, []string{"Vary", "Access-Control-Allow-Origin"}
	withID := middleware.RequestIDWithConfig(middleware.RequestIDConfig{Generator: func() string { return "id" }})
	all := []echo.MiddlewareFunc{withID, middleware.Secure()}
	all = slices.Concat(all, cors, logging, recovering)
	return []surrounding{
		{name: "Recover outside", outside: recovering, lacks: hosttest.Panics},
		{name: "Recover inside", inside: recovering, lacks: hosttest.Panics},
		{name: "Logger outside", outside: logging},
		{name: "Logger inside", inside: logging},
		{name: "request replaced inside", inside: []echo.MiddlewareFunc{func(next echo.HandlerFunc) echo.HandlerFunc {
			return func(c echo.Context) error {
				c.SetRequest(c.Request().WithContext(context.WithValue(c.Request().Context(), contextKey{}, "value")))
				return next(c)
			}
		}}},
		{name: "CORS outside", outside: cors, adds: ofCORS},
		{name: "CORS inside", inside: cors, adds: ofCORS},
		{
			name: "RequestID, Secure, CORS, Logger, Recover and Gzip outside", outside: append(all, middleware.Gzip()),
			lacks: hosttest.Panics | hosttest.Hints | hosttest.Upgrade,
			adds:  slices.Concat(ofCORS, ofGzip, []string{"X-Request-Id", "X-Frame-Options", "X-Xss-Protection"}),
		},
	}
}

type contextKey struct{}

// ofGzip are headers that Gzip sets. It also holds statuses back until a body comes.
var ofGzip = []string{"Vary", "Content-Encoding"}

// timeout is deprecated and in use.
var timeout = middleware.TimeoutWithConfig(middleware.TimeoutConfig{Timeout: time.Minute}) //nolint:staticcheck // see above

// wrapWriter is a net/http middleware that wraps the writer, as many do.
func wrapWriter(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(struct{ passThrough }{passThrough{w}}, r)
	})
}

type passThrough struct{ http.ResponseWriter }

func (p passThrough) Unwrap() http.ResponseWriter { return p.ResponseWriter }
