package firestoretest

import (
	"fmt"
	"math"
	"math/big"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
)

// maxAggregations is how many a query can have
// (https://cloud.google.com/firestore/docs/query-data/aggregation-queries#limitations).
const maxAggregations = 5

// aggregation is one as parsed and checked.
type aggregation struct {
	alias string
	path  fieldPath // nil: of documents, not of a field
	of    func(docs []*pb.Document, path fieldPath) *pb.Value
}

func (m *memory) RunAggregationQuery(
	req *pb.RunAggregationQueryRequest, stream pb.Firestore_RunAggregationQueryServer,
) error {
	if req.GetExplainOptions() != nil {
		return unofferedError("explaining a query")
	}
	aggregations, err := parseAggregations(req.GetStructuredAggregationQuery().GetAggregations())
	if err != nil {
		return err
	}
	var aggregated []fieldPath
	for _, a := range aggregations {
		if a.path != nil {
			aggregated = append(aggregated, a.path)
		}
	}
	q, err := parseQuery(req.GetParent(), req.GetStructuredAggregationQuery().GetStructuredQuery(), aggregated)
	if err != nil {
		return err
	}
	tx, err := m.join(stream.Context(), req)
	if err != nil {
		return err
	}
	if req.GetNewTransaction() != nil {
		if err := stream.Send(&pb.RunAggregationQueryResponse{Transaction: []byte(tx.id)}); err != nil {
			return err
		}
	}
	docs, readTime := m.query(tx, q)
	fields := make(map[string]*pb.Value, len(aggregations))
	for _, a := range aggregations {
		fields[a.alias] = a.of(docs, a.path)
	}
	return stream.Send(&pb.RunAggregationQueryResponse{
		Result:   &pb.AggregationResult{AggregateFields: fields},
		ReadTime: readTime,
	})
}

func parseAggregations(reqs []*pb.StructuredAggregationQuery_Aggregation) ([]aggregation, error) {
	if len(reqs) == 0 || len(reqs) > maxAggregations {
		return nil, invalid("There must be 1 to %d aggregations.", maxAggregations)
	}
	var aggregations []aggregation
	taken := map[string]bool{}
	unnamed := 0
	for _, req := range reqs {
		a, err := parseAggregation(req)
		if err != nil {
			return nil, err
		}
		if a.alias == "" {
			unnamed++
			a.alias = unnamedAlias(unnamed)
		}
		if reserved(a.alias) {
			return nil, invalid("Aggregation alias %q is reserved.", a.alias)
		}
		if taken[a.alias] {
			return nil, invalid("Aggregation alias %q is used twice.", a.alias)
		}
		taken[a.alias] = true
		aggregations = append(aggregations, a)
	}
	return aggregations, nil
}

// unnamedAlias returns the alias of the nth aggregation that was given none.
func unnamedAlias(n int) string {
	return fmt.Sprintf("field_%d", n)
}

func parseAggregation(req *pb.StructuredAggregationQuery_Aggregation) (aggregation, error) {
	a := aggregation{alias: req.GetAlias()}
	var field *pb.StructuredQuery_FieldReference
	switch op := req.GetOperator().(type) {
	case *pb.StructuredAggregationQuery_Aggregation_Count_:
		most := int64(math.MaxInt64)
		if upTo := op.Count.GetUpTo(); upTo != nil {
			most = upTo.GetValue()
		}
		if most < 0 {
			return aggregation{}, invalid("A count must not be limited to less than zero.")
		}
		a.of = func(docs []*pb.Document, _ fieldPath) *pb.Value { return integerValue(min(int64(len(docs)), most)) }
		return a, nil
	case *pb.StructuredAggregationQuery_Aggregation_Sum_:
		field, a.of = op.Sum.GetField(), sum
	case *pb.StructuredAggregationQuery_Aggregation_Avg_:
		field, a.of = op.Avg.GetField(), average
	default:
		return aggregation{}, invalid("An aggregation must have an operator.")
	}
	var err error
	if a.path, err = parseFieldPath(field.GetFieldPath()); err == nil && a.path.isName() {
		return aggregation{}, invalid("%s cannot be aggregated.", nameField)
	}
	return a, err
}

// sum returns the sum of the numbers at the path: an integer if all of them are and the sum is one that fits.
func sum(docs []*pb.Document, path fieldPath) *pb.Value {
	t := addUp(docs, path)
	if t.doubles == 0 && t.integer.IsInt64() {
		return integerValue(t.integer.Int64())
	}
	return doubleValue(t.asDouble())
}

// average returns the mean of the numbers at the path, null if there are none.
func average(docs []*pb.Document, path fieldPath) *pb.Value {
	t := addUp(docs, path)
	if t.integers+t.doubles == 0 {
		return nullValue
	}
	return doubleValue(t.asDouble() / float64(t.integers+t.doubles))
}

// total is numbers added up, integers and doubles apart: both without losing small ones to large ones.
type total struct {
	integers, doubles int
	integer           big.Int
	double, lost      float64 // lost is what rounding has taken from double so far
}

func addUp(docs []*pb.Document, path fieldPath) *total {
	t := &total{}
	for _, doc := range docs {
		switch v := path.in(doc); {
		case isInteger(v):
			t.integers++
			t.integer.Add(&t.integer, big.NewInt(v.GetIntegerValue()))
		case isNumber(v):
			t.doubles++
			t.addDouble(v.GetDoubleValue())
		}
	}
	return t
}

// addDouble is a step of Neumaier's compensated summation.
func (t *total) addDouble(x float64) {
	large, small := t.double, x
	if math.Abs(large) < math.Abs(small) {
		large, small = small, large
	}
	t.double += x
	t.lost += large - t.double + small
}

// asDouble returns the whole of it, rounded.
func (t *total) asDouble() float64 {
	integer, _ := new(big.Float).SetInt(&t.integer).Float64()
	if math.IsInf(t.double, 0) || math.IsNaN(t.double) {
		return t.double
	}
	return integer + (t.double + t.lost)
}
