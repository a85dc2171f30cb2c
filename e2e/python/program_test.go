package python

import (
	"bufio"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"cloud.google.com/go/firestore"
	"github.com/echofirestore/echofirestore"
)

// program is the program firestoretest, which keeps the documents.
type program struct{ addr string }

func (p program) Addr() string    { return p.addr }
func (p program) Project() string { return "demo" }

// startProgram builds cmd/firestoretest, runs it until the test is over, and reads from what it prints where it listens.
func startProgram(t *testing.T) program {
	t.Helper()
	path := filepath.Join(t.TempDir(), "firestoretest")
	if _, err := output(t.Context(), "go", "build", "-o", path, "github.com/echofirestore/echofirestore/cmd/firestoretest"); err != nil {
		t.Fatal(err)
	}
	server := exec.Command(path, "-port", "0")
	server.Stderr = os.Stderr
	stdout, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	t.Cleanup(func() {
		if err := server.Process.Signal(os.Interrupt); err != nil {
			t.Error(err)
		}
		if err := server.Wait(); err != nil {
			t.Errorf("firestoretest: %v", err)
		}
	})
	addr, ok := strings.CutPrefix(strings.TrimSpace(line), "export FIRESTORE_EMULATOR_HOST=")
	if err != nil || !ok {
		t.Fatalf("firestoretest prints %q: %v", line, err)
	}
	return program{addr}
}

// TestProgram has both applications use the program firestoretest, each by its official client and what the program has
// printed. Costs are not known, since the program counts for itself.
func TestProgram(t *testing.T) {
	db := startProgram(t)
	t.Setenv("FIRESTORE_EMULATOR_HOST", db.Addr())
	client, err := firestore.NewClient(t.Context(), db.Project())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	cfg := echofirestore.Config{Client: client, MaxAge: 3600}
	urls := map[side]string{inPython: startPython(t, versions[0], db, cfg.MaxAge), inGo: startGo(t, cfg, nil)}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := http.Client{Jar: jar}
	for _, step := range []struct {
		on         side
		path, want string
	}{
		{inPython, "/count", `{"n":1}`},
		{inGo, "/count", `{"n":2}`},
		{inPython, "/count", `{"n":3}`},
		{inGo, "/sign-in?user=alice", `{"n":3,"user":"alice"}`},
		{inPython, "/", `{"n":3,"user":"alice"}`},
		{inPython, "/sign-out", `{}`},
		{inGo, "/", `{}`},
		{inGo, "/set?theme=dark", `{"theme":"dark"}`},
		{inPython, "/", `{"theme":"dark"}`},
	} {
		if got := get(t, &browser, urls[step.on]+step.path); got != step.want {
			t.Errorf("%s%s: %s, want %s", step.on, step.path, got, step.want)
		}
	}
}

func get(t *testing.T, browser *http.Client, url string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := browser.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body := new(strings.Builder)
	if _, err := bufio.NewReader(resp.Body).WriteTo(body); err != nil {
		t.Fatal(err)
	}
	return body.String()
}
