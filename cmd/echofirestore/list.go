package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"iter"
	"strconv"
	"time"

	"github.com/echofirestore/echofirestore/firesession"
)

func listCommand() command {
	return command{
		name:    "list",
		summary: "list living sessions, all or those of one user",
		help: `Prints a line for each living session: its ID, when it began, when it was last saved, when it expires ("-": never), and
its user, if the application sets Config.UserKey. The ID is what revoke takes. It is a hash of the document's name: nobody
can use the session with it. Values of sessions are not shown.

With -user, the latest session comes first. Without, the order means nothing, and documents are read 100 at a time: however
many there are, the memory stays the same. With -json, each line is an object.

It costs one read for each document, living or not, at least one.`,
		define: func(flags *flag.FlagSet) func(context.Context, *call) error {
			var l listing
			flags.StringVar(&l.user, "user", "", "only the sessions of this `user`, as text")
			flags.IntVar(&l.limit, "limit", 0, "at most this `number` of sessions; 0 for all")
			return l.run
		},
	}
}

// A listing says which sessions to list.
type listing struct {
	user  string
	limit int
}

// A listed session is what list prints of one.
type listed struct {
	ID      string     `json:"id"`
	User    string     `json:"user,omitempty"`
	Began   time.Time  `json:"began"`
	Saved   time.Time  `json:"saved"`
	Expires *time.Time `json:"expires"` // nil: never
	MaxAge  int        `json:"max_age"` // seconds; 0: until the browser closes
}

const listedRow = "%-22s  %-20s  %-20s  %-20s  %s\n"

func (l *listing) run(ctx context.Context, c *call) error {
	if l.limit < 0 {
		return usageError("-limit must not be negative")
	}
	if err := c.open(ctx); err != nil {
		return err
	}
	ctx, cancel := c.untilStopped(ctx)
	defer cancel()
	p := c.newProgress("listed")
	if isTerminal(c.stdout) {
		p.w = io.Discard // the lines are progress enough
	}
	n := 0
	for info, err := range l.sessions(ctx, c.store) {
		if err == nil {
			err = c.printSession(info, n == 0)
		}
		if err != nil {
			p.clear()
			fmt.Fprintf(c.stderr, "listed %s, not all\n", number(n, "living session"))
			return stoppedOr(ctx, err)
		}
		n++
		if p.show(n); n == l.limit {
			break
		}
	}
	p.clear()
	fmt.Fprintln(c.stderr, "listed "+number(n, "living session"))
	return nil
}

// sessions returns those that are to be listed.
func (l *listing) sessions(ctx context.Context, store *firesession.Store) iter.Seq2[firesession.SessionInfo, error] {
	if l.user == "" {
		return store.All(ctx)
	}
	return func(yield func(firesession.SessionInfo, error) bool) {
		infos, err := store.Sessions(ctx, l.user)
		for _, info := range infos {
			if !yield(info, nil) {
				return
			}
		}
		if err != nil {
			yield(firesession.SessionInfo{}, err)
		}
	}
}

func (c *call) printSession(info firesession.SessionInfo, first bool) error {
	began, saved, expires := info.Began.UTC(), info.Saved.UTC(), info.Expires.UTC()
	if c.json {
		line := listed{ID: info.ID, User: info.User, Began: began, Saved: saved, MaxAge: info.MaxAge}
		if !info.Expires.IsZero() {
			line.Expires = &expires
		}
		return json.NewEncoder(c.stdout).Encode(line)
	}
	if first {
		if _, err := fmt.Fprintf(c.stdout, listedRow, "ID", "BEGAN", "SAVED", "EXPIRES", "USER"); err != nil {
			return err
		}
	}
	end := "-"
	if !info.Expires.IsZero() {
		end = expires.Format(time.RFC3339)
	}
	_, err := fmt.Fprintf(c.stdout, listedRow, info.ID, began.Format(time.RFC3339), saved.Format(time.RFC3339), end, printable(info.User))
	return err
}

// printable returns text in a form that does nothing to a terminal.
func printable(text string) string {
	if quoted := strconv.Quote(text); quoted != `"`+text+`"` {
		return quoted
	}
	return text
}
