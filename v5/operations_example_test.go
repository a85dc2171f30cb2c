package echofirestore_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"time"

	"github.com/echofirestore/echofirestore/firestoretest"
	"github.com/labstack/echo/v5"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/echofirestore/echofirestore/v5"
)

// A readiness probe: the load balancer sends requests to other instances until Firestore answers this one.
func ExampleStore_Check() {
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
	e.GET("/readyz", func(c *echo.Context) error {
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
