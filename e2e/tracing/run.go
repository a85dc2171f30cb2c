package tracing

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/firestore"
	"github.com/echofirestore/echofirestore/firesession"
	"github.com/echofirestore/echofirestore/firestoretest"
	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	api "go.opentelemetry.io/otel/trace"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// A visit is one request, with the Firestore beneath it.
type visit struct {
	Session
	store    *firesession.Store
	document *firestore.DocumentRef
}

// touch is a save of another request.
func (v visit) touch() error {
	_, err := v.document.Update(untraced(context.Background()), []firestore.Update{{Path: "other", Value: 1}})
	return err
}

func (v visit) delete() error {
	_, err := v.document.Delete(untraced(context.Background()))
	return err
}

// untraced returns a context for calls of the test's own. Their spans have a parent that is not sampled.
func untraced(ctx context.Context) context.Context {
	return api.ContextWithSpanContext(ctx, api.NewSpanContext(api.SpanContextConfig{
		TraceID: api.TraceID{1}, SpanID: api.SpanID{1},
	}))
}

// A scene is a program with its Firestore, and what it exports.
type scene struct {
	t       *testing.T
	server  *firestoretest.Server
	client  *firestore.Client // that of the test, which nobody traces
	spans   *tracetest.InMemoryExporter
	tracers *trace.TracerProvider
	metrics *metric.ManualReader
	now     time.Time
}

// newScene returns a scene. The Firestore client gets its tracer from the process, so that tests with scenes cannot run at
// the same time.
func newScene(t *testing.T) *scene {
	t.Helper()
	server, client := firestoretest.Start(t)
	return newSceneOn(t, server, client)
}

// newSceneOn is newScene with a server of the test's.
func newSceneOn(t *testing.T, server *firestoretest.Server, client *firestore.Client) *scene {
	t.Helper()
	s := &scene{
		t: t, server: server, client: client,
		spans: tracetest.NewInMemoryExporter(), metrics: metric.NewManualReader(), now: time.Now(),
	}
	s.tracers = trace.NewTracerProvider(trace.WithSyncer(s.spans))
	before := otel.GetTracerProvider()
	otel.SetTracerProvider(s.tracers)
	t.Cleanup(func() { otel.SetTracerProvider(before) })
	return s
}

// traced returns a client that is traced as the one of a production program is, by its own spans and by those of its gRPC
// calls.
func (s *scene) traced() *firestore.Client {
	s.t.Helper()
	conn, err := grpc.NewClient("passthrough:///"+s.server.Addr(), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithStatsHandler(otelgrpc.NewClientHandler(otelgrpc.WithTracerProvider(s.tracers))))
	if err != nil {
		s.t.Fatal(err)
	}
	client, err := firestore.NewClient(s.t.Context(), s.server.Project(), option.WithGRPCConn(conn))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { client.Close() })
	return client
}

// config returns the Config of a store.
func (s *scene) config(client *firestore.Client, hashed bool) firesession.Config {
	return firesession.Config{
		Client: client, MaxAge: 3600, TouchAfter: time.Minute, UserKey: "user", HashKeys: hashed,
		KeyFactory:     func() string { return newKey },
		Timeout:        10 * time.Second,
		Logger:         slog.New(slog.DiscardHandler),
		Now:            func() time.Time { return s.now },
		TracerProvider: s.tracers,
		MeterProvider:  metric.NewMeterProvider(metric.WithReader(s.metrics)),
	}
}

// Run runs the tests of programs on some hosts.
func Run(t *testing.T, hosts ...Host) {
	for _, host := range hosts {
		t.Run(host.Name, func(t *testing.T) {
			for _, req := range requests {
				for _, fault := range slices.Sorted(maps.Keys(faults)) {
					for _, hashed := range []bool{false, true} {
						if hashed && faults[fault].Times < 0 {
							continue // which takes time
						}
						t.Run(fmt.Sprintf("%s/%s/hashed %v", req.name, fault, hashed), func(t *testing.T) {
							serve(t, host, req, fault, hashed)
						})
					}
				}
			}
			t.Run("common commit", func(t *testing.T) { commitTogether(t, host) })
			t.Run("cached load", func(t *testing.T) { loadFromCache(t, host) })
		})
	}
}

// serve has a host serve a request while calls to Firestore have a fault, and looks at all that is exported.
func serve(t *testing.T, host Host, req request, fault string, hashed bool) exported {
	t.Helper()
	s := newScene(t)
	ids := []string{oldKey, newKey}
	if hashed {
		ids = []string{hashOf(oldKey), hashOf(newKey)}
	}
	document := s.client.Collection(firesession.DefaultCollection).Doc(ids[0])
	if req.stored {
		s.put(document, req.data, hashed)
	}
	s.now = s.now.Add(req.age)
	cfg := s.config(s.traced(), hashed)
	if faults[fault].Times < 0 { // there may be no end to it
		cfg.Timeout = 300 * time.Millisecond
	}
	var store *firesession.Store
	app, store := host.App(t, cfg, s.tracers, func(session Session) error {
		return req.handler(visit{session, store, document})
	})
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
	if req.cookie != "-" {
		value := oldKey
		if req.cookie != "" {
			value = req.cookie
		}
		r.AddCookie(&http.Cookie{Name: firesession.DefaultCookieName, Value: value})
	}
	before := s.server.Ops()
	remove := s.server.Inject(faults[fault])
	app.ServeHTTP(httptest.NewRecorder(), r)
	remove()
	spent := s.server.Ops().Sub(before)

	out := s.collect()
	out.checkSecrets(t, ids, req.quoted || fault == "applied, not answered", hashed)
	out.checkParents(t)
	out.checkMetrics(t)
	want := req.want
	if fault != noFault {
		want = nil
		for _, failure := range failures {
			if failure.request == req.name && failure.fault == fault {
				want = failure.want
			}
		}
		if want == nil {
			return out
		}
	} else if billed := out.billed(); billed != spent && !req.quoted { // in which the test makes calls of its own
		t.Errorf("billed %v, want %v", billed, spent)
	}
	if got := out.summary(); !slices.Equal(got, want) {
		t.Errorf("spans %q, want %q", got, want)
	}
	return out
}

// put stores a session of the user's.
func (s *scene) put(document *firestore.DocumentRef, data string, hashed bool) {
	s.t.Helper()
	if data == "" {
		data = fmt.Sprintf(`{"created": %d, "session": {"user": %q}}`, s.now.Unix(), user)
	}
	fields := map[string]any{"data": data, "max_age": 3600, "expire": s.now.Add(time.Hour), "user": user}
	if hashed {
		fields["hashed"] = true
	}
	if _, err := document.Set(untraced(s.t.Context()), fields); err != nil {
		s.t.Fatal(err)
	}
}

func hashOf(key string) string {
	sum := sha256.Sum256([]byte(firesession.DefaultCookieName + ":" + key))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// exported is what was exported in a scene.
type exported struct {
	ours, others tracetest.SpanStubs
	metrics      metricdata.ResourceMetrics
}

// scope is that of our spans and measurements.
const scope = "github.com/echofirestore/echofirestore"

func (s *scene) collect() exported {
	s.t.Helper()
	var out exported
	for _, span := range s.spans.GetSpans() {
		if span.InstrumentationScope.Name == scope {
			out.ours = append(out.ours, span)
		} else {
			out.others = append(out.others, span)
		}
	}
	if err := s.metrics.Collect(s.t.Context(), &out.metrics); err != nil {
		s.t.Fatal(err)
	}
	return out
}

// checkSecrets looks for what must not be exported: by us in no case, and by the Firestore client only where Firestore itself
// names the document, whose name is no key if that is hashed.
func (out exported) checkSecrets(t *testing.T, ids []string, quoted, hashed bool) {
	t.Helper()
	ours := everything(t, out.ours, out.metrics)
	for _, secret := range slices.Concat(ids, []string{oldKey, newKey, user, secret}) {
		if strings.Contains(ours, secret) {
			t.Errorf("%q is exported: %s", secret, ours)
		}
	}
	others := everything(t, out.others)
	for _, key := range []string{oldKey, newKey} {
		if strings.Contains(others, key) && (hashed || !quoted) {
			t.Errorf("the key is in a span: %s", others)
		}
	}
	for _, id := range ids {
		if strings.Contains(others, id) && !quoted {
			t.Errorf("the document's name is in a span: %s", others)
		}
	}
}

// everything returns all that is in some values.
func everything(t *testing.T, values ...any) string {
	t.Helper()
	text, err := json.Marshal(values)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// checkParents makes sure that our spans are children of requests' spans, and that those of the Firestore client are within
// ours.
func (out exported) checkParents(t *testing.T) {
	t.Helper()
	requests, ours, parents := make(map[api.SpanID]bool), make(map[api.SpanID]bool), make(map[api.SpanID]api.SpanID)
	for _, span := range slices.Concat(out.ours, out.others) {
		id, by := span.SpanContext.SpanID(), span.InstrumentationScope.Name
		parents[id] = span.Parent.SpanID()
		ours[id] = by == scope
		requests[id] = strings.HasPrefix(by, "go.opentelemetry.io/contrib/") && !strings.HasSuffix(by, "otelgrpc")
	}
	for _, span := range slices.Concat(out.ours, out.others) {
		id := span.SpanContext.SpanID()
		switch {
		case requests[id]:
		case ours[id]:
			if !requests[parents[id]] {
				t.Errorf("%q is not a child of the request's span", span.Name)
			}
		default:
			for id.IsValid() && !ours[id] {
				id = parents[id]
			}
			if !ours[id] {
				t.Errorf("%q is not within a span of ours", span.Name)
			}
		}
	}
}
