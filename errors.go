package echofirestore

import (
	"errors"
	"net/http"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

var (
	// ErrGone says that a session was saved after another request had ended it: by logout, revocation or renewal.
	// Nothing was stored, and nothing may be: saving would undo the logout.
	ErrGone = errors.New("echofirestore: the session was ended by another request")

	// ErrConflict says that other requests kept changing the session for as long as this one tried to save it.
	ErrConflict = errors.New("echofirestore: the session kept changing while it was being saved")

	// ErrTooLarge says that a session does not fit into a Firestore document. Firestore was not asked.
	ErrTooLarge = errors.New("echofirestore: the session is too large for a Firestore document")

	// ErrCommitted says that a new session was saved after the response had begun, too late to send its cookie.
	// Nothing was stored.
	ErrCommitted = errors.New("echofirestore: the response has begun, the cookie of a new session can no longer be sent")

	// ErrNoMiddleware says that a handler asked for its session in a request that the middleware has not seen.
	ErrNoMiddleware = errors.New("echofirestore: no session in this request: is the middleware installed with e.Use, and not skipped?")
)

// A failure is an error on its way to the client: a load or a save that did not work out.
type failure struct {
	text   string
	err    error
	status int // the HTTP status that stands for it
}

func (f *failure) Error() string { return f.text }
func (f *failure) Unwrap() error { return f.err }

// unavailable is the failure of a Firestore operation on the documents with the given IDs, nil if err is. Firestore's
// messages quote document names, and those are credentials, so the text shows the message without them.
func unavailable(attempt string, err error, ids ...string) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	for _, id := range ids {
		text = strings.ReplaceAll(text, id, "[session]")
	}
	return &failure{text: "echofirestore: " + attempt + ": " + text, err: err, status: http.StatusServiceUnavailable}
}

// rejected is the failure of a session that cannot be stored, however often one tries.
func rejected(err error) error {
	return &failure{text: err.Error(), err: err, status: http.StatusInternalServerError}
}

func gone() error {
	return &failure{text: ErrGone.Error(), err: ErrGone, status: http.StatusConflict}
}

func conflict() error {
	return &failure{text: ErrConflict.Error(), err: ErrConflict, status: http.StatusServiceUnavailable}
}

// movedOn reports whether a write failed on its precondition, or in contention with another one. On a missing
// document an update-time precondition is answered FAILED_PRECONDITION or NOT_FOUND, depending on the server.
func movedOn(err error) bool {
	switch status.Code(err) {
	case codes.FailedPrecondition, codes.NotFound, codes.AlreadyExists, codes.Aborted:
		return true
	default:
		return false
	}
}
