//go:build unix

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/echofirestore/echofirestore/firestoretest"
	"github.com/echofirestore/echofirestore/internal/emulator"
	"github.com/echofirestore/echofirestore/internal/testsize"
)

// asCommand is an environment variable that makes the test binary the command. It names the file in which the process
// leaves how much memory it had.
const asCommand = "ECHOFIRESTORE_COMMAND"

func TestMain(m *testing.M) {
	file := os.Getenv(asCommand)
	if file == "" {
		os.Exit(m.Run())
	}
	code := process()
	var heap runtime.MemStats
	runtime.ReadMemStats(&heap)
	status, _ := os.ReadFile("/proc/self/status") // on Linux alone
	_, hwm, _ := strings.Cut(string(status), "VmHWM:")
	rss, _, _ := strings.Cut(hwm, "kB")
	kib, _ := strconv.ParseUint(strings.TrimSpace(rss), 10, 64)
	if err := os.WriteFile(file, fmt.Appendf(nil, "%d %d", heap.HeapSys, kib<<10), 0o600); err != nil {
		panic(err)
	}
	os.Exit(code)
}

// TestProcess has a process of the command count, list and sweep many sessions, and interrupts it after its first batch. It
// prints what that took. On the emulator there can be 100,000 sessions:
//
//	ECHOFIRESTORE_TESTS=full scripts/with-emulator.sh go test -run '^TestProcess$' -v ./cmd/echofirestore
func TestProcess(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	expired, living := 2_500, 50
	if emulator.Host() != "" {
		expired, living = testsize.N(expired, 99_000), testsize.N(living, 1_000)
	}
	start := time.Now()
	s.putMany("over", expired, time.Now().Add(-time.Minute))
	s.putMany("alive", living, time.Now().Add(24*time.Hour))
	t.Logf("stored %d sessions in %v", expired+living, time.Since(start).Round(time.Second))

	counted := func(expired int) string {
		return fmt.Sprintf("documents  %d\nliving     %d\nexpired    %d\n", expired+living, living, expired)
	}
	s.process(false, "count").want(t, exitDone, counted(expired), "")
	list := s.process(false, "list", "-limit", strconv.Itoa(living)) // all: the emulator takes a second for each page
	if n := strings.Count(list.stdout, "\n"); list.code != exitDone || n != living+1 {
		t.Errorf("list: exit code %d, %d lines; stderr %s", list.code, n, list.stderr)
	}

	interrupted := s.process(true, "sweep", "-progress")
	var deleted int
	if _, err := fmt.Sscanf(interrupted.stdout, "deleted %d expired sessions; there may be more", &deleted); err != nil {
		t.Fatalf("exit code %d, stdout %q, stderr %s", interrupted.code, interrupted.stdout, interrupted.stderr)
	}
	interrupted.want(t, exitStopped, interrupted.stdout, "interrupted")
	if deleted < 500 || deleted >= expired {
		t.Errorf("%d sessions were deleted before the interrupt", deleted)
	}
	s.process(false, "count").want(t, exitDone, counted(expired-deleted), "")
	s.process(false, "sweep", "-progress").want(t, exitDone, fmt.Sprintf("deleted %d expired sessions\n", expired-deleted), "deleted 500")
	s.process(false, "count").want(t, exitDone, counted(0), "")
	if list.heap == 0 || list.heap > 128<<20 {
		t.Errorf("list had a heap of %d MiB", list.heap>>20)
	}
}

// putMany is put, in several goroutines.
func (s *stage) putMany(prefix string, n int, expire time.Time) {
	s.t.Helper()
	const each = 5_000
	next := make(chan int)
	var workers sync.WaitGroup
	for range 8 {
		workers.Go(func() {
			for from := range next {
				s.put(fmt.Sprintf("%s%d", prefix, from), min(each, n-from), expire)
			}
		})
	}
	for from := 0; from < n; from += each {
		next <- from
	}
	close(next)
	workers.Wait()
}

// A processed outcome is what came of a process.
type processed struct {
	outcome
	heap, rss uint64 // bytes: the most memory that it had, Go's heap and altogether; that is 0 if it is not known
}

// process runs the command as a process of its own. It may interrupt that during its second commit.
func (s *stage) process(interrupt bool, args ...string) processed {
	s.t.Helper()
	program, err := os.Executable()
	if err != nil {
		s.t.Fatal(err)
	}
	memory := filepath.Join(s.t.TempDir(), "memory")
	cmd := exec.CommandContext(s.t.Context(), program, args...)
	cmd.Env = append(os.Environ(), asCommand+"="+memory, projectVar+"="+s.firestore.Project(), emulatorHost+"="+s.firestore.Addr())
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	started := make(chan *os.Process, 1)
	if interrupt {
		s.firestore.Inject(firestoretest.Fault{Method: "Commit", Skip: 1, Do: func() {
			if err := (<-started).Signal(syscall.SIGINT); err != nil {
				s.t.Error(err)
			}
		}})
	}
	start := time.Now()
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	started <- cmd.Process
	_ = cmd.Wait() // its exit code tells the same
	p := processed{outcome: outcome{code: cmd.ProcessState.ExitCode(), stdout: stdout.String(), stderr: stderr.String()}}
	numbers, err := os.ReadFile(memory)
	if err != nil {
		s.t.Fatalf("%v: %s", err, p.stderr)
	}
	if _, err := fmt.Sscan(string(numbers), &p.heap, &p.rss); err != nil {
		s.t.Error(err)
	}
	lines := strings.Split(strings.TrimSpace(p.stderr), "\n")
	s.t.Logf("%s: exit code %d after %v; memory: %d MiB, heap %d MiB\n%s\nlast of %d lines on stderr: %s", strings.Join(args, " "), p.code,
		time.Since(start).Round(10*time.Millisecond), p.rss>>20, p.heap>>20, p.stdout[:min(len(p.stdout), 200)], len(lines), lines[len(lines)-1])
	return p
}
