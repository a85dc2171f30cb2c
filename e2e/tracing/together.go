package tracing

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/echofirestore/echofirestore/firesession"
	"github.com/echofirestore/echofirestore/internal/bubble"
	"github.com/gorilla/sessions"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

// commitTogether has a host serve requests that change one session at once. While an Update looks at it, they wait, and then
// share a commit.
func commitTogether(t *testing.T, host Host) {
	const waiting = 3
	n := bubble.NewNetwork(t)
	var out exported
	synctest.Test(t, func(t *testing.T) {
		s := newSceneOn(t, n.Server, n.Client)
		s.put(s.client.Collection(firesession.DefaultCollection).Doc(oldKey), "", false)
		cfg := s.config(s.client, false)
		var read, all sync.WaitGroup
		read.Add(1 + waiting)
		app, _ := host.App(t, cfg, s.tracers, func(session Session) error {
			sess, err := session.Get()
			if err != nil {
				return err
			}
			read.Done()
			read.Wait()
			path := session.Request().URL.Path
			if path == "/0" {
				return session.Update(func(*sessions.Session) error { time.Sleep(time.Second / 2); return nil })
			}
			time.Sleep(time.Second / 4)
			sess.Values[path] = 1
			return nil
		})
		for _, path := range []string{"/0", "/1", "/2", "/3"} {
			all.Go(func() {
				r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, http.NoBody)
				r.AddCookie(&http.Cookie{Name: firesession.DefaultCookieName, Value: oldKey})
				app.ServeHTTP(httptest.NewRecorder(), r)
			})
		}
		all.Wait()
		out = s.collect()
	})
	out.checkParents(t)
	var leader tracetest.SpanStub
	var followers []tracetest.SpanStub
	for _, span := range out.ours {
		switch outcome := attributeOf(span, "echofirestore.outcome").AsString(); {
		case outcome == "none": // the Update
			if len(span.Links) != 0 {
				t.Errorf("it is alone, and has links: %v", span.Links)
			}
		case outcome == "merged" && opsOf(span).Writes == 1:
			leader = span
		case outcome == "merged":
			followers = append(followers, span)
		}
	}
	if len(followers) != waiting-1 || len(leader.Links) != len(followers) {
		t.Fatalf("spans %q, and %d links", out.summary(), len(leader.Links))
	}
	for _, span := range followers {
		if len(span.Links) != 1 || !span.Links[0].SpanContext.Equal(leader.SpanContext) {
			t.Errorf("a span that shares a commit has links to %v", span.Links)
		}
		if !slices.ContainsFunc(leader.Links, func(l trace.Link) bool { return l.SpanContext.Equal(span.SpanContext) }) {
			t.Error("the commit has no link to a span that shares it")
		}
	}
}
