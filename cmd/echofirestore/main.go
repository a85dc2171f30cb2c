// Command echofirestore is for those who operate an application with sessions of package echofirestore: it counts, lists and
// ends sessions, deletes expired ones, and checks the database.
//
//	go run github.com/echofirestore/echofirestore/cmd/echofirestore@latest help
//
// It needs none of the application's keys or codecs, and never shows the key of a session.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() { os.Exit(process()) }

// process is the program with what belongs to a process, and returns its exit code.
func process() int {
	ctx, abort := context.WithCancel(context.Background())
	stop := make(chan struct{})
	go interrupts(stop, abort)
	return run(ctx, stop, os.Args[1:], os.Stdout, os.Stderr)
}

// interrupts closes stop at the first signal, ends the context at the second, and leaves the third to the system.
func interrupts(stop chan<- struct{}, abort context.CancelFunc) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	<-signals
	close(stop)
	fmt.Fprintln(os.Stderr, "\nstopping after the batch under way; Ctrl-C again aborts it")
	<-signals
	fmt.Fprintln(os.Stderr, "\naborting the batch under way: it may be applied or not")
	abort()
	signal.Stop(signals)
}
