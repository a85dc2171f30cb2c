package firestoretest

import (
	"fmt"
	"strings"
	"testing"

	"cloud.google.com/go/firestore"
	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc/codes"
)

func (tg target) fillTree(t *testing.T) {
	t.Helper()
	tg.set(t, map[string]map[string]any{
		"c/1": {"n": 3}, "c/2": {"n": 1, "k": 1}, "c/3": {"n": 2, "k": 2}, "c/2/sub/x": {}, "c/gone/sub/y": {},
		"c/gone/sub/y/deep/z": {}, "c-d/1": {}, "d/gone/deep/gone/e/1": {}, "é/1": {},
	})
}

func documentRefs(t *testing.T, tg target) {
	tg.fillTree(t)
	for path, want := range map[string]string{
		"c": "1 2 3 gone", "c/2/sub": "x", "c/gone/sub": "y", "c/1/sub": "", "d": "gone", "d/gone/deep": "gone", "none": "",
	} {
		refs, err := tg.Collection(path).DocumentRefs(t.Context()).GetAll()
		var ids []string
		for _, ref := range refs {
			ids = append(ids, ref.ID)
		}
		if got := strings.Join(ids, " "); err != nil || got != want {
			t.Errorf("documents of %s: %q, %v, want %q", path, got, err, want)
		}
	}
}

func listsOfDocuments(t *testing.T, tg target) {
	tg.fillTree(t)
	for _, c := range []struct {
		name string
		req  *pb.ListDocumentsRequest
		want string // with a bar between pages and a question mark after what is missing
	}{
		{"all", &pb.ListDocumentsRequest{CollectionId: "c"}, "1 2 3"},
		{"in pages", &pb.ListDocumentsRequest{CollectionId: "c", PageSize: 2}, "1 2 | 3"},
		{"in full pages", &pb.ListDocumentsRequest{CollectionId: "c", PageSize: 3}, "1 2 3 |"},
		{"missing ones too", &pb.ListDocumentsRequest{CollectionId: "c", ShowMissing: true}, "1 2 3 gone?"},
		{"missing ones too, in pages", &pb.ListDocumentsRequest{CollectionId: "c", ShowMissing: true, PageSize: 3}, "1 2 3 | gone?"},
		{"below a missing document", &pb.ListDocumentsRequest{Parent: "/c/gone", CollectionId: "sub"}, "y"},
		{"of all collections", &pb.ListDocumentsRequest{}, "1 2 3 1 1"},
		{"of all collections below a document", &pb.ListDocumentsRequest{Parent: "/c/2"}, "x"},
		{"ordered", &pb.ListDocumentsRequest{CollectionId: "c", OrderBy: "n"}, "2 3 1"},
		{"ordered, descending", &pb.ListDocumentsRequest{CollectionId: "c", OrderBy: "n DESC"}, "1 3 2"},
		{"ordered by what some lack", &pb.ListDocumentsRequest{CollectionId: "c", OrderBy: "k  desc ,\tn asc"}, "3 2"},
		{"ordered by a quoted field", &pb.ListDocumentsRequest{CollectionId: "c", OrderBy: "`n` desc, `__name__`"}, "1 3 2"},
		{"ordered by a field with a comma", &pb.ListDocumentsRequest{CollectionId: "c", OrderBy: "`n,k`"}, ""},
		{"ordered by name", &pb.ListDocumentsRequest{CollectionId: "c", OrderBy: "__name__"}, "1 2 3"},
		{"of nothing", &pb.ListDocumentsRequest{CollectionId: "none"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.req.Parent = tg.root + c.req.Parent
			var got []string
			for page := 0; page == 0 || c.req.GetPageToken() != ""; page++ {
				if page > 0 {
					got = append(got, "|")
				}
				resp, err := tg.raw.ListDocuments(owner(t), c.req)
				if err != nil {
					t.Fatal(err)
				}
				for _, doc := range resp.GetDocuments() {
					_, id := splitName(doc.GetName())
					if doc.GetUpdateTime() == nil {
						id += "?"
					}
					got = append(got, id)
				}
				c.req.PageToken = resp.GetNextPageToken()
			}
			if got := strings.Join(got, " "); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}

	masked := &pb.ListDocumentsRequest{Parent: tg.root, CollectionId: "c", Mask: &pb.DocumentMask{FieldPaths: []string{"k"}}}
	resp, err := tg.raw.ListDocuments(owner(t), masked)
	if err != nil || len(resp.GetDocuments()) != 3 || !equalFields(resp.GetDocuments()[1].GetFields(), fields("k", integerValue(1))) {
		t.Errorf("with a mask: %v, %v, want nothing of the second document but k", resp, err)
	}

	masked.ShowMissing = true
	resp, err = tg.raw.ListDocuments(owner(t), masked)
	if err != nil || len(resp.GetDocuments()) != 4 || len(resp.GetDocuments()[1].GetFields()) != 2 {
		t.Errorf("with a mask, and missing ones: %v, %v, want the whole second document", resp, err)
	}

	tx := tg.begin(t, readOnly)
	tg.set(t, map[string]map[string]any{"c/4": {}})
	resp, err = tg.raw.ListDocuments(owner(t), &pb.ListDocumentsRequest{
		Parent: tg.root, CollectionId: "c", ConsistencySelector: &pb.ListDocumentsRequest_Transaction{Transaction: tx},
	})
	if err != nil || len(resp.GetDocuments()) != 3 {
		t.Errorf("in a transaction: %v, %v, want the three documents when it began", resp, err)
	}
}

func sizesOfPages(t *testing.T, tg target) {
	var writes []*pb.Write
	for i := range 200 {
		writes = append(writes, setWrite(tg.name(fmt.Sprintf("c/%03d", i)), nil), setWrite(tg.name(fmt.Sprintf("x/y/c%03d/1", i)), nil))
	}
	if _, err := tg.commit(t, writes...); err != nil {
		t.Fatal(err)
	}
	for size, want := range map[int32]int{0: 30, 1: 1, 31: 31, 150: 150, 151: 150, 1000: 150} {
		resp, err := tg.raw.ListDocuments(owner(t), &pb.ListDocumentsRequest{Parent: tg.root, CollectionId: "c", PageSize: size})
		if got := len(resp.GetDocuments()); err != nil || got != want {
			t.Errorf("%d documents in a page of %d, %v, want %d", got, size, err, want)
		}
	}
	for size, want := range map[int32]int{0: 200, 1: 1, 199: 199, 200: 200, 1000: 200} {
		resp, err := tg.raw.ListCollectionIds(owner(t), &pb.ListCollectionIdsRequest{Parent: tg.name("x/y"), PageSize: size})
		if got := len(resp.GetCollectionIds()); err != nil || got != want || (resp.GetNextPageToken() == "") != (size != int32(want)) {
			t.Errorf("%d collections in a page of %d, next %q, %v, want %d", got, size, resp.GetNextPageToken(), err, want)
		}
	}
}

func malformedLists(t *testing.T, tg target) {
	for name, c := range map[string]struct {
		req  *pb.ListDocumentsRequest
		want codes.Code
	}{
		"negative size":                {&pb.ListDocumentsRequest{PageSize: -1}, codes.InvalidArgument},
		"bad token":                    {&pb.ListDocumentsRequest{PageToken: "xx"}, codes.InvalidArgument},
		"bad mask":                     {&pb.ListDocumentsRequest{Mask: &pb.DocumentMask{FieldPaths: []string{"a b"}}}, codes.InvalidArgument},
		"missing, ordered":             {&pb.ListDocumentsRequest{ShowMissing: true, OrderBy: "__name__"}, codes.InvalidArgument},
		"missing of all collections":   {&pb.ListDocumentsRequest{ShowMissing: true, CollectionId: "-"}, codes.InvalidArgument},
		"all collections, ordered":     {&pb.ListDocumentsRequest{CollectionId: "-", OrderBy: "n"}, codes.InvalidArgument},
		"reserved collection":          {&pb.ListDocumentsRequest{CollectionId: "__x__"}, codes.InvalidArgument},
		"collection path":              {&pb.ListDocumentsRequest{CollectionId: "a/b/c"}, codes.InvalidArgument},
		"parent collection":            {&pb.ListDocumentsRequest{Parent: "/c"}, codes.InvalidArgument},
		"no such transaction":          {&pb.ListDocumentsRequest{ConsistencySelector: &pb.ListDocumentsRequest_Transaction{Transaction: []byte("x")}}, codes.InvalidArgument},
		"order ends with a comma":      {&pb.ListDocumentsRequest{OrderBy: "n,"}, codes.InvalidArgument},
		"order begins with a space":    {&pb.ListDocumentsRequest{OrderBy: " n"}, codes.InvalidArgument},
		"order ends with a space":      {&pb.ListDocumentsRequest{OrderBy: "n desc "}, codes.InvalidArgument},
		"order in an unknown way":      {&pb.ListDocumentsRequest{OrderBy: "n up"}, codes.InvalidArgument},
		"order by a field twice":       {&pb.ListDocumentsRequest{OrderBy: "n,n"}, codes.InvalidArgument},
		"order by a field after names": {&pb.ListDocumentsRequest{OrderBy: "__name__,n"}, codes.InvalidArgument},
		"order by names descending":    {&pb.ListDocumentsRequest{OrderBy: "__name__ desc"}, codes.FailedPrecondition},
	} {
		t.Run(name, func(t *testing.T) {
			c.req.Parent = tg.root + c.req.Parent
			switch c.req.CollectionId {
			case "":
				c.req.CollectionId = "c"
			case "-":
				c.req.CollectionId = ""
			}
			_, err := tg.raw.ListDocuments(owner(t), c.req)
			wantCode(t, err, c.want)
		})
	}
	for name, req := range map[string]*pb.ListCollectionIdsRequest{
		"collections, negative size":     {Parent: tg.root, PageSize: -1},
		"collections, parent collection": {Parent: tg.name("c")},
		"collections, parent database":   {Parent: tg.database},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := tg.raw.ListCollectionIds(owner(t), req)
			wantCode(t, err, codes.InvalidArgument)
		})
	}
}

func listsOfCollections(t *testing.T, tg target) {
	tg.fillTree(t)
	list := func(it *firestore.CollectionIterator) string {
		t.Helper()
		refs, err := it.GetAll()
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, ref := range refs {
			ids = append(ids, ref.ID)
		}
		return strings.Join(ids, " ")
	}
	if got, want := list(tg.Collections(t.Context())), "c c-d d é"; got != want {
		t.Errorf("collections at the root: %s, want %s", got, want)
	}
	for path, want := range map[string]string{
		"c/1": "", "c/2": "sub", "c/gone": "sub", "c/gone/sub/y": "deep", "d/gone": "deep", "none/1": "",
	} {
		if got := list(tg.Doc(path).Collections(t.Context())); got != want {
			t.Errorf("collections below %s: %q, want %q", path, got, want)
		}
	}
	req := &pb.ListCollectionIdsRequest{Parent: tg.root, PageSize: 3}
	first, err := tg.raw.ListCollectionIds(owner(t), req)
	if err != nil {
		t.Fatal(err)
	}
	req.PageToken = first.GetNextPageToken()
	second, err := tg.raw.ListCollectionIds(owner(t), req)
	if got, want := fmt.Sprint(first.GetCollectionIds(), second.GetCollectionIds()), "[c c-d d] [é]"; err != nil || got != want || second.GetNextPageToken() != "" {
		t.Errorf("pages %s, %v, next %q, want %s", got, err, second.GetNextPageToken(), want)
	}
	written(t)(tg.Doc("é/1").Delete(t.Context()))
	if got, want := list(tg.Collections(t.Context())), "c c-d d"; got != want {
		t.Errorf("collections after the last document of one is deleted: %s, want %s", got, want)
	}
}
