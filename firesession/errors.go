package firesession

import (
	"errors"

	"github.com/echofirestore/echofirestore/internal/session"
)

var (
	// ErrGone says that a session was saved after another request had ended it, by logout, revocation or renewal, or after
	// it had expired. Nothing was stored, and nothing may be: saving would undo the logout.
	ErrGone = session.ErrGone

	// ErrConflict says that other requests kept changing the session for as long as this one tried to save it, or that
	// Firestore aborted every attempt for contention of its own: then status.Code of the error is codes.Aborted.
	ErrConflict = session.ErrConflict

	// ErrTooLarge says that a session does not fit into a Firestore document. Firestore was not asked.
	ErrTooLarge = session.ErrTooLarge

	// ErrCommitted says that a new session was saved after the response had begun, too late to send its cookie.
	// Nothing was stored.
	ErrCommitted = session.ErrCommitted

	// ErrNoMiddleware says that a handler asked for its session in a request that has not come through [Store.Handler].
	ErrNoMiddleware = errors.New("echofirestore: no session in this request: has it come through the Store's Handler?")
)
