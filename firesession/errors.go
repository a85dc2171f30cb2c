package firesession

import (
	"errors"

	"github.com/echofirestore/echofirestore/internal/session"
)

var (
	// ErrGone means that the session has ended: another request has destroyed, revoked or renewed
	// it, or it has expired. Nothing was stored, because that would undo a logout.
	ErrGone = session.ErrGone

	// ErrConflict means that other requests kept changing the session while it was being saved, or
	// that Firestore aborted every attempt because of contention. In the second case, status.Code
	// of the error is codes.Aborted.
	ErrConflict = session.ErrConflict

	// ErrTooLarge means that the session does not fit into a Firestore document. No call was made.
	ErrTooLarge = session.ErrTooLarge

	// ErrCommitted means that a new session was saved after the response had begun, when its cookie
	// could no longer be sent. Nothing was stored.
	ErrCommitted = session.ErrCommitted

	// ErrNoMiddleware means that a handler asked for its session in a request that did not pass the
	// Store's Handler.
	ErrNoMiddleware = errors.New("echofirestore: no session in this request: has it come through the Store's Handler?")
)
