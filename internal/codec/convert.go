package codec

import (
	"encoding"
	"encoding/json"
	"math/big"
	"reflect"
	"time"
)

// Convert returns a stored value, such as [DecodeJSON] returns it, as a T, and whether it fits without loss.
func Convert[T any](stored any) (value T, ok bool) {
	if v, ok := stored.(T); ok {
		return v, true
	}
	text, err := appendValue(nil, stored, 0)
	if err != nil {
		return value, false
	}
	decoded, err := parseJSON(string(text))
	if err != nil || decoded == nil {
		return value, false
	}
	if !assign(reflect.ValueOf(&value).Elem(), decoded) {
		var zero T
		return zero, false
	}
	return value, true
}

// assign sets dst to v, a value of the types that DecodeJSON returns, and reports whether it fits without loss. Structs
// and types with an UnmarshalJSON or UnmarshalText of their own are left to encoding/json.
func assign(dst reflect.Value, v any) bool {
	kind := dst.Kind()
	if v == nil {
		return kind == reflect.Pointer || kind == reflect.Interface || kind == reflect.Map || kind == reflect.Slice
	}
	switch p := dst.Addr().Interface().(type) {
	case *time.Time:
		millis, ok := integer(v)
		*p = time.UnixMilli(millis).UTC()
		return ok
	case *json.Number:
		_, isText := v.(string)
		return !isText && unmarshal(p, v)
	case json.Unmarshaler, encoding.TextUnmarshaler:
		return unmarshal(p, v)
	}
	switch kind {
	case reflect.Interface:
		ok := reflect.TypeOf(v).AssignableTo(dst.Type())
		if ok {
			dst.Set(reflect.ValueOf(v))
		}
		return ok
	case reflect.Pointer:
		dst.Set(reflect.New(dst.Type().Elem()))
		return assign(dst.Elem(), v)
	case reflect.Float32, reflect.Float64:
		return assignFloat(dst, v)
	case reflect.Slice:
		if dst.Type().Elem().Kind() == reflect.Uint8 {
			return unmarshal(dst.Addr().Interface(), v)
		}
		list, ok := v.([]any)
		dst.Set(reflect.MakeSlice(dst.Type(), len(list), len(list)))
		return ok && assignElements(dst, list)
	case reflect.Array:
		list, ok := v.([]any)
		return ok && len(list) == dst.Len() && assignElements(dst, list)
	case reflect.Map:
		m, ok := v.(map[string]any)
		return ok && dst.Type().Key().Kind() == reflect.String && assignMap(dst, m)
	default: // of these encoding/json loses nothing
		return unmarshal(dst.Addr().Interface(), v)
	}
}

func assignElements(dst reflect.Value, list []any) bool {
	for i, v := range list {
		if !assign(dst.Index(i), v) {
			return false
		}
	}
	return true
}

func assignMap(dst reflect.Value, m map[string]any) bool {
	dst.Set(reflect.MakeMapWithSize(dst.Type(), len(m)))
	for key, v := range m {
		elem := reflect.New(dst.Type().Elem()).Elem()
		if !assign(elem, v) {
			return false
		}
		dst.SetMapIndex(reflect.ValueOf(key).Convert(dst.Type().Key()), elem)
	}
	return true
}

// assignFloat refuses integers that a float would round, and fractions that have more digits than a float32.
func assignFloat(dst reflect.Value, v any) bool {
	text, err := appendValue(nil, v, 0)
	if err != nil || !unmarshal(dst.Addr().Interface(), v) {
		return false
	}
	if f, ok := v.(float64); ok {
		again, err := appendFloat(nil, dst.Float(), dst.Type().Bits())
		return err == nil && (string(again) == string(text) || dst.Float() == f)
	}
	want, ok := new(big.Int).SetString(string(text), 10)
	if !ok {
		return false
	}
	got, _ := big.NewFloat(dst.Float()).Int(nil)
	return got.Cmp(want) == 0
}

func integer(v any) (int64, bool) {
	switch v := v.(type) {
	case int:
		return int64(v), true
	case int64:
		return v, true
	default:
		return 0, false
	}
}

func unmarshal(dst, v any) bool {
	text, err := appendValue(nil, v, 0)
	return err == nil && json.Unmarshal(text, dst) == nil
}
