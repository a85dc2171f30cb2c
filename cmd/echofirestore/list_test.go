package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/echofirestore/echofirestore/firesession"
	"github.com/echofirestore/echofirestore/firestoretest"
)

// reversed encrypts nothing, but what it stores is not JSON.
type reversed struct{}

func (reversed) Encrypt(plaintext, _ []byte) ([]byte, error) {
	return append([]byte{0}, plaintext...), nil
}
func (reversed) Decrypt(ciphertext, _ []byte) ([]byte, error) { return ciphertext[1:], nil }

// TestListEveryConfig lists sessions that were stored in every way, and shows no key, nor what is the key of a document.
func TestListEveryConfig(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]firesession.Config{
		"default":   {},
		"max age":   {MaxAge: 3600},
		"lifetime":  {Lifetime: time.Hour},
		"idle":      {IdleTimeout: time.Hour},
		"hashed":    {HashKeys: true},
		"encrypted": {AEAD: reversed{}, MaxAge: 3600, IdleTimeout: time.Minute},
		"gob":       {Encoder: firesession.EncodeGob, Decoder: firesession.DecodeGob, MaxAge: 3600},
		"signed":    {SigningKeys: [][]byte{[]byte(strings.Repeat("k", 32))}},
		"own name":  {CookieName: "sid"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			cfg.UserKey = "user"
			id, key := s.signIn(cfg, "alice")
			s.put("over", 3, time.Now().Add(-time.Second))
			docs, err := s.client.Collection(firesession.DefaultCollection).Documents(t.Context()).GetAll()
			if err != nil {
				t.Fatal(err)
			}
			for _, args := range []string{"list", "list -user alice", "list -json", "list -user alice -json"} {
				got := s.run(strings.Fields(args)...)
				if got.code != exitDone || !strings.Contains(got.stdout, id) || !strings.Contains(got.stdout, "alice") ||
					!strings.Contains(got.stderr, "listed 1 living session\n") {
					t.Errorf("%s: exit code %d: %s %s", args, got.code, got.stdout, got.stderr)
				}
				for _, secret := range append([]string{key}, docs[0].Ref.ID) {
					if strings.Contains(got.stdout+got.stderr, secret) {
						t.Errorf("%s shows %s", args, secret)
					}
				}
				want := firestoretest.Ops{Reads: 4}
				if strings.Contains(args, "-user") {
					want.Reads = 1
				}
				got.wantCost(t, want)
			}
			var line listed
			if err := json.Unmarshal([]byte(s.run("list", "-json").stdout), &line); err != nil {
				t.Fatal(err)
			}
			limited := cfg.MaxAge > 0 || cfg.Lifetime > 0 || cfg.IdleTimeout > 0
			if line.ID != id || line.User != "alice" || line.MaxAge != cfg.MaxAge || (line.Expires != nil) != limited ||
				line.Began.IsZero() || line.Saved.IsZero() {
				t.Errorf("%+v", line)
			}
		})
	}
}

// TestList lists more than a page, a part of it, and one user's.
func TestList(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.put("alive", 250, time.Time{})
	_, _ = s.signIn(firesession.Config{UserKey: "user"}, "\x1b[31mred\n")
	count := func(got outcome) int { return strings.Count(got.stdout, "\n") }
	got := s.run("list")
	if got.code != exitDone || count(got) != 252 || !strings.HasPrefix(got.stdout, "ID    ") || strings.Contains(got.stdout, "\x1b") ||
		!strings.Contains(got.stdout, `"\x1b[31mred\n"`) {
		t.Errorf("exit code %d, %d lines: %s", got.code, count(got), got.stderr)
	}
	got.wantCost(t, firestoretest.Ops{Reads: 251})
	if got := s.run("list", "-json"); count(got) != 251 || strings.Contains(got.stdout, "\x1b") {
		t.Errorf("%d lines of JSON", count(got))
	}
	got = s.run("list", "-limit", "7")
	if count(got) != 8 || !strings.Contains(got.stderr, "listed 7 living sessions\n") {
		t.Errorf("%d lines of 7 sessions", count(got))
	}
	got.wantCost(t, firestoretest.Ops{Reads: 100})
	s.run("list", "-user", "nobody").want(t, exitDone, "", "listed 0 living sessions\n")
}

// TestListThatFails has Firestore refuse the second page, and the user interrupt it there.
func TestListThatFails(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.put("alive", 150, time.Time{})
	s.firestore.Inject(firestoretest.Fault{Method: "RunQuery", Skip: 1, Err: status.Error(codes.PermissionDenied, "no")})
	got := s.run("list")
	if n := strings.Count(got.stdout, "\n"); got.code != exitFailed || n != 101 || !strings.Contains(got.stderr, "listed 100 living sessions, not all") ||
		!strings.Contains(got.stderr, "echofirestore: list sessions: Firestore (project ") {
		t.Errorf("exit code %d, %d lines: %s", got.code, n, got.stderr)
	}
	s.firestore.Inject(firestoretest.Fault{Method: "RunQuery", Skip: 1, Delay: time.Minute, Do: func() { close(s.stop) }})
	got = s.run("list")
	if n := strings.Count(got.stdout, "\n"); got.code != exitStopped || n != 101 || !strings.Contains(got.stderr, "listed 100 living sessions, not all") {
		t.Errorf("interrupted: exit code %d, %d lines: %s", got.code, n, got.stderr)
	}
}
