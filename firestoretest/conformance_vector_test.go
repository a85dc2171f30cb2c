package firestoretest

import (
	"fmt"
	"math"
	"testing"

	"cloud.google.com/go/firestore"
	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc/codes"
)

func vectorValue(elements ...float64) *pb.Value {
	var values []*pb.Value
	for _, e := range elements {
		values = append(values, doubleValue(e))
	}
	return vectorOf(values...)
}

// vectorOf makes a vector of values that may be no elements of one.
func vectorOf(elements ...*pb.Value) *pb.Value {
	return mapValue(fields("__type__", stringValue("__vector__"), "value", arrayValue(elements)))
}

func vectorsAreValues(t *testing.T, tg target) {
	data := map[string]any{
		"v":     firestore.Vector64{1, -2.5, math.MaxFloat64},
		"map":   map[string]any{"v": firestore.Vector64{1}},
		"array": []any{map[string]any{"v": firestore.Vector64{1}}},
		"large": firestore.Vector64(make([]float64, 2048)),
	}
	written(t)(tg.Doc("c/d").Set(t.Context(), data))
	tg.wantData(t, "c/d", data)
	written(t)(tg.Doc("c/d").Update(t.Context(), []firestore.Update{{Path: "map.v", Value: firestore.Vector64{2, 3}}}))
	written(t)(tg.Doc("c/d").Update(t.Context(), []firestore.Update{{Path: "array", Value: firestore.Delete}, {Path: "large", Value: firestore.Delete}}))
	tg.wantData(t, "c/d", map[string]any{"v": data["v"], "map": map[string]any{"v": firestore.Vector64{2, 3}}})
}

func malformedVectorsAreRefused(t *testing.T, tg target) {
	vector, one := stringValue("__vector__"), arrayValue([]*pb.Value{doubleValue(1)})
	for name, v := range map[string]*pb.Value{
		"no elements":           vectorValue(),
		"too many elements":     vectorValue(make([]float64, 2049)...),
		"NaN":                   vectorValue(1, math.NaN()),
		"integer":               vectorOf(doubleValue(1), integerValue(1)),
		"string":                vectorOf(stringValue("x")),
		"null":                  vectorOf(nullValue),
		"vector in a vector":    vectorOf(vectorValue(1)),
		"element of no type":    vectorOf(&pb.Value{}),
		"no value":              mapValue(fields(typeField, vector)),
		"value is no array":     mapValue(fields(typeField, vector, "value", doubleValue(1))),
		"another field":         mapValue(fields(typeField, vector, "value", one, "x", nullValue)),
		"another type":          mapValue(fields(typeField, stringValue("__x__"), "value", one)),
		"type is no string":     mapValue(fields(typeField, integerValue(1), "value", one)),
		"vector in an array":    arrayValue([]*pb.Value{vectorValue(1)}),
		"malformed in a map":    mapValue(fields("v", vectorValue())),
		"malformed in an array": arrayValue([]*pb.Value{mapValue(fields("v", vectorValue()))}),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := tg.commit(t, setWrite(tg.name("c/d"), fields("v", v)))
			wantCode(t, err, codes.InvalidArgument)
		})
	}
	_, err := tg.commit(t, setWrite(tg.name("c/d"), vectorValue(1).GetMapValue().GetFields())) // the document itself
	wantCode(t, err, codes.InvalidArgument)
	tg.wantData(t, "c/d", nil)
}

// To a path, a vector is a value without fields, although it is sent as a map.
func vectorsHaveNoFields(t *testing.T, tg target) {
	vector := vectorValue(1, 2)
	for _, c := range []struct {
		name string
		w    *pb.Write
		want map[string]*pb.Value
	}{
		{"patch of a part", setWrite(tg.name("c/d"), fields("v", mapValue(fields("value", integerValue(1)))), "v.value"), fields("v", mapValue(fields("value", integerValue(1))))},
		{"removal of a part", setWrite(tg.name("c/d"), nil, "v.value"), fields("v", vector)},
		{"transform of a part", setWriteWith(tg.name("c/d"), increment("v.x", integerValue(1))), fields("v", mapValue(fields("x", integerValue(1))))},
		{"increment", setWriteWith(tg.name("c/d"), increment("v", integerValue(1))), fields("v", integerValue(1))},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, w := range []*pb.Write{setWrite(tg.name("c/d"), fields("v", vector)), c.w} {
				if _, err := tg.commit(t, w); err != nil {
					t.Fatal(err)
				}
			}
			tg.wantFields(t, tg.name("c/d"), c.want)
		})
	}
	tg.set(t, map[string]map[string]any{"c/d": {"v": firestore.Vector64{1, 2}}})
	for path, want := range map[string]map[string]*pb.Value{"v": fields("v", vector), "v.value": nil, "v.x": nil} {
		doc, err := tg.raw.GetDocument(owner(t), &pb.GetDocumentRequest{
			Name: tg.name("c/d"), Mask: &pb.DocumentMask{FieldPaths: []string{path}},
		})
		if err != nil || !equalFields(doc.GetFields(), want) {
			t.Errorf("%s: got %v, %v, want %v", path, doc.GetFields(), err, want)
		}
	}
	q := fieldFilter("v.value", pb.StructuredQuery_FieldFilter_ARRAY_CONTAINS, doubleValue(1))
	if got := tg.query(t, queryRequest(tg.root, "c", q)); got != "" {
		t.Errorf("a query of the elements found %s, want nothing", got)
	}
}

// Vectors come after arrays and before maps, the shorter ones first.
func orderOfVectors(t *testing.T, tg target) {
	large := func(last float64) []float64 { return append(make([]float64, 300), last) } // the same, as far as it is indexed
	ordered := []*pb.Value{
		stringValue("x"),
		arrayValue([]*pb.Value{doubleValue(9)}),
		vectorValue(math.Inf(-1)), vectorValue(0.5), vectorValue(1), vectorValue(2),
		vectorValue(0, 0), vectorValue(1, -1), vectorValue(1, 0),
		vectorValue(large(1)...), vectorValue(large(2)...),
		mapValue(nil), mapValue(fields("__", nullValue)), mapValue(fields("value", arrayValue(nil))),
	}
	for i, v := range ordered {
		if _, err := tg.commit(t, setWrite(tg.name(fmt.Sprintf("c/%02d", i)), fields("v", v))); err != nil {
			t.Fatal(err)
		}
	}
	req := queryRequest(tg.root, "c", nil)
	req.GetStructuredQuery().OrderBy = []*pb.StructuredQuery_Order{{Field: fieldReference("v")}}
	if got, want := tg.query(t, req), "00-13"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for op, want := range map[pb.StructuredQuery_FieldFilter_Operator]string{
		pb.StructuredQuery_FieldFilter_EQUAL:        "04",
		pb.StructuredQuery_FieldFilter_LESS_THAN:    "02-03",
		pb.StructuredQuery_FieldFilter_GREATER_THAN: "05-10",
		pb.StructuredQuery_FieldFilter_NOT_EQUAL:    "00-03 05-13",
	} {
		if got := tg.query(t, queryRequest(tg.root, "c", fieldFilter("v", op, vectorValue(1)))); got != want {
			t.Errorf("%v: got %s, want %s", op, got, want)
		}
	}
}
