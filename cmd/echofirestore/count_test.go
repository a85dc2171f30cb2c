package main

import (
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/echofirestore/echofirestore/firestoretest"
)

func TestCount(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.put("over", 1100, time.Now().Add(-time.Minute))
	s.put("alive", 20, time.Now().Add(time.Hour))
	s.put("unlimited", 3, time.Time{})

	got := s.run("count")
	got.want(t, exitDone, "documents  1123\nliving     23\nexpired    1100\n", "")
	got.wantCost(t, firestoretest.Ops{Reads: 4}) // two for each count
	s.run("count", "-json").want(t, exitDone, `{"documents":1123,"living":23,"expired":1100}`+"\n", "")
}

// TestCountThatFails has Firestore refuse the first or the second count.
func TestCountThatFails(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.put("over", 2, time.Now().Add(-time.Minute))
	noIndex := firestoretest.Fault{Method: "RunAggregationQuery", Skip: 1, Err: status.Error(codes.FailedPrecondition, "The query requires an index.")}
	s.firestore.Inject(noIndex)
	s.run("count").want(t, exitDone, "documents  2\nliving     unknown\nexpired    unknown: Firestore has no index on the field expire to count them by, "+
		"as is usual with a TTL policy\n", "")
	s.firestore.Inject(noIndex)
	s.run("count", "-json").want(t, exitDone, `{"documents":2,"living":null,"expired":null}`+"\n", "")
	for skip := range 2 {
		s.firestore.Inject(firestoretest.Fault{Method: "RunAggregationQuery", Skip: skip, Err: status.Error(codes.PermissionDenied, "no")})
		s.run("count").want(t, exitFailed, "", "echofirestore: count sessions: Firestore (project "+s.firestore.Project()+", database (default)")
	}
	close(s.stop)
	s.firestore.Inject(firestoretest.Fault{Method: "RunAggregationQuery", Times: -1, Delay: time.Minute})
	s.run("count").want(t, exitStopped, "", "interrupted")
}
