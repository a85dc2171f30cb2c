package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/firestore"
	admin "cloud.google.com/go/firestore/apiv1/admin"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/echofirestore/echofirestore/firesession"
	"github.com/echofirestore/echofirestore/firestoretest"
)

// A stage is a Firestore, and the command that works on it.
type stage struct {
	t         *testing.T
	firestore *firestoretest.Server
	client    *firestore.Client
	env       map[string]string
	terminal  bool
	ctx       context.Context
	stop      chan struct{}
	admin     *adminServer // nil: there is none
}

func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{t: t, ctx: t.Context(), stop: make(chan struct{})}
	s.firestore, s.client = firestoretest.Start(t)
	s.env = map[string]string{projectVar: s.firestore.Project(), emulatorHost: s.firestore.Addr()}
	return s
}

// An outcome is what came of a command.
type outcome struct {
	code           int
	stdout, stderr string
	cost           firestoretest.Ops
}

func (s *stage) run(args ...string) outcome {
	s.t.Helper()
	var stdout, stderr bytes.Buffer
	p := &program{
		stdout: &stdout, stderr: &stderr, stop: s.stop, terminal: s.terminal,
		getenv: func(name string) string { return s.env[name] },
		connect: func(ctx context.Context, project, database string) (*firestore.Client, error) {
			conn := s.dial(s.firestore.Addr())
			return firestore.NewClientWithDatabase(ctx, project, database, option.WithGRPCConn(conn))
		},
		connectAdmin: func(ctx context.Context) (*admin.FirestoreAdminClient, error) {
			if s.admin == nil {
				return nil, errors.New("no Admin API")
			}
			return admin.NewFirestoreAdminClient(ctx, option.WithGRPCConn(s.dial(s.admin.addr)))
		},
	}
	before := s.firestore.Ops()
	code := p.run(s.ctx, args)
	return outcome{code, stdout.String(), stderr.String(), s.firestore.Ops().Sub(before)}
}

func (s *stage) dial(addr string) *grpc.ClientConn {
	s.t.Helper()
	conn, err := grpc.NewClient("passthrough:///"+addr, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(math.MaxInt32)))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { conn.Close() })
	return conn
}

// want checks the exit code of an outcome, all of its stdout, and that stderr contains a text.
func (o outcome) want(t *testing.T, code int, stdout, stderr string) {
	t.Helper()
	if o.code != code || o.stdout != stdout || !strings.Contains(o.stderr, stderr) || stderr == "" && o.stderr != "" {
		t.Errorf("exit code %d, want %d\nstdout:\n%s\nwant:\n%s\nstderr:\n%s\nwant: %s", o.code, code, o.stdout, stdout, o.stderr, stderr)
	}
}

func (o outcome) wantCost(t *testing.T, want firestoretest.Ops) {
	t.Helper()
	if o.cost != want {
		t.Errorf("cost %v, want %v", o.cost, want)
	}
}

// put stores n documents with an expiry, the zero time for none.
func (s *stage) put(prefix string, n int, expire time.Time) {
	s.t.Helper()
	docs := s.client.Collection(firesession.DefaultCollection)
	for from := 0; from < n; from += 500 {
		batch := s.client.Batch() //nolint:staticcheck // the quickest way
		for i := from; i < min(n, from+500); i++ {
			fields := map[string]any{"data": `{"created": 1, "session": {}}`, "max_age": nil}
			if !expire.IsZero() {
				fields["expire"] = expire
			}
			batch.Set(docs.Doc(fmt.Sprintf("%s-%06d", prefix, i)), fields)
		}
		if _, err := batch.Commit(s.t.Context()); err != nil {
			s.t.Fatal(err)
		}
	}
}

// left returns how many documents there are.
func (s *stage) left() int {
	s.t.Helper()
	snaps, err := s.client.Collection(firesession.DefaultCollection).Select().Documents(s.t.Context()).GetAll()
	if err != nil {
		s.t.Fatal(err)
	}
	return len(snaps)
}

// signIn stores a session as an application with this Config does, and returns the ID that the application knows it by, and
// its key.
func (s *stage) signIn(cfg firesession.Config, user string) (id, key string) {
	s.t.Helper()
	cfg.Client = s.client
	store, err := firesession.NewStore(cfg)
	if err != nil {
		s.t.Fatal(err)
	}
	rec := httptest.NewRecorder()
	store.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		sess := firesession.Session(r)
		if sess.Values["n"] = 1; user != "" {
			sess.Values["user"] = user
		}
		if err := firesession.Save(r); err != nil {
			s.t.Error(err)
		}
		id, key = store.SessionID(sess), sess.ID
	})).ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/", http.NoBody))
	return id, key
}

// TestHelp shows that the help of each command lists its flags, its costs and the exit codes.
func TestHelp(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	for _, args := range [][]string{{"help"}, {"-h"}, {"--help"}} {
		got := s.run(args...)
		if got.code != exitDone || got.stderr != "" {
			t.Errorf("%v: exit code %d, stderr %s", args, got.code, got.stderr)
		}
		for _, c := range commands() {
			if !strings.Contains(got.stdout, c.name+" ") {
				t.Errorf("%v: nothing of %s", args, c.name)
			}
		}
	}
	for _, c := range commands() {
		for _, args := range [][]string{{"help", c.name}, {c.name, "-h"}, {c.name, "-help"}} {
			got := s.run(args...)
			if got.code != exitDone || got.stderr != "" || got.cost != (firestoretest.Ops{}) {
				t.Errorf("%v: exit code %d, cost %v, stderr %s", args, got.code, got.cost, got.stderr)
			}
			for _, want := range []string{"cost", "-project", "-database", "-collection", "-json", "-timeout", "roles/datastore.user", exitCodeHelp} {
				if !strings.Contains(got.stdout, want) {
					t.Errorf("%v: nothing of %s", args, want)
				}
			}
		}
	}
}

// TestDocumentedExitCodes holds the help against the code.
func TestDocumentedExitCodes(t *testing.T) {
	t.Parallel()
	var documented []string
	for _, m := range regexp.MustCompile(`(?m)^  (\d+)`).FindAllStringSubmatch(exitCodeHelp, -1) {
		documented = append(documented, m[1])
	}
	want := []string{fmt.Sprint(exitDone), fmt.Sprint(exitFault), fmt.Sprint(exitUsage), fmt.Sprint(exitFailed), fmt.Sprint(exitStopped)}
	if !slices.Equal(documented, want) {
		t.Errorf("documented %v, want %v", documented, want)
	}
}

// TestWrongArguments calls commands in ways that make no sense. Firestore is not asked.
func TestWrongArguments(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.put("alive", 2, time.Time{})
	for _, tt := range []struct {
		args string
		says string
	}{
		{"", "Usage: echofirestore COMMAND"},
		{"destroy", `there is no command "destroy"`},
		{"help destroy", `there is no command "destroy"`},
		{"count -x", "-x"},
		{"count all", "unexpected argument: all"},
		{"count -database=", "-database must not be empty"},
		{"count -collection a/b", `Collection "a/b" must not contain a slash`},
		{"count -timeout 5", "-timeout"},
		{"count -timeout 5ns", "Timeout is 5ns"},
		{"list -limit -1", "-limit must not be negative"},
		{"revoke", "which sessions?"},
		{"revoke -user alice", "which sessions of the user?"},
		{"revoke -all", "-all needs -user"},
		{"revoke -all -user alice -id x", "-all and -id exclude each other"},
		{"revoke -user alice -id x -except y", "-except needs -all"},
		{"revoke -id=", "it is empty"},
		{"revoke-all", "add -yes"},
		{"revoke-all -yes=false", "add -yes"},
	} {
		got := s.run(strings.Fields(tt.args)...)
		got.want(t, exitUsage, "", tt.says)
		got.wantCost(t, firestoretest.Ops{})
	}
	if n := s.left(); n != 2 {
		t.Errorf("%d documents are left", n)
	}
}

// TestOtherDatabases has sessions in another project, database and collection.
func TestOtherDatabases(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	other := s.firestore.Project() + "-other"
	client, err := firestore.NewClientWithDatabase(t.Context(), other, "eu", option.WithGRPCConn(s.dial(s.firestore.Addr())))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := client.Doc("sessions/key").Create(t.Context(), map[string]any{"data": "{}"}); err != nil {
		t.Fatal(err)
	}
	there := []string{"count", "-project", other, "-database", "eu", "-collection", "sessions"}
	s.run(there...).want(t, exitDone, "documents  1\nliving     1\nexpired    0\n", "")
	s.run("count").want(t, exitDone, "documents  0\nliving     0\nexpired    0\n", "")
}
