package firesession

import (
	"reflect"
	"testing"

	metric "go.opentelemetry.io/otel/metric/noop"
	trace "go.opentelemetry.io/otel/trace/noop"

	"github.com/echofirestore/echofirestore/internal/configtest"
)

type noAEAD struct{}

func (noAEAD) Encrypt(_, _ []byte) ([]byte, error) { return nil, nil }
func (noAEAD) Decrypt(_, _ []byte) ([]byte, error) { return nil, nil }

// TestEveryFieldReachesTheStore gives a Config a value for each field, and looks for it in the store's settings.
func TestEveryFieldReachesTheStore(t *testing.T) {
	t.Parallel()
	cfg := Config{AEAD: noAEAD{}, TracerProvider: trace.NewTracerProvider(), MeterProvider: metric.NewMeterProvider()}
	configtest.Fill(&cfg)
	from, to := reflect.ValueOf(cfg), reflect.ValueOf(cfg.settings())
	for i := range to.NumField() {
		name := to.Type().Field(i).Name
		got, want := to.Field(i), from.FieldByName(name)
		switch {
		case !want.IsValid():
			t.Errorf("Config has no %s", name)
		case got.IsZero():
			t.Errorf("%s is lost", name)
		case got.Comparable() && got.Kind() == want.Kind() && got.Kind() != reflect.Interface && !got.Equal(want):
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	for i := range from.NumField() {
		name := from.Type().Field(i).Name
		if name != "ErrorHandler" && !to.FieldByName(name).IsValid() { // which is for the handler, not the store
			t.Errorf("the settings have no %s", name)
		}
	}
}
