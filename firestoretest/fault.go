package firestoretest

import (
	"context"
	"path"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
)

// Fault makes calls fail or wait. The zero value hits the next call, whichever it is, and does
// nothing to it.
type Fault struct {
	// Method is the name of the calls that match, such as "Commit" or
	// "BatchGetDocuments"; "" matches any.
	Method string

	// Skip is how many matching calls pass first. 0: the next one is hit.
	Skip int

	// Times is how many matching calls are hit after those. 0 means 1. A negative number means
	// all of them, until the fault is removed.
	Times int

	// Err is the error that a call returns in place of its result. An error with a gRPC
	// status is sent with its code, others as codes.Unknown. nil: the call returns as usual.
	Err error

	// After applies the call first and then returns Err, whatever the result was, as if
	// the answer was lost on its way. If After is false, a call with an Err is not applied.
	After bool

	// Delay is how long a call waits before it is applied or, with After, between being applied
	// and answering. If its caller gives up meanwhile, the call ends at once; without After, it
	// is then not applied.
	Delay time.Duration

	// Do, if not nil, runs at the beginning of the Delay, even if that is 0. It can change
	// something that the call then finds changed. It runs once for each call that is hit,
	// concurrently if they are concurrent. Server.Close waits for it to return.
	Do func()
}

// Inject makes f hit calls from now on, until it has hit as many as it should, or until remove
// is called. remove may be called more than once, or never.
//
// Faults are tried in the order in which they were injected. The first that is due hits the
// call; those after it do not count the call as skipped.
func (s *Server) Inject(f Fault) (remove func()) {
	return s.faults.inject(f)
}

// faults is the layer that makes calls fail.
type faults struct {
	mu      sync.Mutex
	pending []*Fault
}

func (fs *faults) inject(f Fault) (remove func()) {
	if f.Times == 0 {
		f.Times = 1
	}
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.pending = append(fs.pending, &f)
	return func() {
		fs.mu.Lock()
		defer fs.mu.Unlock()
		fs.remove(&f)
	}
}

func (fs *faults) remove(f *Fault) {
	fs.pending = slices.DeleteFunc(fs.pending, func(p *Fault) bool { return p == f })
}

// take returns the fault that hits a call of the method, if any does.
func (fs *faults) take(method string) (Fault, bool) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for _, f := range fs.pending {
		switch {
		case f.Method != "" && f.Method != method:
		case f.Skip > 0:
			f.Skip--
		case f.Times == 1:
			fs.remove(f)
			return *f, true
		default:
			if f.Times > 0 {
				f.Times--
			}
			return *f, true
		}
	}
	return Fault{}, false
}

func (fs *faults) unary(
	ctx context.Context, req any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler,
) (any, error) {
	f, ok := fs.take(path.Base(info.FullMethod))
	if !ok {
		return handle(ctx, req)
	}
	var resp any
	err := f.strike(ctx, func() (err error) {
		resp, err = handle(ctx, req)
		return err
	})
	return resp, err
}

func (fs *faults) stream(
	srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handle grpc.StreamHandler,
) error {
	f, ok := fs.take(path.Base(info.FullMethod))
	if !ok {
		return handle(srv, stream)
	}
	if !f.After {
		return f.strike(stream.Context(), func() error { return handle(srv, stream) })
	}
	held := &heldStream{ServerStream: stream}
	if err := f.strike(stream.Context(), func() error { return handle(srv, held) }); err != nil {
		return err
	}
	return held.release()
}

// strike returns what a call answers that f hits; apply makes the call.
func (f Fault) strike(ctx context.Context, apply func() error) error {
	var err error
	if f.After {
		err = apply()
	}
	if f.Do != nil {
		f.Do()
	}
	if gaveUp := wait(ctx, f.Delay); gaveUp != nil {
		return gaveUp
	}
	switch {
	case f.Err != nil:
		return f.Err
	case f.After:
		return err
	default:
		return apply()
	}
}

// wait returns nil after d, or earlier the status of a ctx that is over.
func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return status.FromContextError(ctx.Err()).Err()
	}
}

// heldStream keeps its messages back until they are released.
type heldStream struct {
	grpc.ServerStream
	held []any
}

func (s *heldStream) SendMsg(m any) error {
	s.held = append(s.held, m)
	return nil
}

func (s *heldStream) release() error {
	for _, m := range s.held {
		if err := s.ServerStream.SendMsg(m); err != nil {
			return err
		}
	}
	return nil
}
