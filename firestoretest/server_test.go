package firestoretest

import (
	"testing"

	"cloud.google.com/go/firestore"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func TestSmoke(t *testing.T) {
	t.Parallel()
	s, client := Start(t)
	ctx := t.Context()
	doc := client.Doc("c/d")
	if _, err := doc.Get(ctx); status.Code(err) != codes.NotFound {
		t.Fatal(err)
	}
	wr, err := doc.Create(ctx, map[string]any{"a": 1, "b": map[string]any{"c": "x"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := doc.Create(ctx, map[string]any{"a": 1}); status.Code(err) != codes.AlreadyExists {
		t.Fatal(err)
	}
	if _, err := doc.Update(ctx, []firestore.Update{{Path: "b.d", Value: 2}}, firestore.LastUpdateTime(wr.UpdateTime)); err != nil {
		t.Fatal(err)
	}
	if _, err := doc.Update(ctx, []firestore.Update{{Path: "b.d", Value: 2}}, firestore.LastUpdateTime(wr.UpdateTime)); status.Code(err) != codes.FailedPrecondition {
		t.Fatal(err)
	}
	snap, err := doc.Get(ctx)
	t.Log(snap.Data(), err, s.Ops(), s.Calls())
	remove := s.Inject(Fault{Method: "Commit", Err: status.Error(codes.Internal, "x"), After: true})
	defer remove()
	if _, err := doc.Delete(ctx); status.Code(err) != codes.Internal {
		t.Fatal(err)
	}
	_, err = doc.Get(ctx)
	t.Log(err, s.Ops(), s.Calls())
}
