package echofirestore

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"sync"
	"sync/atomic"

	"github.com/labstack/echo/v4"

	"github.com/echofirestore/echofirestore/internal/session"
)

const (
	// contribKey is where github.com/labstack/echo-contrib/session looks for the store.
	contribKey = "_session_store"

	// exchangeKey is where the functions of this package find the exchange in a handlerContext. ownerKey is where they find
	// it in Echo's own context: there, it belongs to the request for which Echo uses the context now.
	exchangeKey = "echofirestore.exchange"
	ownerKey    = "echofirestore.owner"
)

// handlerContext is the context that handlers get. It reads the session when one asks for it.
//
// Echo reuses its own contexts, even while a handler that its Timeout has abandoned is still running, or a goroutine of one.
// So this package keeps the exchange here, not in Echo's context.
type handlerContext struct {
	echo.Context
	outer        echo.Context    // as the middleware got it: Context, or a context that embeds it
	shared       embeddedContext // of middleware outside, whose context embeds this one
	x            *session.Exchange
	errorHandler func(echo.Context, error) error
	request      atomic.Pointer[http.Request]
	contrib      atomic.Pointer[any] // what handlers have stored under contribKey, instead of the exchange
}

func (c *handlerContext) init(s *Store, x *session.Exchange, outer echo.Context) {
	c.Context, c.outer, c.x, c.errorHandler = outer, outer, x, s.errorHandler
	c.request.Store(outer.Request())
}

// Get implements [echo.Context].
func (c *handlerContext) Get(key string) any {
	switch key {
	case SessionKey:
		return c.x.Session(c.Request().Context())
	case exchangeKey:
		return c.x
	case contribKey:
		if store := c.contrib.Load(); store != nil {
			return *store
		}
		return c.x
	default:
		return c.Context.Get(key)
	}
}

// Set implements [echo.Context].
func (c *handlerContext) Set(key string, value any) {
	if key == contribKey {
		c.contrib.Store(&value)
	}
	c.Context.Set(key, value)
}

// Request implements [echo.Context].
func (c *handlerContext) Request() *http.Request { return c.request.Load() }

// SetRequest implements [echo.Context].
func (c *handlerContext) SetRequest(r *http.Request) {
	c.request.Store(r)
	if !c.x.IsOver() {
		c.Context.SetRequest(r)
	}
}

// Response implements [echo.Context]. When the exchange is over, it returns a response that leads nowhere, because Echo's may
// soon belong to another request. Middleware outside that shares the context still gets Echo's until the request ends.
func (c *handlerContext) Response() *echo.Response {
	if !c.x.IsOver() || c.shared.original != nil && !c.x.HasEnded() && c.x.Owned() {
		return c.Context.Response()
	}
	return echo.NewResponse(session.NowhereWriter(), c.Echo())
}

// Error implements [echo.Context]. Middleware inside, such as BodyDump, calls it to answer errors.
func (c *handlerContext) Error(err error) {
	if err = c.passOn(err); err != nil {
		c.Context.Error(err)
	}
}

// translate passes the handlers' error to Config.ErrorHandler if it is one of this package's, and has not been answered yet: a
// write to a response that was replaced returns the same error.
func (c *handlerContext) translate(err error) error {
	if !c.x.Answers(err) || c.x.Answered() {
		return err
	}
	if c.x.Waits() {
		c.x.ResetHeader(c.outer.Response().Header()) // the error response has none of the handlers' headers
	}
	return c.handle(err)
}

// handle calls Config.ErrorHandler. If that does nothing, handle returns the default error.
func (c *handlerContext) handle(err error) error {
	c.showSession()
	answered := c.errorHandler(c.outer, err)
	if answered == nil && !c.outer.Response().Committed {
		return toHTTPError(c.outer, err)
	}
	return answered
}

// passOn returns the error of handlers for Echo's HTTPErrorHandler to answer, if Config.ErrorHandler does not.
func (c *handlerContext) passOn(err error) error {
	c.showSession()
	return c.translate(err)
}

// showSession lets error handlers, which get Echo's own context, find the session if a handler has asked for it.
func (c *handlerContext) showSession() {
	if sess := c.x.Loaded(); sess != nil && c.x.Owned() {
		c.outer.Set(SessionKey, sess)
	}
}

// wrap returns the context for the handlers. If middleware outside made a context of the application's own type, that type
// stays, because handlers assert it: wrap replaces the echo.Context that it embeds.
func (c *handlerContext) wrap() echo.Context {
	if _, ours := c.Context.(*handlerContext); ours || reflect.TypeOf(c.Context) == plainContext {
		return c
	}
	v := reflect.Indirect(reflect.ValueOf(c.outer))
	index := embeddedContextIn(v.Type())
	if index == nil {
		return c
	}
	byValue := !v.CanSet() // it is a struct, not a pointer to one
	if byValue {
		addressable := reflect.New(v.Type()).Elem()
		addressable.Set(v)
		v = addressable
	}
	field, err := v.FieldByIndexErr(index)
	if err != nil || field.IsNil() || !field.CanSet() {
		return c
	}
	c.Context = field.Interface().(echo.Context)
	field.Set(reflect.ValueOf(c))
	if byValue {
		return v.Interface().(echo.Context)
	}
	c.shared = embeddedContext{field: field, original: c.Context}
	return c.outer
}

// unwrap takes back what wrap has done to the application's context, unless a handler may go on with it after a time-out:
// then it must not become another request's.
func (c *handlerContext) unwrap() {
	timedOut := errors.Is(c.Request().Context().Err(), context.DeadlineExceeded) && !c.x.HasEnded()
	// What answers for a handler that takes too long, as net/http.TimeoutHandler does, chooses among these.
	if timedOut || c.x.Status() == http.StatusRequestTimeout || c.x.Status() >= http.StatusInternalServerError {
		return
	}
	c.shared.restore()
}

// An embeddedContext is the field of an application's context in which a handlerContext was put.
type embeddedContext struct {
	field    reflect.Value
	original echo.Context
}

// restore restores the original value of the field.
func (e embeddedContext) restore() {
	if e.original != nil {
		e.field.Set(reflect.ValueOf(e.original))
	}
}

// plainContext is Echo's own type, which no handler can assert.
var plainContext = reflect.TypeOf(echo.New().NewContext(nil, nil))

// embeddedContexts remembers the result of embeddedContextIn for each type.
var embeddedContexts sync.Map // of reflect.Type to []int

// embeddedContextIn returns the index of the echo.Context embedded in a struct type, and nil if there is none.
func embeddedContextIn(t reflect.Type) []int {
	if index, ok := embeddedContexts.Load(t); ok {
		return index.([]int)
	}
	var index []int
	if t.Kind() == reflect.Struct {
		if field, ok := t.FieldByName("Context"); ok && field.Anonymous && field.Type == reflect.TypeFor[echo.Context]() {
			index = field.Index
		}
	}
	embeddedContexts.Store(t, index)
	return index
}

// exchangeIn returns the exchange that c belongs to.
func exchangeIn(c echo.Context) (*session.Exchange, error) {
	if x, ok := c.Get(exchangeKey).(*session.Exchange); ok {
		return x, nil
	}
	if h, ok := c.Get(ownerKey).(*echoHost); ok {
		return &h.Exchange, nil
	}
	if x := session.ExchangeOf(c.Request().Context(), nil); x != nil {
		return x, nil
	}
	return nil, ErrNoMiddleware
}
