package firestoretest

import (
	"math"
	"slices"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// transform is a change of a field whose result depends on what is there.
type transform struct {
	path  fieldPath
	apply func(old *pb.Value, now *timestamppb.Timestamp) (field, result *pb.Value)
}

func parseTransforms(reqs []*pb.DocumentTransform_FieldTransform) ([]transform, error) {
	var transforms []transform
	for _, req := range reqs {
		path, err := parseFieldPath(req.GetFieldPath())
		if err != nil {
			return nil, err
		}
		apply, err := parseTransform(req)
		if err != nil {
			return nil, err
		}
		transforms = append(transforms, transform{path, apply})
	}
	return transforms, nil
}

func parseTransform(req *pb.DocumentTransform_FieldTransform) (func(*pb.Value, *timestamppb.Timestamp) (*pb.Value, *pb.Value), error) {
	pure := func(f func(old *pb.Value) *pb.Value) func(*pb.Value, *timestamppb.Timestamp) (*pb.Value, *pb.Value) {
		return func(old *pb.Value, _ *timestamppb.Timestamp) (*pb.Value, *pb.Value) {
			v := f(old)
			return v, v
		}
	}
	switch t := req.GetTransformType().(type) {
	default:
		_, _ = t, pure
		return nil, unofferedError("this transform")
	}
}

func transformAll(transforms []transform, fields map[string]*pb.Value, now *timestamppb.Timestamp) ([]*pb.Value, error) {
	var results []*pb.Value
	for _, t := range transforms {
		field, result := t.apply(t.path.get(fields), now)
		t.path.set(fields, field)
		results = append(results, result)
	}
	return results, nil
}

var _, _ = math.Abs, slices.Equal[[]int]
