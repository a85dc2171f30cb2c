package firestoretest

import (
	"context"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
)

// unoffered answers the methods of Firestore that memory doesn't have.
type unoffered struct {
	pb.UnimplementedFirestoreServer
}

func unofferedError(what string) error {
	return status.Errorf(codes.Unimplemented, "firestoretest: %s is not offered in memory, only "+
		"BatchGetDocuments, GetDocument, Commit, BatchWrite, BeginTransaction, Rollback, RunQuery, "+
		"and RunAggregationQuery; the Firestore emulator has the rest", what)
}

func (unoffered) ListDocuments(context.Context, *pb.ListDocumentsRequest) (*pb.ListDocumentsResponse, error) {
	return nil, unofferedError("ListDocuments")
}

func (unoffered) CreateDocument(context.Context, *pb.CreateDocumentRequest) (*pb.Document, error) {
	return nil, unofferedError("CreateDocument")
}

func (unoffered) UpdateDocument(context.Context, *pb.UpdateDocumentRequest) (*pb.Document, error) {
	return nil, unofferedError("UpdateDocument")
}

func (unoffered) DeleteDocument(context.Context, *pb.DeleteDocumentRequest) (*emptypb.Empty, error) {
	return nil, unofferedError("DeleteDocument")
}

func (unoffered) ListCollectionIds(context.Context, *pb.ListCollectionIdsRequest) (*pb.ListCollectionIdsResponse, error) {
	return nil, unofferedError("ListCollectionIds")
}

func (unoffered) PartitionQuery(context.Context, *pb.PartitionQueryRequest) (*pb.PartitionQueryResponse, error) {
	return nil, unofferedError("PartitionQuery")
}

func (unoffered) ExecutePipeline(*pb.ExecutePipelineRequest, pb.Firestore_ExecutePipelineServer) error {
	return unofferedError("ExecutePipeline")
}

func (unoffered) Write(pb.Firestore_WriteServer) error {
	return unofferedError("Write")
}

func (unoffered) Listen(pb.Firestore_ListenServer) error {
	return unofferedError("Listen")
}
