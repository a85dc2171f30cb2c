package firestoretest

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/firestore"
	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/genproto/googleapis/type/latlng"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

func orderOfValues(t *testing.T, tg target) {
	tg.fillMixed(t)
	q := tg.Collection("q")
	runQueries(t, []queryCase{
		{"ascending", q.OrderBy("v", firestore.Asc), "00-38"},
		{
			"descending, then by number", q.OrderBy("v", firestore.Desc).OrderBy("i", firestore.Asc).Limit(31),
			"38 37 36 35 34 33 32 31 30 29 28 27 26 25 24 23 22 21 20 19 18 17 16 15 14 13 12 11 09-10 08",
		},
		{"by default", q.Query, "00-38 zz"},
		{"by what an inequality compares", q.Where("v", "<", 0.5), "04-07"},
		{"by what it compares, then others", q.Where("v", ">", 1).OrderBy("v", firestore.Desc), "13 12 11"},
		{"by a missing field", q.OrderBy("none", firestore.Asc), ""},
	})

	negativeZero := math.Copysign(0, -1)
	tg.set(t, map[string]map[string]any{
		"g/1": {"v": &latlng.LatLng{}}, "g/2": {"v": &latlng.LatLng{Latitude: negativeZero}},
		"g/3": {"v": &latlng.LatLng{Longitude: negativeZero}}, "g/4": {"v": &latlng.LatLng{Latitude: -1}},
	})
	runQueries(t, []queryCase{
		{"coordinates of negative zero", tg.Collection("g").OrderBy("v", firestore.Asc), "4 2-3 1"},
		{"greater than them", tg.Collection("g").Where("v", ">", &latlng.LatLng{Latitude: negativeZero}), "3 1"},
		{"equal to zero", tg.Collection("g").Where("v", "==", &latlng.LatLng{}), "1"},
	})

	// IDs are compared one by one: a byte smaller than the slash must not count as a longer path.
	tg.set(t, map[string]map[string]any{"r/a": {}, "r/a-b": {}, "r/a/r/x": {}, "r/日": {}})
	if got, want := found(t, tg.CollectionGroup("r").Query), "a x a-b 日"; got != want {
		t.Errorf("collection group: got %s, want %s", got, want)
	}
}

func orderBySeveralFields(t *testing.T, tg target) {
	tg.fillMixed(t)
	q := tg.Collection("q").Where("i", "<", 7)
	runQueries(t, []queryCase{
		{"fields of inequalities come last", q.OrderBy("mod", firestore.Asc), "00 03 06 01 04 02 05"},
		{"in the direction of the last one named", q.OrderBy("mod", firestore.Desc), "05 02 04 01 06 03 00"},
		{"unless they are named", q.OrderBy("mod", firestore.Desc).OrderBy("i", firestore.Asc), "02 05 01 04 00 03 06"},
		{"by name at the end", tg.Collection("q").Where("i", "in", []any{0, 3, 4}).OrderBy("mod", firestore.Asc).OrderBy(firestore.DocumentID, firestore.Desc), "03 00 04"},
		{"names come after the fields compared", tg.Collection("q").Where(firestore.DocumentID, "<=", tg.Doc("q/05")).Where("mod", "<", 2), "00 03 01 04"},
		{"and those are sorted", tg.Collection("q").Where("mod", "<", 2).Where(firestore.DocumentID, "<=", tg.Doc("q/05")).Where("i", ">", 0), "01 03-04"},
		{"fields that a document lacks", tg.Collection("q").OrderBy("mod", firestore.Asc).OrderBy("v.a", firestore.Asc), "36 34-35"},
	})
	for _, impossible := range []*pb.StructuredQuery_Filter{
		fieldFilter("none", less, nullValue), fieldFilter("none", greaterEqual, doubleValue(math.NaN())), fieldFilter("none", notEquals, nullValue),
	} {
		where := composite(or, impossible, fieldFilter("i", less, integerValue(2)))
		if got := tg.query(t, queryRequest(tg.root, "q", where)); got != "00-01" {
			t.Errorf("a field compared with what nothing compares with: got %s, want 00-01, as if it were not compared", got)
		}
	}
}

// orderOfNames puts numeric IDs before the others, by their numbers, and IDs before what begins with them.
func orderOfNames(t *testing.T, tg target) {
	ids := []string{"__id-1__", "__id7__", "__id10__", "1", "10", "2", "a", "a!", "a-b", "é"}
	docs := map[string]map[string]any{"c/a/c/0": {"n": 0}}
	for i, id := range ids {
		docs["c/"+id] = map[string]any{"n": i % 2, "list": []int{1}}
	}
	tg.set(t, docs)
	all := strings.Join(ids, " ")
	reversed := slices.Clone(ids)
	slices.Reverse(reversed)
	down := strings.Join(reversed, " ")
	q := tg.Collection("c")
	where := func(path, op string, v any) firestore.EntityFilter {
		return firestore.PropertyFilter{Path: path, Operator: op, Value: v}
	}
	runQueries(t, []queryCase{
		{"by default", q.Query, all},
		{"ascending", q.OrderBy(firestore.DocumentID, firestore.Asc), all},
		{"descending after equality", q.Where("n", "==", 0).OrderBy(firestore.DocumentID, firestore.Desc), "a-b a 10 __id10__ __id-1__"},
		{"descending after in", q.Where("n", "in", []int{0, 1}).OrderBy(firestore.DocumentID, firestore.Desc), down},
		{"descending after array-contains", q.Where("list", "array-contains", 1).OrderBy(firestore.DocumentID, firestore.Desc), down},
		{"descending after null", q.Where("n", "==", nil).OrderBy(firestore.DocumentID, firestore.Desc), ""},
		{"descending after what nothing can pass", q.Where("n", "not-in", []any{nil}).OrderBy(firestore.DocumentID, firestore.Desc), ""},
		{"descending after equality and a comparison of names", q.Where("n", "==", 0).Where(firestore.DocumentID, ">", tg.Doc("c/10")).OrderBy(firestore.DocumentID, firestore.Desc), "a-b a"},
		{"descending after a disjunction", q.WhereEntity(firestore.OrFilter{Filters: []firestore.EntityFilter{where("n", "==", 0), where(firestore.DocumentID, ">", tg.Doc("c/a"))}}).OrderBy(firestore.DocumentID, firestore.Desc), "é a-b a! a 10 __id10__ __id-1__"},
		{"descending after a field", q.OrderBy("n", firestore.Desc).OrderBy(firestore.DocumentID, firestore.Desc).Limit(3), "é a! 2"},
		{"cursor between", q.OrderBy(firestore.DocumentID, firestore.Asc).StartAfter("__id7__").EndAt("2"), "__id10__ 1 10 2"},
		{"in a group", tg.CollectionGroup("c").Where(firestore.DocumentID, ">", tg.Doc("c/2")), "a 0 a! a-b é"},
	})
	const desc = pb.StructuredQuery_DESCENDING
	name, comparison := referenceValue(tg.name("c/a")), fieldFilter("n", greater, integerValue(0))
	for _, c := range []struct {
		name  string
		where *pb.StructuredQuery_Filter
		by    []*pb.StructuredQuery_Order
		want  codes.Code
	}{
		{"names descending", nil, directed("__name__", desc), codes.FailedPrecondition},
		{"names descending after a comparison of names", fieldFilter("__name__", greater, name), directed("__name__", desc), codes.FailedPrecondition},
		{"names descending after equality of names", fieldFilter("__name__", equals, name), directed("__name__", desc), codes.FailedPrecondition},
		{"names before a field compared", comparison, orders("__name__"), codes.InvalidArgument},
		{"names descending before a field compared", comparison, directed("__name__", desc), codes.InvalidArgument},
		{"names and another field before a field compared", comparison, orders("k", "__name__"), codes.InvalidArgument},
		{"names before a field that must not be null", unaryFilter("n", pb.StructuredQuery_UnaryFilter_IS_NOT_NULL), orders("__name__"), codes.InvalidArgument},
		{"names before a field not in a list", fieldFilter("n", notIn, arrayValue([]*pb.Value{nullValue, integerValue(1)})), orders("__name__"), codes.InvalidArgument},
		{"names before a field not in null", fieldFilter("n", notIn, arrayValue([]*pb.Value{nullValue})), orders("__name__"), codes.OK},
		{"names before a field not null, raw", fieldFilter("n", notEquals, nullValue), orders("__name__"), codes.OK},
		{"names, quoted", nil, orders("`__name__`"), codes.OK},
		{"what is in names", nil, orders("`__name__`.a"), codes.InvalidArgument},
		{"names after a field compared", comparison, orders("n", "__name__"), codes.OK},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := tg.tryQuery(t, &pb.RunQueryRequest{Parent: tg.root, QueryType: &pb.RunQueryRequest_StructuredQuery{
				StructuredQuery: ordered(filtered(inCollection("c"), c.where), c.by...),
			}})
			wantCode(t, err, c.want)
		})
	}
}

// orderOfLargeValues is by as much of a value as is indexed, 1500 bytes, and then by name.
func orderOfLargeValues(t *testing.T, tg target) {
	text := func(n int, end string) string { return strings.Repeat("n", n) + end }
	for _, c := range []struct {
		name          string
		first, second any // of documents "1" and "2"
		want          string
	}{
		{"text", text(1498, "b"), text(1498, "a"), "2 1"},
		{"text, a byte more", text(1499, "b"), text(1499, "a"), "1-2"},
		{"text that ends there", text(1499, "a"), text(1499, ""), "2 1"},
		{"bytes", []byte(text(1499, "b")), []byte(text(1499, "a")), "2 1"},
		{"bytes, one more", []byte(text(1500, "b")), []byte(text(1500, "a")), "1-2"},
		{"array", []any{1, text(1490, "b")}, []any{1, text(1490, "a")}, "2 1"},
		{"array, a byte more", []any{1, text(1491, "b")}, []any{1, text(1491, "a")}, "1-2"},
		{"array, an element later", []any{text(1499, ""), "b"}, []any{text(1499, ""), "a"}, "1-2"},
		{"array that ends there", []any{text(1499, ""), "b"}, []any{text(1499, "")}, "2 1"},
		{"array, an element after one that is cut", []any{text(1500, ""), "b"}, []any{text(1500, "")}, "1-2"},
		{"array, a number that is the last to fit", []any{text(1498, ""), 2}, []any{text(1498, ""), 1}, "2 1"},
		{"array, a map that begins there", []any{text(1498, ""), map[string]any{"b": 1}}, []any{text(1498, ""), map[string]any{"a": 1}}, "1-2"},
		{"map, a value that begins there", map[string]any{"x": text(1495, ""), "y": 2}, map[string]any{"x": text(1495, ""), "y": 1}, "1-2"},
		{"map, a value that begins before", map[string]any{"x": text(1494, ""), "y": 2}, map[string]any{"x": text(1494, ""), "y": 1}, "2 1"},
		{"map, a name that is cut", map[string]any{"x": text(1495, ""), "yz": 1}, map[string]any{"x": text(1495, ""), "yy": 1}, "1-2"},
		{"map that ends there", map[string]any{"x": text(1497, ""), "y": 2}, map[string]any{"x": text(1497, "")}, "2 1"},
		{"map", map[string]any{"x": text(1496, "b")}, map[string]any{"x": text(1496, "a")}, "2 1"},
		{"map, a byte more", map[string]any{"x": text(1497, "b")}, map[string]any{"x": text(1497, "a")}, "1-2"},
		{"map, an entry later", map[string]any{"x": text(1497, ""), "y": 2}, map[string]any{"x": text(1497, ""), "y": 1}, "1-2"},
		{"reference", tg.Doc("c/" + text(1480, "b")), tg.Doc("c/" + text(1480, "a")), "2 1"},
		{"reference, a byte more", tg.Doc("c/" + text(1481, "b")), tg.Doc("c/" + text(1481, "a")), "1-2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			tg.set(t, map[string]map[string]any{"c/1": {"v": c.first}, "c/2": {"v": c.second}})
			if got := found(t, tg.Collection("c").OrderBy("v", firestore.Asc)); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func limitAndOffset(t *testing.T, tg target) {
	tg.fillMixed(t)
	q := tg.Collection("q").OrderBy("i", firestore.Asc)
	runQueries(t, []queryCase{
		{"limit", q.Limit(2), "00-01"},
		{"limit of more than there is", q.Limit(1000).Offset(37), "37-38 zz"},
		{"limit to last", tg.Collection("q").OrderBy("i", firestore.Asc).LimitToLast(2), "38 zz"}, // spoils its query
		{"limit and offset", q.Limit(2).Offset(3), "03-04"},
		{"offset past the end", q.Offset(1000), ""},
	})
	zero := queryRequest(tg.root, "q", nil)
	zero.GetStructuredQuery().Limit = wrapperspb.Int32(0)
	if got := tg.query(t, zero); got != "" {
		t.Errorf("limit 0: got %s, want nothing", got)
	}
}

func cursors(t *testing.T, tg target) {
	tg.fillMixed(t)
	q := tg.Collection("q")
	snap, err := tg.Doc("q/30").Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	byI, byMod := q.OrderBy("i", firestore.Asc), q.OrderBy("mod", firestore.Asc)
	runQueries(t, []queryCase{
		{"start at, end at", byI.StartAt(5).EndAt(8), "05-08"},
		{"start after, end before", byI.StartAfter(5).EndBefore(8), "06-07"},
		{"descending", q.OrderBy("i", firestore.Desc).StartAfter(3), "02 01 00"},
		{"several equal", byMod.StartAfter(1).Limit(3), "02 05 08"},
		{"several values", byMod.OrderBy(firestore.DocumentID, firestore.Asc).StartAfter(1, "31").Limit(4), "34 37 02 05"},
		{"another type", q.OrderBy("v", firestore.Asc).StartAt("b").EndBefore(time.Unix(2, 0)), ""},
		{"past a type", q.OrderBy("v", firestore.Asc).StartAfter(time.Unix(2, 1000)).EndAt("a"), "16-17"},
		{"at a document", byMod.StartAt(snap).Limit(3), "30 33 36"},
		{"after a document", q.OrderBy("v", firestore.Desc).StartAfter(snap).Limit(2), "29 28"},
		{"before a document", q.EndBefore(snap).StartAfter(tg.mustGet(t, "q/27")), "28-29"},
	})
}

func (tg target) mustGet(t *testing.T, path string) *firestore.DocumentSnapshot {
	t.Helper()
	snap, err := tg.Doc(path).Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return snap
}

func selectFields(t *testing.T, tg target) {
	tg.set(t, map[string]map[string]any{"c/d": {"a": 1, "m": map[string]any{"x": 1, "y": 2}}})
	for want, paths := range map[string][]string{
		"map[a:1]":                 {"a"},
		"map[a:1 m:map[y:2]]":      {"a", "m.y"},
		"map[m:map[x:1 y:2]]":      {"m", "none"},
		"map[]":                    {},
		"map[a:1 m:map[x:1 y:2]] ": nil,
	} {
		q := tg.Collection("c").Where("a", "==", 1)
		if paths != nil {
			q = q.Select(paths...)
		}
		snaps, err := q.Documents(t.Context()).GetAll()
		if err != nil || len(snaps) != 1 {
			t.Fatalf("select %v: %d results, %v", paths, len(snaps), err)
		}
		if got := fmt.Sprint(snaps[0].Data()); got != strings.TrimSpace(want) {
			t.Errorf("select %v: got %s, want %s", paths, got, want)
		}
		if snaps[0].UpdateTime.IsZero() {
			t.Errorf("select %v: no update time", paths)
		}
	}
}

func queriesStayInTheirCollection(t *testing.T, tg target) {
	tg.set(t, map[string]map[string]any{
		"c/1": {"n": 1}, "cc/2": {"n": 2}, "c/1/c/3": {"n": 3}, "x/y/c/4": {"n": 4}, "x/y/cc/5": {"n": 5},
	})
	runQueries(t, []queryCase{
		{"collection", tg.Collection("c").Query, "1"},
		{"subcollection", tg.Doc("c/1").Collection("c").Query, "3"},
		{"subcollection of a missing document", tg.Doc("x/y").Collection("c").Query, "4"},
		{"collection group", tg.CollectionGroup("c").Query, "1 3-4"},
		{"collection group with a filter", tg.CollectionGroup("c").Where("n", ">", 1).OrderBy("n", firestore.Desc), "4 3"},
		{"collection group by name", tg.CollectionGroup("c").Where(firestore.DocumentID, ">=", tg.Doc("c/1/c/3")), "3-4"},
		{"collection group from a cursor", tg.CollectionGroup("c").OrderBy("n", firestore.Asc).StartAfter(tg.mustGet(t, "c/1")), "3-4"},
		{"collection group up to a name", tg.CollectionGroup("c").OrderBy(firestore.DocumentID, firestore.Asc).EndBefore(tg.mustGet(t, "x/y/c/4")), "1 3"},
		{"collection group, the last", tg.CollectionGroup("c").OrderBy("n", firestore.Asc).LimitToLast(2), "3-4"},
		{"no such collection", tg.Collection("none").Query, ""},
		{"no such collection group", tg.CollectionGroup("none").Query, ""},
	})
	group := queryRequest(tg.name("x/y"), "c", nil)
	group.GetStructuredQuery().From[0].AllDescendants = true
	if got := tg.query(t, group); got != "4" {
		t.Errorf("collection group under a document: got %s, want 4", got)
	}
}

// allCollections are those that a query without a collection's ID is about.
func allCollections(t *testing.T, tg target) {
	tg.set(t, map[string]map[string]any{"c/1": {"n": 1}, "d/2": {"n": 2}, "c/1/e/3": {"n": 3}, "x/y/e/4": {"n": 4}, "c/1/e/3/f/5": {}})
	const desc = pb.StructuredQuery_DESCENDING
	byName := fieldFilter("__name__", greater, referenceValue(tg.name("c/1/e/3")))
	for _, c := range []struct {
		name   string
		parent string
		query  *pb.StructuredQuery
		want   string
		code   codes.Code
	}{
		{"directly below the root", tg.root, inCollection(""), "1-2", codes.OK},
		{"without a selector", tg.root, &pb.StructuredQuery{}, "1-2", codes.OK},
		{"directly below a document", tg.name("c/1"), inCollection(""), "3", codes.OK},
		{"at any depth", tg.root, inGroup(""), "1 3 5 2 4", codes.OK},
		{"at any depth below a document", tg.name("c/1"), inGroup(""), "3 5", codes.OK},
		{"by name", tg.root, ordered(filtered(inGroup(""), byName), orders("__name__")...), "5 2 4", codes.OK},
		{"by name, descending", tg.root, ordered(inGroup(""), directed("__name__", desc)...), "", codes.InvalidArgument},
		{"filtered by a field", tg.root, filtered(inGroup(""), fieldFilter("n", equals, integerValue(1))), "", codes.InvalidArgument},
		{"ordered by a field", tg.root, ordered(inCollection(""), orders("n")...), "", codes.InvalidArgument},
	} {
		t.Run(c.name, func(t *testing.T) {
			ids, err := tg.tryQuery(t, &pb.RunQueryRequest{
				Parent: c.parent, QueryType: &pb.RunQueryRequest_StructuredQuery{StructuredQuery: c.query},
			})
			wantCode(t, err, c.code)
			if got := ranges(ids); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func queryAnswers(t *testing.T, tg target) {
	tg.set(t, map[string]map[string]any{"c/1": {}, "c/2": {}, "c/3": {}})
	req := queryRequest(tg.root, "c", nil)
	req.GetStructuredQuery().Offset = 1
	stream, err := tg.raw.RunQuery(owner(t), req)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"c/2", "c/3"} {
		resp, err := stream.Recv()
		if err != nil {
			t.Fatal(err)
		}
		if resp.GetDocument().GetName() != tg.name(want) || resp.GetReadTime() == nil || resp.GetDone() != (i == 1) || (i == 0) != (resp.GetSkippedResults() == 1) {
			t.Errorf("answer %d: %v; want %s", i, resp, want)
		}
	}
	if _, err := stream.Recv(); !errors.Is(err, io.EOF) {
		t.Errorf("after the last answer: %v", err)
	}

	stream, err = tg.raw.RunQuery(owner(t), queryRequest(tg.root, "none", nil))
	if err != nil {
		t.Fatal(err)
	}
	if resp, err := stream.Recv(); err != nil || resp.GetDocument() != nil || resp.GetReadTime() == nil || !resp.GetDone() {
		t.Errorf("without results: %v, %v; want an answer with the read time alone", resp, err)
	}
}
