package echofirestore

import (
	"github.com/echofirestore/echofirestore/firesession"
	"github.com/echofirestore/echofirestore/internal/bridge"
	"github.com/echofirestore/echofirestore/internal/session"
	"github.com/labstack/echo/v5"
)

// Store keeps sessions in Firestore. It gives Echo its [Store.Middleware], and has the methods of [firesession.Store]:
//
//   - Get, New and Save make it gorilla's sessions.Store, for any net/http program; Update changes a session in one step;
//   - Handler is the middleware of net/http, which saves automatically;
//   - Sessions, Revoke, RevokeUser, RevokeAll and DeleteExpired list and end sessions; SessionID and Ended describe one.
//
// It is safe for concurrent use, starts no goroutine, and need not be closed.
type Store struct {
	*firesession.Store
	core         *session.Store
	skipper      func(*echo.Context) bool
	errorHandler func(*echo.Context, error) error
}

// NewStore returns the Store that cfg describes, or an error that names what is wrong with cfg.
func NewStore(cfg Config) (*Store, error) {
	inner, err := firesession.NewStore(cfg.core())
	if err != nil {
		return nil, err
	}
	s := &Store{Store: inner, core: bridge.Core(inner), skipper: cfg.Skipper, errorHandler: cfg.ErrorHandler}
	if s.errorHandler == nil {
		s.errorHandler = toHTTPError
	}
	s.core.Face(s)
	return s, nil
}
