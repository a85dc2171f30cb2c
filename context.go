package echofirestore

import (
	"context"
	"reflect"
	"sync"

	"github.com/labstack/echo/v4"
)

// contribKey is where github.com/labstack/echo-contrib/session looks for the store.
const contribKey = "_session_store"

// ownerKey is where an exchange finds out whether its context is still its own.
const ownerKey = "echofirestore.exchange"

// exchangeKey finds an exchange in a request's context: the innermost of store, or of all for nil.
type exchangeKey struct{ store *Store }

// requestContext is the context of a request that the middleware has seen.
type requestContext struct {
	context.Context
	x *exchange
}

// Value implements [context.Context].
func (c *requestContext) Value(key any) any {
	if key, ok := key.(exchangeKey); ok && (key.store == nil || key.store == c.x.store) {
		return c.x
	}
	return c.Context.Value(key)
}

// echoContext is the context that handlers get. It reads the session when one asks for it.
type echoContext struct {
	echo.Context
	x *exchange
}

// Get implements [echo.Context].
func (c *echoContext) Get(key string) any {
	if key == SessionKey {
		return c.x.open(c.x.store.cfg.CookieName, true).Session
	}
	return c.Context.Get(key)
}

// Error implements [echo.Context]: middleware within answers errors by it, such as BodyDump.
func (c *echoContext) Error(err error) {
	if err = c.x.translate(err); err != nil {
		c.Context.Error(err)
	}
}

// handlerContext returns c such that its Get knows the session. A context of the application's own type, made by
// middleware outside, keeps that type, for handlers assert it: the echo.Context that it embeds is replaced.
func (x *exchange) handlerContext(c echo.Context) echo.Context {
	x.echoContext = echoContext{Context: c, x: x}
	if _, ours := c.(*echoContext); ours || reflect.TypeOf(c) == plainContext {
		return &x.echoContext
	}
	v := reflect.Indirect(reflect.ValueOf(c))
	index := embeddedContext(v.Type())
	if index == nil {
		return &x.echoContext
	}
	if !v.CanSet() { // a struct, not a pointer to one
		addressable := reflect.New(v.Type()).Elem()
		addressable.Set(v)
		v = addressable
	}
	field, err := v.FieldByIndexErr(index)
	if err != nil || field.IsNil() || !field.CanSet() {
		return &x.echoContext
	}
	x.echoContext.Context = field.Interface().(echo.Context)
	field.Set(reflect.ValueOf(&x.echoContext))
	if reflect.TypeOf(c).Kind() != reflect.Pointer {
		return v.Interface().(echo.Context)
	}
	return c
}

// plainContext is Echo's own type, which no handler can assert.
var plainContext = reflect.TypeOf(echo.New().NewContext(nil, nil))

// embeddedContexts remembers the result of embeddedContext for each type.
var embeddedContexts sync.Map // of reflect.Type to []int

// embeddedContext returns the index of the echo.Context embedded in a struct type, and nil if there is none.
func embeddedContext(t reflect.Type) []int {
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
