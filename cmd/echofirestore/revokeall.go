package main

import (
	"context"
	"flag"

	"github.com/echofirestore/echofirestore/internal/session"
)

func revokeAllCommand() command {
	return command{
		name:    "revoke-all",
		summary: "end all sessions: everybody signs in again",
		help: `Deletes every document of the collection, in transactions of up to 500, for example after a key was stolen or a backup
restored. It does nothing without -yes.

It costs one read and one delete for each document, and one or two reads more.

Ctrl-C ends it after the batch under way, and it reports how many sessions it has ended; a second Ctrl-C ends it at once.
Either way, what has ended stays ended: run it again for the rest.`,
		define: func(flags *flag.FlagSet) func(context.Context, *call) error {
			yes := flags.Bool("yes", false, "do it")
			return func(ctx context.Context, c *call) error {
				if !*yes {
					return usageError("it ends all sessions in " + c.collection + ". If you want that, add -yes")
				}
				return revokeAll(ctx, c)
			}
		},
	}
}

func revokeAll(ctx context.Context, c *call) error {
	if err := c.open(ctx); err != nil {
		return err
	}
	return c.deleteMany("ended", "session", " in "+c.place(), func(progress session.Progress) (int, error) {
		return c.core.RevokeAll(ctx, progress)
	})
}
