package browser

import (
	"bufio"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"
)

// A demo is the program of the repository's example directory while it runs, with a Firestore in memory.
type demo struct {
	url string // http://localhost:PORT
}

var urlInLog = regexp.MustCompile(`\burl=(\S+)`)

// startDemo starts a demo that no other test has used. It is stopped when the test ends.
func startDemo(t *testing.T) demo {
	t.Helper()
	return startProgram(t, demoPath)
}

// startProgram starts the program at path, which works like the demo.
func startProgram(t *testing.T, path string) demo {
	t.Helper()
	cmd := exec.Command(path)
	cmd.Env = append(os.Environ(), "PORT=0", "FIRESTORE_EMULATOR_HOST=", "GOOGLE_CLOUD_PROJECT=", "K_SERVICE=")
	output, err := cmd.StdoutPipe()
	requireNoError(t, err)
	cmd.Stderr = cmd.Stdout
	requireNoError(t, cmd.Start())

	started, ended := make(chan string, 1), make(chan struct{})
	var log strings.Builder // until ended, of the goroutine below
	go func() {
		defer close(ended)
		for lines := bufio.NewScanner(output); lines.Scan(); {
			fmt.Fprintln(&log, lines.Text())
			if match := urlInLog.FindStringSubmatch(lines.Text()); match != nil {
				started <- match[1]
			}
		}
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt) // an error means that it has ended, which Wait tells
		<-ended
		if err := cmd.Wait(); err != nil {
			t.Error("the demo:", err)
		}
		if t.Failed() {
			t.Log("log of the demo:\n" + log.String())
		}
	})
	var d demo
	select {
	case d.url = <-started:
	case <-ended:
		t.Fatal("the demo doesn't start")
	case <-time.After(patience):
		t.Fatal("the demo doesn't tell where it listens")
	}
	return d
}

// signIn signs somebody in from a device that has the given User-Agent header.
func (d demo) signIn(t *testing.T, name, userAgent string) {
	t.Helper()
	form := url.Values{"name": {name}, "keep": {"yes"}}.Encode()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.url+"/sign-in", strings.NewReader(form))
	requireNoError(t, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	req.Header.Set("User-Agent", userAgent)
	resp, err := http.DefaultTransport.RoundTrip(req) // which follows no redirect
	requireNoError(t, err)
	resp.Body.Close()
	if resp.StatusCode != http.StatusSeeOther {
		t.Fatalf("sign-in of %s answered %s", userAgent, resp.Status)
	}
}

func requireNoError(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
