package echofirestore_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"path"
	"time"

	"cloud.google.com/go/firestore"
	"github.com/labstack/echo/v4"
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

// A readiness probe: the load balancer sends requests to other instances until Firestore answers this one.
func ExampleStore_check() {
	server, err := firestoretest.NewServer()
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	client, err := server.Client(context.Background()) // firestore.NewClient(ctx, firestore.DetectProjectID)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	store, err := echofirestore.NewStore(echofirestore.Config{Client: client, Timeout: 5 * time.Second})
	if err != nil {
		log.Fatal(err)
	}
	e := echo.New()
	e.Use(store.Middleware())
	e.GET("/readyz", func(c echo.Context) error {
		if err := store.Check(c.Request().Context()); err != nil {
			fmt.Println("not ready:", status.Code(err)) // slog.Error("not ready", "error", err)
			return echo.NewHTTPError(http.StatusServiceUnavailable, "no sessions")
		}
		return c.String(http.StatusOK, "ready")
	})

	browse(e, "GET /readyz")
	server.Inject(firestoretest.Fault{Method: "BatchGetDocuments", Err: status.Error(codes.PermissionDenied, "no role")})
	browse(e, "GET /readyz")
	fmt.Println("cost:", server.Ops())
	// Output:
	// GET /readyz: 200 ready
	// not ready: PermissionDenied
	// GET /readyz: 503 {"message":"no sessions"}
	// cost: 1 read
}
