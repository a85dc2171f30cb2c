package telemetry

import (
	"cmp"
	"context"
	"time"

	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// An Operation is something that a store does for its caller, with any number of calls to Firestore. Its span is the parent
// of those that Firestore's client makes. It is also the context of these calls.
type Operation struct {
	context.Context
	Outcome Outcome // to be set before End; "" is Failed

	recorder *Recorder
	kind     Kind
	span     trace.Span
	start    time.Time
	billed   Billed
}

type operationKey struct{}

// Begin begins an operation. Calls that are made with it as their context are billed to it.
func (r *Recorder) Begin(ctx context.Context, kind Kind) *Operation {
	o := &Operation{recorder: r, kind: kind, start: time.Now()}
	as := r.spans[kind]
	o.Context, o.span = r.tracer.Start(ctx, as.name, as.options...)
	return o
}

// Value implements [context.Context].
func (o *Operation) Value(key any) any {
	if key == (operationKey{}) {
		return o
	}
	return o.Context.Value(key)
}

// Current returns the operation of the context of a call, nil if there is none.
func Current(ctx context.Context) *Operation {
	o, _ := ctx.Value(operationKey{}).(*Operation)
	return o
}

// Link links two operations to each other, if they are not the same: one of them has been done by the other.
func (o *Operation) Link(other *Operation) {
	if o == other {
		return
	}
	for _, pair := range [][2]*Operation{{o, other}, {other, o}} {
		if to := pair[1].span.SpanContext(); to.IsValid() {
			pair[0].span.AddLink(trace.Link{SpanContext: to})
		}
	}
}

// Billed returns what the operation has cost so far.
func (o *Operation) Billed() Billed { return o.billed }

// End ends the operation. If it has failed, cause says why, in one of a few words.
func (o *Operation) End(cause string) {
	if o.Outcome == "" {
		o.Outcome, cause = Failed, cmp.Or(cause, "panic")
	}
	if o.span.IsRecording() {
		o.span.SetAttributes(
			outcomeKey.String(string(o.Outcome)),
			readsKey.Int(o.billed.Reads), writesKey.Int(o.billed.Writes), deletesKey.Int(o.billed.Deletes),
		)
		if cause != "" {
			o.span.SetAttributes(semconv.ErrorTypeKey.String(cause))
			o.span.SetStatus(codes.Error, "") // a message could quote anything
		}
	}
	o.span.End()
	m, l := o.recorder.metrics, labels{operation: string(o.kind), outcome: o.Outcome}
	switch {
	case o.kind == Load:
		l.operation = "" // it goes without saying
		count(o.Context, m.loads, 1, o.recorder, l)
		measure(o.Context, m.loading, o.start, o.recorder, l)
	case o.kind.saves():
		count(o.Context, m.saves, 1, o.recorder, l)
		measure(o.Context, m.saving, o.start, o.recorder, l)
	}
}
