package firesession

import (
	"errors"

	"github.com/echofirestore/echofirestore/internal/session"
)

var (
	// ErrGone says that a session was saved after it had ended: another request had destroyed,
	// revoked or renewed it, or it had expired. Nothing was stored, since that would undo a logout.
	ErrGone = session.ErrGone

	// ErrConflict says that other requests kept changing the session while it was being saved, or
	// that Firestore aborted every attempt because of contention of its own; in that case
	// status.Code of the error is codes.Aborted.
	ErrConflict = session.ErrConflict

	// ErrTooLarge says that a session does not fit into a Firestore document. No call was made.
	ErrTooLarge = session.ErrTooLarge

	// ErrCommitted says that a new session was saved after the response had begun, when its cookie
	// could no longer be sent. Nothing was stored.
	ErrCommitted = session.ErrCommitted

	// ErrNoMiddleware says that a handler asked for its session in a request that did not pass the
	// Store's Handler.
	ErrNoMiddleware = errors.New("echofirestore: no session in this request: has it come through the Store's Handler?")
)
