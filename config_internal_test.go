package echofirestore

import (
	"reflect"
	"testing"

	"github.com/echofirestore/echofirestore/internal/configtest"
)

// TestConfigsAreOne holds the two Configs together: each field of firesession's is here, and reaches it.
func TestConfigsAreOne(t *testing.T) {
	t.Parallel()
	cfg := Config{AEAD: struct{ AEAD }{}}
	configtest.Fill(&cfg)
	v := reflect.ValueOf(cfg)
	core := reflect.ValueOf(cfg.core())
	for i := range core.NumField() {
		name := core.Type().Field(i).Name
		if name == "ErrorHandler" { // each has its own
			continue
		}
		got, want := core.Field(i), v.FieldByName(name)
		switch {
		case !want.IsValid() || want.Type() != got.Type():
			t.Errorf("Config has no %s like firesession's", name)
		case got.Kind() == reflect.Func || got.Kind() == reflect.Slice:
			if got.Pointer() != want.Pointer() {
				t.Errorf("%s does not reach firesession", name)
			}
		case !got.Equal(want):
			t.Errorf("%s is %v there, want %v", name, got, want)
		}
	}
	for i := range v.NumField() {
		name := v.Type().Field(i).Name
		if name != "Skipper" && !core.FieldByName(name).IsValid() { // which is Echo's
			t.Errorf("firesession's Config has no %s", name)
		}
	}
}
