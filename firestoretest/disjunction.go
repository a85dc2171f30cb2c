package firestoretest

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/protobuf/proto"
)

// disjunction is a filter in disjunctive normal form: conjunctions of which one must hold. A
// conjunction is the texts of filters that must hold at once, sorted, under the key of all of them
// together. Firestore runs one query for each conjunction, and so limits their number.
type disjunction map[string][]string

// maxNormalForm is the number of conjunctions at which the making of a normal form ends, far more than are allowed.
const maxNormalForm = 1000

// atom returns the disjunction of a filter that is not a combination of others.
func atom(text string) disjunction {
	return disjunction{text: {text}}
}

// always is the disjunction of a conjunction of no filters.
func always() disjunction {
	return disjunction{"": nil}
}

func (d disjunction) or(e disjunction) disjunction {
	union := maps.Clone(d)
	maps.Copy(union, e)
	return union
}

func (d disjunction) and(e disjunction) disjunction {
	product := disjunction{}
	for _, x := range d {
		for _, y := range e {
			both := sortedSet(slices.Concat(x, y))
			product[fmt.Sprintf("%q", both)] = both
			if len(product) == maxNormalForm {
				return product
			}
		}
	}
	return product
}

// normalForm returns the normal form of a filter on a field: one for a list is one for each of its elements.
func normalForm(path fieldPath, op operator, operand *pb.Value) disjunction {
	elements := []*pb.Value{operand}
	switch {
	case isImpossible(op, operand):
		op, elements = equals, []*pb.Value{nullValue}
	case op == in:
		op, elements = equals, operand.GetArrayValue().GetValues()
	case op == hasAny:
		op, elements = hasElement, operand.GetArrayValue().GetValues()
	}
	d := disjunction{}
	for _, e := range elements {
		if isNaN(e) && op != notEquals {
			e = nullValue // which equals nothing either
		}
		d = d.or(atom(filterText(path, op, e)))
	}
	return d
}

// isImpossible reports whether Firestore knows of an inequality that no value satisfies it, and so does not
// take it for one.
func isImpossible(op operator, operand *pb.Value) bool {
	switch op {
	case less, lessEqual, greater, greaterEqual:
		return isNull(operand) || isNaN(operand)
	case notEquals:
		return isNull(operand)
	case notIn:
		return !slices.ContainsFunc(operand.GetArrayValue().GetValues(), func(v *pb.Value) bool { return !isNull(v) })
	default:
		return false
	}
}

// filterText returns a text that is the same for filters on a field that are the same, whatever the
// order of the elements in a list.
func filterText(path fieldPath, op fmt.Stringer, operand *pb.Value) string {
	values := []*pb.Value{operand}
	switch op {
	case in, notIn, hasAny:
		values = operand.GetArrayValue().GetValues()
	}
	texts := make([]string, len(values))
	for i, v := range values {
		b, _ := proto.MarshalOptions{Deterministic: true}.Marshal(v) // a value from the wire goes back there
		texts[i] = string(b)
	}
	return fmt.Sprintf("%q %s %q", path, op, sortedSet(texts))
}

// combinedText returns the text of a filter that combines others: a short one, however many they are.
func combinedText(op string, filters []filter) string {
	texts := make([]string, len(filters))
	for i, f := range filters {
		texts[i] = f.text
	}
	return fmt.Sprintf("%s %x", op, sha256.Sum256(fmt.Appendf(nil, "%q", sortedSet(texts))))
}

func sortedSet(texts []string) []string {
	slices.Sort(texts)
	return slices.Compact(texts)
}
