package firestoretest

import (
	"math"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/firestore"
	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/type/latlng"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"
)

func valuesComeBack(t *testing.T, tg target) {
	at := time.Date(2026, 2, 3, 4, 5, 6, 123_456_789, time.UTC)
	geo := &latlng.LatLng{Latitude: 1.5, Longitude: -2.5}
	ref := tg.Doc("c/d/e/f")
	written(t)(tg.Doc("c/d").Set(t.Context(), map[string]any{
		"null": nil, "bool": true, "int": 1 << 60, "double": 3.0, "string": "日本\x00", "bytes": []byte{0, 255},
		"time": at, "geo": geo, "ref": ref,
		"array": []any{1, map[string]any{"a": []any{at}}}, "map": map[string]any{}, "no array": []any{},
	}))
	rounded := at.Truncate(time.Microsecond)
	snap, err := tg.Doc("c/d").Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := snap.Data()
	if r, ok := got["ref"].(*firestore.DocumentRef); !ok || r.Path != ref.Path {
		t.Errorf("reference %v, want %v", got["ref"], ref.Path)
	}
	delete(got, "ref")
	want := map[string]any{
		"null": nil, "bool": true, "int": int64(1 << 60), "double": 3.0, "string": "日本\x00", "bytes": []byte{0, 255},
		"time": rounded, "geo": geo,
		"array": []any{int64(1), map[string]any{"a": []any{rounded}}}, "map": map[string]any{}, "no array": []any{},
	}
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// ids are document and collection IDs, and whether they may be used.
var ids = map[string]codes.Code{
	"a": codes.OK, "日本語": codes.OK, "a b": codes.OK, "...": codes.OK, "\x00\n": codes.OK,
	"__": codes.OK, "____": codes.OK, "__x": codes.OK, "x__": codes.OK,
	strings.Repeat("x", 1500): codes.OK,
	strings.Repeat("日", 500):  codes.OK,

	"": codes.InvalidArgument, ".": codes.InvalidArgument, "..": codes.InvalidArgument,
	"__x__": codes.InvalidArgument, "__日__": codes.InvalidArgument, "__id__": codes.InvalidArgument, "__id07__": codes.InvalidArgument,
	"a/b": codes.InvalidArgument, "/": codes.InvalidArgument, "a/": codes.InvalidArgument, "/a": codes.InvalidArgument,
	strings.Repeat("x", 1501): codes.InvalidArgument,
	strings.Repeat("日", 501):  codes.InvalidArgument,
}

func documentIDs(t *testing.T, tg target) {
	for id, want := range ids {
		t.Run(short(id), func(t *testing.T) {
			name := tg.name("c/" + id)
			_, err := tg.commit(t, setWrite(name, fields("a", integerValue(1))))
			wantCode(t, err, want)

			// IDs that are only too long can't be stored, but may be asked for.
			if want != codes.OK && len(id) > maxIDSize {
				want = codes.NotFound
			}
			doc, err := tg.raw.GetDocument(owner(t), &pb.GetDocumentRequest{Name: name})
			wantCode(t, err, want)
			if want == codes.OK && doc.GetName() != name {
				t.Errorf("document name %q, want %q", doc.GetName(), name)
			}
			if want == codes.NotFound {
				want = codes.OK
			}
			_, err = tg.commit(t, deleteWrite(name))
			wantCode(t, err, want)
		})
	}
	for id, want := range map[string]codes.Code{
		"__id7__": codes.OK, "__id-7__": codes.OK, "__id9223372036854775807__": codes.OK, "__id-9223372036854775808__": codes.OK,
		"__id0__": codes.InvalidArgument, "__id-0__": codes.InvalidArgument, "__id+1__": codes.InvalidArgument,
		"__id9223372036854775808__": codes.InvalidArgument, "__id-9223372036854775809__": codes.InvalidArgument,
	} {
		t.Run(id, func(t *testing.T) {
			_, err := tg.commit(t, setWrite(tg.name("c/"+id), nil))
			wantCode(t, err, want)
		})
	}
}

func collectionIDs(t *testing.T, tg target) {
	for id, want := range ids {
		t.Run(short(id), func(t *testing.T) {
			_, err := tg.commit(t, setWrite(tg.name(id+"/d"), nil))
			wantCode(t, err, want)
			_, err = tg.commit(t, setWrite(tg.name("c/d/"+id+"/d"), nil))
			wantCode(t, err, want)
		})
	}
	_, err := tg.commit(t, setWrite(tg.name("__id7__/d"), nil))
	wantCode(t, err, codes.InvalidArgument)
}

func namesAreChecked(t *testing.T, tg target) {
	for _, name := range []string{
		"", "c/d", tg.database, tg.root, tg.root + "/", tg.name("c"), tg.name("c/d/e"), tg.name("c/d/"),
		"projects//databases/(default)/documents/c/d", "projects/p/databases//documents/c/d", "projects/p/c/d",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := tg.commit(t, setWrite(name, nil))
			wantCode(t, err, codes.InvalidArgument)
			_, err = tg.commit(t, deleteWrite(name))
			wantCode(t, err, codes.InvalidArgument)
			stream, err := tg.raw.BatchGetDocuments(owner(t), &pb.BatchGetDocumentsRequest{Database: tg.database, Documents: []string{name}})
			if err == nil {
				_, err = stream.Recv()
			}
			wantCode(t, err, codes.InvalidArgument)
		})
	}
	deepest := strings.Repeat("/c/d", 100)
	_, err := tg.commit(t, setWrite(tg.root+deepest, nil))
	wantCode(t, err, codes.OK)
	_, err = tg.commit(t, setWrite(tg.root+deepest+"/c/d", nil))
	wantCode(t, err, codes.InvalidArgument)
}

func fieldNames(t *testing.T, tg target) {
	for name, want := range map[string]codes.Code{
		"a": codes.OK, "a.b": codes.OK, "a/b": codes.OK, "`": codes.OK, "0": codes.OK, "日": codes.OK, "\x00": codes.OK,
		"__": codes.OK, "____": codes.OK, strings.Repeat("x", 1498): codes.OK,
		"": codes.InvalidArgument, "__x__": codes.InvalidArgument, "__name__": codes.InvalidArgument,
		strings.Repeat("x", 1501): codes.InvalidArgument,
	} {
		t.Run(short(name), func(t *testing.T) {
			v := integerValue(1)
			for _, f := range []map[string]*pb.Value{
				fields(name, v),
				fields("m", mapValue(fields(name, v))),
				fields("m", arrayValue([]*pb.Value{mapValue(fields(name, v))})),
			} {
				_, err := tg.commit(t, setWrite(tg.name("c/d"), f))
				wantCode(t, err, want)
			}
		})
	}
	// Names count together with those of the maps around them.
	_, err := tg.commit(t, setWrite(tg.name("c/d"), fields("m", mapValue(fields(strings.Repeat("x", 1499), nullValue)))))
	wantCode(t, err, codes.InvalidArgument)
	// Fields outside of the mask are checked all the same.
	_, err = tg.commit(t, setWrite(tg.name("c/d"), fields("__x__", nullValue), "a"))
	wantCode(t, err, codes.InvalidArgument)
}

func impossibleValues(t *testing.T, tg target) {
	one := integerValue(1)
	for name, v := range map[string]*pb.Value{
		"none":                      {},
		"none in a map":             mapValue(fields("x", &pb.Value{})),
		"none in an array":          arrayValue([]*pb.Value{{}}),
		"array in an array":         arrayValue([]*pb.Value{arrayValue([]*pb.Value{one})}),
		"negative nanoseconds":      timestampValue(&timestamppb.Timestamp{Seconds: 5, Nanos: -1}),
		"time in the far future":    timestampValue(&timestamppb.Timestamp{Seconds: 1 << 50}),
		"time before the year 1":    timestampValue(&timestamppb.Timestamp{Seconds: -62_135_596_801}),
		"a second of nanoseconds":   timestampValue(&timestamppb.Timestamp{Nanos: 1_000_000_000}),
		"reference to nothing":      referenceValue("x"),
		"reference to a collection": referenceValue(tg.name("c")),
		"reference to the root":     referenceValue(tg.root),
		"reference to a long name":  referenceValue(tg.name("c/" + strings.Repeat("x", 1501))),
		"reference to a reserved":   referenceValue(tg.name("c/__x__")),
		"latitude out of range":     geoPointValue(90.1, 0),
		"longitude out of range":    geoPointValue(0, -180.1),
		"latitude not a number":     geoPointValue(math.NaN(), 0),
		"longitude infinite":        geoPointValue(0, math.Inf(1)),
		"field reference":           {ValueType: &pb.Value_FieldReferenceValue{FieldReferenceValue: "a"}},
		"variable reference":        {ValueType: &pb.Value_VariableReferenceValue{VariableReferenceValue: "a"}},
		"function":                  {ValueType: &pb.Value_FunctionValue{FunctionValue: &pb.Function{Name: "add"}}},
		"pipeline":                  {ValueType: &pb.Value_PipelineValue{PipelineValue: &pb.Pipeline{}}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := tg.commit(t, setWrite(tg.name("c/d"), fields("a", v)))
			wantCode(t, err, codes.InvalidArgument)
		})
	}
	tg.wantData(t, "c/d", nil)
}

func extremeValues(t *testing.T, tg target) {
	last := &timestamppb.Timestamp{Seconds: 253_402_300_799, Nanos: 999_999_999}
	for name, c := range map[string]struct{ v, want *pb.Value }{
		"first time":        {timestampValue(&timestamppb.Timestamp{Seconds: -62_135_596_800}), nil},
		"last time":         {timestampValue(last), timestampValue(&timestamppb.Timestamp{Seconds: last.Seconds, Nanos: 999_999_000})},
		"time before 1970":  {timestampValue(&timestamppb.Timestamp{Seconds: -5, Nanos: 1999}), timestampValue(&timestamppb.Timestamp{Seconds: -5, Nanos: 1000})},
		"corner of the map": {geoPointValue(-90, 180), nil},
		"other null":        {&pb.Value{ValueType: &pb.Value_NullValue{NullValue: 7}}, nullValue},
		"other database":    {referenceValue("projects/p/databases/d/documents/c/d"), nil},
		"negative zero":     {doubleValue(math.Copysign(0, -1)), nil},
		"smallest integer":  {integerValue(math.MinInt64), nil},
	} {
		t.Run(name, func(t *testing.T) {
			want := c.want
			if want == nil {
				want = proto.CloneOf(c.v)
			}
			_, err := tg.commit(t, setWrite(tg.name("c/d"), fields("a", c.v)))
			wantCode(t, err, codes.OK)
			tg.wantFields(t, tg.name("c/d"), fields("a", want))
		})
	}
}

func sizeOfAValue(t *testing.T, tg target) {
	for n, want := range map[int]codes.Code{1_048_487: codes.OK, 1_048_488: codes.InvalidArgument} {
		long := strings.Repeat("x", n)
		for _, v := range []*pb.Value{stringValue(long), bytesValue(long), mapValue(fields("b", stringValue(long)))} {
			_, err := tg.commit(t, setWrite(tg.name("c/d"), fields("a", v)))
			wantCode(t, err, want)
		}
	}
	// Within its own limit, a value can still be too much for a document with a long name.
	_, err := tg.commit(t, setWrite(tg.name("c/"+strings.Repeat("d", 1000)), fields("a", stringValue(strings.Repeat("x", 1_048_487)))))
	wantCode(t, err, codes.InvalidArgument)
}

func sizeOfADocument(t *testing.T, tg target) {
	const (
		name   = 16 + 2 + 2 + 32 // of "c/d", and every document's own
		filler = 500_000
	)
	for label, c := range map[string]struct {
		v    *pb.Value
		size int
	}{
		"null":      {nullValue, 1},
		"boolean":   {&pb.Value{ValueType: &pb.Value_BooleanValue{BooleanValue: true}}, 1},
		"integer":   {integerValue(1), 8},
		"double":    {doubleValue(1), 8},
		"timestamp": {timestampValue(&timestamppb.Timestamp{}), 8},
		"string":    {stringValue("日"), 4},
		"bytes":     {bytesValue("abc"), 3},
		"reference": {referenceValue(tg.name("c/d")), 20},
		"geo point": {geoPointValue(0, 0), 16},
		"vector":    {vectorValue(1, 2, 3), 24},
		"array":     {arrayValue([]*pb.Value{integerValue(1), stringValue("a")}), 10},
		"map":       {mapValue(fields("ab", integerValue(1), "c", mapValue(nil))), 14},
		"no array":  {arrayValue(nil), 1},
		"no map":    {mapValue(nil), 1},
	} {
		t.Run(label, func(t *testing.T) {
			rest := 1<<20 - name - (2 + filler + 1) - (2 + c.size) - (2 + 1)
			for extra, want := range []codes.Code{codes.OK, codes.InvalidArgument} {
				_, err := tg.commit(t, setWrite(tg.name("c/d"), fields(
					"f", stringValue(strings.Repeat("x", filler)),
					"v", c.v,
					"r", stringValue(strings.Repeat("x", rest+extra)),
				)))
				wantCode(t, err, want)
			}
		})
	}
}

func depthOfADocument(t *testing.T, tg target) {
	inMaps, inBoth := integerValue(1), integerValue(1)
	for depth := 1; depth <= 21; depth++ {
		want := codes.OK
		if depth > 20 {
			want = codes.InvalidArgument
		}
		inMaps = mapValue(fields("m", inMaps))
		if depth%2 == 0 {
			inBoth = mapValue(fields("m", inBoth))
		} else {
			inBoth = arrayValue([]*pb.Value{inBoth})
		}
		for _, v := range []*pb.Value{inMaps, inBoth} {
			_, err := tg.commit(t, setWrite(tg.name("c/d"), fields("a", v)))
			if wantCode(t, err, want); t.Failed() {
				t.Fatalf("at depth %d", depth)
			}
		}
	}
}
