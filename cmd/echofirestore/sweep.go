package main

import (
	"context"
	"flag"
	"fmt"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/echofirestore/echofirestore/internal/session"
)

func sweepCommand() command {
	return command{
		name:    "sweep",
		summary: "delete the documents of expired sessions",
		help: `Deletes the documents of sessions whose field expire has passed, in transactions of up to 500. It is for databases without
a TTL policy, for example as a daily job. It needs an index on expire, which Firestore has by default. A session that
somebody extends meanwhile survives. Several sweeps may run at once.

It costs one read and one delete for each document, and one read if it finds none, or none after a full batch.

Ctrl-C ends it after the batch under way, and it reports what it has deleted; a second Ctrl-C ends it at once. Either way,
what is deleted stays deleted: run it again for the rest.`,
		define: func(*flag.FlagSet) func(context.Context, *call) error { return sweep },
	}
}

func sweep(ctx context.Context, c *call) error {
	if err := c.open(ctx); err != nil {
		return err
	}
	err := c.deleteMany("deleted", "expired session", "", func(progress session.Progress) (int, error) {
		return c.core.DeleteExpired(ctx, progress)
	})
	if status.Code(err) == codes.FailedPrecondition {
		err = fmt.Errorf("%w\nWith a TTL policy on expire there is nothing to sweep. Without one, the field needs its index:\n  %s",
			err, c.gcloud().index(fieldExpire))
	}
	return err
}

// deletion is the result of a command that deletes sessions.
type deletion struct {
	Deleted  int  `json:"deleted"`
	Complete bool `json:"complete"`
}

// deleteMany has do delete documents, between whose batches the user may stop it, and prints how many it has deleted,
// whether or not it fails: verb, a number of what, and which.
func (c *call) deleteMany(verb, what, which string, do func(session.Progress) (int, error)) error {
	p := c.newProgress(verb)
	n, err := do(func(n int) error {
		p.show(n)
		if c.stopped() {
			return errStopped
		}
		return nil
	})
	p.clear()
	text := verb + " " + number(n, what) + which
	if err != nil {
		text += "; there may be more: run the command again for the rest"
	}
	if printed := c.print(deletion{n, err == nil}, text); err == nil {
		err = printed
	}
	return err
}
