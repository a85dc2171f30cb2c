package echofirestore_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"path"

	"cloud.google.com/go/firestore"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
)

// The Firestore client repeats commits that are refused for a quota or by a service that is down, and does not say so. An
// interceptor on its connection sees every attempt. Do not print the message: it may quote a document's name, and so a key.
//
//	client, err := firestore.NewClient(ctx, project,
//		option.WithGRPCDialOption(grpc.WithChainUnaryInterceptor(showRefusals)))
func Example_refusedAttempts() {
	showRefusals := func(
		ctx context.Context, method string, req, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption,
	) error {
		err := invoke(ctx, method, req, reply, conn, opts...)
		if code := status.Code(err); code == codes.ResourceExhausted || code == codes.Unavailable {
			fmt.Println(path.Base(method), "refused:", code)
		}
		return err
	}

	server, err := firestoretest.NewServer()
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	conn, err := grpc.NewClient("passthrough:///"+server.Addr(),
		grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithChainUnaryInterceptor(showRefusals))
	if err != nil {
		log.Fatal(err)
	}
	client, err := firestore.NewClient(context.Background(), server.Project(), option.WithGRPCConn(conn))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	app := newCounter(echofirestore.Config{Client: client})
	server.Inject(firestoretest.Fault{Method: "Commit", Times: 2, Err: status.Error(codes.ResourceExhausted, "quota exceeded")})
	rec := httptest.NewRecorder()
	app.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/", http.NoBody))
	fmt.Println(rec.Code, rec.Body)
	// Output:
	// Commit refused: ResourceExhausted
	// Commit refused: ResourceExhausted
	// 200 1
}
