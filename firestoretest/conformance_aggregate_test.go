package firestoretest

import (
	"fmt"
	"math"
	"testing"

	"cloud.google.com/go/firestore"
	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

func counts(t *testing.T, tg target) {
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
		{"with a limit to last", tg.Collection("q").OrderBy("i", firestore.Asc).LimitToLast(3), 3},
		{"of a group", tg.CollectionGroup("q").Where("i", ">", 30), 9},
		{"with selected fields", q.Select("i"), 40},
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
	got, err := tg.aggregate(t, tg.root, inCollection("q"), countUpTo("a", 5), countUpTo("", 100), countUpTo("", 0), count())
	want := fields("a", integerValue(5), "field_1", integerValue(40), "field_2", integerValue(0), "field_3", integerValue(40))
	if err != nil || !equalFields(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
}

func sumsAndAverages(t *testing.T, tg target) {
	integer, double, null := integerValue, doubleValue, nullValue
	for i, c := range []struct {
		name         string
		values       []any
		sum, average *pb.Value
	}{
		{"nothing", nil, integer(0), null},
		{"integers", []any{1, 2, 4, -1}, integer(6), double(1.5)},
		{"doubles", []any{0.5, 1.5}, double(2), double(1)},
		{"both", []any{1, 0.5}, double(1.5), double(0.75)},
		{"other values", []any{1, "2", nil, true, []any{1}, map[string]any{"v": 1}, 2}, integer(3), double(1.5)},
		{"no numbers", []any{"1", nil}, integer(0), null},
		{"too large for an integer", []any{math.MaxInt64, 1}, double(1 << 63), double(1 << 62)},
		{"too large at first", []any{math.MaxInt64 - 1, 3, -4, math.MinInt64, 5}, integer(2), double(0.4)},
		{"integers that doubles cannot hold", []any{1<<53 + 1, 1<<53 + 1}, integer(1<<54 + 2), double(1 << 53)},
		{"doubles small and large", []any{0.5, 0x1p53, 0.5, 0.5, 0.5}, double(0x1p53 + 2), double((0x1p53 + 2) / 5)},
		{"doubles small after large", []any{-0x1p53, 0.5, 0.5, 0.5, 0.5}, double(-0x1p53 + 2), double((-0x1p53 + 2) / 5)},
		{"not a number", []any{1, math.NaN()}, double(math.NaN()), double(math.NaN())},
		{"infinite", []any{1, math.Inf(1)}, double(math.Inf(1)), double(math.Inf(1))},
		{"both infinities", []any{math.Inf(-1), math.Inf(1)}, double(math.NaN()), double(math.NaN())},
	} {
		t.Run(c.name, func(t *testing.T) {
			collection := fmt.Sprint("c", i)
			docs := map[string]map[string]any{collection + "/none": {"other": 1}}
			for j, v := range c.values {
				docs[fmt.Sprint(collection, "/", j)] = map[string]any{"v": v}
			}
			tg.set(t, docs)
			got, err := tg.Collection(collection).NewAggregationQuery().WithSum("v", "sum").WithAvg("v", "average").Get(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if sum := got["sum"].(*pb.Value); !equalFields(fields("", sum), fields("", c.sum)) {
				t.Errorf("sum %v, want %v", sum, c.sum)
			}
			if average := got["average"].(*pb.Value); !equalFields(fields("", average), fields("", c.average)) {
				t.Errorf("average %v, want %v", average, c.average)
			}
		})
	}
}

func aggregatedDocuments(t *testing.T, tg target) {
	tg.set(t, map[string]map[string]any{
		"c/1": {"a": 4, "b": 1, "m": map[string]any{"x": 1}}, "c/2": {"a": 2, "m": map[string]any{"x": 10}},
		"c/3": {"a": 1, "b": 1}, "c/4": {"b": 1}, "c/1/c/5": {"a": 100, "b": 100},
	})
	limited := func(n int32) *pb.StructuredQuery {
		q := inCollection("c")
		q.Limit = wrapperspb.Int32(n)
		return q
	}
	sum, number := sumOf("a"), count()
	for _, c := range []struct {
		name  string
		query *pb.StructuredQuery
		of    []*pb.StructuredAggregationQuery_Aggregation
		want  map[string]*pb.Value
	}{
		{"those that have the field", inCollection("c"), aggregations(sum, number), fields("field_1", integerValue(7), "field_2", integerValue(3))},
		{"those that have all of the fields", inCollection("c"), aggregations(sum, sumOf("b")), fields("field_1", integerValue(5), "field_2", integerValue(2))},
		{"a nested field", inCollection("c"), aggregations(averageOf("m.x")), fields("field_1", doubleValue(5.5))},
		{"the least of the field within a limit", limited(2), aggregations(sum, number), fields("field_1", integerValue(3), "field_2", integerValue(2))},
		{"the first in the order within a limit", ordered(limited(2), directed("a", pb.StructuredQuery_DESCENDING)...), aggregations(sum), fields("field_1", integerValue(6))},
		{"those that pass a filter", filtered(inCollection("c"), fieldFilter("b", equals, integerValue(1))), aggregations(sum), fields("field_1", integerValue(5))},
		{"those of a group", inGroup("c"), aggregations(sum), fields("field_1", integerValue(107))},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := tg.aggregate(t, tg.root, c.query, c.of...)
			if err != nil || !equalFields(got, c.want) {
				t.Errorf("got %v, %v, want %v", got, err, c.want)
			}
		})
	}
}

func aggregationsInTransactions(t *testing.T, tg target) {
	tg.set(t, map[string]map[string]any{"c/1": {"n": 1}})
	tx := tg.begin(t, readOnly)
	tg.set(t, map[string]map[string]any{"c/2": {"n": 2}})
	req := aggregationRequest(tg.root, inCollection("c"), sumOf("n"))
	req.ConsistencySelector = &pb.RunAggregationQueryRequest_Transaction{Transaction: tx}
	stream, err := tg.raw.RunAggregationQuery(owner(t), req)
	if err != nil {
		t.Fatal(err)
	}
	if resp, err := stream.Recv(); err != nil || resp.GetResult().GetAggregateFields()["field_1"].GetIntegerValue() != 1 {
		t.Errorf("got %v, %v; want the sum when the transaction began, 1", resp, err)
	}

	req.ConsistencySelector = &pb.RunAggregationQueryRequest_NewTransaction{NewTransaction: readWrite}
	if stream, err = tg.raw.RunAggregationQuery(owner(t), req); err != nil {
		t.Fatal(err)
	}
	first, err := stream.Recv()
	if err != nil || first.GetResult() != nil {
		t.Fatalf("first answer %v, %v; want the transaction alone", first, err)
	}
	if second, err := stream.Recv(); err != nil || second.GetResult().GetAggregateFields()["field_1"].GetIntegerValue() != 3 || second.GetReadTime() == nil {
		t.Errorf("second answer %v, %v; want the sum, 3, and the time", second, err)
	}
	wantCode(t, tg.commitIn(t, first.GetTransaction(), setWrite(tg.name("c/3"), nil)), codes.OK)
}

func malformedAggregations(t *testing.T, tg target) {
	selected := inCollection("c")
	selected.Select = &pb.StructuredQuery_Projection{Fields: []*pb.StructuredQuery_FieldReference{fieldReference("a")}}
	byName := fieldFilter("__name__", greater, referenceValue(tg.name("c/d")))
	for name, c := range map[string]struct {
		query *pb.StructuredQuery
		of    []*pb.StructuredAggregationQuery_Aggregation
	}{
		"no aggregation":              {inCollection("c"), nil},
		"no operator":                 {inCollection("c"), aggregations(&pb.StructuredAggregationQuery_Aggregation{Alias: "a"})},
		"alias twice":                 {inCollection("c"), aggregations(countUpTo("a", 1), countUpTo("a", 2))},
		"reserved alias":              {inCollection("c"), aggregations(countUpTo("__a__", 1))},
		"negative limit":              {inCollection("c"), aggregations(countUpTo("a", -1))},
		"no field":                    {inCollection("c"), aggregations(sumOf(""))},
		"bad path":                    {inCollection("c"), aggregations(averageOf("a b"))},
		"name":                        {inCollection("c"), aggregations(sumOf("__name__"))},
		"fields selected":             {selected, aggregations(sumOf("a"))},
		"in the order of names":       {ordered(inCollection("c"), orders("__name__")...), aggregations(sumOf("a"))},
		"names compared":              {filtered(inCollection("c"), byName), aggregations(sumOf("a"))},
		"malformed query":             {ordered(inCollection("c"), orders("a b")...), aggregations(count())},
		"of a group below a document": {inGroup("c"), aggregations(sumOf("a"))},
	} {
		t.Run(name, func(t *testing.T) {
			parent := tg.root
			if name == "of a group below a document" {
				parent = tg.name("c/d")
			}
			_, err := tg.aggregate(t, parent, c.query, c.of...)
			wantCode(t, err, codes.InvalidArgument)
		})
	}
}

// aggregate returns the results of a raw aggregation by alias.
func (tg target) aggregate(
	t *testing.T, parent string, q *pb.StructuredQuery, of ...*pb.StructuredAggregationQuery_Aggregation,
) (map[string]*pb.Value, error) {
	var got map[string]*pb.Value
	stream, err := tg.raw.RunAggregationQuery(owner(t), aggregationRequest(parent, q, of...))
	err = each(stream, err, func(resp *pb.RunAggregationQueryResponse) { got = resp.GetResult().GetAggregateFields() })
	return got, err
}

func aggregationRequest(
	parent string, q *pb.StructuredQuery, of ...*pb.StructuredAggregationQuery_Aggregation,
) *pb.RunAggregationQueryRequest {
	return &pb.RunAggregationQueryRequest{
		Parent: parent,
		QueryType: &pb.RunAggregationQueryRequest_StructuredAggregationQuery{
			StructuredAggregationQuery: &pb.StructuredAggregationQuery{
				QueryType:    &pb.StructuredAggregationQuery_StructuredQuery{StructuredQuery: q},
				Aggregations: of,
			},
		},
	}
}

func aggregations(list ...*pb.StructuredAggregationQuery_Aggregation) []*pb.StructuredAggregationQuery_Aggregation {
	return list
}

func count() *pb.StructuredAggregationQuery_Aggregation {
	return &pb.StructuredAggregationQuery_Aggregation{
		Operator: &pb.StructuredAggregationQuery_Aggregation_Count_{Count: &pb.StructuredAggregationQuery_Aggregation_Count{}},
	}
}

func countUpTo(alias string, upTo int64) *pb.StructuredAggregationQuery_Aggregation {
	a := count()
	a.Alias = alias
	a.GetCount().UpTo = wrapperspb.Int64(upTo)
	return a
}

func sumOf(path string) *pb.StructuredAggregationQuery_Aggregation {
	return &pb.StructuredAggregationQuery_Aggregation{Operator: &pb.StructuredAggregationQuery_Aggregation_Sum_{
		Sum: &pb.StructuredAggregationQuery_Aggregation_Sum{Field: fieldReference(path)},
	}}
}

func averageOf(path string) *pb.StructuredAggregationQuery_Aggregation {
	return &pb.StructuredAggregationQuery_Aggregation{Operator: &pb.StructuredAggregationQuery_Aggregation_Avg_{
		Avg: &pb.StructuredAggregationQuery_Aggregation_Avg{Field: fieldReference(path)},
	}}
}
