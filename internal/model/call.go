package model

import (
	"context"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/echofirestore/echofirestore/internal/bubble"
)

// A call is one RPC of a visit on its way. It stops until the history says whether it arrives, whether its answer does, and
// when.
type call struct {
	bubble.Call
	sent     time.Time     // by the history's clock
	arrived  bool          // at the server, which has given its answer
	applied  bool          // and it was no error
	tick     int           // when it arrived
	found    *state        // of a read that has arrived: what it found
	answered chan struct{} // closed when the caller is to have its responses or its error
	gaveUp   bool          // the caller waits no more
}

func newCall(method string, req proto.Message) *call {
	return &call{Call: bubble.Call{Method: method, Request: req}, answered: make(chan struct{})}
}

// errCrashed ends the rest of a request whose process has crashed: nobody gets its answers.
var errCrashed = status.Error(codes.PermissionDenied, "the process is no more")

// carry has a history decide what becomes of the calls of its visits. Others pass.
func carry(ctx context.Context, made *bubble.Call) bool {
	v, ok := ctx.Value(visitKey{}).(*visit)
	if !ok {
		return false
	}
	if v.crashed {
		made.Err = errCrashed
		return true
	}
	c := newCall(made.Method, made.Request)
	select {
	case v.calls <- c:
	case <-ctx.Done():
		made.Err = status.FromContextError(ctx.Err()).Err()
		return true
	}
	select {
	case <-c.answered:
		made.Responses, made.Err = c.Responses, c.Err
	case <-ctx.Done():
		v.h.follow()
		c.gaveUp = true
		made.Err = status.FromContextError(ctx.Err()).Err()
	}
	return true
}
