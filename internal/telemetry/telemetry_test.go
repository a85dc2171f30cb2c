package telemetry

import (
	"context"
	"testing"
	"time"

	"go.opentelemetry.io/otel"
)

// operate makes an operation with one call, as most are.
func operate(ctx context.Context, r *Recorder) {
	op := r.Begin(ctx, Load)
	r.Call(op, "get", "", time.Now(), Billed{Reads: 1})
	op.Outcome = Found
	op.End("")
}

// idle returns a Recorder of a program that has not set up OpenTelemetry's SDK.
func idle() *Recorder {
	return New(otel.GetTracerProvider(), otel.GetMeterProvider(), Where{"project", "(default)", "sessions"})
}

// TestIdle holds what an operation costs if nobody collects it. What is exported otherwise is tested where the SDK is, in
// e2e/tracing.
func TestIdle(t *testing.T) { //nolint:paralleltest // it counts allocations
	r := idle()
	if n := testing.AllocsPerRun(100, func() { operate(t.Context(), r) }); n > 4 {
		t.Errorf("%v allocations", n)
	}
	if n := testing.AllocsPerRun(100, func() { r.CountNone(t.Context()) }); n > 0 {
		t.Errorf("%v allocations for a load without a key", n)
	}
}

func BenchmarkIdle(b *testing.B) {
	r := idle()
	b.ReportAllocs()
	for b.Loop() {
		operate(b.Context(), r)
	}
}
