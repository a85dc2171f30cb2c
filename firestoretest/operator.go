package firestoretest

import (
	"slices"
	"strings"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
)

// How much a query may ask for
// (https://cloud.google.com/firestore/docs/query-data/queries#query_limitations).
const (
	maxFilters      = 100 // with orders, and a document above as one
	maxInequalities = 10  // fields
	maxDisjunctions = 30
	maxNotIn        = 10
)

// operator is how a filter compares a field with its operand.
type operator = pb.StructuredQuery_FieldFilter_Operator

const (
	equals       = pb.StructuredQuery_FieldFilter_EQUAL
	notEquals    = pb.StructuredQuery_FieldFilter_NOT_EQUAL
	less         = pb.StructuredQuery_FieldFilter_LESS_THAN
	lessEqual    = pb.StructuredQuery_FieldFilter_LESS_THAN_OR_EQUAL
	greater      = pb.StructuredQuery_FieldFilter_GREATER_THAN
	greaterEqual = pb.StructuredQuery_FieldFilter_GREATER_THAN_OR_EQUAL
	in           = pb.StructuredQuery_FieldFilter_IN
	notIn        = pb.StructuredQuery_FieldFilter_NOT_IN
	hasElement   = pb.StructuredQuery_FieldFilter_ARRAY_CONTAINS
	hasAny       = pb.StructuredQuery_FieldFilter_ARRAY_CONTAINS_ANY
)

// field returns the filter of a request that compares a field, or the name, with an operand.
func (p *filterParser) field(req *pb.StructuredQuery_FieldFilter) (filter, error) {
	path, err := p.path(req.GetField())
	if err != nil {
		return filter{}, err
	}
	op, operand := req.GetOp(), req.GetValue()
	if err := normalizeOperand(req.GetField().GetFieldPath(), operand); err != nil {
		return filter{}, err
	}
	if err := checkOperand(path, op, operand, p.database); err != nil {
		return filter{}, err
	}
	f := filter{
		matches: on(path, comparison(op, operand)),
		size:    1,
		normal:  func() disjunction { return normalForm(path, op, operand) },
		text:    filterText(path, op, operand),
	}
	switch op {
	case equals, in:
		p.equalNames = p.equalNames || path.isName()
	case hasElement, hasAny:
		f.containments = 1
	default:
		if !isImpossible(op, operand) {
			f.inequalities = []fieldPath{path}
		}
	}
	switch op {
	case notEquals:
		p.negations++
	case notIn:
		p.negations++
		p.notIn = true
	case in, hasAny:
		p.disjunction = true
	}
	return f, nil
}

// comparison returns the test that a value stands in that relation to the operand.
func comparison(op operator, operand *pb.Value) func(*pb.Value) bool {
	compares := func(holds func(int) bool) func(*pb.Value) bool {
		return func(v *pb.Value) bool { return alike(v, operand) && holds(compareValues(v, operand)) }
	}
	list := operand.GetArrayValue().GetValues()

	switch op {
	case equals:
		return func(v *pb.Value) bool { return equal(v, operand) }
	case notEquals:
		return func(v *pb.Value) bool { return !isNull(v) && !isNull(operand) && !equal(v, operand) }
	case less:
		return compares(func(c int) bool { return c < 0 })
	case lessEqual:
		return compares(func(c int) bool { return c <= 0 })
	case greater:
		return compares(func(c int) bool { return c > 0 })
	case greaterEqual:
		return compares(func(c int) bool { return c >= 0 })
	case in:
		return func(v *pb.Value) bool { return includes(list, v) }
	case notIn:
		none := slices.ContainsFunc(list, isNull)
		return func(v *pb.Value) bool { return !none && !isNull(v) && !includes(list, v) }
	case hasElement:
		return func(v *pb.Value) bool { return includes(v.GetArrayValue().GetValues(), operand) }
	default: // hasAny
		return func(v *pb.Value) bool {
			return slices.ContainsFunc(v.GetArrayValue().GetValues(), func(e *pb.Value) bool { return includes(list, e) })
		}
	}
}

// equal reports whether a filter takes both for the same. Null and NaN equal nothing, not
// even themselves.
func equal(v, w *pb.Value) bool {
	return alike(v, w) && compareValues(v, w) == 0
}

// alike reports whether a filter can compare two values: both are of one type, and neither
// is null or NaN.
func alike(v, w *pb.Value) bool {
	return typeRank(v) == typeRank(w) && !isNull(v) && !isNaN(v) && !isNaN(w)
}

// includes reports whether a filter takes v for one of the elements.
func includes(elements []*pb.Value, v *pb.Value) bool {
	return slices.ContainsFunc(elements, func(e *pb.Value) bool { return equal(e, v) })
}

// checkOperand returns an error unless the operator can compare what is at the path with the operand.
func checkOperand(path fieldPath, op operator, operand *pb.Value, database string) error {
	values := []*pb.Value{operand}
	switch op {
	case equals, notEquals, less, lessEqual, greater, greaterEqual, hasElement:
		if typeRank(operand) == 0 {
			return invalid("The filter on field %v has no value.", path)
		}
	case in, hasAny, notIn:
		most := maxDisjunctions
		if op == notIn {
			most = maxNotIn
		}
		values = operand.GetArrayValue().GetValues()
		if n := len(values); n == 0 || n > most {
			return invalid("%s needs an array of 1 to %d values.", op, most)
		}
	default:
		return invalid("Unknown FieldFilter operator.")
	}
	if path.isName() && (op == hasElement || op == hasAny) {
		return invalid("%s is not an array.", nameField)
	}
	for _, v := range values {
		switch {
		case path.isName():
			if err := checkNameOperand(v, database); err != nil {
				return err
			}
		case valueSize(v) > maxIndexedSize:
			return invalid("The value for field %v is larger than %d bytes, too large for a query.", path, maxIndexedSize)
		}
	}
	return nil
}

// checkNameOperand returns an error unless the value can be compared with the names of the
// database's documents: it is a reference to one of these.
func checkNameOperand(v *pb.Value, database string) error {
	reference, ok := v.GetValueType().(*pb.Value_ReferenceValue)
	switch {
	case !ok:
		return invalid("The value to compare %s with is not a document reference.", nameField)
	case !strings.HasPrefix(reference.ReferenceValue, database+"/"):
		return invalid("Document %q is not in the database that is queried.", reference.ReferenceValue)
	default:
		return checkDocumentName(reference.ReferenceValue)
	}
}
