package codec

import (
	"encoding"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"cloud.google.com/go/firestore"
	"google.golang.org/genproto/googleapis/type/latlng"
)

// maxDepth bounds the nesting of values, so that one which contains itself is an error and no crash. Python's decoder
// gives up somewhat below 1000 levels.
const maxDepth = 500

var (
	errNotFinite = errors.New("JSON has no NaN and no infinity")
	errTooDeep   = fmt.Errorf("nested deeper than %d levels", maxDepth)
)

// appendValue appends v as JSON, each type as EncodeJSON says.
func appendValue(dst []byte, v any, depth int) ([]byte, error) {
	if depth > maxDepth {
		return nil, errTooDeep
	}
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...), nil
	case string:
		return appendString(dst, v)
	case bool:
		return strconv.AppendBool(dst, v), nil
	case int:
		return strconv.AppendInt(dst, int64(v), 10), nil
	case int64:
		return strconv.AppendInt(dst, v, 10), nil
	case float64:
		return appendFloat(dst, v, 64)
	case map[string]any:
		if v == nil {
			return append(dst, "null"...), nil
		}
		return appendMap(dst, v, depth)
	case []any:
		if v == nil {
			return append(dst, "null"...), nil
		}
		return appendSlice(dst, len(v), func(i int) any { return v[i] }, depth)
	case []byte:
		if v == nil {
			return append(dst, "null"...), nil
		}
		dst = append(dst, '"')
		dst = base64.StdEncoding.AppendEncode(dst, v)
		return append(dst, '"'), nil
	case time.Time:
		return strconv.AppendInt(dst, v.UnixMilli(), 10), nil
	case *time.Time:
		if v == nil {
			return append(dst, "null"...), nil
		}
		return strconv.AppendInt(dst, v.UnixMilli(), 10), nil
	case *firestore.DocumentRef:
		if v == nil {
			return append(dst, "null"...), nil
		}
		return appendString(dst, v.Path)
	case *latlng.LatLng:
		if v == nil {
			return append(dst, "null"...), nil
		}
		return appendMap(dst, map[string]any{"latitude": v.GetLatitude(), "longitude": v.GetLongitude()}, depth)
	case json.Number:
		return appendNumber(dst, v)
	case json.Marshaler, encoding.TextMarshaler:
		return appendMarshaled(dst, v, depth)
	default:
		return appendReflected(dst, reflect.ValueOf(v), depth)
	}
}

// appendReflected appends a value whose type has no case in appendValue.
func appendReflected(dst []byte, v reflect.Value, depth int) ([]byte, error) {
	switch v.Kind() {
	case reflect.String:
		return appendString(dst, v.String())
	case reflect.Float32, reflect.Float64:
		return appendFloat(dst, v.Float(), v.Type().Bits())
	case reflect.Pointer:
		if v.IsNil() {
			return append(dst, "null"...), nil
		}
		return appendValue(dst, v.Elem().Interface(), depth+1)
	case reflect.Slice, reflect.Array:
		if v.Kind() == reflect.Slice && v.IsNil() {
			return append(dst, "null"...), nil
		}
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return appendMarshaled(dst, v.Interface(), depth)
		}
		return appendSlice(dst, v.Len(), func(i int) any { return element(v.Index(i)) }, depth)
	case reflect.Map:
		if v.Type().Key().Kind() != reflect.String {
			return nil, fmt.Errorf("a %s has keys that are not strings", v.Type())
		}
		if v.IsNil() {
			return append(dst, "null"...), nil
		}
		m := make(map[string]any, v.Len())
		for iter := v.MapRange(); iter.Next(); {
			m[iter.Key().String()] = iter.Value().Interface()
		}
		return appendMap(dst, m, depth)
	default:
		return appendMarshaled(dst, v.Interface(), depth)
	}
}

// element returns an element of a slice, by its pointer if that is a Marshaler, as encoding/json does.
func element(v reflect.Value) any {
	if v.CanAddr() {
		switch p := v.Addr().Interface().(type) {
		case json.Marshaler, encoding.TextMarshaler:
			return p
		}
	}
	return v.Interface()
}

// appendMap appends m with its keys in order, so that equal values have equal text.
func appendMap(dst []byte, m map[string]any, depth int) ([]byte, error) {
	dst = append(dst, '{')
	for i, key := range slices.Sorted(maps.Keys(m)) {
		if i > 0 {
			dst = append(dst, ',')
		}
		var err error
		if dst, err = appendString(dst, key); err != nil {
			return nil, fmt.Errorf("key %q: %w", key, err)
		}
		dst = append(dst, ':')
		if dst, err = appendValue(dst, m[key], depth+1); err != nil {
			if depth > 0 && errors.Is(err, errTooDeep) {
				return nil, err // the way down would be too long to read
			}
			return nil, fmt.Errorf("key %q: %w", key, err)
		}
	}
	return append(dst, '}'), nil
}

func appendSlice(dst []byte, n int, at func(int) any, depth int) ([]byte, error) {
	dst = append(dst, '[')
	for i := range n {
		if i > 0 {
			dst = append(dst, ',')
		}
		var err error
		if dst, err = appendValue(dst, at(i), depth+1); err != nil {
			if errors.Is(err, errTooDeep) {
				return nil, err
			}
			return nil, fmt.Errorf("element %d: %w", i, err)
		}
	}
	return append(dst, ']'), nil
}

func appendMarshaled(dst []byte, v any, depth int) ([]byte, error) {
	text, err := json.Marshal(v)
	if err != nil {
		_, byItself := errors.AsType[*json.MarshalerError](err)
		_, badType := errors.AsType[*json.UnsupportedTypeError](err)
		_, badValue := errors.AsType[*json.UnsupportedValueError](err)
		if !byItself && (badType || badValue) {
			return nil, err
		}
		return nil, &marshalError{v, err}
	}
	if depth+levels(text) > maxDepth {
		return nil, errTooDeep
	}
	return append(dst, text...), nil
}

// levels returns how far below the outermost value of a compact JSON text its innermost one is: 2 in [{"a":1}].
func levels(text []byte) int {
	deepest, depth, quoted := 0, 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
			deepest = max(deepest, depth)
		case quoted:
		case c == ']' || c == '}':
			depth--
		default:
			deepest = max(deepest, depth)
			if c == '[' || c == '{' {
				depth++
			}
		}
	}
	return deepest
}

// A marshalError does not show why a value could not be marshaled, for that may quote it: by what a MarshalJSON or
// MarshalText says, or by the text of a json.Number inside a struct.
type marshalError struct {
	value any
	err   error
}

func (e *marshalError) Error() string {
	return fmt.Sprintf("a %T could not be marshaled as JSON", e.value)
}
func (e *marshalError) Unwrap() error { return e.err }

func appendNumber(dst []byte, n json.Number) ([]byte, error) {
	p := parser{text: n.String()}
	if _, err := p.number(); err != nil || p.pos < len(p.text) {
		return nil, errors.New("a json.Number that is not a number")
	}
	return append(dst, n...), nil
}

func appendString(dst []byte, s string) ([]byte, error) {
	if !utf8.ValidString(s) {
		return nil, errors.New("not valid UTF-8; store a []byte instead")
	}
	dst = append(dst, '"')
	for i := range len(s) {
		switch b := s[i]; {
		case b == '"' || b == '\\':
			dst = append(dst, '\\', b)
		case b >= ' ':
			dst = append(dst, b)
		case b == '\n':
			dst = append(dst, `\n`...)
		case b == '\r':
			dst = append(dst, `\r`...)
		case b == '\t':
			dst = append(dst, `\t`...)
		default:
			const hex = "0123456789abcdef"
			dst = append(dst, `\u00`...)
			dst = append(dst, hex[b>>4], hex[b&0xf])
		}
	}
	return append(dst, '"'), nil
}

// appendFloat writes f as Python's repr does, so that what is a float stays one on either side.
func appendFloat(dst []byte, f float64, bits int) ([]byte, error) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return nil, errNotFinite
	}
	if abs := math.Abs(f); abs != 0 && (abs < 1e-4 || abs >= 1e16) {
		return strconv.AppendFloat(dst, f, 'e', -1, bits), nil
	}
	start := len(dst)
	dst = strconv.AppendFloat(dst, f, 'f', -1, bits)
	if !slices.Contains(dst[start:], '.') {
		dst = append(dst, ".0"...)
	}
	return dst, nil
}
