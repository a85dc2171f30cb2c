package echofirestore_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/echofirestore/echofirestore/firestoretest"
	"github.com/labstack/echo/v5"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/echofirestore/echofirestore/v5"
)

// newCounter returns the application under test. It takes the Config, so that a test can bring its own client and clock.
func newCounter(cfg echofirestore.Config) *echo.Echo {
	e := echo.New()
	e.Use(echofirestore.Middleware(cfg))
	e.GET("/", func(c *echo.Context) error {
		sess, err := echofirestore.Get(c)
		if err != nil {
			return err
		}
		n, _ := sess.Values["visits"].(int)
		sess.Values["visits"] = n + 1
		return c.String(http.StatusOK, fmt.Sprint(n+1))
	})
	return e
}

// A test of an application: its pages, what they cost, how it takes errors, and when its sessions expire. In a func
// TestX(t *testing.T), the line
//
//	server, client := firestoretest.Start(t)
//
// does what the first lines do here. With FIRESTORE_EMULATOR_HOST set, all this happens on the emulator.
func Example_testing() {
	server, err := firestoretest.NewServer()
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	client, err := server.Client(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	now := time.Now()
	app := newCounter(echofirestore.Config{
		Client: client,
		MaxAge: 3600,
		Now:    func() time.Time { return now },
	})
	visit := func(cookies []*http.Cookie) []*http.Cookie {
		req := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
		for _, cookie := range cookies {
			req.AddCookie(cookie)
		}
		rec := httptest.NewRecorder()
		before := server.Ops()
		app.ServeHTTP(rec, req)
		fmt.Printf("%d %q, for %v\n", rec.Code, rec.Body, server.Ops().Sub(before))
		resp := rec.Result()
		defer resp.Body.Close()
		return resp.Cookies()
	}

	cookies := visit(nil)
	visit(cookies)

	// Firestore refuses the next commit.
	server.Inject(firestoretest.Fault{Method: "Commit", Err: status.Error(codes.PermissionDenied, "no")})
	visit(cookies)

	// An hour later, the session is over.
	now = now.Add(time.Hour)
	visit(cookies)
	// Output:
	// 200 "1", for 1 write
	// 200 "2", for 1 read, 1 write
	// 503 "{\"message\":\"Service Unavailable\"}\n", for 1 read
	// 200 "1", for 1 read, 1 write, 1 delete
}
