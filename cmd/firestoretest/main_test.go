package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/firestore"
)

// start runs the program and returns what it has printed by the time it serves. stop interrupts
// it, and returns its error.
func start(t *testing.T, args ...string) (line string, stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	stdout, w := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := run(ctx, args, w, io.Discard)
		w.CloseWithError(io.EOF)
		done <- err
	}()
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("read the first line: %v; run: %v", err, <-done)
	}
	stop = func() error {
		cancel()
		return <-done
	}
	t.Cleanup(cancel)
	return strings.TrimSpace(line), stop
}

func TestOtherProgramsFindTheServer(t *testing.T) {
	const delay = 20 * time.Millisecond
	line, stop := start(t, "-port", "0", "-delay", delay.String())
	addr, ok := strings.CutPrefix(line, "export FIRESTORE_EMULATOR_HOST=")
	if host, _, err := net.SplitHostPort(addr); !ok || err != nil || host != "127.0.0.1" {
		t.Fatalf("the program prints %q", line)
	}

	t.Setenv("FIRESTORE_EMULATOR_HOST", addr)
	client, err := firestore.NewClient(t.Context(), "any-project")
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	begun := time.Now()
	if _, err := client.Doc("c/d").Create(t.Context(), map[string]any{}); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begun); took < delay {
		t.Errorf("a call took %v, want at least %v", took, delay)
	}

	if err := stop(); err != nil {
		t.Errorf("after the interrupt: %v", err)
	}
	var dialer net.Dialer
	if conn, err := dialer.DialContext(t.Context(), "tcp", addr); err == nil {
		conn.Close()
		t.Errorf("the program has ended, but somebody listens on %s", addr)
	}
}

// The environment of a shell may name the server that was there before.
func TestTheEnvironmentIsIgnored(t *testing.T) {
	t.Setenv("FIRESTORE_EMULATOR_HOST", "127.0.0.1:1")
	line, stop := start(t, "-port", "0")
	if strings.HasSuffix(line, ":1") {
		t.Errorf("the program prints %q", line)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestArguments(t *testing.T) {
	t.Parallel()
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { taken.Close() })
	_, port, err := net.SplitHostPort(taken.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		args []string
		want error // nil: another
		says string
	}{
		"help":         {[]string{"-help"}, flag.ErrHelp, "-port"},
		"unknown flag": {[]string{"-x"}, errUsage, "-x"},
		"argument":     {[]string{"start"}, errUsage, "start"},
		"no number":    {[]string{"-port", "x"}, errUsage, "-port"},
		"port in use":  {[]string{"-port", port}, nil, ""},
		"no such port": {[]string{"-port", "99999"}, nil, ""},
		"no such host": {[]string{"-host", "256.0.0.1"}, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var stdout, stderr bytes.Buffer
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			err := run(ctx, c.args, &stdout, &stderr)
			if err == nil || c.want != nil && !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if got := stderr.String(); !strings.Contains(got, c.says) {
				t.Errorf("the program says %q, nothing of %q", got, c.says)
			}
			if stdout.Len() > 0 {
				t.Errorf("the program prints %q", &stdout)
			}
		})
	}
}
