package firestoretest

import (
	"cmp"
	"math"
	"slices"
	"time"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// transform sets a field to something that depends on its old value, or on the time.
type transform struct {
	path   fieldPath
	apply  func(old *pb.Value, now *timestamppb.Timestamp) *pb.Value
	silent bool // the result told is null
}

func parseTransforms(reqs []*pb.DocumentTransform_FieldTransform) ([]transform, error) {
	if len(reqs) == 0 {
		return nil, nil
	}
	transforms := make([]transform, len(reqs))
	for i, req := range reqs {
		t, err := parseTransform(req)
		if err != nil {
			return nil, err
		}
		transforms[i] = t
	}
	return transforms, checkConflicts(transforms)
}

// checkConflicts returns an error if one transform is of a field within that of another.
func checkConflicts(transforms []transform) error {
	paths := make([]fieldPath, len(transforms))
	for i, t := range transforms {
		paths[i] = t.path
	}
	slices.SortFunc(paths, slices.Compare) // each path stands right before those within it
	for i, inner := range paths[min(1, len(paths)):] {
		if outer := paths[i]; len(inner) > len(outer) && slices.Equal(inner[:len(outer)], outer) {
			return invalid("The transforms of fields %q and %q conflict.", outer, inner)
		}
	}
	return nil
}

func parseTransform(req *pb.DocumentTransform_FieldTransform) (t transform, err error) {
	if t.path, err = parseFieldPath(req.GetFieldPath()); err != nil {
		return transform{}, err
	}
	if t.path.isName() {
		return transform{}, invalid("A document's name cannot be transformed.")
	}
	number := func(combine func(old, operand *pb.Value) *pb.Value, operand *pb.Value) {
		if !isNumber(operand) {
			err = invalid("The transform of field %q needs an integer or a double.", req.GetFieldPath())
		}
		t.apply = func(old *pb.Value, _ *timestamppb.Timestamp) *pb.Value {
			if !isNumber(old) {
				return operand
			}
			return combine(old, operand)
		}
	}
	array := func(combine func(old, operand []*pb.Value) []*pb.Value, operand *pb.ArrayValue) {
		err = normalizeElements(req.GetFieldPath(), operand)
		t.silent = true
		t.apply = func(old *pb.Value, _ *timestamppb.Timestamp) *pb.Value {
			return arrayValue(combine(old.GetArrayValue().GetValues(), operand.GetValues()))
		}
	}

	switch op := req.GetTransformType().(type) {
	case *pb.DocumentTransform_FieldTransform_SetToServerValue:
		if op.SetToServerValue != pb.DocumentTransform_FieldTransform_REQUEST_TIME {
			err = invalid("The transform of field %q names no server value.", req.GetFieldPath())
		}
		t.apply = requestTime
	case *pb.DocumentTransform_FieldTransform_Increment:
		number(add, op.Increment)
	case *pb.DocumentTransform_FieldTransform_Maximum:
		number(maximum, op.Maximum)
	case *pb.DocumentTransform_FieldTransform_Minimum:
		number(minimum, op.Minimum)
	case *pb.DocumentTransform_FieldTransform_AppendMissingElements:
		array(union, op.AppendMissingElements)
	case *pb.DocumentTransform_FieldTransform_RemoveAllFromArray:
		array(without, op.RemoveAllFromArray)
	default:
		err = invalid("The transform of field %q has no operation.", req.GetFieldPath())
	}
	return t, err
}

// transformAll applies the transforms to the fields and returns what is told of their results.
func transformAll(transforms []transform, fields map[string]*pb.Value, now *timestamppb.Timestamp) []*pb.Value {
	var results []*pb.Value
	for _, t := range transforms {
		v := t.apply(t.path.get(fields), now)
		t.path.set(fields, v)
		if t.silent {
			v = nullValue
		}
		results = append(results, v)
	}
	return results
}

// requestTime returns the time of the commit, in milliseconds as Firestore does.
func requestTime(_ *pb.Value, now *timestamppb.Timestamp) *pb.Value {
	return timestampValue(timestamppb.New(now.AsTime().Truncate(time.Millisecond)))
}

// add returns the sum of two numbers, an integer if both are. It sticks to the end of the integers'
// range rather than leave it.
func add(a, b *pb.Value) *pb.Value {
	if !isInteger(a) || !isInteger(b) {
		return doubleValue(toDouble(a) + toDouble(b))
	}
	x, y := a.GetIntegerValue(), b.GetIntegerValue()
	sum := x + y
	switch {
	case x > 0 && y > 0 && sum < 0:
		sum = math.MaxInt64
	case x < 0 && y < 0 && sum >= 0:
		sum = math.MinInt64
	}
	return integerValue(sum)
}

// maximum returns the larger number, old if both are equal, NaN if either is.
func maximum(old, operand *pb.Value) *pb.Value {
	if isNaN(operand) || !isNaN(old) && compareNumbers(operand, old) > 0 {
		return operand
	}
	return old
}

// minimum returns the smaller number, old if both are equal, NaN if either is.
func minimum(old, operand *pb.Value) *pb.Value {
	if compareNumbers(operand, old) < 0 { // NaN is the least
		return operand
	}
	return old
}

// union returns the old elements and those operands that are not among them yet.
func union(old, operand []*pb.Value) []*pb.Value {
	type element struct {
		value *pb.Value
		index int
	}
	var sorted []element // of old and operand, equal ones in their order
	for i, v := range slices.Concat(old, operand) {
		sorted = append(sorted, element{v, i})
	}
	slices.SortStableFunc(sorted, func(a, b element) int { return compareValues(a.value, b.value) })

	var added []element
	for i, e := range sorted {
		first := i == 0 || compareValues(sorted[i-1].value, e.value) != 0
		if first && e.index >= len(old) {
			added = append(added, e)
		}
	}
	slices.SortFunc(added, func(a, b element) int { return cmp.Compare(a.index, b.index) })
	elements := slices.Clone(old)
	for _, e := range added {
		elements = append(elements, e.value)
	}
	return elements
}

// without returns the old elements that are not among the operands.
func without(old, operand []*pb.Value) []*pb.Value {
	sorted := slices.SortedFunc(slices.Values(operand), compareValues)
	return slices.DeleteFunc(slices.Clone(old), func(v *pb.Value) bool {
		_, found := slices.BinarySearchFunc(sorted, v, compareValues)
		return found
	})
}
