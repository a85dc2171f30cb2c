package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/echofirestore/echofirestore/firestoretest"
)

func TestSweep(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.put("over", 1200, time.Now().Add(-time.Second))
	s.put("alive", 20, time.Now().Add(time.Hour))
	s.put("unlimited", 10, time.Time{})
	got := s.run("sweep")
	got.want(t, exitDone, "deleted 1200 expired sessions\n", "")
	got.wantCost(t, firestoretest.Ops{Reads: 1200, Deletes: 1200})
	got = s.run("sweep", "-json")
	got.want(t, exitDone, `{"deleted":0,"complete":true}`+"\n", "")
	got.wantCost(t, firestoretest.Ops{Reads: 1})
	if n := s.left(); n != 30 {
		t.Errorf("%d documents are left", n)
	}
}

// TestSweepInterrupted stops a sweep during its second batch, which is finished, has Firestore refuse that, and aborts
// one. The command says what it has deleted, and the next one goes on.
func TestSweepInterrupted(t *testing.T) {
	t.Parallel()
	const more = "; there may be more: run the command again for the rest\n"
	for _, command := range []struct{ args, done, what string }{
		{"sweep", "deleted ", " expired sessions"},
		{"revoke-all -yes", "ended ", " sessions in echo_sessions (project PROJECT, database (default))"},
	} {
		t.Run(command.args, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			command.what = strings.ReplaceAll(command.what, "PROJECT", s.firestore.Project())
			s.put("over", 1700, time.Now().Add(-time.Second))
			args := strings.Fields(command.args)

			s.firestore.Inject(firestoretest.Fault{Method: "Commit", Skip: 1, Err: status.Error(codes.PermissionDenied, "no")})
			s.run(args...).want(t, exitFailed, command.done+"500"+command.what+more, "code = PermissionDenied")
			if n := s.left(); n != 1200 {
				t.Errorf("%d documents are left", n)
			}

			s.firestore.Inject(firestoretest.Fault{Method: "Commit", Skip: 1, Do: func() { close(s.stop) }})
			s.run(args...).want(t, exitStopped, command.done+"1000"+command.what+more, "interrupted")
			if n := s.left(); n != 200 {
				t.Errorf("%d documents are left", n)
			}

			s.stop = make(chan struct{})
			var abort context.CancelFunc
			s.ctx, abort = context.WithCancel(t.Context())
			s.firestore.Inject(firestoretest.Fault{Method: "Commit", Delay: time.Minute, Do: abort})
			s.run(args...).want(t, exitStopped, command.done+"0"+command.what+more, "interrupted")

			s.ctx = t.Context()
			s.run(append(args, "-json")...).want(t, exitDone, `{"deleted":200,"complete":true}`+"\n", "")
		})
	}
}

// TestSweepWithoutAnIndex says what to do about it.
func TestSweepWithoutAnIndex(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.firestore.Inject(firestoretest.Fault{Method: "RunQuery", Err: status.Error(codes.FailedPrecondition, "The query requires an index.")})
	got := s.run("sweep", "-json")
	got.want(t, exitFailed, `{"deleted":0,"complete":false}`+"\n",
		"\n  gcloud firestore indexes fields update expire --index=order=ascending --collection-group=echo_sessions --project="+s.firestore.Project())
}

// TestProgress shows the progress of a sweep: by default on a terminal alone, in one line that goes away at the end.
func TestProgress(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		terminal bool
		args     string
		stderr   string
	}{
		{"terminal", true, "", "\rdeleted 500\x1b[K\r\x1b[K"},
		{"terminal, not wanted", true, "-progress=false", ""},
		{"no terminal", false, "", ""},
		{"no terminal, wanted", false, "-progress", "deleted 500\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.terminal = tt.terminal
			s.put("over", 500, time.Now().Add(-time.Second))
			got := s.run(strings.Fields("sweep " + tt.args)...)
			if got.code != exitDone || got.stderr != tt.stderr {
				t.Errorf("exit code %d, stderr %q, want %q", got.code, got.stderr, tt.stderr)
			}
		})
	}
}
