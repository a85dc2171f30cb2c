package firestoretest

import (
	"context"
	"crypto/rand"
	"strings"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/protobuf/types/known/emptypb"
)

func (m *memory) CreateDocument(_ context.Context, req *pb.CreateDocumentRequest) (*pb.Document, error) {
	if err := checkParent(req.GetParent()); err != nil {
		return nil, err
	}
	if req.GetDocument().GetName() != "" {
		return nil, invalid("The document to create must not have a name.")
	}
	if err := checkCollectionID(req.GetCollectionId()); err != nil {
		return nil, err
	}
	id := req.GetDocumentId()
	if id == "" {
		id = rand.Text()[:20]
	}
	if strings.Contains(id, "/") {
		return nil, invalid("Document ID %q contains a slash.", id)
	}
	return m.writeOne(&pb.Write{
		Operation: &pb.Write_Update{Update: &pb.Document{
			Name:   req.GetParent() + "/" + req.GetCollectionId() + "/" + id,
			Fields: req.GetDocument().GetFields(),
		}},
		CurrentDocument: &pb.Precondition{ConditionType: &pb.Precondition_Exists{}},
	}, req.GetMask())
}

func (m *memory) UpdateDocument(_ context.Context, req *pb.UpdateDocumentRequest) (*pb.Document, error) {
	return m.writeOne(&pb.Write{
		Operation:       &pb.Write_Update{Update: req.GetDocument()},
		UpdateMask:      req.GetUpdateMask(),
		CurrentDocument: req.GetCurrentDocument(),
	}, req.GetMask())
}

func (m *memory) DeleteDocument(_ context.Context, req *pb.DeleteDocumentRequest) (*emptypb.Empty, error) {
	_, err := m.writeOne(&pb.Write{
		Operation:       &pb.Write_Delete{Delete: req.GetName()},
		CurrentDocument: req.GetCurrentDocument(),
	}, nil)
	if err != nil {
		return nil, err
	}
	return &emptypb.Empty{}, nil
}

// writeOne applies the write, and returns the fields in the mask of the document as it is then.
func (m *memory) writeOne(req *pb.Write, fields *pb.DocumentMask) (*pb.Document, error) {
	mask, err := parseMask(fields)
	if err != nil {
		return nil, err
	}
	w, err := parseWrite(req)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, err := m.apply([]write{w}); err != nil {
		return nil, err
	}
	return mask.project(m.docs.get(w.name)), nil
}
