package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/trace"
	api "go.opentelemetry.io/otel/trace"
)

// A printer is an exporter that prints spans as a tree.
type printer struct{ spans []trace.ReadOnlySpan }

// ExportSpans implements [trace.SpanExporter].
func (p *printer) ExportSpans(_ context.Context, spans []trace.ReadOnlySpan) error {
	p.spans = append(p.spans, spans...)
	return nil
}

// Shutdown implements [trace.SpanExporter].
func (p *printer) Shutdown(context.Context) error { return nil }

// print prints the spans since the last time.
func (p *printer) print(out io.Writer) {
	slices.SortStableFunc(p.spans, func(a, b trace.ReadOnlySpan) int { return a.StartTime().Compare(b.StartTime()) })
	p.printWithin(out, api.SpanID{}, "")
	p.spans = nil
}

// printWithin prints the spans with the given parent.
func (p *printer) printWithin(out io.Writer, parent api.SpanID, indent string) {
	for _, span := range p.spans {
		if span.Parent().SpanID() != parent {
			continue
		}
		fmt.Fprintln(out, strings.TrimRight(indent+span.Name()+"  "+attributes(span), " "))
		p.printWithin(out, span.SpanContext().SpanID(), indent+"    ")
	}
}

// attributes returns those of a span that tell it apart from others.
func attributes(span trace.ReadOnlySpan) string {
	var all []string
	for _, attr := range span.Attributes() {
		key, value := string(attr.Key), attr.Value.String()
		switch {
		case key == "error.type", key == "http.response.status_code", strings.HasPrefix(key, "echofirestore.") && value != "0":
			all = append(all, strings.TrimPrefix(key, "echofirestore.")+"="+value)
		}
	}
	return strings.Join(all, " ")
}

// unsampled returns a context whose calls make no spans.
func unsampled() context.Context {
	return api.ContextWithSpanContext(context.Background(), api.NewSpanContext(api.SpanContextConfig{
		TraceID: api.TraceID{1}, SpanID: api.SpanID{1},
	}))
}

// printCounters prints the counters of sessions.
func printCounters(ctx context.Context, out io.Writer, reader metric.Reader) error {
	var collected metricdata.ResourceMetrics
	if err := reader.Collect(ctx, &collected); err != nil {
		return err
	}
	for _, scope := range collected.ScopeMetrics {
		for _, m := range scope.Metrics {
			counter, ok := m.Data.(metricdata.Sum[int64])
			if !ok || !strings.HasPrefix(m.Name, "echofirestore.") {
				continue
			}
			var lines []string
			for _, point := range counter.DataPoints {
				outcome, _ := point.Attributes.Value("echofirestore.outcome")
				lines = append(lines, strings.TrimRight(fmt.Sprintf("%s  %d %s", m.Name, point.Value, outcome.AsString()), " "))
			}
			slices.Sort(lines)
			fmt.Fprintln(out, strings.Join(lines, "\n"))
		}
	}
	return nil
}
