// Command example prints the traces of a few requests, and the counters that they have moved. It needs no Firestore, since it
// starts one in memory:
//
//	cd e2e && go run ./tracing/example
package main

import (
	"context"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"time"

	"github.com/echofirestore/echofirestore/firesession"
	"github.com/echofirestore/echofirestore/firestoretest"
	"github.com/gorilla/sessions"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel"
	nometric "go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/trace"
	notrace "go.opentelemetry.io/otel/trace/noop"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, out io.Writer) error {
	// The providers of a program in production have exporters, such as those for OTLP or for Google Cloud.
	traces, metrics := new(printer), metric.NewManualReader()
	otel.SetTracerProvider(trace.NewTracerProvider(trace.WithSyncer(traces)))
	otel.SetMeterProvider(metric.NewMeterProvider(metric.WithReader(metrics)))

	server, err := firestoretest.NewServer() //nolint:contextcheck // it serves until Close
	if err != nil {
		return err
	}
	defer server.Close()
	client, err := server.Client(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	cfg := firesession.Config{Client: client, Logger: slog.New(slog.DiscardHandler)}
	store, err := firesession.NewStore(cfg)
	if err != nil {
		return err
	}
	cfg.SigningKeys, cfg.CacheFor = [][]byte{[]byte("32 or 64 random bytes in a secret")}, 10*time.Second
	caching, err := firesession.NewStore(cfg)
	if err != nil {
		return err
	}
	elsewhere, err := firesession.NewStore(firesession.Config{ // another instance, whose telemetry is not shown
		Client: client, TracerProvider: notrace.NewTracerProvider(), MeterProvider: nometric.NewMeterProvider(),
	})
	if err != nil {
		return err
	}
	mux := newMux(elsewhere)

	var cookie *http.Cookie
	visit := func(path string) {
		app := otelhttp.NewHandler(store.Handler(mux), "", otelhttp.WithSpanNameFormatter(
			func(_ string, r *http.Request) string { return r.Method + " " + r.URL.Path }))
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, path, http.NoBody)
		if cookie != nil {
			r.AddCookie(cookie)
		}
		w := httptest.NewRecorder()
		app.ServeHTTP(w, r)
		for _, set := range w.Result().Cookies() {
			cookie = set
		}
		traces.print(out)
	}
	visit("/sign-in")
	visit("/read")
	visit("/change")
	visit("/merge")
	visit("/renew")
	server.Inject(firestoretest.Fault{Err: status.Error(codes.PermissionDenied, "Missing or insufficient permissions.")})
	visit("/read")
	store, cookie = caching, nil
	visit("/sign-in")
	visit("/read")
	return printCounters(ctx, out, metrics)
}

func newMux(elsewhere *firesession.Store) *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("/sign-in", func(_ http.ResponseWriter, r *http.Request) { firesession.Session(r).Values["user"] = "alice" })
	mux.HandleFunc("/read", func(_ http.ResponseWriter, r *http.Request) { firesession.Session(r) })
	mux.HandleFunc("/change", func(_ http.ResponseWriter, r *http.Request) { firesession.Session(r).Values["theme"] = "dark" })
	mux.HandleFunc("/merge", func(_ http.ResponseWriter, r *http.Request) {
		sess := firesession.Session(r)
		meanwhile := httptest.NewRequestWithContext(unsampled(), http.MethodGet, "/", http.NoBody) //nolint:contextcheck // not within r
		meanwhile.Header = r.Header
		err := elsewhere.Update(meanwhile, httptest.NewRecorder(), firesession.DefaultCookieName, func(sess *sessions.Session) error {
			sess.Values["cart"] = 1
			return nil
		})
		if err != nil {
			log.Print(err)
		}
		sess.Values["theme"] = "light"
	})
	mux.HandleFunc("/renew", func(_ http.ResponseWriter, r *http.Request) {
		if err := firesession.Renew(r); err != nil {
			log.Print(err)
		}
	})
	return mux
}
