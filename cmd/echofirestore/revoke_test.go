package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/echofirestore/echofirestore/firesession"
	"github.com/echofirestore/echofirestore/firestoretest"
)

// TestRevoke ends sessions of two users in every way.
func TestRevoke(t *testing.T) {
	t.Parallel()
	const someone = "AAAAAAAAAAAAAAAAAAAAAA" // has no session
	for _, tt := range []struct {
		args         string // A1, A2 and B are the IDs of sessions
		code         int
		stdout, json string
		left         int
		cost         firestoretest.Ops
	}{
		{"-user alice -id A1", exitDone, "ended A1\n", `{"ended":["A1"],"not_ended":[],"complete":true}`, 2, firestoretest.Ops{Reads: 2, Deletes: 1}},
		{"-user alice -id A1 -id A2 -id A1", exitDone, "ended A1\nended A2\n", `{"ended":["A1","A2"],"not_ended":[],"complete":true}`, 1, firestoretest.Ops{Reads: 3, Deletes: 2}},
		{"-user alice -id B", exitFault, "not found B\n", `{"ended":[],"not_ended":["B"],"complete":true}`, 3, firestoretest.Ops{Reads: 2}},
		{"-id B", exitDone, "ended B\n", `{"ended":["B"],"not_ended":[],"complete":true}`, 2, firestoretest.Ops{Reads: 3, Deletes: 1}},
		{"-id A1 -id " + someone + " -id B", exitFault, "ended A1\nnot found " + someone + "\nended B\n", `{"ended":["A1","B"],"not_ended":["` + someone + `"],"complete":true}`, 1, firestoretest.Ops{Reads: 3, Deletes: 2}},
		{"-id -dash", exitFault, "not found -dash\n", `{"ended":[],"not_ended":["-dash"],"complete":true}`, 3, firestoretest.Ops{Reads: 3}},
		{"-user alice -all", exitDone, "ended 2 sessions of alice\n", `{"deleted":2,"complete":true}`, 1, firestoretest.Ops{Reads: 2, Deletes: 2}},
		{"-user alice -all -except A2", exitDone, "ended 1 session of alice\n", `{"deleted":1,"complete":true}`, 2, firestoretest.Ops{Reads: 2, Deletes: 1}},
		{"-user carol -all", exitDone, "ended 0 sessions of carol\n", `{"deleted":0,"complete":true}`, 3, firestoretest.Ops{Reads: 1}},
	} {
		for _, asJSON := range []bool{false, true} {
			t.Run(fmt.Sprint(tt.args, " ", asJSON), func(t *testing.T) {
				t.Parallel()
				s := newStage(t)
				cfg := firesession.Config{UserKey: "user", HashKeys: true}
				a1, _ := s.signIn(cfg, "alice")
				a2, _ := s.signIn(cfg, "alice")
				b, _ := s.signIn(cfg, "bob")
				ids := strings.NewReplacer("A1", a1, "A2", a2, " B", " "+b, `"B"`, `"`+b+`"`)
				args, want := strings.Fields("revoke "+ids.Replace(tt.args)), tt.stdout
				if asJSON {
					args, want = append(args, "-json"), tt.json+"\n"
				}
				got := s.run(args...)
				got.want(t, tt.code, ids.Replace(want), "")
				got.wantCost(t, tt.cost)
				if n := s.left(); n != tt.left {
					t.Errorf("%d sessions are left, want %d", n, tt.left)
				}
			})
		}
	}
}

// TestRevokeAmongMany finds a session without knowing its user, behind the first page.
func TestRevokeAmongMany(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.put("a", 600, time.Time{})
	s.put("z", 600, time.Time{})
	id, _ := s.signIn(firesession.Config{KeyFactory: keys("k")}, "")
	got := s.run("revoke", "-id", id, "-progress")
	got.want(t, exitDone, "ended "+id+"\n", "looked at 500\n")
	got.wantCost(t, firestoretest.Ops{Reads: 1000, Deletes: 1})
}

// TestRevokeThatFails has Firestore refuse the second delete, and the user interrupt the command there.
func TestRevokeThatFails(t *testing.T) {
	t.Parallel()
	for _, user := range []string{"", "-user alice"} {
		t.Run(user, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			cfg := firesession.Config{UserKey: "user", KeyFactory: keys("a", "b", "c")}
			a, _ := s.signIn(cfg, "alice")
			b, _ := s.signIn(cfg, "alice")
			args := strings.Fields("revoke " + user + " -id " + a + " -id " + b)
			s.firestore.Inject(firestoretest.Fault{Method: "Commit", Skip: 1, Err: status.Error(codes.PermissionDenied, "no")})
			s.run(args...).want(t, exitFailed, "ended "+a+"\nnot ended "+b+"\n", "echofirestore: revoke session: Firestore (project ")
			if user == "" {
				return
			}
			c, _ := s.signIn(cfg, "alice")
			s.firestore.Inject(firestoretest.Fault{Method: "Commit", Do: func() { close(s.stop) }})
			s.run("revoke", "-user", "alice", "-id", b, "-id", c).want(t, exitStopped, "ended "+b+"\nnot ended "+c+"\n", "interrupted")
			if n := s.left(); n != 1 {
				t.Errorf("%d sessions are left", n)
			}
		})
	}
}

// keys returns a KeyFactory that returns these.
func keys(next ...string) func() string {
	return func() string {
		key := next[0]
		next = next[1:]
		return strings.Repeat(key, 20)
	}
}

func TestRevokeAll(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.put("over", 3, time.Now().Add(-time.Minute))
	s.put("alive", 600, time.Time{})
	got := s.run("revoke-all", "-yes")
	got.want(t, exitDone, "ended 603 sessions in echo_sessions (project "+s.firestore.Project()+", database (default))\n", "")
	got.wantCost(t, firestoretest.Ops{Reads: 604, Deletes: 603})
	if n := s.left(); n != 0 {
		t.Errorf("%d sessions are left", n)
	}
	s.run("revoke-all", "-yes", "-json").want(t, exitDone, `{"deleted":0,"complete":true}`+"\n", "")
}
