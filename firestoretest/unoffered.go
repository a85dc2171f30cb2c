package firestoretest

import (
	"context"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// unoffered answers the methods of Firestore that memory doesn't have.
type unoffered struct {
	pb.UnimplementedFirestoreServer
}

func unofferedError(what string) error {
	return status.Errorf(codes.Unimplemented, "firestoretest: %s is not offered in memory, only "+
		"BatchGetDocuments, GetDocument, ListDocuments, ListCollectionIds, RunQuery, RunAggregationQuery, "+
		"Commit, BatchWrite, CreateDocument, UpdateDocument, DeleteDocument, BeginTransaction and Rollback; "+
		"the Firestore emulator has more", what)
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
