package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"cloud.google.com/go/firestore"
	admin "cloud.google.com/go/firestore/apiv1/admin"
)

// Exit codes, which the help explains.
const (
	exitDone     = 0
	exitFault    = 1
	exitUsage    = 2
	exitFailed   = 3
	exitStopped  = 130 // as of a process that was interrupted
	exitCodeHelp = `Exit codes:
  0    done
  1    check: something needs repair; revoke: a session was not found
  2    the arguments are wrong; nothing was done
  3    Firestore refused or did not answer; what was done until then is reported
  130  interrupted (Ctrl-C, SIGTERM); what was done until then is reported
`
)

var (
	errFault   = errors.New("a fault was found") // the user knows which
	errStopped = errors.New("interrupted")
)

// A usageError says what is wrong with the arguments.
type usageError string

func (e usageError) Error() string { return string(e) }

// A command is one of those that can be named in the first argument.
type command struct {
	name    string
	summary string // after the name, in a list
	help    string // what it does, what it costs, what one has to know

	// define adds the command's own flags, and returns what executes it. A usageError says that they do not fit together.
	define func(*flag.FlagSet) func(context.Context, *call) error
}

func commands() []command {
	return []command{countCommand(), listCommand(), revokeCommand(), revokeAllCommand(), sweepCommand(), checkCommand()}
}

// A program is the command without its process.
type program struct {
	stdout, stderr io.Writer
	stop           <-chan struct{} // closed when the user wants it to end soon
	terminal       bool            // stderr is one
	getenv         func(string) string
	connect        func(ctx context.Context, project, database string) (*firestore.Client, error)
	connectAdmin   func(context.Context) (*admin.FirestoreAdminClient, error)
}

// run executes the command with these arguments, and returns its exit code. When stop is closed, it ends at the next point
// at which it knows exactly what it has done; when ctx ends, at once.
func run(ctx context.Context, stop <-chan struct{}, args []string, stdout, stderr io.Writer) int {
	p := &program{
		stdout: stdout, stderr: stderr, stop: stop, terminal: isTerminal(stderr), getenv: os.Getenv,
		connect: func(ctx context.Context, project, database string) (*firestore.Client, error) {
			return firestore.NewClientWithDatabase(ctx, project, database)
		},
		connectAdmin: func(ctx context.Context) (*admin.FirestoreAdminClient, error) {
			return admin.NewFirestoreAdminClient(ctx)
		},
	}
	return p.run(ctx, args)
}

func (p *program) run(ctx context.Context, args []string) int {
	if len(args) == 0 {
		p.usage(p.stderr)
		return exitUsage
	}
	name, args := args[0], args[1:]
	switch name {
	case "help", "-h", "-help", "--help":
		if len(args) == 0 {
			p.usage(p.stdout)
			return exitDone
		}
		name, args = args[0], []string{"-help"}
	}
	all := commands()
	i := slices.IndexFunc(all, func(c command) bool { return c.name == name })
	if i < 0 {
		fmt.Fprintf(p.stderr, "echofirestore: there is no command %q\n\n", name)
		p.usage(p.stderr)
		return exitUsage
	}
	return p.exit(all[i].name, p.execute(ctx, all[i], args))
}

// execute parses the arguments of a command and executes it.
func (p *program) execute(ctx context.Context, cmd command, args []string) error {
	flags := flag.NewFlagSet(cmd.name, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.Usage = func() {}
	c := &call{program: p}
	do := cmd.define(flags)
	c.define(flags)
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		p.help(cmd, flags)
		return nil
	case err != nil:
		return usageError(err.Error())
	case flags.NArg() > 0:
		return usageError("unexpected argument: " + flags.Arg(0))
	}
	defer c.close()
	err := do(ctx, c)
	if err != nil && ctx.Err() != nil {
		return errStopped // whatever it has led to
	}
	return err
}

// exit reports an error and returns the exit code that stands for it.
func (p *program) exit(name string, err error) int {
	var usage usageError
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, errFault):
		return exitFault
	case errors.Is(err, errStopped):
		fmt.Fprintln(p.stderr, "echofirestore: interrupted")
		return exitStopped
	case errors.As(err, &usage):
		fmt.Fprintf(p.stderr, "echofirestore %s: %s\nRun \"echofirestore help %s\" for its flags.\n", name, usage, name)
		return exitUsage
	default:
		fmt.Fprintln(p.stderr, "echofirestore: "+strings.TrimPrefix(err.Error(), "echofirestore: "))
		return exitFailed
	}
}

// stopped reports whether the user wants the program to end soon.
func (p *program) stopped() bool {
	select {
	case <-p.stop:
		return true
	default:
		return false
	}
}

// untilStopped returns a context that ends when the user wants the program to end soon, for what needs no report.
func (p *program) untilStopped(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		select {
		case <-p.stop:
			cancel(errStopped)
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(nil) }
}

func (p *program) usage(w io.Writer) {
	fmt.Fprint(w, "echofirestore counts, lists and ends sessions in Firestore, and checks the database.\n\n"+
		"Usage: echofirestore COMMAND [FLAGS]\n\n")
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-11s %s\n", c.name, c.summary)
	}
	fmt.Fprint(w, "\n\"echofirestore help COMMAND\" explains a command, its flags and its costs.\n\n"+accessHelp+"\n"+exitCodeHelp)
}

func (p *program) help(cmd command, flags *flag.FlagSet) {
	fmt.Fprintf(p.stdout, "Usage: echofirestore %s [FLAGS]\n\n%s\n\nFlags:\n", cmd.name, strings.TrimSpace(cmd.help))
	flags.SetOutput(p.stdout)
	flags.PrintDefaults()
	fmt.Fprint(p.stdout, "\n"+accessHelp+"\n"+exitCodeHelp)
}
