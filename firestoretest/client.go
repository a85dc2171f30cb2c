package firestoretest

import (
	"context"
	"fmt"
	"math"
	"testing"

	"cloud.google.com/go/firestore"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// Start starts a server as [NewServer] does, and a client of it. When the test and its subtests
// are over, both are closed, unless the test has closed them itself. If either cannot be
// started, the test fails at once.
func Start(t testing.TB) (*Server, *firestore.Client) {
	t.Helper()
	server, err := NewServer()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Errorf("close server: %v", err)
		}
	})
	client, err := server.Client(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = client.Close() // fails only if the client is closed already, as by the application under test
	})
	return server, client
}

// NewClient returns a client of a Firestore that only this test uses, empty at first. It is
// [Start] for tests that do not need the server.
func NewClient(t testing.TB) *firestore.Client {
	t.Helper()
	_, client := Start(t)
	return client
}

// Client returns a new client of the server, for its [Server.Project] and the default database.
// It talks to this server even if FIRESTORE_EMULATOR_HOST names another. The caller must close
// the client: the server's Close does not.
func (s *Server) Client(ctx context.Context) (*firestore.Client, error) {
	conn, err := grpc.NewClient("passthrough:///"+s.Addr(),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(
			grpc.MaxCallRecvMsgSize(math.MaxInt32),
			grpc.MaxCallSendMsgSize(math.MaxInt32),
		),
	)
	if err != nil {
		return nil, fmt.Errorf("firestoretest: connect: %w", err)
	}
	client, err := firestore.NewClient(ctx, s.project, option.WithGRPCConn(conn))
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("firestoretest: new client: %w", err)
	}
	return client, nil
}
