package tracing

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/firestore"
	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
	"github.com/labstack/echo/v4"
	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
)

const (
	oldKey = "the-old-key-of-a-session-in-the-database-00"
	newKey = "the-new-key-of-a-session-in-the-database-11"
)

// hashOf returns the ID of the document of a key.
func hashOf(key string) string {
	sum := sha256.Sum256([]byte(echofirestore.DefaultCookieName + ":" + key))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// A run is one request, with the Firestore beneath it.
type run struct {
	echo.Context
	store  *echofirestore.Store
	server *firestoretest.Server
	stored *firestore.DocumentRef
	alive  bool // the session in it must be found
}

func get(r run) error {
	sess, err := echofirestore.Get(r)
	if err == nil && sess.IsNew == r.alive {
		return fmt.Errorf("the session is new: %v", sess.IsNew)
	}
	return err
}

func change(r run) error {
	if err := get(r); err != nil {
		return err
	}
	sess, err := echofirestore.Get(r)
	sess.Values["n"] = 1
	return err
}

func revoke(r run) error {
	sess, err := echofirestore.Get(r)
	if err != nil {
		return err
	}
	return r.store.Revoke(r.Request().Context(), "alice", r.store.SessionID(sess))
}

// changeMeanwhile changes a session that another request has saved since it was read.
func changeMeanwhile(r run) error {
	if err := change(r); err != nil {
		return err
	}
	_, err := r.stored.Update(context.Background(), []firestore.Update{{Path: "other", Value: 1}})
	return err
}

func endMeanwhile(r run) error {
	if err := change(r); err != nil {
		return err
	}
	_, err := r.stored.Delete(context.Background())
	return err
}

var requests = []struct {
	name    string
	stored  bool          // there is a session
	new     bool          // the request has no cookie
	age     time.Duration // since the session was saved, for an hour
	handler func(run) error
	// Firestore's own answer names the document, as it may if a precondition fails, and the client's span quotes it.
	quoted bool
}{
	{name: "no session", new: true, handler: get},
	{name: "load", stored: true, handler: get},
	{name: "load of what is gone", handler: get},
	{name: "load of what has expired", stored: true, age: 2 * time.Hour, handler: get},
	{name: "create", new: true, handler: change},
	{name: "change", stored: true, handler: change},
	{name: "change of what was changed meanwhile", stored: true, handler: changeMeanwhile, quoted: true},
	{name: "change of what has ended meanwhile", stored: true, handler: endMeanwhile, quoted: true},
	{name: "touch", stored: true, age: 30 * time.Minute, handler: get},
	{name: "renew", stored: true, handler: func(r run) error { return echofirestore.Renew(r) }},
	{name: "destroy", stored: true, handler: func(r run) error { return echofirestore.Destroy(r) }},
	{name: "list", stored: true, handler: func(r run) error {
		_, err := r.store.Sessions(r.Request().Context(), "alice")
		return err
	}},
	{name: "revoke", stored: true, handler: revoke},
	{name: "revoke a user's", stored: true, handler: func(r run) error {
		_, err := r.store.RevokeUser(r.Request().Context(), "alice")
		return err
	}},
	{name: "revoke all", stored: true, handler: func(r run) error { _, err := r.store.RevokeAll(r.Request().Context()); return err }},
	{name: "delete expired", stored: true, age: 2 * time.Hour, handler: func(r run) error {
		_, err := r.store.DeleteExpired(r.Request().Context())
		return err
	}},
}

// faults are what may become of each call of a request.
var faults = map[string]firestoretest.Fault{
	"no fault":              {Skip: math.MaxInt32},
	"refused":               {Times: -1, Err: status.Error(codes.PermissionDenied, "Missing or insufficient permissions.")},
	"aborted":               {Method: "Commit", Err: status.Error(codes.Aborted, "Too much contention on these documents.")},
	"unavailable":           {Err: status.Error(codes.Unavailable, "The service is currently unavailable.")},
	"not answered":          {Times: -1, Delay: time.Hour},
	"applied, not answered": {Method: "Commit", After: true, Err: status.Error(codes.Unavailable, "The service is currently unavailable.")},
}

// TestSpans makes every request under OpenTelemetry, with calls that fail and without, and looks for the key of the session
// in the spans. With hashed keys there is none; with plain ones it may be where Firestore itself names the document.
func TestSpans(t *testing.T) { //nolint:paralleltest // the tracer provider is the process's
	exporter := tracetest.NewInMemoryExporter()
	provider := trace.NewTracerProvider(trace.WithSyncer(exporter))
	otel.SetTracerProvider(provider)
	t.Cleanup(func() { _ = provider.Shutdown(context.Background()) })
	for _, tt := range requests {
		for fault := range faults {
			for _, hashed := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%s/hashed %v", tt.name, fault, hashed), func(t *testing.T) {
					app := newApp(t, hashed)
					ids := []string{oldKey, newKey}
					if hashed {
						ids = []string{hashOf(oldKey), hashOf(newKey)}
					}
					stored := app.client.Collection(echofirestore.DefaultCollection).Doc(ids[0])
					if tt.stored {
						app.put(t, stored, hashed, tt.age)
					}
					app.GET("/", func(c echo.Context) error {
						return tt.handler(run{c, app.store, app.server, stored, tt.stored && tt.age < time.Hour})
					})
					req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
					if !tt.new {
						req.AddCookie(&http.Cookie{Name: "__session", Value: oldKey})
					}
					app.server.Inject(faults[fault])
					exporter.Reset()
					rec := httptest.NewRecorder()
					app.ServeHTTP(rec, req)

					if rec.Code != http.StatusOK && fault == "no fault" {
						t.Errorf("status %d: %s", rec.Code, rec.Body)
					}
					quoted := tt.quoted || fault == "applied, not answered" // the client repeats the commit, which then fails
					spans := everything(t, exporter.GetSpans())
					if spans == "" && tt.name != "no session" {
						t.Error("no spans")
					}
					for _, key := range []string{oldKey, newKey} {
						if strings.Contains(spans, key) && (hashed || !quoted) {
							t.Errorf("status %d, the key is in a span: %s", rec.Code, spans)
						}
					}
					for _, id := range ids {
						if strings.Contains(spans, id) && !quoted {
							t.Errorf("status %d, the document's name is in a span: %s", rec.Code, spans)
						}
					}
				})
			}
		}
	}
}

// everything returns all that spans say.
func everything(t *testing.T, spans tracetest.SpanStubs) string {
	t.Helper()
	var all strings.Builder
	for _, span := range spans {
		text, err := json.Marshal(span)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&all, "%s\n", text)
	}
	return all.String()
}

type app struct {
	*echo.Echo
	server *firestoretest.Server
	client *firestore.Client
	store  *echofirestore.Store
	now    time.Time
}

// newApp returns an application whose Firestore client is traced as the one of a production program is, by its own spans
// and by those of its gRPC calls.
func newApp(t *testing.T, hashed bool) *app {
	t.Helper()
	a := &app{Echo: echo.New(), now: time.Now()}
	a.server, a.client = firestoretest.Start(t)
	conn, err := grpc.NewClient("passthrough:///"+a.server.Addr(), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithStatsHandler(otelgrpc.NewClientHandler()))
	if err != nil {
		t.Fatal(err)
	}
	traced, err := firestore.NewClient(t.Context(), a.server.Project(), option.WithGRPCConn(conn))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { traced.Close() })
	a.store, err = echofirestore.NewStore(echofirestore.Config{
		Client: traced, MaxAge: 3600, TouchAfter: time.Minute, UserKey: "user", HashKeys: hashed,
		KeyFactory: func() string { return newKey },
		Timeout:    100 * time.Millisecond,
		Logger:     slog.New(slog.DiscardHandler),
		Now:        func() time.Time { return a.now },
	})
	if err != nil {
		t.Fatal(err)
	}
	a.Use(a.store.Middleware())
	return a
}

// put stores a session of Alice's, and lets time pass.
func (a *app) put(t *testing.T, ref *firestore.DocumentRef, hashed bool, age time.Duration) {
	t.Helper()
	fields := map[string]any{
		"data":    fmt.Sprintf(`{"created": %d, "session": {"user": "alice"}}`, a.now.Unix()),
		"max_age": 3600, "expire": a.now.Add(time.Hour), "user": "alice",
	}
	if hashed {
		fields["hashed"] = true
	}
	if _, err := ref.Set(t.Context(), fields); err != nil {
		t.Fatal(err)
	}
	a.now = a.now.Add(age)
}
