// Package configtest helps to hold the Configs of several packages together.
package configtest

import "reflect"

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
