// Package bubble has Firestore's official client work in bubbles of testing/synctest, where the seconds that it waits before
// it repeats a call pass at once, and has tests decide what becomes of its calls.
package bubble

import (
	"context"
	"io"
	"path"
	"testing"

	"cloud.google.com/go/firestore"
	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/echofirestore/echofirestore/firestoretest"
)

// A Network is what lies between a client and Firestore. Sockets do not belong in a bubble, so the calls are made by a
// goroutine outside, one at a time.
type Network struct {
	Server *firestoretest.Server
	Client *firestore.Client

	// Silent is the method whose calls get no answer; none if empty.
	Silent string

	// Carry decides what becomes of a call, if it is not nil. It must return when ctx is over. If it reports false, the call
	// is made as usual; otherwise its Responses and Err are what the caller gets.
	Carry func(ctx context.Context, c *Call) bool

	calls chan *Call
	made  chan struct{}
}

// A Call is one RPC on its way.
type Call struct {
	Method    string // bare, such as "Commit"
	Request   proto.Message
	Responses []proto.Message
	Err       error
}

// NewNetwork starts a server, and returns a network to it. It must be called outside of the bubble.
func NewNetwork(t *testing.T) *Network {
	t.Helper()
	server, _ := firestoretest.Start(t)
	return NewNetworkTo(t, server)
}

// NewNetworkTo returns another network to a server.
func NewNetworkTo(t *testing.T, server *firestoretest.Server) *Network {
	t.Helper()
	n := &Network{Server: server, calls: make(chan *Call), made: make(chan struct{})}
	connect := func(opts ...grpc.DialOption) *grpc.ClientConn {
		opts = append(opts, grpc.WithTransportCredentials(insecure.NewCredentials()))
		conn, err := grpc.NewClient("passthrough:///"+n.Server.Addr(), opts...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		return conn
	}
	go n.serve(pb.NewFirestoreClient(connect()))
	t.Cleanup(func() { close(n.calls) })
	conn := connect(grpc.WithChainUnaryInterceptor(n.unary), grpc.WithChainStreamInterceptor(n.stream))
	var err error
	if n.Client, err = firestore.NewClient(t.Context(), n.Server.Project(), option.WithGRPCConn(conn)); err != nil {
		t.Fatal(err)
	}
	return n
}

// serve makes the calls, one at a time.
func (n *Network) serve(server pb.FirestoreClient) {
	for c := range n.calls {
		ctx := context.Background()
		switch req := c.Request.(type) {
		case *pb.CommitRequest:
			receiveOne(c, func() (*pb.CommitResponse, error) { return server.Commit(ctx, req) })
		case *pb.BeginTransactionRequest:
			receiveOne(c, func() (*pb.BeginTransactionResponse, error) { return server.BeginTransaction(ctx, req) })
		case *pb.RollbackRequest:
			receiveOne(c, func() (*emptypb.Empty, error) { return server.Rollback(ctx, req) })
		case *pb.BatchGetDocumentsRequest:
			receiveAll(c, func() (grpc.ServerStreamingClient[pb.BatchGetDocumentsResponse], error) {
				return server.BatchGetDocuments(ctx, req)
			})
		case *pb.RunQueryRequest:
			receiveAll(c, func() (grpc.ServerStreamingClient[pb.RunQueryResponse], error) { return server.RunQuery(ctx, req) })
		default:
			c.Err = status.Errorf(codes.Unimplemented, "package bubble does not know %T", req)
		}
		n.made <- struct{}{}
	}
}

func receiveOne[R proto.Message](c *Call, ask func() (R, error)) {
	var resp R
	if resp, c.Err = ask(); c.Err == nil {
		c.Responses = []proto.Message{resp}
	}
}

func receiveAll[R any](c *Call, ask func() (grpc.ServerStreamingClient[R], error)) {
	stream, err := ask()
	for err == nil {
		var resp *R
		if resp, err = stream.Recv(); err == nil {
			c.Responses = append(c.Responses, any(resp).(proto.Message))
		}
	}
	if err != io.EOF { //nolint:errorlint // Recv returns it bare
		c.Err = err
	}
}

// Make has the server answer c.
func (n *Network) Make(c *Call) {
	n.calls <- c
	<-n.made
}

// roundTrip returns the answer to a call, for whoever made it.
func (n *Network) roundTrip(ctx context.Context, method string, req proto.Message) ([]proto.Message, error) {
	c := &Call{Method: path.Base(method), Request: proto.Clone(req)}
	switch {
	case ctx.Err() != nil:
		return nil, status.FromContextError(ctx.Err()).Err()
	case c.Method == n.Silent:
		<-ctx.Done()
		return nil, status.FromContextError(ctx.Err()).Err()
	case n.Carry == nil || !n.Carry(ctx, c):
		n.Make(c)
	}
	return c.Responses, c.Err
}

func (n *Network) unary(ctx context.Context, method string, req, reply any, _ *grpc.ClientConn, _ grpc.UnaryInvoker, _ ...grpc.CallOption) error {
	responses, err := n.roundTrip(ctx, method, req.(proto.Message))
	if err != nil {
		return err
	}
	proto.Merge(reply.(proto.Message), responses[0])
	return nil
}

func (n *Network) stream(ctx context.Context, _ *grpc.StreamDesc, _ *grpc.ClientConn, method string, _ grpc.Streamer, _ ...grpc.CallOption) (grpc.ClientStream, error) {
	return &answerStream{ctx: ctx, network: n, method: method}, nil
}

// An answerStream is a call with one request and several responses.
type answerStream struct {
	ctx     context.Context
	network *Network
	method  string
	request proto.Message
	asked   bool
	left    []proto.Message
}

func (s *answerStream) Header() (metadata.MD, error) { return nil, nil }
func (s *answerStream) Trailer() metadata.MD         { return nil }
func (s *answerStream) CloseSend() error             { return nil }
func (s *answerStream) Context() context.Context     { return s.ctx }
func (s *answerStream) SendMsg(m any) error          { s.request = m.(proto.Message); return nil }

func (s *answerStream) RecvMsg(m any) error {
	if !s.asked {
		var err error
		if s.left, err = s.network.roundTrip(s.ctx, s.method, s.request); err != nil {
			return err
		}
		s.asked = true
	}
	if len(s.left) == 0 {
		return io.EOF
	}
	proto.Merge(m.(proto.Message), s.left[0])
	s.left = s.left[1:]
	return nil
}
