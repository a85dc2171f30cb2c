package session

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// TestRepeat runs what fails with codes, one for each attempt and the last one for ever, within ten seconds.
func TestRepeat(t *testing.T) {
	t.Parallel()
	const hang, cancel = codes.Code(100), codes.Code(101) // an attempt that takes all of the time, or in which the caller leaves
	for _, tt := range []struct {
		name     string
		attempts []codes.Code
		want     codes.Code
		is       error
		min, max int           // attempts
		least    time.Duration // and how long they take
		most     time.Duration
	}{
		{"success", []codes.Code{codes.OK}, codes.OK, nil, 1, 1, 0, 0},
		{"another code", []codes.Code{codes.NotFound}, codes.NotFound, nil, 1, 1, 0, 0},
		{"once", []codes.Code{codes.Aborted, codes.OK}, codes.OK, nil, 2, 2, 10 * time.Millisecond, 20 * time.Millisecond},
		{"three times", []codes.Code{codes.Aborted, codes.Aborted, codes.Aborted, codes.OK}, codes.OK, nil, 4, 4, 70 * time.Millisecond, 140 * time.Millisecond},
		{"then another code", []codes.Code{codes.Aborted, codes.NotFound}, codes.NotFound, nil, 2, 2, 10 * time.Millisecond, 20 * time.Millisecond},
		{"for ever", []codes.Code{codes.Aborted}, codes.Aborted, context.DeadlineExceeded, 11, 17, 7 * time.Second, 10 * time.Second},
		{"then no answer", []codes.Code{codes.Aborted, hang}, codes.Aborted, context.DeadlineExceeded, 2, 2, 10 * time.Second, 10 * time.Second},
		{"no answer", []codes.Code{hang}, codes.DeadlineExceeded, nil, 1, 1, 10 * time.Second, 10 * time.Second},
		{"the caller leaves", []codes.Code{codes.Aborted, cancel}, codes.Aborted, context.Canceled, 2, 2, 10 * time.Millisecond, 20 * time.Millisecond},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, leave := context.WithTimeout(t.Context(), 10*time.Second)
				defer leave()
				start, n := time.Now(), 0
				err := repeat(ctx, codes.Aborted, func() error {
					code := tt.attempts[min(n, len(tt.attempts)-1)]
					n++
					switch code {
					case hang:
						<-ctx.Done()
						return status.FromContextError(ctx.Err()).Err()
					case cancel:
						leave()
						code = codes.Aborted
					}
					return status.Error(code, "because")
				})
				took := time.Since(start)
				if status.Code(err) != tt.want || tt.is != nil && !errors.Is(err, tt.is) {
					t.Errorf("error %v, want %v", err, tt.want)
				}
				if n < tt.min || n > tt.max || took < tt.least || took > tt.most {
					t.Errorf("%d attempts in %v, want %d to %d in %v to %v", n, took, tt.min, tt.max, tt.least, tt.most)
				}
			})
		})
	}
}
