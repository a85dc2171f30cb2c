package firestoretest

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc"
)

// Server is an in-memory Firestore that speaks gRPC on a loopback TCP port.
// Make one with [NewServer], [Listen], [NewForwarder] or [Start]; the zero value is not
// usable. A Server is safe for concurrent use.
type Server struct {
	project  string
	listener *listener
	grpc     *grpc.Server
	backend  io.Closer

	ops    counter
	faults faults
	limit  transactionLimit

	served chan struct{} // closed when the listener has stopped serving
	close  sync.Once
}

// maxRequestSize is how long a request may be, in bytes
// (https://cloud.google.com/firestore/quotas#writes_and_transactions).
const maxRequestSize = 10 << 20

// backend answers the calls that have passed the counters and the faults.
type backend interface {
	pb.FirestoreServer
	io.Closer
}

// NewServer starts a server on a free port of 127.0.0.1. It keeps its documents
// in memory until [Server.Close], and has none at first.
//
// If the environment variable FIRESTORE_EMULATOR_HOST is set, the documents are
// kept by the emulator there instead, as with [NewForwarder].
func NewServer() (*Server, error) {
	if addr := os.Getenv("FIRESTORE_EMULATOR_HOST"); addr != "" {
		return NewForwarder(addr)
	}
	return serve(anyPort, memoryProject, newMemory())
}

// Listen starts a server at a TCP address such as "127.0.0.1:8200", for other programs that must
// know the address in advance. It keeps its documents in memory, whatever the environment says.
// Otherwise, it is like a server of [NewServer]. Anyone who can reach the address can read and
// write the documents.
func Listen(addr string) (*Server, error) {
	return serve(addr, memoryProject, newMemory())
}

// NewForwarder starts a server that keeps nothing itself, but forwards every call to the
// Firestore emulator at addr, a host:port. Counters and faults work as they do in memory. Each
// server has a project ID of its own, so that tests that share an emulator do not see each
// other's documents.
//
// It does not connect before the first call, so it returns no error if the emulator
// cannot be reached.
func NewForwarder(addr string) (*Server, error) {
	f, err := newForwarder(addr)
	if err != nil {
		return nil, err
	}
	s, err := serve(anyPort, "firestoretest-"+strings.ToLower(rand.Text()), f)
	if err != nil {
		f.Close()
		return nil, err
	}
	return s, nil
}

const (
	anyPort       = "127.0.0.1:0"
	memoryProject = "firestoretest"
)

func serve(addr, project string, b backend) (*Server, error) {
	var lc net.ListenConfig
	tcp, err := lc.Listen(context.Background(), "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("firestoretest: listen: %w", err)
	}
	s := &Server{
		project:  project,
		listener: newListener(tcp),
		backend:  b,
		limit:    transactionLimit{backend: b},
		served:   make(chan struct{}),
	}
	s.grpc = grpc.NewServer(
		grpc.ChainUnaryInterceptor(s.ops.countUnary, s.faults.unary, s.ops.billUnary, s.limit.unary),
		grpc.ChainStreamInterceptor(s.ops.countStream, s.faults.stream, s.ops.billStream),
		grpc.StatsHandler(connTagger{}),
		grpc.MaxRecvMsgSize(maxRequestSize),
		grpc.Creds(newGRPCOnly()),
		grpc.UnknownServiceHandler(otherServices),
		grpc.WaitForHandlers(true),
	)
	pb.RegisterFirestoreServer(s.grpc, b)
	go func() {
		defer close(s.served)
		_ = s.grpc.Serve(s.listener) // ends with the listener, by Close
	}()
	return s, nil
}

// Addr returns the server's host:port. Other programs on this machine can use it as
// FIRESTORE_EMULATOR_HOST, in any language, if their client uses gRPC and only what the package
// documentation lists.
func (s *Server) Addr() string {
	return s.listener.Addr().String()
}

// Project returns the ID of the project that [Server.Client] uses, for clients that are made in
// another way. Other project and database IDs work, too, and stand for other databases.
func (s *Server) Project() string {
	return s.project
}

// Close stops the server and forgets its documents. Calls under way fail. Close returns when
// they have failed, and leaves no goroutine behind. Clients stay open, but their calls fail.
// Further calls of Close do nothing and return nil.
func (s *Server) Close() error {
	var err error
	s.close.Do(func() {
		s.grpc.Stop()
		<-s.served
		err = s.backend.Close()
	})
	return err
}
