package telemetry

import (
	"context"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/semconv/v1.43.0/dbconv"
)

// buckets are those that the conventions want for db.client.operation.duration, in seconds, see
// https://github.com/open-telemetry/semantic-conventions/blob/v1.43.0/docs/db/database-metrics.md.
var buckets = []float64{0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10}

type metrics struct {
	calls                  metric.Float64Histogram
	reads, writes, deletes metric.Int64Counter
	loads, saves           metric.Int64Counter
	loading, saving        metric.Float64Histogram
}

func newMetrics(meter metric.Meter) metrics {
	calls, err := dbconv.NewClientOperationDuration(meter, metric.WithExplicitBucketBoundaries(buckets...))
	if err != nil {
		otel.Handle(err)
	}
	return metrics{
		calls:   calls.Inst(),
		reads:   counter(meter, "echofirestore.reads", "{read}", "Document reads that Firestore bills."),
		writes:  counter(meter, "echofirestore.writes", "{write}", "Document writes that Firestore bills."),
		deletes: counter(meter, "echofirestore.deletes", "{delete}", "Document deletes that Firestore bills."),
		loads:   counter(meter, "echofirestore.loads", "{load}", "Sessions that handlers asked for."),
		saves:   counter(meter, "echofirestore.saves", "{save}", "Sessions that had something to be saved."),
		loading: histogram(meter, "echofirestore.load.duration", "Duration of loads of sessions."),
		saving:  histogram(meter, "echofirestore.save.duration", "Duration of saves of sessions, waiting included."),
	}
}

func counter(meter metric.Meter, name, unit, description string) metric.Int64Counter {
	c, err := meter.Int64Counter(name, metric.WithUnit(unit), metric.WithDescription(description))
	if err != nil {
		otel.Handle(err)
		return noop.Int64Counter{}
	}
	return c
}

func histogram(meter metric.Meter, name, description string) metric.Float64Histogram {
	h, err := meter.Float64Histogram(name, metric.WithUnit("s"), metric.WithDescription(description),
		metric.WithExplicitBucketBoundaries(buckets...))
	if err != nil {
		otel.Handle(err)
		return noop.Float64Histogram{}
	}
	return h
}

// count adds to a counter, unless nobody collects it.
func count(ctx context.Context, c metric.Int64Counter, n int64, r *Recorder, l labels) {
	if n > 0 && c.Enabled(ctx) {
		c.Add(ctx, n, r.labeled(l))
	}
}

// measure adds the time since start to a histogram, unless nobody collects it.
func measure(ctx context.Context, h metric.Float64Histogram, start time.Time, r *Recorder, l labels) {
	if h.Enabled(ctx) {
		h.Record(ctx, time.Since(start).Seconds(), r.labeled(l))
	}
}
