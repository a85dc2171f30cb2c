package session

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"google.golang.org/grpc/codes"
)

// The time before a call is repeated begins with about the first and doubles up to about the second: contention may last
// for as long as Firestore takes to scale, see https://cloud.google.com/firestore/native/docs/understand-error-codes.
const (
	firstBackoff = 20 * time.Millisecond
	lastBackoff  = 2 * time.Second
)

// repeat calls do until it does not fail with code any more, or ctx has no time for another attempt.
func repeat(ctx context.Context, code codes.Code, do func() error) error {
	var last error // with code: if the time ends in an attempt, the reason is here
	for backoff := firstBackoff; ; backoff = min(2*backoff, lastBackoff) {
		err := do()
		switch {
		case err == nil:
			return nil
		case statusOf(err).Code() == code:
			last = err
		case last != nil && ctx.Err() != nil:
			return fmt.Errorf("%w (%w)", last, ctx.Err())
		default:
			return err
		}
		if stopped := sleep(ctx, backoff/2+rand.N(backoff/2)); stopped != nil { //nolint:gosec // jitter, not a secret
			return fmt.Errorf("%w (%w)", last, stopped)
		}
	}
}

// sleep returns nil after d, or else why ctx has ended by then: at once, if that is known.
func sleep(ctx context.Context, d time.Duration) error {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= d {
		return context.DeadlineExceeded
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
