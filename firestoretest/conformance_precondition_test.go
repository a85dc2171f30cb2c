package firestoretest

import (
	"fmt"
	"math"
	"testing"
	"time"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// preconditions checks each kind of write with each precondition, on a document that is there, one
// that has been deleted and one that never was, by each method that takes preconditions.
func preconditions(t *testing.T, tg target) {
	const malformed = codes.InvalidArgument // as opposed to one that doesn't hold
	type conditions map[string]struct {
		precondition func(updated time.Time) *pb.Precondition
		present      codes.Code
		missing      codes.Code
	}
	updateTime := func(t *timestamppb.Timestamp) *pb.Precondition {
		return &pb.Precondition{ConditionType: &pb.Precondition_UpdateTime{UpdateTime: t}}
	}
	exists := func(exists bool) func(time.Time) *pb.Precondition {
		return func(time.Time) *pb.Precondition {
			return &pb.Precondition{ConditionType: &pb.Precondition_Exists{Exists: exists}}
		}
	}
	later := func(d time.Duration) func(time.Time) *pb.Precondition {
		return func(updated time.Time) *pb.Precondition { return updateTime(timestamppb.New(updated.Add(d))) }
	}
	at := func(ts *timestamppb.Timestamp) func(time.Time) *pb.Precondition {
		return func(time.Time) *pb.Precondition { return updateTime(ts) }
	}
	for label, c := range (conditions{
		"none":                   {func(time.Time) *pb.Precondition { return nil }, codes.OK, codes.OK},
		"empty":                  {func(time.Time) *pb.Precondition { return &pb.Precondition{} }, codes.OK, codes.OK},
		"exists":                 {exists(true), codes.OK, codes.NotFound},
		"doesn't exist":          {exists(false), codes.AlreadyExists, codes.OK},
		"the update time":        {later(0), codes.OK, codes.FailedPrecondition},
		"just older":             {later(-time.Microsecond), codes.FailedPrecondition, codes.FailedPrecondition},
		"older":                  {later(-time.Hour), codes.FailedPrecondition, codes.FailedPrecondition},
		"just newer":             {later(time.Microsecond), codes.InvalidArgument, codes.FailedPrecondition},
		"newer":                  {later(1000 * time.Hour), codes.InvalidArgument, codes.FailedPrecondition},
		"too precise":            {later(time.Nanosecond), malformed, malformed},
		"before 1970":            {at(&timestamppb.Timestamp{Seconds: -1}), malformed, malformed},
		"negative nanoseconds":   {at(&timestamppb.Timestamp{Seconds: 1, Nanos: -1000}), malformed, malformed},
		"in the very far future": {at(&timestamppb.Timestamp{Seconds: math.MaxInt64}), malformed, malformed},
	}) {
		t.Run(label, func(t *testing.T) {
			t.Parallel()
			for _, state := range []string{"present", "deleted", "missing"} {
				for op, write := range preconditionedWrites {
					for via, send := range preconditionedMethods {
						path := fmt.Sprintf("c/%s, %s, %s, %s", label, state, op, via)
						updated := time.Now().Truncate(time.Microsecond)
						if state != "missing" {
							result := written(t)(tg.Doc(path).Create(t.Context(), map[string]any{"a": 1}))
							updated = result.UpdateTime
						}
						if state == "deleted" {
							written(t)(tg.Doc(path).Delete(t.Context()))
						}
						w := write(tg.name(path))
						w.CurrentDocument = c.precondition(updated)
						want := c.missing
						if state == "present" {
							want = c.present
						}
						if got := send(t, tg, w); got != want {
							t.Errorf("%s: got %v, want %v", path, got, want)
						}
						if want != codes.OK {
							if state == "present" {
								tg.wantData(t, path, map[string]any{"a": int64(1)})
							} else {
								tg.wantData(t, path, nil)
							}
						}
					}
				}
			}
		})
	}
}

var preconditionedWrites = map[string]func(name string) *pb.Write{
	"set":       func(name string) *pb.Write { return setWrite(name, fields("a", integerValue(2))) },
	"patch":     func(name string) *pb.Write { return setWrite(name, fields("a", integerValue(2)), "a") },
	"verify":    func(name string) *pb.Write { return setWrite(name, nil, []string{}...) }, // changes no field
	"delete":    deleteWrite,
	"transform": func(name string) *pb.Write { return setWriteWith(name, increment("a", integerValue(1))) },
}

var preconditionedMethods = map[string]func(*testing.T, target, *pb.Write) codes.Code{
	"commit": func(t *testing.T, tg target, w *pb.Write) codes.Code {
		_, err := tg.commit(t, w)
		return status.Code(err)
	},
	"transaction": func(t *testing.T, tg target, w *pb.Write) codes.Code {
		return status.Code(tg.commitIn(t, tg.begin(t, readWrite), w))
	},
	"batch write": func(t *testing.T, tg target, w *pb.Write) codes.Code {
		resp, err := tg.raw.BatchWrite(owner(t), &pb.BatchWriteRequest{Database: tg.database, Writes: []*pb.Write{w}})
		if err != nil {
			return status.Code(err)
		}
		return codes.Code(resp.GetStatus()[0].GetCode())
	},
}
