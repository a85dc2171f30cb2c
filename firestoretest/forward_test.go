package firestoretest

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/emptypb"
)

func forwardTo(t *testing.T, s *Server) *Server {
	t.Helper()
	f, err := NewForwarder(s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func TestNewServerObeysTheEnvironment(t *testing.T) {
	s := memoryServer(t)
	t.Setenv("FIRESTORE_EMULATOR_HOST", s.Addr())
	f, client := Start(t)
	written(t)(client.Doc("c/d").Create(t.Context(), map[string]any{}))
	for name, server := range map[string]*Server{"forwarder": f, "emulator": s} {
		if got := server.Calls()["Commit"]; got != 1 {
			t.Errorf("%s: %d commits, want 1", name, got)
		}
	}
}

func TestForwarderCountsAndFails(t *testing.T) {
	t.Parallel()
	s := memoryServer(t)
	f := forwardTo(t, s)
	tg := serverTarget(t, f)
	tg.set(t, map[string]map[string]any{"c/1": {}, "c/2": {}})
	s.ResetOps()
	f.ResetOps()

	f.Inject(Fault{Err: errBroken})
	_, err := tg.Doc("c/1").Delete(t.Context())
	wantCode(t, err, codes.DataLoss)
	if got := s.Calls(); len(got) != 0 {
		t.Errorf("a call that failed on its way was made: %v", got)
	}

	if got := found(t, tg.Collection("c").Query); got != "1-2" {
		t.Errorf("found %s, want 1-2", got)
	}
	written(t)(tg.Doc("c/1").Delete(t.Context()))
	want := Ops{Reads: 2, Deletes: 1}
	if got := f.Ops(); got != want || got != s.Ops() {
		t.Errorf("forwarder counts %v, what is behind it %v, want %v", got, s.Ops(), want)
	}
}

func TestForwardersDoNotShareDocuments(t *testing.T) {
	t.Parallel()
	s := memoryServer(t)
	one, two := forwardTo(t, s), forwardTo(t, s)
	if one.Project() == two.Project() {
		t.Errorf("both forwarders use project %s", one.Project())
	}
	written(t)(serverTarget(t, one).Doc("c/d").Create(t.Context(), map[string]any{}))
	_, err := serverTarget(t, two).Doc("c/d").Get(t.Context())
	wantCode(t, err, codes.NotFound)
}

// recorder is a backend that notes with what headers methods are called, and has every method.
type recorder struct {
	pb.UnimplementedFirestoreServer
	mu    sync.Mutex
	calls map[string]metadata.MD
}

func (r *recorder) Close() error { return nil }

func (r *recorder) note(ctx context.Context, method string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	md, _ := metadata.FromIncomingContext(ctx)
	r.calls[method] = md
}

func (r *recorder) GetDocument(ctx context.Context, req *pb.GetDocumentRequest) (*pb.Document, error) {
	r.note(ctx, "GetDocument")
	return &pb.Document{Name: req.GetName()}, nil
}

func (r *recorder) DeleteDocument(ctx context.Context, _ *pb.DeleteDocumentRequest) (*emptypb.Empty, error) {
	r.note(ctx, "DeleteDocument")
	return &emptypb.Empty{}, nil
}

func (r *recorder) CreateDocument(ctx context.Context, _ *pb.CreateDocumentRequest) (*pb.Document, error) {
	r.note(ctx, "CreateDocument")
	return &pb.Document{}, nil
}

func (r *recorder) UpdateDocument(ctx context.Context, _ *pb.UpdateDocumentRequest) (*pb.Document, error) {
	r.note(ctx, "UpdateDocument")
	return &pb.Document{}, nil
}

func (r *recorder) ListDocuments(ctx context.Context, _ *pb.ListDocumentsRequest) (*pb.ListDocumentsResponse, error) {
	r.note(ctx, "ListDocuments")
	return &pb.ListDocumentsResponse{Documents: []*pb.Document{{}, {}}}, nil
}

func (r *recorder) ListCollectionIds(ctx context.Context, _ *pb.ListCollectionIdsRequest) (*pb.ListCollectionIdsResponse, error) {
	r.note(ctx, "ListCollectionIds")
	return &pb.ListCollectionIdsResponse{CollectionIds: []string{"c"}}, nil
}

func (r *recorder) PartitionQuery(ctx context.Context, _ *pb.PartitionQueryRequest) (*pb.PartitionQueryResponse, error) {
	r.note(ctx, "PartitionQuery")
	return &pb.PartitionQueryResponse{}, nil
}

func (r *recorder) ExecutePipeline(_ *pb.ExecutePipelineRequest, stream pb.Firestore_ExecutePipelineServer) error {
	r.note(stream.Context(), "ExecutePipeline")
	return stream.Send(&pb.ExecutePipelineResponse{})
}

func (r *recorder) Write(stream pb.Firestore_WriteServer) error {
	r.note(stream.Context(), "Write")
	for {
		req, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil // the client has sent all
		}
		if err != nil {
			return err
		}
		if err := stream.Send(&pb.WriteResponse{StreamId: req.GetStreamId()}); err != nil {
			return err
		}
	}
}

func (r *recorder) Listen(stream pb.Firestore_ListenServer) error {
	r.note(stream.Context(), "Listen")
	return stream.Send(&pb.ListenResponse{})
}

func TestForwarderHasEveryMethod(t *testing.T) {
	t.Parallel()
	r := &recorder{calls: map[string]metadata.MD{}}
	s, err := serve(anyPort, "recorder", r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	f := forwardTo(t, s)
	tg := serverTarget(t, f)
	ctx := metadata.AppendToOutgoingContext(t.Context(),
		"x-goog-request-params", "database=d", "google-cloud-resource-prefix", "d", "authorization", "Bearer guest", "other", "x")

	unary := map[string]func() error{
		"GetDocument":       func() error { _, err := tg.raw.GetDocument(ctx, &pb.GetDocumentRequest{}); return err },
		"CreateDocument":    func() error { _, err := tg.raw.CreateDocument(ctx, &pb.CreateDocumentRequest{}); return err },
		"UpdateDocument":    func() error { _, err := tg.raw.UpdateDocument(ctx, &pb.UpdateDocumentRequest{}); return err },
		"DeleteDocument":    func() error { _, err := tg.raw.DeleteDocument(ctx, &pb.DeleteDocumentRequest{}); return err },
		"ListDocuments":     func() error { _, err := tg.raw.ListDocuments(ctx, &pb.ListDocumentsRequest{}); return err },
		"ListCollectionIds": func() error { _, err := tg.raw.ListCollectionIds(ctx, &pb.ListCollectionIdsRequest{}); return err },
		"PartitionQuery":    func() error { _, err := tg.raw.PartitionQuery(ctx, &pb.PartitionQueryRequest{}); return err },
		"ExecutePipeline": func() error {
			stream, err := tg.raw.ExecutePipeline(ctx, &pb.ExecutePipelineRequest{})
			if err == nil {
				_, err = stream.Recv()
			}
			return err
		},
		"Listen": func() error {
			stream, err := tg.raw.Listen(ctx)
			if err == nil {
				_, err = stream.Recv()
			}
			return err
		},
		"Write": func() error {
			stream, err := tg.raw.Write(ctx)
			for _, id := range []string{"1", "2"} {
				if err != nil {
					return err
				}
				if err := stream.Send(&pb.WriteRequest{StreamId: id}); err != nil {
					return err
				}
				var resp *pb.WriteResponse
				if resp, err = stream.Recv(); resp.GetStreamId() != id {
					t.Errorf("answer %v, want one to request %s", resp, id)
				}
			}
			return err
		},
	}
	for name, call := range unary {
		t.Run(name, func(t *testing.T) {
			if err := call(); err != nil {
				t.Fatal(err)
			}
			r.mu.Lock()
			defer r.mu.Unlock()
			got := r.calls[name]
			for header, want := range map[string]string{
				"authorization": "Bearer owner", "x-goog-request-params": "database=d", "google-cloud-resource-prefix": "d", "other": "",
			} {
				if got := strings.Join(got.Get(header), ", "); got != want {
					t.Errorf("header %s: %q, want %q", header, got, want)
				}
			}
		})
	}
	if got, want := f.Ops(), (Ops{Reads: 4, Writes: 2, Deletes: 1}); got != want {
		t.Errorf("cost %v, want %v", got, want)
	}
}

func TestForwarderWithoutAnEmulator(t *testing.T) {
	t.Parallel()
	s := memoryServer(t)
	f := forwardTo(t, s)
	s.Close()
	tg := serverTarget(t, f)
	_, err := tg.commit(t, setWrite(tg.name("c/d"), nil))
	wantCode(t, err, codes.Unavailable)
}
