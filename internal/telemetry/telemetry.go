// Package telemetry tells OpenTelemetry what a store does. No part of it gets to know a key, the ID of a document, or a value
// of a session, so it cannot export one.
package telemetry

import (
	"context"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// scope is the name of the instrumentation.
const scope = "github.com/echofirestore/echofirestore"

// system is the db.system.name. The conventions list no value for Firestore, and allow others in that case, see
// https://github.com/open-telemetry/semantic-conventions/blob/v1.43.0/docs/registry/attributes/db.md.
const system = "gcp.firestore"

// The attributes for which there are no conventions.
const (
	outcomeKey = attribute.Key("echofirestore.outcome")
	readsKey   = attribute.Key("echofirestore.reads")
	writesKey  = attribute.Key("echofirestore.writes")
	deletesKey = attribute.Key("echofirestore.deletes")
)

// Where says which collection a store uses.
type Where struct{ Project, Database, Collection string }

// Billed is how many operations Firestore bills.
type Billed struct{ Reads, Writes, Deletes int }

// A Recorder makes the spans and the measurements of a store.
type Recorder struct {
	tracer  trace.Tracer
	metrics metrics
	where   Where
	spans   map[Kind]span
	sets    sync.Map // by labels: metric.MeasurementOption
}

// A span is how those of a kind begin.
type span struct {
	name    string
	options []trace.SpanStartOption
}

// New returns the Recorder of a store.
func New(tracers trace.TracerProvider, meters metric.MeterProvider, where Where) *Recorder {
	r := &Recorder{
		tracer:  tracers.Tracer(scope, trace.WithSchemaURL(semconv.SchemaURL)),
		metrics: newMetrics(meters.Meter(scope, metric.WithSchemaURL(semconv.SchemaURL))),
		where:   where,
		spans:   make(map[Kind]span),
	}
	for _, kind := range []Kind{Load, Save, Update, Destroy, List, Count, Check, Revoke, RevokeUser, RevokeAll, DeleteExpired} {
		r.spans[kind] = r.span(kind)
	}
	return r
}

// span returns how spans of a kind begin. Their names and their kind, that of clients, are those of the conventions, see
// https://github.com/open-telemetry/semantic-conventions/blob/v1.43.0/docs/db/database-spans.md.
func (r *Recorder) span(kind Kind) span {
	return span{name: string(kind) + " " + r.where.Collection, options: []trace.SpanStartOption{
		trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(r.attributes(string(kind))...),
	}}
}

// Call notes a call to Firestore that began at start, and what it costs. The operation is named in the words of the
// conventions; code is that of an error, such as "UNAVAILABLE", or else "".
func (r *Recorder) Call(ctx context.Context, operation, code string, start time.Time, billed Billed) {
	if o := Current(ctx); o != nil {
		o.billed.add(billed)
	}
	m := r.metrics
	count(ctx, m.reads, int64(billed.Reads), r, labels{})
	count(ctx, m.writes, int64(billed.Writes), r, labels{})
	count(ctx, m.deletes, int64(billed.Deletes), r, labels{})
	measure(ctx, m.calls, start, r, labels{operation: operation, code: code})
}

// CountNone counts a load of a session whose client has no key. It is not worth a span.
func (r *Recorder) CountNone(ctx context.Context) {
	count(ctx, r.metrics.loads, 1, r, labels{outcome: None})
}

func (b *Billed) add(more Billed) {
	b.Reads += more.Reads
	b.Writes += more.Writes
	b.Deletes += more.Deletes
}

// labels are what a measurement is told apart by. Each is of a small set.
type labels struct {
	operation string
	outcome   Outcome
	code      string
}

// labeled returns the attributes of a measurement.
func (r *Recorder) labeled(l labels) metric.MeasurementOption {
	if set, ok := r.sets.Load(l); ok {
		return set.(metric.MeasurementOption)
	}
	attrs := r.attributes(l.operation)
	if l.outcome != "" {
		attrs = append(attrs, outcomeKey.String(string(l.outcome)))
	}
	if l.code != "" {
		attrs = append(attrs, semconv.DBResponseStatusCode(l.code), semconv.ErrorTypeKey.String(l.code))
	}
	set := metric.WithAttributeSet(attribute.NewSet(attrs...))
	r.sets.Store(l, set)
	return set
}

// attributes returns what all spans and measurements have in common, and the name of an operation, if there is one.
func (r *Recorder) attributes(operation string) []attribute.KeyValue {
	attrs := []attribute.KeyValue{
		semconv.DBSystemNameKey.String(system),
		semconv.DBNamespace(r.where.Project + "|" + r.where.Database), // as the conventions join components
		semconv.DBCollectionName(r.where.Collection),
	}
	if operation != "" {
		attrs = append(attrs, semconv.DBOperationName(operation))
	}
	return attrs
}
