package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"

	"github.com/echofirestore/echofirestore/firesession"
	"github.com/echofirestore/echofirestore/internal/session"
)

func revokeCommand() command {
	return command{
		name:    "revoke",
		summary: "end some sessions: by their IDs, or those of one user",
		help: `Ends sessions, wherever they are in use:

  echofirestore revoke -user alice -id ID               that session of Alice's
  echofirestore revoke -id ID -id ID                    those sessions, whoever they belong to
  echofirestore revoke -user alice -all                 all of Alice's
  echofirestore revoke -user alice -all -except ID      all of Alice's but that one

IDs are those that list prints. A session's ID changes when it is renewed, as at sign-in. Users are known if the application
sets Config.UserKey.

With -user, it costs one read for each session of the user, and one delete for each that ends. With IDs alone, it has to look
for them: one read for each document until all are found.

Ctrl-C ends it as soon as it can say what it has done.`,
		define: func(flags *flag.FlagSet) func(context.Context, *call) error {
			var r revocation
			flags.StringVar(&r.user, "user", "", "end sessions of this `user`, as text")
			flags.BoolVar(&r.all, "all", false, "with -user: end all of the user's sessions")
			flags.Var(&r.ids, "id", "end the session with this `ID`; may be repeated")
			flags.Var(&r.except, "except", "with -all: spare the session with this `ID`; may be repeated")
			return r.run
		},
	}
}

// A revocation says which sessions to end.
type revocation struct {
	user        string
	all         bool
	ids, except idList
}

// An idList is a flag that may be repeated.
type idList []string

func (l *idList) String() string { return strings.Join(*l, ", ") }

func (l *idList) Set(id string) error {
	if id == "" {
		return errors.New("it is empty")
	}
	if !slices.Contains(*l, id) {
		*l = append(*l, id)
	}
	return nil
}

func (r *revocation) run(ctx context.Context, c *call) error {
	switch {
	case r.all && r.user == "":
		return usageError("-all needs -user; revoke-all ends everybody's sessions")
	case r.all && len(r.ids) > 0:
		return usageError("-all and -id exclude each other")
	case !r.all && len(r.except) > 0:
		return usageError("-except needs -all")
	case !r.all && len(r.ids) == 0 && r.user != "":
		return usageError("which sessions of the user? -all, or those with an -id")
	case !r.all && len(r.ids) == 0:
		return usageError("which sessions? Name them by -id, or a -user")
	}
	if err := c.open(ctx); err != nil {
		return err
	}
	if r.all {
		return c.deleteMany("ended", "session", " of "+printable(r.user), func(progress session.Progress) (int, error) {
			return c.core.RevokeUser(ctx, r.user, r.except, progress)
		})
	}
	ended, err := r.revokeIDs(ctx, c)
	return r.report(c, ended, err)
}

// revokeIDs ends the sessions that are named by their IDs, and returns the IDs of those that it has ended.
func (r *revocation) revokeIDs(ctx context.Context, c *call) (ended []string, err error) {
	if r.user == "" {
		p := c.newProgress("looked at")
		defer p.clear()
		return c.core.RevokeByID(ctx, r.ids, func(n int) error {
			p.show(n)
			if c.stopped() {
				return errStopped
			}
			return nil
		})
	}
	for _, id := range r.ids {
		if c.stopped() {
			return ended, errStopped
		}
		switch err := c.store.Revoke(ctx, r.user, id); {
		case err == nil:
			ended = append(ended, id)
		case !errors.Is(err, firesession.ErrGone):
			return ended, err
		}
	}
	return ended, nil
}

// revoked is the result of a revocation by IDs.
type revoked struct {
	Ended    []string `json:"ended"`
	NotEnded []string `json:"not_ended"` // not found or, if it is not complete, not tried
	Complete bool     `json:"complete"`
}

// report prints which sessions have ended. Those that were not found are a fault, unless err is why.
func (r *revocation) report(c *call, ended []string, err error) error {
	result := revoked{Ended: []string{}, NotEnded: []string{}, Complete: err == nil}
	var text []string
	for _, id := range r.ids {
		switch {
		case slices.Contains(ended, id):
			text = append(text, "ended "+id)
			result.Ended = append(result.Ended, id)
			continue
		case err == nil:
			text = append(text, "not found "+printable(id))
		default:
			text = append(text, "not ended "+printable(id))
		}
		result.NotEnded = append(result.NotEnded, id)
	}
	if printed := c.print(result, strings.Join(text, "\n")); err == nil && printed != nil {
		err = printed
	}
	if err == nil && len(result.NotEnded) > 0 {
		return fmt.Errorf("%w: not all sessions exist", errFault)
	}
	return err
}
