package echofirestore

import (
	"github.com/echofirestore/echofirestore/firesession"
	"github.com/echofirestore/echofirestore/internal/bridge"
	"github.com/echofirestore/echofirestore/internal/session"
	"github.com/labstack/echo/v5"
)

// Store keeps sessions in Firestore. [Store.Middleware] returns its middleware for Echo. It also has the methods of
// [firesession.Store], which are described there:
//
//   - [firesession.Store.Get], [firesession.Store.New] and [firesession.Store.Save] make it gorilla's [sessions.Store],
//     for any net/http program. [firesession.Store.Update] changes a session in one step, and [firesession.Store.Refresh]
//     reads it again.
//   - [firesession.Store.Handler] is its middleware for net/http, which saves automatically.
//   - [firesession.Store.Sessions] lists the sessions of a user, and [firesession.Store.All] those of everybody.
//     [firesession.Store.Revoke], [firesession.Store.RevokeUser] and [firesession.Store.RevokeAll] end sessions.
//     [firesession.Store.DeleteExpired] deletes those that have expired.
//   - [firesession.Store.Check] is for a readiness probe.
//   - [firesession.Store.SessionID] returns the ID of a session in these lists. [firesession.Store.Ended] reports whether
//     the client's session is over.
//
// A Store is safe for concurrent use, starts no goroutine, and need not be closed.
type Store struct {
	*firesession.Store
	core         *session.Store
	skipper      func(*echo.Context) bool
	errorHandler func(*echo.Context, error) error
}

// NewStore returns a Store, or an error that names everything that is wrong with cfg.
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
