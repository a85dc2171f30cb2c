package firestoretest

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/firestore"
	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc/codes"
)

// fillMixed stores values of every type, least first, as field "v" of documents "00", "01"…
// in collection "q", with their number as "i" and its remainder by 3 as "mod"; and a document "zz" without a "v".
func (tg target) fillMixed(t *testing.T) {
	t.Helper()
	nan := math.NaN()
	values := []any{
		nil, false, true, nan, -1e308, -5, math.Copysign(0, -1), 0, 0.5, 1, // 00 to 09
		1.0, 2, float64(1 << 53), 1<<53 + 1, time.Unix(1, 0), time.Unix(2, 1000), "", "a", "b", "\uFFFD", // 10 to 19
		"\U0001F600", []byte("a"), []byte("b"), tg.Doc("c/d"), tg.Doc("c/d/e/f"), tg.Doc("c/e"), // 20 to 25
		[]any{}, []any{nil}, []any{nan}, []any{1}, []any{1, 2}, []any{2}, []any{"a"}, // 26 to 32
		map[string]any{}, map[string]any{"a": 1}, map[string]any{"a": 1, "b": 1}, // 33 to 35
		map[string]any{"a": 2}, map[string]any{"aa": 0}, map[string]any{"b": 0}, // 36 to 38
	}
	err := tg.RunTransaction(t.Context(), func(_ context.Context, tx *firestore.Transaction) error {
		for i, v := range values {
			doc := tg.Doc(fmt.Sprintf("q/%02d", i))
			if err := tx.Set(doc, map[string]any{"v": v, "i": i, "mod": i % 3}); err != nil {
				return err
			}
		}
		return tx.Set(tg.Doc("q/zz"), map[string]any{"i": 99, "mod": 0})
	})
	if err != nil {
		t.Fatal(err)
	}
}

// found returns the IDs of a query's results in order, those that follow each other as "00-02".
func found(t *testing.T, q firestore.Query) string {
	t.Helper()
	snaps, err := q.Documents(t.Context()).GetAll()
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, snap := range snaps {
		ids = append(ids, snap.Ref.ID)
	}
	return ranges(ids)
}

func ranges(ids []string) string {
	var out []string
	for i := 0; i < len(ids); i++ {
		first := i
		for i+1 < len(ids) && follows(ids[i], ids[i+1]) {
			i++
		}
		if i > first {
			out = append(out, ids[first]+"-"+ids[i])
		} else {
			out = append(out, ids[i])
		}
	}
	return strings.Join(out, " ")
}

func follows(a, b string) bool {
	var m, n int
	_, err := fmt.Sscan(strings.TrimLeft(a, "0")+" "+strings.TrimLeft(b, "0"), &m, &n)
	return err == nil && n == m+1 || a == "00" && b == "01"
}

type queryCase struct {
	name  string
	query firestore.Query
	want  string
}

func runQueries(t *testing.T, cases []queryCase) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := found(t, c.query); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func filtersOnAField(t *testing.T, tg target) {
	tg.fillMixed(t)
	var cases []queryCase
	for _, c := range []struct {
		op    string
		value any
		want  string
	}{
		{"==", nil, "00"},
		{"==", math.NaN(), "03"},
		{"==", false, "01"},
		{"==", 1, "09-10"},
		{"==", 0, "06-07"},
		{"==", 1 << 53, "12"},
		{"==", time.Unix(1, 0), "14"},
		{"==", "a", "17"},
		{"==", []byte("a"), "21"},
		{"==", tg.Doc("c/d"), "23"},
		{"==", []any{1}, "29"},
		{"==", map[string]any{"a": 1}, "34"},
		{"==", "no such", ""},
		{"!=", nil, "01-38"},
		{"!=", math.NaN(), "01-02 04-38"},
		{"!=", 1, "01-08 11-38"},
		{"!=", "a", "01-16 18-38"},
		{"<", 1, "04-08"},
		{"<=", 1, "04-10"},
		{">", 1, "11-13"},
		{">=", 1, "09-13"},
		{">", 1 << 53, "13"},
		{"<", math.Inf(1), "04-13"},
		{">=", false, "01-02"},
		{"<", "b", "16-17"},
		{">", "b", "19-20"},
		{"<=", time.Unix(1, 0), "14"},
		{">", []byte("a"), "22"},
		{">", tg.Doc("c/d"), "24-25"},
		{"<=", []any{1}, "26-29"},
		{">", map[string]any{"a": 1}, "35-38"},
		{"<", false, ""},
		{"in", []any{1, "a", nil, math.NaN()}, "09-10 17"},
		{"in", []any{"a", 1}, "09-10 17"},
		{"not-in", []any{1, "a"}, "01-08 11-16 18-38"},
		{"not-in", []any{1, nil}, ""},
		{"not-in", []any{math.NaN()}, "01-38"},
		{"array-contains", 1, "29-30"},
		{"array-contains", 1.0, "29-30"},
		{"array-contains-any", []any{2, "a"}, "30-32"},
		{"array-contains-any", []any{nil}, ""},
	} {
		cases = append(cases, queryCase{fmt.Sprintf("v %s %v", c.op, c.value), tg.Collection("q").Where("v", c.op, c.value), c.want})
	}
	runQueries(t, cases)
}

// filtersByTime shows that a time is compared as it is, but that one in a list or a map is in microseconds.
func filtersByTime(t *testing.T, tg target) {
	at := func(nanos int64) time.Time { return time.Unix(1, nanos) }
	tg.set(t, map[string]map[string]any{
		"c/1": {"v": at(1000), "list": []any{at(1000)}, "m": map[string]any{"x": at(1000)}},
		"c/2": {"v": at(2000), "list": []any{at(2000)}, "m": map[string]any{"x": at(2000)}},
	})
	c := tg.Collection("c")
	runQueries(t, []queryCase{
		{"equal", c.Where("v", "==", at(1000)), "1"},
		{"equal, a nanosecond more", c.Where("v", "==", at(1001)), ""},
		{"not equal, a nanosecond more", c.Where("v", "!=", at(1001)), "1-2"},
		{"less, a nanosecond more", c.Where("v", "<", at(1001)), "1"},
		{"greater, a nanosecond more", c.Where("v", ">=", at(1001)), "2"},
		{"in, a nanosecond more", c.Where("v", "in", []any{at(1001)}), "1"},
		{"not in, a nanosecond more", c.Where("v", "not-in", []any{at(1001)}), "2"},
		{"contains, a nanosecond more", c.Where("list", "array-contains", at(1001)), ""},
		{"contains any, a nanosecond more", c.Where("list", "array-contains-any", []any{at(1001)}), "1"},
		{"array, a nanosecond more", c.Where("list", "==", []any{at(1001)}), "1"},
		{"map, a nanosecond more", c.Where("m", "<=", map[string]any{"x": at(1999)}), "1"},
		{"cursor, a nanosecond more", c.OrderBy("v", firestore.Asc).StartAt(at(1001)), "2"},
		{"cursor at a map, a nanosecond more", c.OrderBy("m", firestore.Asc).StartAt(map[string]any{"x": at(1001)}), "1-2"},
	})
}

func filtersCombined(t *testing.T, tg target) {
	tg.fillMixed(t)
	q := tg.Collection("q")
	where := func(path, op string, v any) firestore.PropertyFilter {
		return firestore.PropertyFilter{Path: path, Operator: op, Value: v}
	}
	either := firestore.OrFilter{Filters: []firestore.EntityFilter{where("i", "==", 5), where("v", "==", "a"), where("i", "==", 3)}}
	runQueries(t, []queryCase{
		{"and", q.Where("mod", "==", 1).Where("i", "<", 10), "01 04 07"},
		{"range", q.Where("i", ">", 3).Where("i", "<=", 6), "04-06"},
		{"inequalities of two fields", q.Where("v", ">", -10).Where("i", "<", 9), "05-08"},
		{"or", q.WhereEntity(either), "03 05 17"},
		{"or in and", q.Where("mod", "==", 2).WhereEntity(either), "05 17"},
		{"or with a range", q.WhereEntity(firestore.OrFilter{Filters: []firestore.EntityFilter{where("mod", "==", 1), where("i", "<", 3)}}), "00-02 04 07 10 13 16 19 22 25 28 31 34 37"},
		{"two in", q.Where("mod", "in", []any{1, 2}).Where("i", "in", []any{4, 5, 6}), "04-05"},
		{"in and array-contains", q.Where("v", "array-contains", 2).Where("mod", "in", []any{0, 2}), "30"},
		{"nested field", q.Where("v.a", "==", 1), "34-35"},
	})
}

func filtersOnTheName(t *testing.T, tg target) {
	tg.fillMixed(t)
	q := tg.Collection("q")
	runQueries(t, []queryCase{
		{"equal", q.Where(firestore.DocumentID, "==", tg.Doc("q/05")), "05"},
		{"less", q.Where(firestore.DocumentID, "<", tg.Doc("q/03")), "00-02"},
		{"in", q.Where(firestore.DocumentID, "in", []any{tg.Doc("q/05"), tg.Doc("q/03"), tg.Doc("p/04")}), "03 05"},
		{"not equal", q.Where(firestore.DocumentID, "!=", tg.Doc("q/01")).Where("i", "<", 4), "00 02-03"},
		{"in another collection", q.Where(firestore.DocumentID, ">", tg.Doc("q2/05")), ""},
	})
	runQueries(t, []queryCase{
		{"equal, and greater than another", q.Where(firestore.DocumentID, "==", tg.Doc("q/05")).Where(firestore.DocumentID, ">", tg.Doc("q/03")).Where("i", ">", 2), "05"},
		{"equal, and a field that nothing can pass", q.Where(firestore.DocumentID, "==", tg.Doc("q/05")).Where("i", "not-in", []any{nil}), ""},
		{"not in", q.Where(firestore.DocumentID, "not-in", []any{tg.Doc("q/01")}).Where("i", "<", 4), "00 02-03"},
	})
	for _, v := range []*pb.Value{stringValue("05"), referenceValue(tg.name("q")), arrayValue([]*pb.Value{stringValue("05")})} {
		_, err := tg.tryQuery(t, queryRequest(tg.root, "q", fieldFilter("__name__", pb.StructuredQuery_FieldFilter_EQUAL, v)))
		wantCode(t, err, codes.InvalidArgument)
	}
}
