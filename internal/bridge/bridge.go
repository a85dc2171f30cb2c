// Package bridge leads the adapters for frameworks to the inside of package firesession, which shows it to nobody else.
package bridge

import "github.com/echofirestore/echofirestore/internal/session"

// Core returns what is inside a *firesession.Store. Package firesession sets it.
var Core func(store any) *session.Store
