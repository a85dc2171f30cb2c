package firestoretest

import (
	"testing"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// singleWrites shows what CreateDocument and UpdateDocument answer, and that DeleteDocument deletes.
func singleWrites(t *testing.T, tg target) {
	whole := fields("a", integerValue(1), "b", integerValue(2))
	type call = func(target) (*pb.Document, error)
	create := func(req *pb.CreateDocumentRequest) call {
		return func(tg target) (*pb.Document, error) {
			req.Parent, req.Document = tg.root+req.GetParent(), &pb.Document{Fields: whole}
			return tg.raw.CreateDocument(owner(t), req)
		}
	}
	update := func(fields map[string]*pb.Value, req *pb.UpdateDocumentRequest) call {
		return func(tg target) (*pb.Document, error) {
			req.Document = &pb.Document{Name: tg.name("c/d"), Fields: fields}
			return tg.raw.UpdateDocument(owner(t), req)
		}
	}
	one, nothing := &pb.DocumentMask{FieldPaths: []string{"a"}}, &pb.DocumentMask{}
	changed := fields("a", integerValue(9), "c", integerValue(3))
	for _, c := range []struct {
		name     string
		call     call
		path     string
		answered map[string]*pb.Value
		stored   map[string]*pb.Value
	}{
		{"create", create(&pb.CreateDocumentRequest{CollectionId: "c", DocumentId: "new"}), "c/new", whole, whole},
		{"create below a document", create(&pb.CreateDocumentRequest{Parent: "/c/d", CollectionId: "e", DocumentId: "f"}), "c/d/e/f", whole, whole},
		{"create and read a field", create(&pb.CreateDocumentRequest{CollectionId: "c", DocumentId: "masked", Mask: one}), "c/masked", fields("a", integerValue(1)), whole},
		{"create and read nothing", create(&pb.CreateDocumentRequest{CollectionId: "c", DocumentId: "silent", Mask: nothing}), "c/silent", nil, whole},
		{"update", update(changed, &pb.UpdateDocumentRequest{}), "c/d", changed, changed},
		{"update a field", update(whole, &pb.UpdateDocumentRequest{UpdateMask: one}), "c/d", fields("a", integerValue(1), "c", integerValue(3)), fields("a", integerValue(1), "c", integerValue(3))},
		{"remove a field and read another", update(nil, &pb.UpdateDocumentRequest{UpdateMask: &pb.DocumentMask{FieldPaths: []string{"c"}}, Mask: one}), "c/d", fields("a", integerValue(1)), fields("a", integerValue(1))},
		{"update nothing", update(whole, &pb.UpdateDocumentRequest{UpdateMask: nothing}), "c/d", fields("a", integerValue(1)), fields("a", integerValue(1))},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := c.call(tg)
			if err != nil {
				t.Fatal(err)
			}
			if got.GetName() != tg.name(c.path) || !equalFields(got.GetFields(), c.answered) || got.GetCreateTime() == nil {
				t.Errorf("answer %v, want %s with %v", got, c.path, c.answered)
			}
			stored, err := tg.raw.GetDocument(owner(t), &pb.GetDocumentRequest{Name: tg.name(c.path)})
			if err != nil || !equalFields(stored.GetFields(), c.stored) || !proto.Equal(stored.GetUpdateTime(), got.GetUpdateTime()) {
				t.Errorf("stored %v, %v, want %v at the time that was answered", stored, err, c.stored)
			}
		})
	}

	first, err1 := create(&pb.CreateDocumentRequest{CollectionId: "auto"})(tg)
	second, err2 := create(&pb.CreateDocumentRequest{CollectionId: "auto"})(tg)
	if err1 != nil || err2 != nil || first.GetName() == second.GetName() || checkDocumentName(first.GetName()) != nil {
		t.Errorf("without an ID: %v, %v; %v, %v; want two documents with names of their own", first, err1, second, err2)
	}
	if _, err := tg.raw.DeleteDocument(owner(t), &pb.DeleteDocumentRequest{Name: tg.name("c/d")}); err != nil {
		t.Error(err)
	}
	tg.wantData(t, "c/d", nil)
}

func refusedSingleWrites(t *testing.T, tg target) {
	tg.set(t, map[string]map[string]any{"c/d": {"n": 1}})
	exists := func(exists bool) *pb.Precondition {
		return &pb.Precondition{ConditionType: &pb.Precondition_Exists{Exists: exists}}
	}
	old := &pb.Precondition{ConditionType: &pb.Precondition_UpdateTime{UpdateTime: &timestamppb.Timestamp{Seconds: 1}}}
	bad := &pb.DocumentMask{FieldPaths: []string{"a b"}}
	for name, c := range map[string]struct {
		req  *pb.CreateDocumentRequest
		want codes.Code
	}{
		"create what exists":            {&pb.CreateDocumentRequest{CollectionId: "c", DocumentId: "d"}, codes.AlreadyExists},
		"create by another name":        {&pb.CreateDocumentRequest{CollectionId: "c", DocumentId: "x", Document: &pb.Document{Name: tg.name("c/x")}}, codes.InvalidArgument},
		"create without a collection":   {&pb.CreateDocumentRequest{DocumentId: "x"}, codes.InvalidArgument},
		"create in a path":              {&pb.CreateDocumentRequest{CollectionId: "c/d/e", DocumentId: "x"}, codes.InvalidArgument},
		"create with a path for an ID":  {&pb.CreateDocumentRequest{CollectionId: "c", DocumentId: "x/y/z"}, codes.InvalidArgument},
		"create with a reserved ID":     {&pb.CreateDocumentRequest{CollectionId: "c", DocumentId: "__x__"}, codes.InvalidArgument},
		"create below a collection":     {&pb.CreateDocumentRequest{Parent: "/c", CollectionId: "c", DocumentId: "x"}, codes.InvalidArgument},
		"create with a malformed mask":  {&pb.CreateDocumentRequest{CollectionId: "c", DocumentId: "x", Mask: bad}, codes.InvalidArgument},
		"create with a malformed field": {&pb.CreateDocumentRequest{CollectionId: "c", DocumentId: "x", Document: &pb.Document{Fields: fields("__x__", nullValue)}}, codes.InvalidArgument},
	} {
		t.Run(name, func(t *testing.T) {
			c.req.Parent = tg.root + c.req.GetParent()
			_, err := tg.raw.CreateDocument(owner(t), c.req)
			wantCode(t, err, c.want)
		})
	}
	for name, c := range map[string]struct {
		req  *pb.UpdateDocumentRequest
		want codes.Code
	}{
		"update nothing":               {&pb.UpdateDocumentRequest{}, codes.InvalidArgument},
		"update a collection":          {&pb.UpdateDocumentRequest{Document: &pb.Document{Name: tg.name("c")}}, codes.InvalidArgument},
		"update by a malformed mask":   {&pb.UpdateDocumentRequest{Document: &pb.Document{Name: tg.name("c/d")}, UpdateMask: bad}, codes.InvalidArgument},
		"update what is missing":       {&pb.UpdateDocumentRequest{Document: &pb.Document{Name: tg.name("c/x")}, CurrentDocument: exists(true)}, codes.NotFound},
		"update what is there":         {&pb.UpdateDocumentRequest{Document: &pb.Document{Name: tg.name("c/d")}, CurrentDocument: exists(false)}, codes.AlreadyExists},
		"update what has changed":      {&pb.UpdateDocumentRequest{Document: &pb.Document{Name: tg.name("c/d")}, CurrentDocument: old}, codes.FailedPrecondition},
		"update and read what is none": {&pb.UpdateDocumentRequest{Document: &pb.Document{Name: tg.name("c/d")}, Mask: bad}, codes.InvalidArgument},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := tg.raw.UpdateDocument(owner(t), c.req)
			wantCode(t, err, c.want)
		})
	}
	for name, c := range map[string]struct {
		req  *pb.DeleteDocumentRequest
		want codes.Code
	}{
		"delete nothing":          {&pb.DeleteDocumentRequest{}, codes.InvalidArgument},
		"delete a collection":     {&pb.DeleteDocumentRequest{Name: tg.name("c")}, codes.InvalidArgument},
		"delete what is missing":  {&pb.DeleteDocumentRequest{Name: tg.name("c/x")}, codes.OK},
		"delete what must exist":  {&pb.DeleteDocumentRequest{Name: tg.name("c/x"), CurrentDocument: exists(true)}, codes.NotFound},
		"delete what has changed": {&pb.DeleteDocumentRequest{Name: tg.name("c/d"), CurrentDocument: old}, codes.FailedPrecondition},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := tg.raw.DeleteDocument(owner(t), c.req)
			wantCode(t, err, c.want)
		})
	}
	tg.wantData(t, "c/d", map[string]any{"n": int64(1)})
}
