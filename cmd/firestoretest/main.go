// Command firestoretest runs the in-memory Firestore of package firestoretest as a separate
// program, for programs that can use the Firestore emulator:
//
//	go run github.com/echofirestore/echofirestore/cmd/firestoretest@latest -port 8200
//
// It prints the environment variable that makes other programs use it, and runs until it is
// interrupted. After that, its documents are gone.
//
//	export FIRESTORE_EMULATOR_HOST=127.0.0.1:8200
//
// With -delay, each call waits that long, as in a network. There is no authentication: keep the
// server on the loopback interface, which is the default.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/echofirestore/echofirestore/firestoretest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
	case errors.Is(err, errUsage):
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// errUsage means that the arguments are wrong and the user has been told.
var errUsage = errors.New("usage")

// run is the program without its process. It returns when the context is over.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("firestoretest", flag.ContinueOnError)
	flags.SetOutput(stderr)
	host := flags.String("host", "127.0.0.1", "the `address` to listen on")
	port := flags.Uint("port", 8200, "the TCP `port` to listen on; 0 for any free one")
	delay := flags.Duration("delay", 0, "how long each call waits")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return err
	} else if err != nil {
		return errUsage
	}
	if flags.NArg() > 0 {
		fmt.Fprintf(stderr, "unexpected argument: %s\n", flags.Arg(0))
		flags.Usage()
		return errUsage
	}
	return serve(ctx, net.JoinHostPort(*host, strconv.FormatUint(uint64(*port), 10)), *delay, stdout)
}

// serve runs a server at the address until the context is over.
func serve(ctx context.Context, addr string, delay time.Duration, stdout io.Writer) error {
	server, err := firestoretest.Listen(addr) //nolint:contextcheck // to listen takes no time
	if err != nil {
		return err
	}
	if delay > 0 {
		server.Inject(firestoretest.Fault{Times: -1, Delay: delay})
	}
	if _, err := fmt.Fprintf(stdout, "export FIRESTORE_EMULATOR_HOST=%s\n", server.Addr()); err != nil {
		return errors.Join(err, server.Close())
	}
	<-ctx.Done()
	return server.Close()
}
