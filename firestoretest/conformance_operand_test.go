package firestoretest

import (
	"strings"
	"testing"

	"cloud.google.com/go/firestore"
	"google.golang.org/grpc/codes"
)

// largeOperands compares fields with values around the size that Firestore indexes, 1500 bytes.
func largeOperands(t *testing.T, tg target) {
	text := func(n int) string { return strings.Repeat("n", n) }
	collection := tg.Collection("q")
	for name, c := range map[string]struct {
		op    string
		value any
		want  codes.Code
	}{
		"text":                   {"==", text(1499), codes.OK},
		"text, a byte more":      {"==", text(1500), codes.InvalidArgument},
		"less":                   {"<", text(1499), codes.OK},
		"less, a byte more":      {"<", text(1500), codes.InvalidArgument},
		"not equal":              {"!=", text(1500), codes.InvalidArgument},
		"bytes":                  {"==", []byte(text(1500)), codes.OK},
		"bytes, one more":        {"==", []byte(text(1501)), codes.InvalidArgument},
		"map":                    {"==", map[string]any{"x": text(1497)}, codes.OK},
		"map, a byte more":       {"==", map[string]any{"x": text(1498)}, codes.InvalidArgument},
		"array":                  {"==", []any{text(749), text(749)}, codes.OK},
		"array, a byte more":     {"==", []any{text(749), text(750)}, codes.InvalidArgument},
		"in":                     {"in", []any{text(1499), text(1499)}, codes.OK},
		"in, a byte more":        {"in", []any{"a", text(1500)}, codes.InvalidArgument},
		"not in":                 {"not-in", []any{text(1499), text(1499)}, codes.OK},
		"not in, a byte more":    {"not-in", []any{"a", text(1500)}, codes.InvalidArgument},
		"contains":               {"array-contains", text(1499), codes.OK},
		"contains, a byte more":  {"array-contains", text(1500), codes.InvalidArgument},
		"contains any":           {"array-contains-any", []any{text(1499), text(1499)}, codes.OK},
		"contains any of a long": {"array-contains-any", []any{text(1500)}, codes.InvalidArgument},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := collection.Where("v", c.op, c.value).Documents(t.Context()).GetAll()
			wantCode(t, err, c.want)
		})
	}
	t.Run("cursor", func(t *testing.T) {
		_, err := collection.OrderBy("v", firestore.Asc).StartAt(text(3000)).Documents(t.Context()).GetAll()
		wantCode(t, err, codes.OK)
	})
}
