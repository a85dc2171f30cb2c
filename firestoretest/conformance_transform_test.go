package firestoretest

import (
	"math"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/firestore"
	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"
)

func serverTimestamps(t *testing.T, tg target) {
	doc := tg.Doc("c/d")
	result := written(t)(doc.Set(t.Context(), map[string]any{
		"a": firestore.ServerTimestamp,
		"m": map[string]any{"b": firestore.ServerTimestamp},
	}))
	snap, err := doc.Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	a, b := snap.Data()["a"].(time.Time), snap.Data()["m"].(map[string]any)["b"].(time.Time)
	if !a.Equal(b) || !a.Equal(a.Truncate(time.Millisecond)) {
		t.Errorf("got %v and %v, want the same time in milliseconds", a, b)
	}
	if age := result.UpdateTime.Sub(a); age < 0 || age > time.Second {
		t.Errorf("got %v in a commit of %v, want about that time", a, result.UpdateTime)
	}
}

func transformsOfNumbers(t *testing.T, tg target) {
	for _, c := range []struct {
		name             string
		old, apply, want any
	}{
		{"increment an integer", 1, firestore.Increment(2), int64(3)},
		{"increment an integer by a double", 1, firestore.Increment(2.5), 3.5},
		{"increment a double by an integer", 1.5, firestore.Increment(2), 3.5},
		{"increment nothing", nil, firestore.Increment(2), int64(2)},
		{"increment a string", "x", firestore.Increment(2), int64(2)},
		{"increment past the largest integer", math.MaxInt64, firestore.Increment(2), int64(math.MaxInt64)},
		{"increment past the smallest integer", math.MinInt64, firestore.Increment(-2), int64(math.MinInt64)},
		{"maximum is the operand", 1, firestore.FieldTransformMaximum(2), int64(2)},
		{"maximum is there", 3, firestore.FieldTransformMaximum(2), int64(3)},
		{"maximum of equals is what is there", 3, firestore.FieldTransformMaximum(3.0), int64(3)},
		{"maximum of nothing", nil, firestore.FieldTransformMaximum(-2), int64(-2)},
		{"maximum of a string", "x", firestore.FieldTransformMaximum(2), int64(2)},
		{"maximum with NaN", 3, firestore.FieldTransformMaximum(math.NaN()), math.NaN()},
		{"maximum of NaN", math.NaN(), firestore.FieldTransformMaximum(3), math.NaN()},
		{"minimum is the operand", 3, firestore.FieldTransformMinimum(2.5), 2.5},
		{"minimum is there", 1, firestore.FieldTransformMinimum(2), int64(1)},
		{"minimum with NaN", 3, firestore.FieldTransformMinimum(math.NaN()), math.NaN()},
		{"minimum of NaN", math.NaN(), firestore.FieldTransformMinimum(3), math.NaN()},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := transformed(t, tg, c.old, c.apply); !cmp.Equal(c.want, got, cmpopts.EquateNaNs()) {
				t.Errorf("got %v (%[1]T), want %v (%[2]T)", got, c.want)
			}
		})
	}
}

func transformsOfArrays(t *testing.T, tg target) {
	for _, c := range []struct {
		name             string
		old, apply, want any
	}{
		{"union", []any{1, 1}, firestore.ArrayUnion(2, 1.0, "x", 2), []any{int64(1), int64(1), int64(2), "x"}},
		{"union with nothing", nil, firestore.ArrayUnion(1, 1), []any{int64(1)}},
		{"union with a string", "x", firestore.ArrayUnion(1), []any{int64(1)}},
		{"remove", []any{1, 2, 1.0, 3}, firestore.ArrayRemove(1, 3), []any{int64(2)}},
		{"remove from nothing", nil, firestore.ArrayRemove(1), []any{}},
		{"remove from a string", "x", firestore.ArrayRemove(1), []any{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, transformed(t, tg, c.old, c.apply)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// transformed returns what a transform makes of an old value; nil: of a missing field.
func transformed(t *testing.T, tg target, old, transform any) any {
	t.Helper()
	doc := tg.Doc("c/d")
	data := map[string]any{}
	if old != nil {
		data["m"] = map[string]any{"v": old}
	}
	written(t)(doc.Set(t.Context(), data))
	written(t)(doc.Update(t.Context(), []firestore.Update{{Path: "m.v", Value: transform}}))
	snap, err := doc.Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	v, err := snap.DataAt("m.v")
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func transformsComeAfterTheUpdate(t *testing.T, tg target) {
	w := setWrite(tg.name("c/d"), fields("n", integerValue(5)))
	w.UpdateTransforms = []*pb.DocumentTransform_FieldTransform{
		increment("n", integerValue(1)),
		increment("n", integerValue(1)),
		{FieldPath: "list", TransformType: &pb.DocumentTransform_FieldTransform_AppendMissingElements{
			AppendMissingElements: &pb.ArrayValue{Values: []*pb.Value{integerValue(1)}},
		}},
	}
	alone := &pb.Write{Operation: &pb.Write_Transform{Transform: &pb.DocumentTransform{
		Document:        tg.name("c/d"),
		FieldTransforms: []*pb.DocumentTransform_FieldTransform{increment("n", doubleValue(1))},
	}}}
	resp, err := tg.commit(t, w, alone)
	if err != nil {
		t.Fatal(err)
	}
	tg.wantData(t, "c/d", map[string]any{"n": 8.0, "list": []any{int64(1)}})
	got := append(resp.GetWriteResults()[0].GetTransformResults(), resp.GetWriteResults()[1].GetTransformResults()...)
	want := []*pb.Value{integerValue(6), integerValue(7), nullValue, doubleValue(8)}
	if compareValues(arrayValue(got), arrayValue(want)) != 0 {
		t.Errorf("transform results %v, want %v", got, want)
	}
	_, err = tg.commit(t, ifExists(true, setWriteWith(tg.name("c/none"), increment("n", integerValue(1)))))
	wantCode(t, err, codes.NotFound)
}

func malformedTransformsAreRefused(t *testing.T, tg target) {
	name := tg.name("c/d")
	unspecified := &pb.DocumentTransform_FieldTransform{FieldPath: "a", TransformType: &pb.DocumentTransform_FieldTransform_SetToServerValue{}}
	deletion := deleteWrite(name)
	deletion.UpdateTransforms = []*pb.DocumentTransform_FieldTransform{increment("a", integerValue(1))}
	for label, w := range map[string]*pb.Write{
		"increment by a string":  setWriteWith(name, increment("a", stringValue("x"))),
		"increment by nothing":   setWriteWith(name, increment("a", nil)),
		"maximum with a string":  setWriteWith(name, &pb.DocumentTransform_FieldTransform{FieldPath: "a", TransformType: &pb.DocumentTransform_FieldTransform_Maximum{Maximum: stringValue("x")}}),
		"bad path":               setWriteWith(name, increment("a b", integerValue(1))),
		"reserved name":          setWriteWith(name, increment("__x__", integerValue(1))),
		"no operation":           setWriteWith(name, &pb.DocumentTransform_FieldTransform{FieldPath: "a"}),
		"unspecified value":      setWriteWith(name, unspecified),
		"with a delete":          deletion,
		"field and one in it":    setWriteWith(name, increment("a", integerValue(1)), increment("b", integerValue(1)), increment("a.b.c", integerValue(1))),
		"value of no type":       setWriteWith(name, arrayUnion("a", &pb.Value{})),
		"empty list of old kind": {Operation: &pb.Write_Transform{Transform: &pb.DocumentTransform{Document: name}}},
	} {
		t.Run(label, func(t *testing.T) {
			_, err := tg.commit(t, w)
			wantCode(t, err, codes.InvalidArgument)
		})
	}
}

// operandsOfTransforms: they must be values, but may be some that no document can be written with.
func operandsOfTransforms(t *testing.T, tg target) {
	name := tg.name("c/d")
	tooLong := referenceValue(tg.name("c/" + strings.Repeat("x", 1501)))
	for label, c := range map[string]struct {
		operand *pb.Value
		want    codes.Code
	}{
		"string":               {stringValue("x"), codes.OK},
		"array":                {arrayValue([]*pb.Value{integerValue(1)}), codes.OK},
		"vector":               {vectorValue(1), codes.OK},
		"long reference":       {tooLong, codes.OK},
		"malformed vector":     {vectorValue(), codes.InvalidArgument},
		"reference to nothing": {referenceValue("x"), codes.InvalidArgument},
		"no type":              {&pb.Value{}, codes.InvalidArgument},
		"no type in a map":     {mapValue(fields("x", &pb.Value{})), codes.InvalidArgument},
		"latitude":             {geoPointValue(91, 0), codes.InvalidArgument},
		"invalid time":         {timestampValue(&timestamppb.Timestamp{Nanos: -1}), codes.InvalidArgument},
		"field reference":      {&pb.Value{ValueType: &pb.Value_FieldReferenceValue{FieldReferenceValue: "a"}}, codes.InvalidArgument},
	} {
		t.Run(label, func(t *testing.T) {
			_, err := tg.commit(t, deleteWrite(name), setWriteWith(name, arrayUnion("a", c.operand)))
			wantCode(t, err, c.want)
			if err == nil {
				tg.wantFields(t, name, fields("a", arrayValue([]*pb.Value{c.operand})))
			}
			_, err = tg.commit(t, setWriteWith(name, arrayRemove("a", c.operand)))
			wantCode(t, err, c.want)
			if err == nil {
				tg.wantFields(t, name, fields("a", arrayValue(nil)))
			}
		})
	}
	precise := timestampValue(&timestamppb.Timestamp{Seconds: 5, Nanos: 1999})
	_, err := tg.commit(t, deleteWrite(name), setWriteWith(name, arrayUnion("a", precise)))
	wantCode(t, err, codes.OK)
	tg.wantFields(t, name, fields("a", arrayValue([]*pb.Value{timestampValue(&timestamppb.Timestamp{Seconds: 5, Nanos: 1000})})))
}

func arrayUnion(path string, elements ...*pb.Value) *pb.DocumentTransform_FieldTransform {
	return &pb.DocumentTransform_FieldTransform{
		FieldPath: path,
		TransformType: &pb.DocumentTransform_FieldTransform_AppendMissingElements{
			AppendMissingElements: &pb.ArrayValue{Values: elements},
		},
	}
}

func arrayRemove(path string, elements ...*pb.Value) *pb.DocumentTransform_FieldTransform {
	return &pb.DocumentTransform_FieldTransform{
		FieldPath: path,
		TransformType: &pb.DocumentTransform_FieldTransform_RemoveAllFromArray{
			RemoveAllFromArray: &pb.ArrayValue{Values: elements},
		},
	}
}

func increment(path string, by *pb.Value) *pb.DocumentTransform_FieldTransform {
	return &pb.DocumentTransform_FieldTransform{
		FieldPath:     path,
		TransformType: &pb.DocumentTransform_FieldTransform_Increment{Increment: by},
	}
}

// setWriteWith is a raw write of nothing but transforms.
func setWriteWith(name string, transforms ...*pb.DocumentTransform_FieldTransform) *pb.Write {
	w := setWrite(name, nil, []string{}...)
	w.UpdateTransforms = transforms
	return w
}
