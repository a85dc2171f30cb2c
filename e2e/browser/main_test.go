package browser

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// patience is how long a program may take to do what it was asked to, on a machine that is busy.
const patience = 30 * time.Second

// What TestMain has found and built.
var chromiumPath, demoPath string

func TestMain(m *testing.M) {
	status, err := testWithPrograms(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "browser:", err)
		os.Exit(1)
	}
	os.Exit(status)
}

func testWithPrograms(m *testing.M) (status int, err error) {
	if chromiumPath, err = findChromium(); err != nil {
		return 0, err
	}
	dir, err := os.MkdirTemp("", "demo")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	demoPath = filepath.Join(dir, "demo")
	build := exec.Command("go", "build", "-buildvcs=false", "-o", demoPath, "./example")
	build.Dir = "../.." // the demo belongs to another module than this
	if output, err := build.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("build the demo: %w\n%s", err, output)
	}
	return m.Run(), nil
}

func findChromium() (string, error) {
	if path := os.Getenv("CHROMIUM"); path != "" {
		if _, err := exec.LookPath(path); err != nil {
			return "", fmt.Errorf("CHROMIUM: %w", err)
		}
		return path, nil
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("there is no Chromium: install it (on Debian: apt-get install chromium), or set CHROMIUM to where it is")
}
