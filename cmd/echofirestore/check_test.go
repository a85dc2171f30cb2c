package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/firestore/apiv1/admin/adminpb"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/echofirestore/echofirestore/firestoretest"
)

// newCloudStage is newStage with an Admin API, as Google Cloud has it.
func newCloudStage(t *testing.T) *stage {
	t.Helper()
	s := newStage(t)
	s.admin = newAdminServer(t, s.firestore.Project(), "(default)")
	delete(s.env, emulatorHost)
	return s
}

// repairs returns the states of the findings in the JSON that check has printed, and the commands that repair what is wrong.
func repairs(t *testing.T, got outcome) (states map[string]state, commands []string, ok bool) {
	t.Helper()
	var result findings
	if err := json.Unmarshal([]byte(got.stdout), &result); err != nil {
		t.Fatalf("%v: %s; stderr: %s", err, got.stdout, got.stderr)
	}
	states = make(map[string]state)
	for _, f := range result.Findings {
		states[f.Check] = f.State
		if f.Repair != "" {
			commands = append(commands, f.Repair)
		}
		if f.Detail == "" {
			t.Errorf("%s has no detail", f.Check)
		}
	}
	return states, commands, result.OK
}

// TestCheck looks at a database as it should be, and at one with each fault.
func TestCheck(t *testing.T) {
	t.Parallel()
	noIndexes := &adminpb.Field_IndexConfig{}
	groupOnly := &adminpb.Field_IndexConfig{Indexes: []*adminpb.Index{
		index(adminpb.Index_READY, adminpb.Index_COLLECTION_GROUP, ordered("", adminpb.Index_IndexField_ASCENDING)),
	}}
	const (
		enableTTL   = "gcloud firestore fields ttls update expire --enable-ttl --collection-group=echo_sessions --project=PROJECT"
		exempt      = "gcloud firestore indexes fields update expire --disable-indexes --collection-group=echo_sessions --project=PROJECT"
		indexExpire = "gcloud firestore indexes fields update expire --index=order=ascending --collection-group=echo_sessions --project=PROJECT"
		indexUser   = "gcloud firestore indexes fields update user --index=order=ascending --collection-group=echo_sessions --project=PROJECT"
		exemptData  = "gcloud firestore indexes fields update data --disable-indexes --collection-group=echo_sessions --project=PROJECT"
		composite   = "gcloud firestore indexes composite create --field-config=field-path=user,order=ascending --collection-group=echo_sessions --project=PROJECT"
		viewer      = "gcloud projects add-iam-policy-binding PROJECT --member=MEMBER --role=roles/datastore.viewer"
		enableAPI   = "gcloud services enable firestore.googleapis.com --project=PROJECT"
		nativeMode  = "gcloud firestore databases update '--database=(default)' --type=firestore-native --project=PROJECT"
	)
	disabledAPI, err := status.New(codes.PermissionDenied, "disabled").WithDetails(&errdetails.ErrorInfo{Reason: "SERVICE_DISABLED"})
	if err != nil {
		t.Fatal(err)
	}
	enterprise := func(s *adminServer, states ...adminpb.Index_State) {
		s.database.DatabaseEdition = adminpb.Database_ENTERPRISE
		s.fields = map[string]*adminpb.Field{fieldExpire: {TtlConfig: ttl(adminpb.Field_TtlConfig_ACTIVE)}}
		for _, state := range states {
			s.indexes = append(s.indexes, index(state, adminpb.Index_COLLECTION, ordered(fieldUser, adminpb.Index_IndexField_ASCENDING)))
		}
	}
	for _, tt := range []struct {
		name   string
		args   string
		change func(*adminServer)
		code   int
		check  string // whose state is
		state  state
		repair []string // all commands that are printed
	}{
		{name: "as deployed", check: "TTL on expire", state: stateOK},
		{name: "TTL: none", change: func(s *adminServer) { s.fields[fieldExpire].TtlConfig = nil }, code: exitFault, check: "TTL on expire", state: stateRepair, repair: []string{enableTTL}},
		{name: "TTL: needs repair", change: func(s *adminServer) { s.fields[fieldExpire].TtlConfig = ttl(adminpb.Field_TtlConfig_NEEDS_REPAIR) }, code: exitFault, check: "TTL on expire", state: stateRepair, repair: []string{enableTTL}},
		{name: "TTL: being applied", change: func(s *adminServer) { s.fields[fieldExpire].TtlConfig = ttl(adminpb.Field_TtlConfig_CREATING) }, check: "TTL on expire", state: stateWait},
		{name: "TTL: with an offset", change: func(s *adminServer) {
			s.fields[fieldExpire].TtlConfig.ExpirationOffset = durationpb.New(time.Hour)
		}, check: "TTL on expire", state: stateOK},
		{name: "TTL: unknown state", change: func(s *adminServer) { s.fields[fieldExpire].TtlConfig = ttl(99) }, code: exitFailed, check: "TTL on expire", state: stateFailed},
		{name: "expire: indexed", change: func(s *adminServer) { s.fields[fieldExpire].IndexConfig = indexed(adminpb.Index_READY) }, code: exitFault, check: "index on expire", state: stateRepair, repair: []string{exempt}},
		{name: "nothing was deployed", change: func(s *adminServer) { s.fields = nil }, code: exitFault, check: "index on user", state: stateOK, repair: []string{enableTTL, exempt, exemptData}},
		{name: "user: no index", change: func(s *adminServer) { s.fields[fieldUser].IndexConfig = noIndexes }, code: exitFault, check: "index on user", state: stateRepair, repair: []string{indexUser}},
		{name: "user: only for collection groups", change: func(s *adminServer) { s.fields[fieldUser].IndexConfig = groupOnly }, code: exitFault, check: "index on user", state: stateRepair, repair: []string{indexUser}},
		{name: "user: being built", change: func(s *adminServer) { s.fields[fieldUser].IndexConfig = indexed(adminpb.Index_CREATING) }, check: "index on user", state: stateWait},
		{name: "user: needs repair", change: func(s *adminServer) { s.fields[fieldUser].IndexConfig = indexed(adminpb.Index_NEEDS_REPAIR) }, code: exitFault, check: "index on user", state: stateRepair, repair: []string{indexUser}},
		{name: "user: not needed", args: "-no-user-key", change: func(s *adminServer) { s.fields[fieldUser].IndexConfig = noIndexes }, check: "index on user", state: stateSkipped},
		{name: "data: indexed", change: func(s *adminServer) { delete(s.fields, fieldData) }, check: "index on data", state: stateAdvice, repair: []string{exemptData}},
		{name: "sweep: as it should be", args: "-sweep", change: func(s *adminServer) { delete(s.fields, fieldExpire) }, check: "index on expire", state: stateOK},
		{name: "sweep: no index", args: "-sweep", code: exitFault, check: "index on expire", state: stateRepair, repair: []string{indexExpire}},
		{name: "Datastore mode", change: func(s *adminServer) { s.database.Type = adminpb.Database_DATASTORE_MODE }, code: exitFault, check: "database", state: stateRepair, repair: []string{nativeMode}},
		{name: "Enterprise: as it should be", change: func(s *adminServer) { enterprise(s, adminpb.Index_READY) }, check: "index on user", state: stateOK},
		{name: "Enterprise: no index on user", change: func(s *adminServer) { enterprise(s) }, code: exitFault, check: "index on user", state: stateRepair, repair: []string{composite}},
		{name: "Enterprise: being built", change: func(s *adminServer) { enterprise(s, adminpb.Index_CREATING) }, check: "index on user", state: stateWait},
		{name: "Enterprise: nobody's users", args: "-no-user-key", change: func(s *adminServer) { enterprise(s) }, check: "index on user", state: stateSkipped},
		{
			name: "Enterprise: sweep without an index", args: "-sweep -no-user-key", change: func(s *adminServer) { enterprise(s) }, code: exitFault, check: "index on expire", state: stateRepair,
			repair: []string{strings.Replace(composite, "user", "expire", 1)},
		},
		{name: "not allowed to ask", change: func(s *adminServer) { s.refuse = status.Error(codes.PermissionDenied, "no") }, code: exitFailed, check: "database", state: stateFailed, repair: []string{viewer}},
		{name: "API not enabled", change: func(s *adminServer) { s.refuse = disabledAPI.Err() }, code: exitFailed, check: "database", state: stateFailed, repair: []string{enableAPI}},
		{name: "no answer", args: "-timeout 1s", change: func(s *adminServer) { s.refuse = status.Error(codes.Unavailable, "down") }, code: exitFailed, check: "database", state: stateFailed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newCloudStage(t)
			if tt.change != nil {
				tt.change(s.admin)
			}
			args := strings.Fields("check " + tt.args)
			got := s.run(append(args, "-json")...)
			states, commands, ok := repairs(t, got)
			var want []string
			for _, command := range tt.repair {
				want = append(want, strings.ReplaceAll(command, "PROJECT", s.firestore.Project()))
			}
			if got.code != tt.code || states[tt.check] != tt.state || !slices.Equal(commands, want) {
				t.Errorf("exit code %d, want %d; %s is %q, want %q\ncommands:\n%s\nwant:\n%s", got.code, tt.code, tt.check, states[tt.check],
					tt.state, strings.Join(commands, "\n"), strings.Join(want, "\n"))
			}
			if states["round trip"] != stateOK || ok != (tt.code == exitDone) {
				t.Errorf("round trip %q; ok: %t", states["round trip"], ok)
			}
			got.wantCost(t, firestoretest.Ops{Reads: 1, Writes: 1, Deletes: 1})

			text := s.run(args...)
			if text.code != tt.code {
				t.Errorf("as text: exit code %d, want %d", text.code, tt.code)
			}
			for _, command := range want {
				if !strings.Contains(text.stdout, "\n  "+command) {
					t.Errorf("as text, nothing of %s:\n%s", command, text.stdout)
				}
			}
			if n := s.left(); n != 0 {
				t.Errorf("%d documents are left", n)
			}
		})
	}
}

// TestCheckTable shows what a person sees.
func TestCheckTable(t *testing.T) {
	t.Parallel()
	s := newCloudStage(t)
	s.admin.fields = nil
	got := s.run("check", "-read-only")
	got.wantCost(t, firestoretest.Ops{Reads: 1})
	before, took, ok := strings.Cut(got.stdout, " in ")
	_, after, there := strings.Cut(took, "\n")
	if !ok || !there {
		t.Fatal(got.stdout)
	}
	want := `CHECK            STATE   DETAIL
round trip       ok      read a document
database         ok      Native mode, Standard edition, europe-west1
TTL on expire    repair  none: the documents of expired sessions stay forever, unless a job runs sweep (then: -sweep)
index on expire  repair  indexed: that limits the collection to about 500 saves per second, and nothing needs it
index on user    ok      finds the sessions of a user
index on data    advice  indexed: that costs storage, and time with each write

To repair:
  gcloud firestore fields ttls update expire --enable-ttl --collection-group=echo_sessions --project=PROJECT
  gcloud firestore indexes fields update expire --disable-indexes --collection-group=echo_sessions --project=PROJECT

Recommended:
  gcloud firestore indexes fields update data --disable-indexes --collection-group=echo_sessions --project=PROJECT
`
	if text := strings.ReplaceAll(before+"\n"+after, s.firestore.Project(), "PROJECT"); text != want || got.code != exitFault || got.stderr != "" {
		t.Errorf("exit code %d, stderr %s, stdout\n%s\nwant\n%s", got.code, got.stderr, text, want)
	}
}

// TestCheckNamesARepairOnce may ask for the database, but for none of its fields, for which there is one reason.
func TestCheckNamesARepairOnce(t *testing.T) {
	t.Parallel()
	s := newCloudStage(t)
	s.admin.refuse, s.admin.method = status.Error(codes.PermissionDenied, "no"), "GetField"
	got := s.run("check")
	if got.code != exitFailed || strings.Count(got.stdout, "roles/datastore.viewer") != 1 || !strings.Contains(got.stderr, "4 of 6 checks failed") {
		t.Errorf("exit code %d: %s\n%s", got.code, got.stdout, got.stderr)
	}
}

// TestRoundTripThatFails has Firestore refuse the first, the second or the third call of the round trip.
func TestRoundTripThatFails(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		fault  firestoretest.Fault
		args   string
		code   int
		state  state
		detail string
		repair string
	}{
		{"may not write", firestoretest.Fault{Method: "Commit", Err: status.Error(codes.PermissionDenied, "no")}, "", exitFault, stateRepair, "check by a write: Firestore (project ", "gcloud projects add-iam-policy-binding PROJECT --member=MEMBER --role=roles/datastore.user"},
		{"may not read", firestoretest.Fault{Method: "BatchGetDocuments", Err: status.Error(codes.PermissionDenied, "no")}, "-read-only", exitFault, stateRepair, "check: Firestore (project ", "gcloud projects add-iam-policy-binding PROJECT --member=MEMBER --role=roles/datastore.user"},
		{"may not delete", firestoretest.Fault{Method: "Commit", Skip: 1, Err: status.Error(codes.PermissionDenied, "no")}, "", exitFault, stateRepair, "check by a delete: Firestore (project ", "gcloud projects add-iam-policy-binding PROJECT --member=MEMBER --role=roles/datastore.user"},
		{"no such database", firestoretest.Fault{Method: "Commit", Err: status.Error(codes.NotFound, "no")}, "", exitFault, stateRepair, "check by a write: Firestore (project ", "gcloud firestore databases create '--database=(default)' --type=firestore-native --location=LOCATION --project=PROJECT"},
		{"no answer", firestoretest.Fault{Method: "Commit", Delay: time.Minute, Err: status.Error(codes.Unavailable, "no")}, "-timeout 50ms", exitFailed, stateFailed, "did not answer within", ""},
		{"an error", firestoretest.Fault{Method: "Commit", Err: status.Error(codes.Internal, "oops")}, "", exitFailed, stateFailed, "code = Internal desc = oops", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newCloudStage(t)
			s.firestore.Inject(tt.fault)
			got := s.run(append(strings.Fields("check "+tt.args), "-json")...)
			var result findings
			if err := json.Unmarshal([]byte(got.stdout), &result); err != nil {
				t.Fatalf("%v: %s", err, got.stdout)
			}
			row := result.Findings[0]
			repair := strings.ReplaceAll(tt.repair, "PROJECT", s.firestore.Project())
			if got.code != tt.code || row.State != tt.state || !strings.Contains(row.Detail, tt.detail) || row.Repair != repair {
				t.Errorf("exit code %d, want %d; %+v, want %s", got.code, tt.code, row, repair)
			}
			if tt.name != "no answer" && len(result.Findings) != 6 {
				t.Errorf("the configuration was not looked at: %+v", result.Findings)
			}
		})
	}
}

// TestCheckOfAnotherDatabase names a database that the Admin API does not know.
func TestCheckOfAnotherDatabase(t *testing.T) {
	t.Parallel()
	s := newCloudStage(t)
	got := s.run("check", "-database", "eu", "-json")
	_, commands, _ := repairs(t, got)
	want := "gcloud firestore databases create --database=eu --type=firestore-native --location=LOCATION --project=" + s.firestore.Project()
	if got.code != exitFault || len(commands) != 1 || commands[0] != want {
		t.Errorf("exit code %d, commands %v, want %s", got.code, commands, want)
	}
	s.admin.name = strings.Replace(s.admin.name, "(default)", "eu", 1)
	delete(s.admin.fields, fieldExpire)
	_, commands, _ = repairs(t, s.run("check", "-database", "eu", "-json"))
	if len(commands) != 2 || !strings.Contains(commands[0], " --collection-group=echo_sessions --database=eu --project=") {
		t.Errorf("commands %v", commands)
	}
}

// TestCheckOnTheEmulator skips what the emulator does not have, and says so.
func TestCheckOnTheEmulator(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	got := s.run("check")
	if got.code != exitDone || !strings.Contains(got.stdout, "skipped  the emulator at "+s.firestore.Addr()+" has no Admin API") {
		t.Errorf("exit code %d: %s %s", got.code, got.stdout, got.stderr)
	}
}

func TestShell(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]string{
		"echo_sessions": "echo_sessions", "--project=a-b": "--project=a-b", "(default)": "'(default)'", "my sessions": "'my sessions'",
		"it's": `'it'\''s'`, "$(id)": "'$(id)'", "": "''", "セッション": "'セッション'",
	} {
		if got := shell(word); got != want {
			t.Errorf("%q is %s, want %s", word, got, want)
		}
	}
}
