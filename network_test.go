package echofirestore_test

import (
	"context"
	"io"
	"path"
	"testing"
	"time"

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

// A network is what lies between the official client and Firestore. A call that bears a visit in its context stops
// here until the visit's history says whether it arrives, whether its answer does, and when; others pass.
//
// Histories run in bubbles of testing/synctest, where the seconds that the client waits before it repeats a call pass
// at once. Sockets do not belong there, so the calls are made by a goroutine outside.
type network struct {
	server *firestoretest.Server
	client *firestore.Client
	calls  chan *call
	made   chan struct{}
	silent string // the method whose calls get no answer; none if empty
}

// A call is one RPC on its way.
type call struct {
	method    string // bare
	request   proto.Message
	responses []proto.Message
	err       error

	sent     time.Time     // by the history's clock
	arrived  bool          // at the server, which has given its answer
	applied  bool          // and it was no error
	found    *state        // of a read that has arrived: what it found
	answered chan struct{} // closed when the caller is to have responses and err
	gaveUp   bool          // the caller waits no more
}

func newNetwork(t *testing.T) *network {
	t.Helper()
	server, _ := firestoretest.Start(t)
	return newNetworkTo(t, server)
}

// newNetworkTo returns another network to a server.
func newNetworkTo(t *testing.T, server *firestoretest.Server) *network {
	t.Helper()
	n := &network{server: server, calls: make(chan *call), made: make(chan struct{})}
	connect := func(opts ...grpc.DialOption) *grpc.ClientConn {
		opts = append(opts, grpc.WithTransportCredentials(insecure.NewCredentials()))
		conn, err := grpc.NewClient("passthrough:///"+n.server.Addr(), opts...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		return conn
	}
	go n.carry(pb.NewFirestoreClient(connect()))
	t.Cleanup(func() { close(n.calls) })
	conn := connect(grpc.WithChainUnaryInterceptor(n.unary), grpc.WithChainStreamInterceptor(n.stream))
	var err error
	if n.client, err = firestore.NewClient(t.Context(), n.server.Project(), option.WithGRPCConn(conn)); err != nil {
		t.Fatal(err)
	}
	return n
}

// carry makes the calls, one at a time.
func (n *network) carry(server pb.FirestoreClient) {
	for c := range n.calls {
		ctx := context.Background()
		switch req := c.request.(type) {
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
			c.err = status.Errorf(codes.Unimplemented, "the model does not know %T", req)
		}
		n.made <- struct{}{}
	}
}

func receiveOne[R proto.Message](c *call, ask func() (R, error)) {
	var resp R
	if resp, c.err = ask(); c.err == nil {
		c.responses = []proto.Message{resp}
	}
}

func receiveAll[R any](c *call, ask func() (grpc.ServerStreamingClient[R], error)) {
	stream, err := ask()
	for err == nil {
		var resp *R
		if resp, err = stream.Recv(); err == nil {
			c.responses = append(c.responses, any(resp).(proto.Message))
		}
	}
	if err != io.EOF { //nolint:errorlint // Recv returns it bare
		c.err = err
	}
}

// make has the server answer c.
func (n *network) make(c *call) {
	n.calls <- c
	<-n.made
}

// roundTrip returns the answer to a call, for whoever made it.
func (n *network) roundTrip(ctx context.Context, method string, req proto.Message) ([]proto.Message, error) {
	c := &call{method: path.Base(method), request: proto.Clone(req), answered: make(chan struct{})}
	v, ok := ctx.Value(visitKey{}).(*visit)
	if c.method == n.silent {
		<-ctx.Done()
		return nil, status.FromContextError(ctx.Err()).Err()
	}
	if !ok {
		n.make(c)
		return c.responses, c.err
	}
	if v.crashed {
		return nil, errCrashed
	}
	select {
	case v.calls <- c:
	case <-ctx.Done():
		return nil, status.FromContextError(ctx.Err()).Err()
	}
	select {
	case <-c.answered:
		return c.responses, c.err
	case <-ctx.Done():
		v.h.follow()
		c.gaveUp = true
		return nil, status.FromContextError(ctx.Err()).Err()
	}
}

// errCrashed ends the rest of a request whose process has crashed: nobody gets its answers.
var errCrashed = status.Error(codes.PermissionDenied, "the process is no more")

func (n *network) unary(ctx context.Context, method string, req, reply any, _ *grpc.ClientConn, _ grpc.UnaryInvoker, _ ...grpc.CallOption) error {
	responses, err := n.roundTrip(ctx, method, req.(proto.Message))
	if err != nil {
		return err
	}
	proto.Merge(reply.(proto.Message), responses[0])
	return nil
}

func (n *network) stream(ctx context.Context, _ *grpc.StreamDesc, _ *grpc.ClientConn, method string, _ grpc.Streamer, _ ...grpc.CallOption) (grpc.ClientStream, error) {
	return &answerStream{ctx: ctx, network: n, method: method}, nil
}

// An answerStream is a call with one request and several responses.
type answerStream struct {
	ctx     context.Context
	network *network
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
