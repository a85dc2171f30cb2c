package firestoretest

import (
	"slices"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
)

// How many values the operators take
// (https://cloud.google.com/firestore/docs/query-data/queries#query_limitations).
const (
	maxDisjunctions = 30
	maxNotIn        = 10
)

// filter tells whether a query's results include the document.
type filter func(*pb.Document) bool

// filterParser makes a filter of a request's, and gathers what it is made of.
type filterParser struct {
	inequalities []fieldPath // by which results are ordered if the query doesn't say how
	negations    int         // !=, not-in, is not null, is not NaN
	notIn        bool
	disjunction  bool // or, in, array-contains-any
	onFields     bool // not on the name alone
}

func (p *filterParser) parse(req *pb.StructuredQuery_Filter) (filter, error) {
	f, containments, err := p.filter(req)
	switch {
	case err != nil:
		return nil, err
	case p.negations > 1:
		return nil, invalid("Only one NOT_EQUAL, NOT_IN, IS_NOT_NAN or IS_NOT_NULL is allowed per query.")
	case p.notIn && p.disjunction:
		return nil, invalid("NOT_IN cannot be used in the same query with IN, ARRAY_CONTAINS_ANY or OR.")
	case containments > 1:
		return nil, invalid("A maximum of 1 ARRAY_CONTAINS filter is allowed per disjunction.")
	}
	return f, nil
}

// filter returns also how many array-contains filters must hold at once.
func (p *filterParser) filter(req *pb.StructuredQuery_Filter) (f filter, containments int, err error) {
	switch t := req.GetFilterType().(type) {
	case nil:
		return all(nil), 0, nil
	case *pb.StructuredQuery_Filter_CompositeFilter:
		return p.composite(t.CompositeFilter)
	case *pb.StructuredQuery_Filter_FieldFilter:
		switch t.FieldFilter.GetOp() {
		case pb.StructuredQuery_FieldFilter_ARRAY_CONTAINS, pb.StructuredQuery_FieldFilter_ARRAY_CONTAINS_ANY:
			containments = 1
		}
		f, err = p.field(t.FieldFilter)
		return f, containments, err
	case *pb.StructuredQuery_Filter_UnaryFilter:
		f, err = p.unary(t.UnaryFilter)
		return f, 0, err
	default:
		return nil, 0, invalid("Unknown filter type.")
	}
}

func (p *filterParser) composite(req *pb.StructuredQuery_CompositeFilter) (filter, int, error) {
	var (
		filters   []filter
		sum, most int
	)
	for _, r := range req.GetFilters() {
		f, containments, err := p.filter(r)
		if err != nil {
			return nil, 0, err
		}
		filters = append(filters, f)
		sum += containments
		most = max(most, containments)
	}
	switch req.GetOp() {
	case pb.StructuredQuery_CompositeFilter_AND:
		return all(filters), sum, nil
	case pb.StructuredQuery_CompositeFilter_OR:
		p.disjunction = true
		return anyOf(filters), most, nil
	default:
		return nil, 0, invalid("Unsupported CompositeFilter operator.")
	}
}

func all(filters []filter) filter {
	return func(doc *pb.Document) bool {
		return !slices.ContainsFunc(filters, func(f filter) bool { return !f(doc) })
	}
}

func anyOf(filters []filter) filter {
	return func(doc *pb.Document) bool {
		return slices.ContainsFunc(filters, func(f filter) bool { return f(doc) })
	}
}

func (p *filterParser) unary(req *pb.StructuredQuery_UnaryFilter) (filter, error) {
	path, err := p.path(req.GetField())
	if err != nil {
		return nil, err
	}
	switch req.GetOp() {
	case pb.StructuredQuery_UnaryFilter_IS_NULL:
		return on(path, isNull), nil
	case pb.StructuredQuery_UnaryFilter_IS_NAN:
		return on(path, isNaN), nil
	case pb.StructuredQuery_UnaryFilter_IS_NOT_NULL:
		p.negate(path)
		return on(path, func(v *pb.Value) bool { return !isNull(v) }), nil
	case pb.StructuredQuery_UnaryFilter_IS_NOT_NAN:
		p.negate(path)
		return on(path, func(v *pb.Value) bool { return !isNull(v) && !isNaN(v) }), nil
	default:
		return nil, invalid("Unknown UnaryFilter operator.")
	}
}

func (p *filterParser) path(req *pb.StructuredQuery_FieldReference) (fieldPath, error) {
	path, err := parseFieldPath(req.GetFieldPath())
	p.onFields = p.onFields || !path.isName()
	return path, err
}

// negate notes a filter for what a value is not, which counts as an inequality too.
func (p *filterParser) negate(path fieldPath) {
	p.negations++
	p.inequalities = append(p.inequalities, path)
}

// on returns the filter for documents that have a value at the path for which test is true.
func on(path fieldPath, test func(*pb.Value) bool) filter {
	return func(doc *pb.Document) bool {
		v := path.in(doc)
		return v != nil && test(v)
	}
}

func (p *filterParser) field(req *pb.StructuredQuery_FieldFilter) (filter, error) {
	path, err := p.path(req.GetField())
	if err != nil {
		return nil, err
	}
	operand := req.GetValue()
	if typeRank(operand) == 0 {
		return nil, invalid("The filter on field %q has no value.", req.GetField().GetFieldPath())
	}
	test, err := p.operator(path, req.GetOp(), operand)
	if err != nil {
		return nil, err
	}
	if path.isName() {
		err = checkNameOperand(operand)
	} else {
		err = checkOperandSize(req.GetField().GetFieldPath(), req.GetOp(), operand)
	}
	return on(path, test), err
}

// checkOperandSize returns an error if a value is too large to be compared with what is indexed.
func checkOperandSize(name string, op pb.StructuredQuery_FieldFilter_Operator, operand *pb.Value) error {
	values := []*pb.Value{operand}
	switch op {
	case pb.StructuredQuery_FieldFilter_IN, pb.StructuredQuery_FieldFilter_NOT_IN,
		pb.StructuredQuery_FieldFilter_ARRAY_CONTAINS_ANY:
		values = operand.GetArrayValue().GetValues()
	}
	for _, v := range values {
		if valueSize(v) > maxIndexedSize {
			return invalid("The value for field %q is larger than %d bytes, too large for a query.", name, maxIndexedSize)
		}
	}
	return nil
}

// checkNameOperand returns an error unless the value can be compared with a document's name: it is
// a reference, or an array of them.
func checkNameOperand(v *pb.Value) error {
	switch v := v.GetValueType().(type) {
	case *pb.Value_ReferenceValue:
		return checkDocumentName(v.ReferenceValue)
	case *pb.Value_ArrayValue:
		for _, e := range v.ArrayValue.GetValues() {
			if err := checkNameOperand(e); err != nil {
				return err
			}
		}
		return nil
	default:
		return invalid("The value to compare %s with is not a document reference.", nameField)
	}
}

// operator returns the test that a value stands if it is in that relation to the operand.
func (p *filterParser) operator(
	path fieldPath, op pb.StructuredQuery_FieldFilter_Operator, operand *pb.Value,
) (func(*pb.Value) bool, error) {
	compares := func(holds func(int) bool) func(*pb.Value) bool {
		p.inequalities = append(p.inequalities, path)
		return func(v *pb.Value) bool { return alike(v, operand) && holds(compareValues(v, operand)) }
	}
	list := operand.GetArrayValue().GetValues()

	switch op {
	case pb.StructuredQuery_FieldFilter_EQUAL:
		return func(v *pb.Value) bool { return equal(v, operand) }, nil
	case pb.StructuredQuery_FieldFilter_LESS_THAN:
		return compares(func(c int) bool { return c < 0 }), nil
	case pb.StructuredQuery_FieldFilter_LESS_THAN_OR_EQUAL:
		return compares(func(c int) bool { return c <= 0 }), nil
	case pb.StructuredQuery_FieldFilter_GREATER_THAN:
		return compares(func(c int) bool { return c > 0 }), nil
	case pb.StructuredQuery_FieldFilter_GREATER_THAN_OR_EQUAL:
		return compares(func(c int) bool { return c >= 0 }), nil
	case pb.StructuredQuery_FieldFilter_NOT_EQUAL:
		p.negate(path)
		return func(v *pb.Value) bool { return !isNull(v) && !isNull(operand) && !equal(v, operand) }, nil
	case pb.StructuredQuery_FieldFilter_ARRAY_CONTAINS:
		return func(v *pb.Value) bool { return includes(v.GetArrayValue().GetValues(), operand) }, nil
	case pb.StructuredQuery_FieldFilter_IN:
		p.disjunction = true
		return func(v *pb.Value) bool { return includes(list, v) }, checkList(op, operand, maxDisjunctions)
	case pb.StructuredQuery_FieldFilter_ARRAY_CONTAINS_ANY:
		p.disjunction = true
		return func(v *pb.Value) bool {
			elements := v.GetArrayValue().GetValues()
			return slices.ContainsFunc(elements, func(e *pb.Value) bool { return includes(list, e) })
		}, checkList(op, operand, maxDisjunctions)
	case pb.StructuredQuery_FieldFilter_NOT_IN:
		p.negate(path)
		p.notIn = true
		none := slices.ContainsFunc(list, isNull)
		return func(v *pb.Value) bool {
			return !none && !isNull(v) && !includes(list, v)
		}, checkList(op, operand, maxNotIn)
	default:
		return nil, invalid("Unknown FieldFilter operator.")
	}
}

func checkList(op pb.StructuredQuery_FieldFilter_Operator, operand *pb.Value, most int) error {
	if n := len(operand.GetArrayValue().GetValues()); n == 0 || n > most {
		return invalid("%s needs an array of 1 to %d values.", op, most)
	}
	return nil
}

// equal tells whether a filter takes both for the same. Null and NaN equal nothing, not
// even themselves.
func equal(v, w *pb.Value) bool {
	return alike(v, w) && compareValues(v, w) == 0
}

// alike tells whether a filter can compare two values: both are of one type, and neither
// is null or NaN.
func alike(v, w *pb.Value) bool {
	return typeRank(v) == typeRank(w) && !isNull(v) && !isNaN(v) && !isNaN(w)
}

// includes tells whether a filter takes v for one of the elements.
func includes(elements []*pb.Value, v *pb.Value) bool {
	return slices.ContainsFunc(elements, func(e *pb.Value) bool { return equal(e, v) })
}
