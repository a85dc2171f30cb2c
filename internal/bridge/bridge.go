// Package bridge gives the adapters for frameworks the core of a firesession.Store, which package firesession does not export.
package bridge

import "github.com/echofirestore/echofirestore/internal/session"

// Core returns the core of a *firesession.Store. Package firesession sets it.
var Core func(store any) *session.Store
