package echofirestore

import (
	"testing"

	"github.com/echofirestore/echofirestore/internal/configtest"
	metric "go.opentelemetry.io/otel/metric/noop"
	trace "go.opentelemetry.io/otel/trace/noop"
)

// TestConfigsAreOne holds the two Configs together: each field of firesession's is here, and reaches it.
func TestConfigsAreOne(t *testing.T) {
	t.Parallel()
	cfg := Config{
		AEAD:           struct{ AEAD }{},
		TracerProvider: trace.NewTracerProvider(),
		MeterProvider:  metric.NewMeterProvider(),
	}
	configtest.Fill(&cfg)
	configtest.Reaches(t, cfg, cfg.core(), "Skipper", "ErrorHandler") // of which each has its own
}
