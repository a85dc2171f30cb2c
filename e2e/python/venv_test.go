package python

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
)

var venvs sync.Mutex // held while one is made

// venv returns the Python of a virtual environment that has what a requirements file asks for. There is one for each
// Python and each content of the file, which stays for later runs.
func venv(ctx context.Context, requirements string) (string, error) {
	venvs.Lock()
	defer venvs.Unlock()
	python, version, err := interpreter(ctx)
	if err != nil {
		return "", err
	}
	pins, err := os.ReadFile(requirements)
	if err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	cache = filepath.Join(cache, "echofirestore-e2e")
	hash := sha256.Sum256(slices.Concat(version, pins))
	dir := filepath.Join(cache, fmt.Sprintf("%x", hash[:8]))
	installed := filepath.Join(dir, "bin", "python")
	if _, err := os.Stat(installed); err == nil {
		return installed, nil
	}

	// It gets its name when it is complete, so that one under that name always is.
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", err
	}
	unfinished, err := os.MkdirTemp(cache, "unfinished-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(unfinished)
	if _, err := output(ctx, python, "-m", "venv", unfinished); err != nil {
		return "", err
	}
	if _, err := output(ctx, filepath.Join(unfinished, "bin", "python"), "-m", "pip", "install",
		"--quiet", "--disable-pip-version-check", "--requirement", requirements); err != nil {
		return "", err
	}
	if err := os.Rename(unfinished, dir); err != nil && !errors.Is(err, os.ErrExist) { // another process was faster
		return "", err
	}
	return installed, nil
}

// interpreter finds a Python that is new enough for aiohttp-session-firestore and can make virtual environments, and
// what tells it from others.
func interpreter(ctx context.Context) (python string, version []byte, err error) {
	const check = `import sys, venv, ensurepip
if sys.version_info < (3, 12): sys.exit("is Python " + sys.version)
print(sys.executable, sys.version)`
	tried := []error{errors.New("these tests need Python 3.12 or later with its modules venv and ensurepip " +
		"(python3-venv on Debian and Ubuntu): put it on the PATH, or name it in the environment variable PYTHON; tried:")}
	for _, python := range candidates() {
		version, err := output(ctx, python, "-c", check)
		if err == nil {
			return python, version, nil
		}
		tried = append(tried, err)
	}
	return "", nil, errors.Join(tried...)
}

func candidates() []string {
	if python := os.Getenv("PYTHON"); python != "" {
		return []string{python}
	}
	names := []string{"python3.14", "python3.13", "python3.12", "python3"}
	home, err := os.UserHomeDir()
	if err != nil {
		return names
	}
	pyenv, _ := filepath.Glob(filepath.Join(home, ".pyenv", "versions", "*", "bin", "python3")) // the pattern is valid
	return append(names, pyenv...)
}

// output runs a command. Its error has all that the command printed.
func output(ctx context.Context, name string, args ...string) ([]byte, error) {
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %s", name, err, bytes.TrimSpace(out))
	}
	return out, nil
}
