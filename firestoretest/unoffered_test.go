package firestoretest

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/firestore"
	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
)

// What memory doesn't offer says so to whoever asks for it, and where it is to be had.
func TestUnoffered(t *testing.T) {
	t.Parallel()
	const emulator, service = "FIRESTORE_EMULATOR_HOST", "database of the service"
	for _, c := range []struct {
		name  string
		call  func(context.Context, target) error
		words string // that say what it is
		where string
	}{
		{"listener to a document", func(ctx context.Context, tg target) error {
			_, err := tg.Doc("c/d").Snapshots(ctx).Next()
			return err
		}, "listener", emulator},
		{"listener to a query", func(ctx context.Context, tg target) error {
			_, err := tg.Collection("c").Snapshots(ctx).Next()
			return err
		}, "listener", emulator},
		{"stream of writes", func(ctx context.Context, tg target) error {
			stream, err := tg.raw.Write(ctx)
			if err != nil {
				return err
			}
			if err := stream.Send(&pb.WriteRequest{Database: tg.database}); err != nil {
				return err
			}
			_, err = stream.Recv()
			return err
		}, "stream of writes", emulator},
		{"vector search", func(ctx context.Context, tg target) error {
			q := tg.Collection("c").FindNearest("v", firestore.Vector64{1}, 1, firestore.DistanceMeasureEuclidean, nil)
			_, err := q.Documents(ctx).GetAll()
			return err
		}, "vector search", emulator},
		{"read of the past", func(ctx context.Context, tg target) error {
			_, err := tg.WithReadOptions(firestore.ReadTime(time.Now())).Doc("c/d").Get(ctx)
			return err
		}, "past time", emulator},
		{"transaction in the past", func(ctx context.Context, tg target) error {
			return tg.RunTransaction(ctx, func(_ context.Context, tx *firestore.Transaction) error {
				_, err := tx.Get(tg.Doc("c/d"))
				return err
			}, firestore.ReadOnly, firestore.TransactionReadTime(time.Now()))
		}, "past time", emulator},
		{"explanation of a query", func(ctx context.Context, tg target) error {
			_, err := tg.Collection("c").WithRunOptions(firestore.ExplainOptions{}).Documents(ctx).GetAll()
			return err
		}, "explaining a query", emulator},
		{"partitions of a query", func(ctx context.Context, tg target) error {
			_, err := tg.CollectionGroup("c").GetPartitionedQueries(ctx, 3)
			return err
		}, "partitioning", service},
		{"pipeline", func(ctx context.Context, tg target) error {
			stream, err := tg.raw.ExecutePipeline(ctx, &pb.ExecutePipelineRequest{Database: tg.database})
			if err != nil {
				return err
			}
			_, err = stream.Recv()
			return err
		}, "pipeline", service},
		{"index administration", func(ctx context.Context, tg target) error {
			return tg.conn.Invoke(ctx, "/google.firestore.admin.v1.FirestoreAdmin/CreateIndex", &emptypb.Empty{}, &emptypb.Empty{})
		}, "FirestoreAdmin/CreateIndex", service},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			err := c.call(ctx, serverTarget(t, memoryServer(t)))
			wantCode(t, err, codes.Unimplemented)
			msg := status.Convert(err).Message()
			for _, want := range []string{"firestoretest", c.words, c.where} {
				if !strings.Contains(msg, want) {
					t.Errorf("%q says nothing of %q", msg, want)
				}
			}
		})
	}
}

func TestHTTP1IsRefused(t *testing.T) {
	t.Parallel()
	s := memoryServer(t)
	for _, c := range []struct{ method, path, body string }{
		{http.MethodGet, "/v1/projects/p/databases/(default)/documents/c/d", ""},
		{http.MethodPost, "/v1/projects/p/databases/(default)/documents:commit", `{"writes": []}`},
		{http.MethodPatch, "/v1/projects/p/databases/(default)/documents/c/d", strings.Repeat(" ", 1<<20)},
		{http.MethodPost, "/google.firestore.v1.Firestore/Listen/channel?VER=8", "count=0"},
		{http.MethodPut, "/", ""},
	} {
		t.Run(c.method+" "+c.path, func(t *testing.T) {
			t.Parallel()
			req, err := http.NewRequestWithContext(t.Context(), c.method, "http://"+s.Addr()+c.path, strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			var body struct {
				Error struct {
					Code            int
					Message, Status string
				}
			}
			if err := json.NewDecoder(resp.Body).Decode(&body); err != nil {
				t.Fatal(err)
			}
			if e := body.Error; resp.StatusCode != http.StatusNotImplemented || e.Code != resp.StatusCode || e.Status != "UNIMPLEMENTED" || !strings.Contains(e.Message, "only gRPC") {
				t.Errorf("got %s, %+v", resp.Status, e)
			}
		})
	}
	serverTarget(t, s).wantData(t, "c/d", nil) // gRPC goes on
}
