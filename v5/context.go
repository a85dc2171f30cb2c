package echofirestore

import (
	"github.com/echofirestore/echofirestore/internal/session"
	"github.com/labstack/echo/v5"
)

// The keys of what this package stores in Echo's contexts. Echo clears a context before it uses it for another request.
const (
	// contribKey is where github.com/labstack/echo-contrib/v5/session looks for the store.
	contribKey = "_session_store"

	// exchangeKey is where the functions of this package find the exchange.
	exchangeKey = "echofirestore.exchange"

	// ownerKey is where an exchange finds out whether the context still belongs to its request.
	ownerKey = "echofirestore.owner"
)

// exchangeIn returns the exchange that c belongs to. In an Echo that is mounted in another one, only the request knows it.
func exchangeIn(c *echo.Context) (*session.Exchange, error) {
	if x, ok := c.Get(exchangeKey).(*session.Exchange); ok {
		return x, nil
	}
	if x := session.ExchangeOf(c.Request().Context(), nil); x != nil {
		return x, nil
	}
	return nil, ErrNoMiddleware
}
