package e2e

import (
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
	"github.com/gorilla/sessions"
	gorilla "github.com/gorilla/websocket"
	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// TestWebSocket upgrades a request that has a session, and changes the session before and after.
func TestWebSocket(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		middle []echo.MiddlewareFunc // between the session and the handler
		broken bool                  // Firestore refuses to save
		want   string                // what is stored in the end
	}{
		{name: "bare", want: `{"after":1,"before":1}`},
		{name: "BodyDump inside", middle: []echo.MiddlewareFunc{middleware.BodyDump(func(echo.Context, []byte, []byte) {})}, want: `{"after":1,"before":1}`},
		{name: "not saved, not upgraded", broken: true, want: `{}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server, client := firestoretest.Start(t)
			ref := client.Collection(echofirestore.DefaultCollection).Doc("key")
			if _, err := ref.Create(t.Context(), map[string]any{"data": `{"created":1,"session":{}}`, "max_age": nil}); err != nil {
				t.Fatal(err)
			}
			e := echo.New()
			e.Use(echofirestore.Middleware(echofirestore.Config{Client: client}))
			e.Use(tt.middle...)
			done := make(chan struct{})
			e.GET("/", func(c echo.Context) error {
				defer close(done)
				sess := c.Get(echofirestore.SessionKey).(*sessions.Session)
				sess.Values["before"] = 1
				conn, err := websocket.Accept(c.Response(), c.Request(), nil)
				if err != nil {
					return err
				}
				defer func() { _ = conn.CloseNow() }()
				for {
					kind, message, err := conn.Read(c.Request().Context())
					if websocket.CloseStatus(err) == websocket.StatusNormalClosure {
						sess.Values["after"] = 1
						return echofirestore.Save(c)
					}
					if err != nil {
						return err
					}
					if err := conn.Write(c.Request().Context(), kind, message); err != nil {
						return err
					}
				}
			})
			web := httptest.NewServer(e)
			defer web.Close()
			if tt.broken {
				server.Inject(firestoretest.Fault{Method: "Commit", Times: -1, Err: status.Error(codes.PermissionDenied, "no")})
			}
			conn, resp, err := websocket.Dial(t.Context(), web.URL, &websocket.DialOptions{
				HTTPHeader: http.Header{"Cookie": {"__session=key"}},
			})
			if resp != nil && resp.Body != nil {
				defer resp.Body.Close()
			}
			switch {
			case tt.broken:
				if err == nil || resp == nil || resp.StatusCode != http.StatusServiceUnavailable {
					t.Errorf("response %v, error %v", resp, err)
				}
			case err != nil:
				t.Fatal(err)
			default:
				if err := conn.Write(t.Context(), websocket.MessageText, []byte("hello")); err != nil {
					t.Fatal(err)
				}
				if _, echoed, err := conn.Read(t.Context()); string(echoed) != "hello" || err != nil {
					t.Errorf("echoed %q, error %v", echoed, err)
				}
				if err := conn.Close(websocket.StatusNormalClosure, ""); err != nil {
					t.Error(err)
				}
			}
			<-done
			snap, err := ref.Get(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if data := snap.Data()["data"].(string); !strings.HasSuffix(data, tt.want+"}") {
				t.Errorf("stored %s, want %s", data, tt.want)
			}
		})
	}
}

// TestGorillaWebSocket is the handler of docs/streaming.md: gorilla's Upgrade sends only the headers that it is given.
func TestGorillaWebSocket(t *testing.T) {
	t.Parallel()
	_, client := firestoretest.Start(t)
	e := echo.New()
	e.Use(echofirestore.Middleware(echofirestore.Config{Client: client}))
	e.GET("/", func(c echo.Context) error {
		sess, err := echofirestore.Get(c)
		if err != nil {
			return err
		}
		n, _ := sess.Values["sockets"].(int)
		sess.Values["sockets"] = n + 1
		if err := echofirestore.Save(c); err != nil {
			return err
		}
		header := http.Header{"Set-Cookie": c.Response().Header()["Set-Cookie"]}
		var upgrader gorilla.Upgrader
		conn, err := upgrader.Upgrade(c.Response(), c.Request(), header)
		if err != nil {
			return err
		}
		defer conn.Close()
		return conn.WriteJSON(n + 1)
	})
	web := httptest.NewServer(e)
	defer web.Close()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	dialer := gorilla.Dialer{Jar: jar}
	for want := 1; want <= 2; want++ {
		conn, resp, err := dialer.DialContext(t.Context(), "ws"+strings.TrimPrefix(web.URL, "http"), nil)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		var got int
		if err := conn.ReadJSON(&got); err != nil || got != want {
			t.Errorf("socket %d, %v, want %d", got, err, want)
		}
		conn.Close()
	}
}
