// Package configtest helps to hold the Configs of several packages together.
package configtest

import (
	"reflect"
	"slices"
	"testing"
)

// Fill sets every field of the struct that config points to, to something other than its zero value. Interfaces are left
// to the caller.
func Fill(config any) {
	v := reflect.ValueOf(config).Elem()
	for i := range v.NumField() {
		switch field := v.Field(i); field.Kind() {
		case reflect.String:
			field.SetString(v.Type().Field(i).Name)
		case reflect.Int, reflect.Int64:
			field.SetInt(int64(i + 1))
		case reflect.Bool:
			field.SetBool(true)
		case reflect.Pointer:
			field.Set(reflect.New(field.Type().Elem()))
		case reflect.Slice:
			field.Set(reflect.MakeSlice(field.Type(), 1, 1))
		case reflect.Func:
			field.Set(reflect.MakeFunc(field.Type(), func([]reflect.Value) []reflect.Value { panic("not to be called") }))
		}
	}
}

// Reaches checks that two Configs have the same fields, and that the values of from, as [Fill] set them, are in to. Fields
// that are named in own may differ, or be in one of them only.
func Reaches(t *testing.T, from, to any, own ...string) {
	t.Helper()
	source, target := reflect.ValueOf(from), reflect.ValueOf(to)
	for i := range target.NumField() {
		name := target.Type().Field(i).Name
		if slices.Contains(own, name) {
			continue
		}
		got, want := target.Field(i), source.FieldByName(name)
		switch {
		case !want.IsValid() || want.Type() != got.Type():
			t.Errorf("%T has no %s like %T", from, name, to)
		case got.Kind() == reflect.Func || got.Kind() == reflect.Slice:
			if got.Pointer() != want.Pointer() {
				t.Errorf("%s does not reach %T", name, to)
			}
		case !got.Equal(want):
			t.Errorf("%s is %v in %T, want %v", name, got, to, want)
		}
	}
	for i := range source.NumField() {
		if name := source.Type().Field(i).Name; !slices.Contains(own, name) && !target.FieldByName(name).IsValid() {
			t.Errorf("%T has no %s", to, name)
		}
	}
}
