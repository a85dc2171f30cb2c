package firestoretest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/emptypb"
)

// forwarder is a backend that passes every call to an emulator.
type forwarder struct {
	pb.UnimplementedFirestoreServer
	conn     *grpc.ClientConn
	emulator pb.FirestoreClient
}

func newForwarder(addr string) (*forwarder, error) {
	conn, err := grpc.NewClient("passthrough:///"+addr,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(
			grpc.MaxCallRecvMsgSize(math.MaxInt32),
			grpc.MaxCallSendMsgSize(math.MaxInt32),
		),
	)
	if err != nil {
		return nil, fmt.Errorf("firestoretest: connect to the emulator: %w", err)
	}
	return &forwarder{conn: conn, emulator: pb.NewFirestoreClient(conn)}, nil
}

func (f *forwarder) Close() error {
	return f.conn.Close()
}

// forward returns the context in which a call goes on to the emulator: with Google's own headers,
// which say what it is about, and as the owner, whom the emulator's security rules don't bind.
func forward(ctx context.Context) context.Context {
	incoming, _ := metadata.FromIncomingContext(ctx)
	outgoing := metadata.Pairs("authorization", "Bearer owner")
	for name, values := range incoming {
		if strings.HasPrefix(name, "x-goog-") || strings.HasPrefix(name, "google-") {
			outgoing[name] = values
		}
	}
	return metadata.NewOutgoingContext(ctx, outgoing)
}

func (f *forwarder) GetDocument(ctx context.Context, req *pb.GetDocumentRequest) (*pb.Document, error) {
	return f.emulator.GetDocument(forward(ctx), req)
}

func (f *forwarder) ListDocuments(ctx context.Context, req *pb.ListDocumentsRequest) (*pb.ListDocumentsResponse, error) {
	return f.emulator.ListDocuments(forward(ctx), req)
}

func (f *forwarder) CreateDocument(ctx context.Context, req *pb.CreateDocumentRequest) (*pb.Document, error) {
	return f.emulator.CreateDocument(forward(ctx), req)
}

func (f *forwarder) UpdateDocument(ctx context.Context, req *pb.UpdateDocumentRequest) (*pb.Document, error) {
	return f.emulator.UpdateDocument(forward(ctx), req)
}

func (f *forwarder) DeleteDocument(ctx context.Context, req *pb.DeleteDocumentRequest) (*emptypb.Empty, error) {
	return f.emulator.DeleteDocument(forward(ctx), req)
}

func (f *forwarder) BeginTransaction(ctx context.Context, req *pb.BeginTransactionRequest) (*pb.BeginTransactionResponse, error) {
	return f.emulator.BeginTransaction(forward(ctx), req)
}

func (f *forwarder) Commit(ctx context.Context, req *pb.CommitRequest) (*pb.CommitResponse, error) {
	return f.emulator.Commit(forward(ctx), req)
}

func (f *forwarder) Rollback(ctx context.Context, req *pb.RollbackRequest) (*emptypb.Empty, error) {
	return f.emulator.Rollback(forward(ctx), req)
}

func (f *forwarder) BatchWrite(ctx context.Context, req *pb.BatchWriteRequest) (*pb.BatchWriteResponse, error) {
	return f.emulator.BatchWrite(forward(ctx), req)
}

func (f *forwarder) PartitionQuery(ctx context.Context, req *pb.PartitionQueryRequest) (*pb.PartitionQueryResponse, error) {
	return f.emulator.PartitionQuery(forward(ctx), req)
}

func (f *forwarder) ListCollectionIds(ctx context.Context, req *pb.ListCollectionIdsRequest) (*pb.ListCollectionIdsResponse, error) {
	return f.emulator.ListCollectionIds(forward(ctx), req)
}

func (f *forwarder) BatchGetDocuments(req *pb.BatchGetDocumentsRequest, stream pb.Firestore_BatchGetDocumentsServer) error {
	answers, err := f.emulator.BatchGetDocuments(forward(stream.Context()), req)
	return relay(answers, err, stream)
}

func (f *forwarder) RunQuery(req *pb.RunQueryRequest, stream pb.Firestore_RunQueryServer) error {
	answers, err := f.emulator.RunQuery(forward(stream.Context()), req)
	return relay(answers, err, stream)
}

func (f *forwarder) RunAggregationQuery(req *pb.RunAggregationQueryRequest, stream pb.Firestore_RunAggregationQueryServer) error {
	answers, err := f.emulator.RunAggregationQuery(forward(stream.Context()), req)
	return relay(answers, err, stream)
}

func (f *forwarder) ExecutePipeline(req *pb.ExecutePipelineRequest, stream pb.Firestore_ExecutePipelineServer) error {
	answers, err := f.emulator.ExecutePipeline(forward(stream.Context()), req)
	return relay(answers, err, stream)
}

func (f *forwarder) Write(stream pb.Firestore_WriteServer) error {
	upstream, err := f.emulator.Write(forward(stream.Context()))
	return exchange(stream, upstream, err)
}

func (f *forwarder) Listen(stream pb.Firestore_ListenServer) error {
	upstream, err := f.emulator.Listen(forward(stream.Context()))
	return exchange(stream, upstream, err)
}

type source[T any] interface{ Recv() (T, error) }

type sink[T any] interface{ Send(T) error }

// relay sends on what comes from a stream, if it could be opened, until that ends.
func relay[T any](from source[T], err error, to sink[T]) error {
	for err == nil {
		var m T
		if m, err = from.Recv(); err == nil {
			err = to.Send(m)
		}
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// exchange relays requests to the emulator and its answers back, until those end.
func exchange[Req, Resp any](client interface {
	source[Req]
	sink[Resp]
}, emulator interface {
	source[Resp]
	sink[Req]
	CloseSend() error
}, err error,
) error {
	if err != nil {
		return err
	}
	go func() {
		_ = relay[Req](client, nil, emulator) // its failure shows in the answers
		_ = emulator.CloseSend()
	}()
	return relay[Resp](emulator, nil, client)
}
