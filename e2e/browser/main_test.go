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

// What TestMain has found and built: the demo, the quick start's program on Echo 5, and the example of OpenID Connect.
var chromiumPath, demoPath, echo5Path, oidcPath string

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
	demoPath, echo5Path, oidcPath = filepath.Join(dir, "demo"), filepath.Join(dir, "echo5"), filepath.Join(dir, "oidc")
	if err := errors.Join(
		build("../..", "./example", demoPath),
		build("../../v5", "./example", echo5Path),
		build("../../example/oidc", ".", oidcPath),
	); err != nil {
		return 0, err
	}
	return m.Run(), nil
}

// build builds a program of another module than this.
func build(module, pkg, program string) error {
	cmd := exec.Command("go", "build", "-buildvcs=false", "-o", program, pkg)
	cmd.Dir = module
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s of %s: %w\n%s", pkg, module, err, output)
	}
	return nil
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
