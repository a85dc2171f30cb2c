package firestoretest

import (
	"context"
	"fmt"
	"testing"

	"cloud.google.com/go/firestore"
	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func TestOpsString(t *testing.T) {
	t.Parallel()
	for want, ops := range map[string]Ops{
		"nothing":                      {},
		"1 read":                       {Reads: 1},
		"2 reads, 1 write":             {Reads: 2, Writes: 1},
		"1 read, 3 writes, 11 deletes": {1, 3, 11},
		"2 deletes":                    {Deletes: 2},
	} {
		if got := ops.String(); got != want {
			t.Errorf("%#v: got %q, want %q", ops, got, want)
		}
	}
}

func TestOpsSub(t *testing.T) {
	t.Parallel()
	if got, want := (Ops{5, 7, 9}).Sub(Ops{1, 2, 3}), (Ops{4, 5, 6}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestOpsAreBilledAsByFirestore(t *testing.T) {
	t.Parallel()
	data := map[string]any{"n": 1}
	for _, c := range []struct {
		name string
		call func(*testing.T, target) error
		want Ops
	}{
		{"get", func(t *testing.T, tg target) error {
			_, err := tg.Doc("c/1").Get(t.Context())
			return err
		}, Ops{Reads: 1}},
		{"get several, some missing", func(t *testing.T, tg target) error {
			_, err := tg.GetAll(t.Context(), []*firestore.DocumentRef{tg.Doc("c/1"), tg.Doc("c/2"), tg.Doc("c/none")})
			return err
		}, Ops{Reads: 3}},
		{"GetDocument", func(t *testing.T, tg target) error {
			_, err := tg.raw.GetDocument(owner(t), &pb.GetDocumentRequest{Name: tg.name("c/1")})
			return err
		}, Ops{Reads: 1}},
		{"GetDocument of a missing one", func(t *testing.T, tg target) error {
			_, err := tg.raw.GetDocument(owner(t), &pb.GetDocumentRequest{Name: tg.name("c/none")})
			wantCode(t, err, codes.NotFound)
			return nil
		}, Ops{Reads: 1}},
		{"set", func(t *testing.T, tg target) error {
			_, err := tg.Doc("c/new").Set(t.Context(), data)
			return err
		}, Ops{Writes: 1}},
		{"set to what it is", func(t *testing.T, tg target) error {
			_, err := tg.Doc("c/1").Set(t.Context(), map[string]any{"n": 1})
			return err
		}, Ops{Writes: 1}},
		{"delete", func(t *testing.T, tg target) error {
			_, err := tg.Doc("c/1").Delete(t.Context())
			return err
		}, Ops{Deletes: 1}},
		{"delete of a missing one", func(t *testing.T, tg target) error {
			_, err := tg.Doc("c/none").Delete(t.Context())
			return err
		}, Ops{Deletes: 1}},
		{"commit that fails", func(t *testing.T, tg target) error {
			_, err := tg.commit(t, deleteWrite(tg.name("c/2")), ifExists(false, setWrite(tg.name("c/1"), nil)))
			wantCode(t, err, codes.AlreadyExists)
			return nil
		}, Ops{}},
		{"batch write that fails in part", func(t *testing.T, tg target) error {
			_, err := tg.raw.BatchWrite(owner(t), &pb.BatchWriteRequest{Database: tg.database, Writes: []*pb.Write{
				ifExists(false, setWrite(tg.name("c/1"), nil)), deleteWrite(tg.name("c/2")), setWrite(tg.name("c/new"), nil),
			}})
			return err
		}, Ops{Writes: 1, Deletes: 1}},
		{"query", func(t *testing.T, tg target) error {
			_, err := tg.Collection("c").Where("n", ">", 1).Documents(t.Context()).GetAll()
			return err
		}, Ops{Reads: 2}},
		{"query with an offset", func(t *testing.T, tg target) error {
			_, err := tg.Collection("c").OrderBy("n", firestore.Asc).Offset(1).Documents(t.Context()).GetAll()
			return err
		}, Ops{Reads: 3}},
		{"query without results", func(t *testing.T, tg target) error {
			_, err := tg.Collection("none").Documents(t.Context()).GetAll()
			return err
		}, Ops{Reads: 1}},
		{"query that fails", func(t *testing.T, tg target) error {
			_, err := tg.tryQuery(t, queryRequest(tg.root, "__x__", nil))
			wantCode(t, err, codes.InvalidArgument)
			return nil
		}, Ops{}},
		{"count", func(t *testing.T, tg target) error {
			_, err := tg.Collection("c").NewAggregationQuery().WithCount("n").Get(t.Context())
			return err
		}, Ops{Reads: 1}},
		{"count of nothing", func(t *testing.T, tg target) error {
			_, err := tg.Collection("none").NewAggregationQuery().WithCount("n").Get(t.Context())
			return err
		}, Ops{Reads: 1}},
		{"sum and average", func(t *testing.T, tg target) error {
			_, err := tg.Collection("c").NewAggregationQuery().WithSum("n", "sum").WithAvg("n", "avg").Get(t.Context())
			return err
		}, Ops{Reads: 1}},
		{"aggregation that fails", func(t *testing.T, tg target) error {
			_, err := tg.aggregate(t, tg.root, inCollection("c"), sumOf("a b"))
			wantCode(t, err, codes.InvalidArgument)
			return nil
		}, Ops{}},
		{"collection group", func(t *testing.T, tg target) error {
			_, err := tg.CollectionGroup("c").Documents(t.Context()).GetAll()
			return err
		}, Ops{Reads: 3}},
		{"list of documents", func(t *testing.T, tg target) error {
			tg.set(t, map[string]map[string]any{"c/missing/sub/1": {}})
			_, err := tg.Collection("c").DocumentRefs(t.Context()).GetAll()
			return err
		}, Ops{Reads: 4, Writes: 1}},
		{"list of nothing", func(t *testing.T, tg target) error {
			_, err := tg.Collection("none").DocumentRefs(t.Context()).GetAll()
			return err
		}, Ops{Reads: 1}},
		{"list of collections", func(t *testing.T, tg target) error {
			tg.set(t, map[string]map[string]any{"d/1": {}, "e/1": {}})
			_, err := tg.Collections(t.Context()).GetAll()
			return err
		}, Ops{Reads: 1, Writes: 2}},
		{"list that fails", func(t *testing.T, tg target) error {
			_, err := tg.raw.ListDocuments(owner(t), &pb.ListDocumentsRequest{Parent: tg.root, CollectionId: "c", PageSize: -1})
			wantCode(t, err, codes.InvalidArgument)
			return nil
		}, Ops{}},
		{"CreateDocument, UpdateDocument and DeleteDocument", func(t *testing.T, tg target) error {
			doc, err := tg.raw.CreateDocument(owner(t), &pb.CreateDocumentRequest{Parent: tg.root, CollectionId: "c"})
			if err != nil {
				return err
			}
			if doc, err = tg.raw.UpdateDocument(owner(t), &pb.UpdateDocumentRequest{Document: doc}); err != nil {
				return err
			}
			_, err = tg.raw.DeleteDocument(owner(t), &pb.DeleteDocumentRequest{Name: doc.GetName()})
			return err
		}, Ops{Writes: 2, Deletes: 1}},
		{"transaction", func(t *testing.T, tg target) error {
			return tg.RunTransaction(t.Context(), func(_ context.Context, tx *firestore.Transaction) error {
				if _, err := tx.Get(tg.Doc("c/1")); err != nil {
					return err
				}
				if err := tx.Set(tg.Doc("c/1"), data); err != nil {
					return err
				}
				return tx.Delete(tg.Doc("c/2"))
			})
		}, Ops{1, 1, 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, _ := Start(t)
			tg := serverTarget(t, s)
			tg.set(t, map[string]map[string]any{"c/1": {"n": 1}, "c/2": {"n": 2}, "c/3": {"n": 3}})
			before := s.Ops()
			if err := c.call(t, tg); err != nil {
				t.Fatal(err)
			}
			if got := s.Ops().Sub(before); got != c.want {
				t.Errorf("cost %v, want %v", got, c.want)
			}
		})
	}
}

// An endless is a backend whose streams do not end before their callers give up.
type endless struct {
	pb.UnimplementedFirestoreServer
}

func (endless) Close() error { return nil }

func (endless) BatchGetDocuments(req *pb.BatchGetDocumentsRequest, stream pb.Firestore_BatchGetDocumentsServer) error {
	missing := &pb.BatchGetDocumentsResponse_Missing{Missing: req.GetDocuments()[0]}
	if err := stream.Send(&pb.BatchGetDocumentsResponse{Result: missing}); err != nil {
		return err
	}
	<-stream.Context().Done()
	return status.FromContextError(stream.Context().Err()).Err()
}

// Python's client does not wait for the end of a stream that can have but one document.
func TestADocumentIsBilledBeforeItsStreamEnds(t *testing.T) {
	t.Parallel()
	s, err := serve(anyPort, "p", endless{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	tg := serverTarget(t, s)
	ctx, cancel := context.WithCancel(owner(t))
	defer cancel()
	stream, err := tg.raw.BatchGetDocuments(ctx, &pb.BatchGetDocumentsRequest{Documents: []string{tg.name("c/1")}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); err != nil {
		t.Fatal(err)
	}
	if got, want := s.Ops(), (Ops{Reads: 1}); got != want {
		t.Errorf("cost %v, want %v", got, want)
	}
}

func TestAggregationsAreBilledByTheThousand(t *testing.T) {
	t.Parallel()
	s, _ := Start(t)
	tg := serverTarget(t, s)
	var docs []*pb.Document
	for i := range int64(2001) {
		docs = append(docs, &pb.Document{Name: tg.name(fmt.Sprint("c/", i)), Fields: fields("i", integerValue(i), "n", integerValue(1_000_000))})
	}
	tg.store(t, docs)
	for _, c := range []struct {
		name  string
		below int64 // only documents with a lower number
		of    []*pb.StructuredAggregationQuery_Aggregation
		want  int
	}{
		{"none", 0, aggregations(sumOf("n")), 1},
		{"one", 1, aggregations(sumOf("n")), 1},
		{"1000", 1000, aggregations(sumOf("n")), 1},
		{"1001", 1001, aggregations(averageOf("n")), 2},
		{"2000 counted", 2000, aggregations(count()), 2},
		{"2001 counted and added up", 2001, aggregations(sumOf("n"), countUpTo("", 5), count()), 3},
		{"2001 added up, and counted up to a limit", 2001, aggregations(sumOf("n"), countUpTo("", 5)), 3},
		{"counted up to a limit", 2001, aggregations(countUpTo("", 5), countUpTo("", 1001)), 2},
		{"five", 1001, aggregations(sumOf("n"), averageOf("n"), sumOf("i"), averageOf("i"), count()), 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			q := filtered(inCollection("c"), fieldFilter("i", less, integerValue(c.below)))
			before := s.Ops()
			got, err := tg.aggregate(t, tg.root, q, c.of...)
			if err != nil || len(got) != len(c.of) {
				t.Errorf("got %v, %v, want as many results as aggregations, %d", got, err, len(c.of))
			}
			if cost := s.Ops().Sub(before); cost != (Ops{Reads: c.want}) {
				t.Errorf("cost %v, want %v", cost, Ops{Reads: c.want})
			}
		})
	}
}

func TestCallsCountFailuresToo(t *testing.T) {
	t.Parallel()
	s, client := Start(t)
	s.Inject(Fault{Method: "Commit", Err: status.Error(codes.Internal, "broken")})
	doc := client.Doc("c/d")
	for _, want := range []codes.Code{codes.Internal, codes.OK, codes.AlreadyExists} {
		_, err := doc.Create(t.Context(), map[string]any{})
		wantCode(t, err, want)
	}
	if _, err := doc.Get(t.Context()); err != nil {
		t.Fatal(err)
	}
	calls := s.Calls()
	if diff := cmp.Diff(map[string]int{"Commit": 3, "BatchGetDocuments": 1}, calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	calls["Commit"] = 99
	if got := s.Calls()["Commit"]; got != 3 {
		t.Errorf("%d commits after the caller changed its map, want 3", got)
	}
}

func TestResetOps(t *testing.T) {
	t.Parallel()
	s, client := Start(t)
	written(t)(client.Doc("c/d").Create(t.Context(), map[string]any{}))
	s.ResetOps()
	if got := s.Ops(); got != (Ops{}) {
		t.Errorf("got %v, want nothing", got)
	}
	if got := s.Calls(); got == nil || len(got) != 0 {
		t.Errorf("got %#v, want an empty map", got)
	}
	written(t)(client.Doc("c/d").Delete(t.Context()))
	if got, want := s.Ops(), (Ops{Deletes: 1}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}
