package firestoretest

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/firestore"
	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
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
		{"fields that a document lacks", tg.Collection("q").OrderBy("mod", firestore.Asc).OrderBy("v.a", firestore.Asc), "36 34-35"},
	})
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
		{"no such collection", tg.Collection("none").Query, ""},
	})
	group := queryRequest(tg.name("x/y"), "c", nil)
	group.GetStructuredQuery().From[0].AllDescendants = true
	if got := tg.query(t, group); got != "4" {
		t.Errorf("collection group under a document: got %s, want 4", got)
	}
}

func count(t *testing.T, tg target) {
	tg.fillMixed(t)
	q := tg.Collection("q")
	for _, c := range []struct {
		name  string
		query firestore.Query
		want  int64
	}{
		{"all", q.Query, 40},
		{"some", q.Where("v", "<", 1), 5},
		{"with a limit", q.Offset(2).Limit(3), 3},
		{"none", tg.Collection("none").Query, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			result, err := c.query.NewAggregationQuery().WithCount("n").Get(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if got := result["n"].(*pb.Value).GetIntegerValue(); got != c.want {
				t.Errorf("got %d, want %d", got, c.want)
			}
		})
	}

	counted := func(aggregations ...*pb.StructuredAggregationQuery_Aggregation) (map[string]*pb.Value, error) {
		stream, err := tg.raw.RunAggregationQuery(owner(t), countRequest(tg.root, "q", aggregations...))
		if err != nil {
			return nil, err
		}
		resp, err := stream.Recv()
		return resp.GetResult().GetAggregateFields(), err
	}
	got, err := counted(countUpTo("a", 5), countUpTo("", 100), countUpTo("", 0))
	if want := fields("a", integerValue(5), "field_1", integerValue(40), "field_2", integerValue(0)); err != nil || !equalFields(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	for name, aggregations := range map[string][]*pb.StructuredAggregationQuery_Aggregation{
		"no aggregation": nil,
		"no operator":    {{Alias: "a"}},
		"alias twice":    {countUpTo("a", 1), countUpTo("a", 2)},
		"negative limit": {countUpTo("a", -1)},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := counted(aggregations...)
			wantCode(t, err, codes.InvalidArgument)
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
