package main

import (
	"context"
	"flag"
	"fmt"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func countCommand() command {
	return command{
		name:    "count",
		summary: "count living and expired sessions",
		help: `Counts the documents of the collection: all, those of expired sessions, and the rest, which are living. Firestore counts
them without reading them: it costs one read for each 1000 documents, and one for each 1000 expired ones, each at least 1.

Expired sessions are found by an index on the field expire. With a TTL policy, that field is usually exempt from indexing:
then only their total is known, which is printed without the rest. A document that no session can be read from counts as
living.`,
		define: func(*flag.FlagSet) func(context.Context, *call) error { return count },
	}
}

// counts is the result of count.
type counts struct {
	Documents int  `json:"documents"`
	Living    *int `json:"living"` // nil: unknown
	Expired   *int `json:"expired"`
}

func count(ctx context.Context, c *call) error {
	if err := c.open(ctx); err != nil {
		return err
	}
	ctx, cancel := c.untilStopped(ctx)
	defer cancel()
	all, err := c.core.Count(ctx)
	if err != nil {
		return stoppedOr(ctx, err)
	}
	expired, err := c.core.CountExpired(ctx)
	if status.Code(err) == codes.FailedPrecondition {
		return c.print(counts{Documents: all}, fmt.Sprintf("documents  %d\nliving     unknown\nexpired    unknown: Firestore has no index "+
			"on the field expire to count them by, as is usual with a TTL policy", all))
	}
	if err != nil {
		return stoppedOr(ctx, err)
	}
	living := max(0, all-expired)
	return c.print(counts{all, &living, &expired}, fmt.Sprintf("documents  %d\nliving     %d\nexpired    %d", all, living, expired))
}

// stoppedOr returns errStopped if that is why ctx has ended, or else err.
func stoppedOr(ctx context.Context, err error) error {
	if context.Cause(ctx) == errStopped { //nolint:errorlint // it is the cause, not wrapped
		return errStopped
	}
	return err
}
