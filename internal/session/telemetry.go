package session

import (
	"context"
	"errors"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/grpc/codes"

	"github.com/echofirestore/echofirestore/internal/telemetry"
)

// begin begins an operation, which endOperation ends, and returns the context for its calls.
func (s *Store) begin(ctx context.Context, kind telemetry.Kind) (context.Context, *telemetry.Operation) {
	op := s.firestore.recorder.Begin(ctx, kind)
	return op, op
}

// observe begins the operation of a commit, and returns what ends it. The commit of an Update is part of the Update.
func (c *commit) observe(ctx context.Context) (within context.Context, end func(error)) {
	if c.writeID != "" {
		c.op = telemetry.Current(ctx)
		return ctx, func(error) {}
	}
	ctx, c.op = c.begin(ctx, telemetry.Save)
	return ctx, func(err error) { endOperation(c.op, err) }
}

// ours returns err if it is an error of this package's, and not of the function of an Update.
func ours(err error) error {
	if _, ok := errors.AsType[*failure](err); ok {
		return err
	}
	return nil
}

// outcome returns what a commit has done, if there was no error.
func (c *commit) outcome() telemetry.Outcome {
	switch {
	case c.rec.state.in(vanished, dropped):
		return telemetry.Gone
	case c.did == doNothing, c.did == doReread:
		return telemetry.None // another request has extended the session
	case c.did == doEnd && c.op.Billed().Deletes == 0:
		return telemetry.None // there was no session
	case c.rec.state == absent:
		return telemetry.Deleted
	case c.did == doCreate:
		return telemetry.Created
	case c.did == doTouch:
		return telemetry.Touched
	case c.did == doRenew:
		return telemetry.Renewed
	case c.merged:
		return telemetry.Merged
	default:
		return telemetry.Changed
	}
}

// endCheck is endOperation for one that has found neither a session nor something to do.
func endCheck(op *telemetry.Operation, err error) {
	op.Outcome = telemetry.None
	endOperation(op, err)
}

// endDeleting is endOperation for one whose outcome is in what it has deleted.
func endDeleting(op *telemetry.Operation, err error) {
	op.Outcome = telemetry.None
	if op.Billed().Deletes > 0 {
		op.Outcome = telemetry.Deleted
	}
	endOperation(op, err)
}

// endOperation ends an operation that has failed with err, if that is not nil.
func endOperation(op *telemetry.Operation, err error) {
	switch {
	case err == nil:
	case errors.Is(err, ErrGone):
		op.Outcome = telemetry.Gone
	case errors.Is(err, ErrConflict):
		op.Outcome = telemetry.Conflict
	default:
		op.Outcome = telemetry.Failed
	}
	op.End(causeOf(err))
}

// causeOf returns the error.type of an error, "" for nil: the code of Firestore's answer, or which error of this package it is.
func causeOf(err error) string {
	answer, ok := errors.AsType[grpcError](err)
	switch {
	case err == nil:
		return ""
	case ok:
		return codeName(answer.GRPCStatus().Code())
	case errors.Is(err, ErrGone):
		return "gone"
	case errors.Is(err, ErrConflict):
		return "conflict"
	case errors.Is(err, ErrTooLarge):
		return "too_large"
	case errors.Is(err, ErrCommitted):
		return "committed"
	default:
		return "_OTHER" // as the conventions call it
	}
}

// codeName returns the name of a gRPC code as the conventions write it, such as "UNAVAILABLE".
func codeName(c codes.Code) string { return code.Code(c).String() }
