package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/echofirestore/echofirestore/firestoretest"
	"github.com/echofirestore/echofirestore/internal/emulator"
)

// TestCloudIsMetered holds the connection to Google Cloud against an endpoint of ours.
func TestCloudIsMetered(t *testing.T) {
	t.Parallel()
	emulator.Avoid(t, "firestore.NewClient connects to it by itself")
	server, _ := firestoretest.Start(t)
	db, err := openCloud(t.Context(), server.Project(), option.WithEndpoint(server.Addr()), option.WithoutAuthentication(),
		option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())),
		option.WithGRPCDialOption(grpc.WithPerRPCCredentials(emulatorOwner{})))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	ctx := context.WithValue(t.Context(), meterKey{}, new(meter))
	doc := db.client.Doc("c/d")
	_, err = doc.Create(ctx, map[string]any{"n": 1})
	requireNoError(t, err)
	_, err = doc.Get(ctx)
	requireNoError(t, err)
	_, err = doc.Delete(ctx)
	requireNoError(t, err)
	if _, err = doc.Get(ctx); status.Code(err) != codes.NotFound {
		t.Fatal(err)
	}
	if got, want := costOf(ctx), (firestoretest.Ops{Reads: 2, Writes: 1, Deletes: 1}); got != want || server.Ops() != want {
		t.Errorf("metered %v, the server says %v, want %v", got, server.Ops(), want)
	}
}

func TestRun(t *testing.T) {
	t.Parallel()
	server, _ := firestoretest.Start(t)
	for place, env := range map[string]map[string]string{
		"in memory":                 {},
		"in the Firestore emulator": {"FIRESTORE_EMULATOR_HOST": server.Addr(), "GOOGLE_CLOUD_PROJECT": server.Project(), "K_SERVICE": "example"},
	} {
		t.Run(place, func(t *testing.T) {
			t.Parallel()
			listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
			requireNoError(t, err)
			ctx, stop := context.WithCancel(t.Context())
			var logs bytes.Buffer
			done := make(chan error, 1)
			go func() { done <- run(ctx, func(key string) string { return env[key] }, &logs, listener) }()

			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+listener.Addr().String(), http.NoBody)
			requireNoError(t, err)
			resp, err := new(http.Client).Do(req)
			requireNoError(t, err)
			resp.Body.Close()
			stop()
			requireNoError(t, <-done)

			if resp.StatusCode != http.StatusOK || len(resp.Cookies()) != 2 {
				t.Errorf("status %d, cookies %v", resp.StatusCode, resp.Cookies())
			}
			for _, cookie := range resp.Cookies() {
				if cookie.Secure {
					t.Errorf("cookie %s would not come back by http", cookie.Name)
				}
			}
			if !strings.Contains(logs.String(), "sessions are kept "+place) {
				t.Errorf("log doesn't say where sessions are kept:\n%s", logs.String())
			}
			if line, _, _ := strings.Cut(logs.String(), "\n"); json.Valid([]byte(line)) != (env["K_SERVICE"] != "") {
				t.Errorf("log begins with %s", line)
			}
		})
	}
}

func TestCloudRunNeedsADatabase(t *testing.T) {
	t.Parallel()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	requireNoError(t, err)
	env := map[string]string{"K_SERVICE": "example"}
	ctx, stop := context.WithCancel(t.Context())
	stop() // so that a program that starts ends
	err = run(ctx, func(key string) string { return env[key] }, io.Discard, listener)
	if err == nil || !strings.Contains(err.Error(), "GOOGLE_CLOUD_PROJECT") {
		t.Errorf("run returned %v", err)
	}
	if _, err := listener.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the listener is open: %v", err)
	}
}

func TestRequestsUnderWayAreFinished(t *testing.T) {
	t.Parallel()
	inner, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	requireNoError(t, err)
	listener := &listenerWithEnd{Listener: inner, ended: make(chan struct{})}
	ctx, stop := context.WithCancel(t.Context())
	finished := make(chan struct{})
	handler := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		stop()
		<-listener.ended
		close(finished)
	})
	done := make(chan error, 1)
	go func() { done <- serve(ctx, handler, listener, slog.New(slog.DiscardHandler)) }()

	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+listener.Addr().String(), http.NoBody)
	requireNoError(t, err)
	go func() {
		if resp, err := new(http.Client).Do(req); err == nil {
			resp.Body.Close()
		}
	}()
	requireNoError(t, <-done)
	select {
	case <-finished:
	default:
		t.Error("a request was abandoned")
		listener.Close()
	}
}

// listenerWithEnd tells when it is closed.
type listenerWithEnd struct {
	net.Listener
	once  sync.Once
	ended chan struct{}
}

func (l *listenerWithEnd) Close() error {
	defer l.once.Do(func() { close(l.ended) })
	return l.Listener.Close()
}

func requireNoError(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
