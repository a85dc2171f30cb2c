package echofirestore_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"cloud.google.com/go/firestore"
	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"github.com/labstack/echo/v4"
	"google.golang.org/api/option"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
	"github.com/echofirestore/echofirestore/internal/emulator"
)

// A restGateway answers the REST API of Firestore from a server that talks gRPC.
type restGateway struct{ server pb.FirestoreClient }

func newRESTClient(t *testing.T, server *firestoretest.Server) *firestore.Client {
	t.Helper()
	conn, err := grpc.NewClient("passthrough:///"+server.Addr(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	gateway := httptest.NewServer(restGateway{pb.NewFirestoreClient(conn)})
	t.Cleanup(gateway.Close)
	client, err := firestore.NewRESTClient(t.Context(), server.Project(),
		option.WithEndpoint(gateway.URL), option.WithoutAuthentication())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

func (g restGateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	method := r.URL.Path[strings.LastIndex(r.URL.Path, ":")+1:]
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var answer any
	switch method {
	case "commit":
		answer, err = answerOne(r, body, new(pb.CommitRequest), g.server.Commit)
	case "beginTransaction":
		answer, err = answerOne(r, body, new(pb.BeginTransactionRequest), g.server.BeginTransaction)
	case "rollback":
		answer, err = answerOne(r, body, new(pb.RollbackRequest), g.server.Rollback)
	case "batchGet":
		answer, err = answerAll(r, body, new(pb.BatchGetDocumentsRequest), g.server.BatchGetDocuments)
	case "runQuery":
		answer, err = answerAll(r, body, new(pb.RunQueryRequest), g.server.RunQuery)
	default:
		err = status.Error(codes.Unimplemented, method)
	}
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		s := status.Convert(err)
		// https://cloud.google.com/apis/design/errors
		httpStatus := map[codes.Code]int{codes.AlreadyExists: 409, codes.Aborted: 409, codes.NotFound: 404, codes.PermissionDenied: 403}[s.Code()]
		if httpStatus == 0 {
			httpStatus = http.StatusBadRequest
		}
		w.WriteHeader(httpStatus)
		answer = map[string]any{"error": map[string]any{
			"code": httpStatus, "message": s.Message(), "status": code.Code(s.Code()).String(),
		}}
	}
	_ = json.NewEncoder(w).Encode(answer) // the client may be gone
}

func answerOne[Req, Resp proto.Message](
	r *http.Request, body []byte, req Req, call func(context.Context, Req, ...grpc.CallOption) (Resp, error),
) (any, error) {
	if err := protojson.Unmarshal(body, req); err != nil {
		return nil, err
	}
	resp, err := call(r.Context(), req)
	if err != nil {
		return nil, err
	}
	text, err := protojson.Marshal(resp)
	return json.RawMessage(text), err
}

func answerAll[Req, Resp proto.Message, Stream interface{ Recv() (Resp, error) }](
	r *http.Request, body []byte, req Req, call func(context.Context, Req, ...grpc.CallOption) (Stream, error),
) (any, error) {
	if err := protojson.Unmarshal(body, req); err != nil {
		return nil, err
	}
	responses, err := call(r.Context(), req)
	answer := []json.RawMessage{}
	for err == nil {
		var resp Resp
		if resp, err = responses.Recv(); err == nil {
			var text []byte
			text, err = protojson.Marshal(resp)
			answer = append(answer, text)
		}
	}
	if err == io.EOF { //nolint:errorlint // Recv returns it bare
		err = nil
	}
	return answer, err
}

// TestRESTClient has requests in conflict on a client that talks REST, whose HTTP statuses stand for several codes each.
func TestRESTClient(t *testing.T) {
	t.Parallel()
	emulator.Avoid(t, "there are no such clients of it")
	for _, tt := range []struct {
		name    string
		path    string // of the request that comes between, if any
		handler echo.HandlerFunc
		revoke  bool
		fault   error // of the commit
		status  int
		left    string
	}{
		{name: "change", handler: set("n", 1), status: 200, left: "map[n:1 user:alice]"},
		{name: "change, and another", path: "/other", handler: set("n", 1), status: 200, left: "map[n:1 other:true user:alice]"},
		{name: "Update, and a change", path: "/other", handler: countOne, status: 200, left: "map[n:1 other:true user:alice]"},
		{name: "change of what has ended", path: "/out", handler: set("n", 1), status: 200, left: "map[]"},
		{name: "renewal", handler: echofirestore.Renew, status: 200, left: "map[user:alice]"},
		{name: "revocation", handler: func(echo.Context) error { return nil }, revoke: true, status: 200, left: "map[]"},
		{name: "contention", handler: set("n", 1), fault: aborted, status: 200, left: "map[n:1 user:alice]"},
		{name: "refusal", handler: set("n", 1), fault: status.Error(codes.PermissionDenied, "no"), status: 503, left: "map[user:alice]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := newUserApp(t)
			a.POST("/other", set("other", true))
			b := a.login("alice")
			cfg := a.config
			cfg.Client = newRESTClient(t, a.firestore)
			store, err := echofirestore.NewStore(cfg)
			if err != nil {
				t.Fatal(err)
			}
			e := echo.New()
			e.Use(store.Middleware())
			e.POST("/", func(c echo.Context) error {
				_ = session(c)
				if tt.path != "" {
					b.post(tt.path, withCookie(session(c).ID))
				}
				return tt.handler(c)
			})
			if tt.fault != nil {
				a.firestore.Inject(firestoretest.Fault{Method: "Commit", Err: tt.fault})
			}
			req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", http.NoBody)
			for id := range a.documents() {
				req.AddCookie(&http.Cookie{Name: "__session", Value: id})
			}
			rec := httptest.NewRecorder()
			e.ServeHTTP(rec, req)
			if tt.revoke {
				if n, err := store.RevokeUser(t.Context(), "alice"); n != 1 || err != nil {
					t.Errorf("ended %d, error %v", n, err)
				}
			}
			left := map[string]any{}
			for _, info := range a.sessions("alice") {
				maps.Copy(left, info.Values)
			}
			if got := fmt.Sprint(left); rec.Code != tt.status || got != tt.left {
				t.Errorf("status %d, want %d; left is %v, want %v; %s", rec.Code, tt.status, got, tt.left, a.log)
			}
		})
	}
}
