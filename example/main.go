// Command example is a small web application on echofirestore: it counts your visits, keeps a note for you, signs you in
// and lists your sessions, shows the document in which yours is stored, and carries out two experiments with it. Below
// each page, it shows what the page cost in Firestore.
//
//	go run ./example
//
// needs only Go, because the program contains a Firestore in memory. If FIRESTORE_EMULATOR_HOST is set, it uses the
// emulator there, and if GOOGLE_CLOUD_PROJECT is set, the Firestore of that project. On Cloud Run, one of them must be. The
// program listens on PORT, 8080 by default.
package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	if err := listenAndRun(); err != nil {
		fmt.Fprintln(os.Stderr, "example:", err)
		os.Exit(1)
	}
}

func listenAndRun() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", ":"+cmp.Or(os.Getenv("PORT"), "8080"))
	if err != nil {
		return err
	}
	return run(ctx, os.Getenv, os.Stdout, listener)
}

// run serves the application on listener until ctx ends, and then finishes the requests under way. It closes listener.
func run(ctx context.Context, getenv func(string) string, logs io.Writer, listener net.Listener) error {
	defer listener.Close()
	logger := newLogger(logs, onCloudRun(getenv))

	db, err := openDatabase(ctx, getenv)
	if err != nil {
		return err
	}
	defer db.Close()
	logger.LogAttrs(ctx, db.level, "sessions are kept "+db.place)

	handler, err := newApp(config{ //nolint:contextcheck // its requests bring contexts of their own
		Client:  db.client,
		Place:   db.place,
		Timeout: 5 * time.Second,
		Logger:  logger,
		Now:     time.Now,
	})
	if err != nil {
		return err
	}
	port := listener.Addr().(*net.TCPAddr).Port
	logger.LogAttrs(ctx, slog.LevelInfo, "listening", slog.String("url", fmt.Sprintf("http://localhost:%d", port)))
	return serve(ctx, handler, listener, logger)
}
