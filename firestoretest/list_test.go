package firestoretest

import (
	"context"
	"testing"

	"cloud.google.com/go/firestore"
	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc/codes"
)

// The emulator fails at this.
func TestMissingDocumentsAreListedInATransaction(t *testing.T) {
	t.Parallel()
	tg := serverTarget(t, memoryServer(t))
	tg.fillTree(t)
	runs := 0
	err := tg.RunTransaction(t.Context(), func(ctx context.Context, tx *firestore.Transaction) error {
		runs++
		refs, err := tx.DocumentRefs(tg.Collection("c")).GetAll()
		if want := 3 + runs; err != nil || len(refs) != want {
			t.Errorf("run %d: %d documents, %v, want %d", runs, len(refs), err, want)
		}
		if runs == 1 { // another one is missing meanwhile, and the transaction has to run again
			written(t)(tg.Doc("c/lost/sub/1").Create(ctx, map[string]any{}))
		}
		return tx.Set(tg.Doc("d/1"), map[string]any{})
	})
	if err != nil || runs != 2 {
		t.Errorf("%d runs, %v, want 2", runs, err)
	}
}

// The emulator fails at the second page.
func TestOrderedListsHavePages(t *testing.T) {
	t.Parallel()
	tg := serverTarget(t, memoryServer(t))
	tg.set(t, map[string]map[string]any{"c/1": {"n": 1}, "c/2": {"n": 3}, "c/3": {"n": 2}, "c/4": {"n": 3}})
	req := &pb.ListDocumentsRequest{Parent: tg.root, CollectionId: "c", PageSize: 1, OrderBy: "n desc"}
	var ids []string
	for more := true; more; more = req.GetPageToken() != "" {
		resp, err := tg.raw.ListDocuments(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		for _, doc := range resp.GetDocuments() {
			_, id := splitName(doc.GetName())
			ids = append(ids, id)
		}
		req.PageToken = resp.GetNextPageToken()
	}
	if got, want := ranges(ids), "4 2-3 1"; got != want {
		t.Errorf("documents %s, want %s", got, want)
	}
}

func TestPageTokensAreChecked(t *testing.T) {
	t.Parallel()
	tg := serverTarget(t, memoryServer(t))
	tg.set(t, map[string]map[string]any{"c/1": {"n": 1}, "c/2": {"n": 2}})
	req := &pb.ListDocumentsRequest{Parent: tg.root, CollectionId: "c", PageSize: 1, OrderBy: "n"}
	resp, err := tg.raw.ListDocuments(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	for name, token := range map[string]string{"of another order": resp.GetNextPageToken(), "not base64": "?", "no cursor": "eHg"} {
		_, err := tg.raw.ListDocuments(t.Context(), &pb.ListDocumentsRequest{Parent: tg.root, CollectionId: "c", PageToken: token})
		if err == nil {
			t.Errorf("%s: no error", name)
		}
		wantCode(t, err, codes.InvalidArgument)
	}
	_, err = tg.raw.ListCollectionIds(t.Context(), &pb.ListCollectionIdsRequest{Parent: tg.root, PageToken: "?"})
	wantCode(t, err, codes.InvalidArgument)
}
