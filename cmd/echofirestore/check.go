package main

import (
	"context"
	"flag"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func checkCommand() command {
	return command{
		name:    "check",
		summary: "check the database and its configuration, and say how to repair it",
		help: `Writes, reads and deletes a document that is no session, and asks the Admin API for the configuration of the database:

  - Native mode.
  - A TTL policy on the field expire: without one, the documents of expired sessions stay forever.
  - No index on expire: with one, Firestore takes about 500 saves a second. With -sweep, an index on expire instead, and no TTL
    policy: sweep needs it.
  - An index on user: the sessions of a user are found by it.
  - No index on data, which nobody searches: it only costs storage. This is advice, not a fault.

It prints a table, and the command that repairs each fault. States are ok, wait (Firestore is at work on it), advice, repair,
failed (it could not be found out) and skipped. The exit code is 1 if anything needs repair, or else 3 if anything failed.

It costs one write, one read and one delete; with -read-only, one read. The Admin API costs nothing, and needs the role
roles/datastore.viewer. The emulator has no Admin API: that part is skipped.`,
		define: func(flags *flag.FlagSet) func(context.Context, *call) error {
			var i inspection
			flags.BoolVar(&i.sweeps, "sweep", false, "a job runs sweep, in place of a TTL policy")
			flags.BoolVar(&i.noUsers, "no-user-key", false, "the application sets no Config.UserKey, so user needs no index")
			flags.BoolVar(&i.readOnly, "read-only", false, "only read a document, and write none")
			return i.run
		},
	}
}

// An inspection says what a database should be like.
type inspection struct {
	sweeps, noUsers, readOnly bool
}

// A state is what has come of looking at something.
type state string

const (
	stateOK      state = "ok"
	stateWait    state = "wait"
	stateAdvice  state = "advice"
	stateRepair  state = "repair"
	stateFailed  state = "failed"
	stateSkipped state = "skipped"
)

// A finding is one row of the table.
type finding struct {
	Check  string `json:"check"`
	State  state  `json:"state"`
	Detail string `json:"detail"`
	Repair string `json:"repair,omitempty"` // a shell command
}

// findings is the result of check.
type findings struct {
	Project    string    `json:"project"`
	Database   string    `json:"database"`
	Collection string    `json:"collection"`
	OK         bool      `json:"ok"` // nothing needs repair, and nothing failed
	Findings   []finding `json:"findings"`
}

func (i *inspection) run(ctx context.Context, c *call) error {
	if err := c.open(ctx); err != nil {
		return err
	}
	ctx, cancel := c.untilStopped(ctx)
	defer cancel()
	rows := []finding{i.roundTrip(ctx, c)}
	if host := c.getenv(emulatorHost); host != "" {
		rows = append(rows, finding{
			Check: "configuration", State: stateSkipped,
			Detail: "the emulator at " + host + " has no Admin API: TTL and indexes are not checked",
		})
	} else {
		rows = append(rows, i.configuration(ctx, c)...)
	}
	if c.stopped() {
		return errStopped
	}
	result := findings{Project: c.project, Database: c.database, Collection: c.collection, Findings: rows}
	verdict := verdictOn(rows)
	result.OK = verdict == nil
	if err := c.print(result, table(rows)); err != nil {
		return err
	}
	return verdict
}

// roundTrip reads and writes a document.
func (i *inspection) roundTrip(ctx context.Context, c *call) finding {
	start := time.Now()
	row := finding{Check: "round trip", State: stateOK, Detail: "wrote, read and deleted a document"}
	try := c.core.RoundTrip
	if i.readOnly {
		row.Detail = "read a document"
		try = c.store.Check
	}
	err := try(ctx)
	switch status.Code(err) {
	case codes.OK:
		row.Detail += fmt.Sprintf(" in %v", time.Since(start).Round(time.Millisecond))
		return row
	case codes.PermissionDenied:
		row.State, row.Repair = stateRepair, c.gcloud().grant("roles/datastore.user")
	case codes.NotFound:
		row.State, row.Repair = stateRepair, c.gcloud().createDatabase()
	default:
		row.State = stateFailed
	}
	row.Detail = strings.TrimPrefix(err.Error(), "echofirestore: ")
	return row
}

// verdictOn returns the error that tells what the rows mean for the exit code.
func verdictOn(rows []finding) error {
	failed := 0
	for _, row := range rows {
		switch row.State {
		case stateRepair:
			return errFault
		case stateFailed:
			failed++
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d checks failed", failed, len(rows))
	}
	return nil
}

// table returns the rows as a person reads them, and below it the commands that repair what is wrong.
func table(rows []finding) string {
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "CHECK\tSTATE\tDETAIL")
	for _, row := range rows {
		fmt.Fprintf(w, "%s\t%s\t%s\n", row.Check, row.State, strings.Join(strings.Fields(row.Detail), " "))
	}
	_ = w.Flush() // into memory
	for _, part := range []struct {
		state state
		title string
	}{{stateRepair, "To repair:"}, {stateFailed, "To find out more:"}, {stateAdvice, "Recommended:"}} {
		title := "\n" + part.title + "\n"
		for _, row := range rows {
			command := "  " + row.Repair + "\n"
			if row.State == part.state && row.Repair != "" && !strings.Contains(text.String(), command) { // one may repair several
				text.WriteString(title + command)
				title = ""
			}
		}
	}
	return strings.TrimSuffix(text.String(), "\n")
}
