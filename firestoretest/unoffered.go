package firestoretest

import (
	"context"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// unoffered answers the methods of Firestore that memory doesn't have.
type unoffered struct {
	pb.UnimplementedFirestoreServer
}

// unofferedError is the answer to what memory doesn't have and the emulator does.
func unofferedError(what string) error {
	return status.Errorf(codes.Unimplemented, "firestoretest: %s is not offered in memory. The Firestore emulator "+
		"offers it: set FIRESTORE_EMULATOR_HOST to its address, and the same test runs there.", what)
}

// serviceOnlyError is the answer to what the emulator doesn't have either.
func serviceOnlyError(what string) error {
	return status.Errorf(codes.Unimplemented, "firestoretest: %s is offered neither in memory nor by the Firestore "+
		"emulator. Use a database of the service.", what)
}

func (unoffered) PartitionQuery(context.Context, *pb.PartitionQueryRequest) (*pb.PartitionQueryResponse, error) {
	return nil, serviceOnlyError("partitioning a query")
}

func (unoffered) ExecutePipeline(*pb.ExecutePipelineRequest, pb.Firestore_ExecutePipelineServer) error {
	return serviceOnlyError("a pipeline")
}

// Write and Listen take the first request before they answer. A client whose request finds the stream
// ended would see that, and not the reason.

func (unoffered) Write(stream pb.Firestore_WriteServer) error {
	if _, err := stream.Recv(); err != nil {
		return err
	}
	return unofferedError("a stream of writes, as the web SDK's,")
}

func (unoffered) Listen(stream pb.Firestore_ListenServer) error {
	if _, err := stream.Recv(); err != nil {
		return err
	}
	return unofferedError("a listener (Snapshots, onSnapshot)")
}

// otherServices answers the methods of all services but Firestore's, such as those that manage indexes.
func otherServices(_ any, stream grpc.ServerStream) error {
	method, _ := grpc.MethodFromServerStream(stream)
	return serviceOnlyError("the method " + method)
}
