package session

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"google.golang.org/api/googleapi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/echofirestore/echofirestore/internal/document"
)

var (
	// ErrGone means that the session has ended: another request has destroyed, revoked or renewed
	// it, or it has expired. Nothing was stored, because that would undo a logout.
	ErrGone = errors.New("echofirestore: the session has ended: another request ended it, or it has expired")

	// ErrConflict means that other requests kept changing the session while it was being saved, or
	// that Firestore aborted every attempt because of contention. In the second case, status.Code
	// of the error is codes.Aborted.
	ErrConflict = errors.New("echofirestore: the session kept changing while it was being saved")

	// ErrTooLarge means that the session does not fit into a Firestore document. No call was made.
	ErrTooLarge = document.ErrTooLarge

	// ErrCommitted means that a new session was saved after the response had begun, when its cookie
	// could no longer be sent. Nothing was stored.
	ErrCommitted = errors.New("echofirestore: the response has begun, the cookie of a new session can no longer be sent: save it before the first byte")
)

// A failure is an error on its way to the client: a load or a save that did not work out.
type failure struct {
	text   string
	err    error
	status int // the HTTP status that stands for it
}

func (f *failure) Error() string { return f.text }
func (f *failure) Unwrap() error { return f.err }

// StatusCode makes Echo 5 answer with this status where Config.ErrorHandler is not asked, and middleware log it.
func (f *failure) StatusCode() int { return f.status }

// failed returns the failure of a call that began at start, nil if err is. Firestore's messages and details quote the
// names of documents, and those are credentials, so err itself is not in the chain: only its code, its message without
// the call's documents, and the error of a context that has ended.
func (g gateway) failed(ctx context.Context, attempt string, start time.Time, err error, ids ...string) error {
	if err == nil {
		return nil
	}
	answer := statusOf(err)
	told := status.Error(answer.Code(), redact(answer.Message(), g.collection.ID, ids))
	ended := ctx.Err()
	if answer.Code() == codes.DeadlineExceeded || errors.Is(err, context.DeadlineExceeded) {
		ended = context.DeadlineExceeded // Firestore, or whoever was to wait beyond it, has noticed that before ctx
	}
	text := "echofirestore: " + attempt + ": " + g.database
	took := time.Since(start).Round(10 * time.Millisecond)
	switch {
	case !errors.Is(ended, context.DeadlineExceeded):
		text += ": " + told.Error()
	case answer.Code() != codes.DeadlineExceeded:
		text += fmt.Sprintf(" failed for %v: %v", took, told)
	case errors.As(err, new(grpcError)):
		text += fmt.Sprintf(" did not answer within %v: %v", took, told)
	default: // the client was waiting to try again, and does not say after what
		text += fmt.Sprintf(" did not answer within %v, or only with a code after which the client tries again, such as "+
			"UNAVAILABLE (not reachable, overloaded) or RESOURCE_EXHAUSTED (a quota)", took)
	}
	if answer.Code() == codes.PermissionDenied {
		text += " (has the account of this program the role roles/datastore.user in this project?)"
	}
	chain := []error{told}
	if ended != nil {
		chain = append(chain, ended)
	}
	if answer.Code() == codes.Aborted {
		chain = append(chain, ErrConflict)
	}
	return &failure{text: text, err: errors.Join(chain...), status: http.StatusServiceUnavailable}
}

// grpcError is an error with a gRPC status.
type grpcError interface {
	error
	GRPCStatus() *status.Status
}

// statusOf returns the status of an error of Firestore's client. That of a REST client bears the HTTP status of the
// answer, which stands for several codes, and the code itself in the body.
func statusOf(err error) *status.Status {
	if answer, ok := errors.AsType[*googleapi.Error](err); ok {
		var body struct{ Error struct{ Status codes.Code } }
		if json.Unmarshal([]byte(answer.Body), &body) == nil && body.Error.Status != codes.OK {
			return status.New(body.Error.Status, answer.Message)
		}
	}
	if answer, ok := errors.AsType[grpcError](err); ok {
		return answer.GRPCStatus()
	}
	return status.FromContextError(err)
}

// HTTPStatus returns the status of the error response for err.
func HTTPStatus(err error) int {
	if f, ok := errors.AsType[*failure](err); ok {
		return f.status
	}
	return http.StatusServiceUnavailable
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

// movedOn reports whether a write failed on its precondition. On a missing document an update-time precondition is
// answered FAILED_PRECONDITION or NOT_FOUND, depending on the server.
func movedOn(err error) bool {
	switch status.Code(err) {
	case codes.FailedPrecondition, codes.NotFound, codes.AlreadyExists:
		return true
	default:
		return false
	}
}

// outcomeUnknown reports whether a write may have been applied although it failed.
func outcomeUnknown(err error) bool {
	answer, ok := errors.AsType[grpcError](err)
	return ok && slices.Contains([]codes.Code{
		codes.Internal, codes.Unknown, codes.DeadlineExceeded, codes.Unavailable, codes.Canceled,
	}, answer.GRPCStatus().Code())
}
