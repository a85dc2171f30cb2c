// Command mutants plants bugs in the library, one at a time, and checks that the random histories of internal/model find each of
// them, and say what is wrong:
//
//	go run ./internal/model/mutants
//	go run ./internal/model/mutants -run 'Refresh|turn' -histories 20000
//
// It changes no file: the go command gets the planted ones by its flag -overlay.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// A mutant is a bug to plant: a piece of a file, which must occur there once, and what takes its place.
type mutant struct {
	name     string
	file     string
	old, new string
	finds    string // matches the problem that the histories are to report
}

func main() {
	run := flag.String("run", "", "plant only bugs whose name matches this regular expression")
	histories := flag.Int("histories", 5000, "how many histories must do to find a bug")
	flag.Parse()
	pattern, err := regexp.Compile(*run)
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(2)
	}
	if !huntAll(pattern, *histories) {
		os.Exit(1)
	}
}

// huntAll plants those bugs whose name matches, and reports whether all were found.
func huntAll(pattern *regexp.Regexp, histories int) bool {
	planted, found := 0, 0
	for _, m := range mutants {
		if !pattern.MatchString(m.name) {
			continue
		}
		planted++
		report, err := m.hunt(context.Background(), histories)
		if err != nil {
			fmt.Printf("NOT FOUND  %s\n           %v\n", m.name, err)
			continue
		}
		found++
		fmt.Printf("found      %s\n           %s\n", m.name, report)
	}
	fmt.Printf("%d of %d planted bugs found\n", found, planted)
	return found == planted && planted > 0
}

// hunt plants the bug and runs histories. It returns what they have found.
func (m mutant) hunt(ctx context.Context, histories int) (string, error) {
	dir, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	overlay, err := m.plant(dir)
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, "go", "test", "-count=1", "-run", "^TestModel$", "-overlay", overlay, "-v",
		"./firesession", "-histories", fmt.Sprint(histories))
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err = cmd.Run()
	switch _, failed := errors.AsType[*exec.ExitError](err); {
	case err == nil:
		return "", fmt.Errorf("%d histories passed", histories)
	case !failed:
		return "", err
	}
	return m.judge(out.String())
}

// plant writes the file with the bug into dir. It returns the path of an overlay.
func (m mutant) plant(dir string) (overlay string, err error) {
	source, err := os.ReadFile(m.file)
	if err != nil {
		return "", err
	}
	if n := strings.Count(string(source), m.old); n != 1 {
		return "", fmt.Errorf("%s has the text to change %d times, want once", m.file, n)
	}
	original, err := filepath.Abs(m.file)
	if err != nil {
		return "", err
	}
	mutated := filepath.Join(dir, "mutated.go")
	if err := os.WriteFile(mutated, []byte(strings.Replace(string(source), m.old, m.new, 1)), 0o600); err != nil {
		return "", err
	}
	text, err := json.Marshal(map[string]map[string]string{"Replace": {original: mutated}})
	if err != nil {
		return "", err
	}
	overlay = filepath.Join(dir, "overlay.json")
	return overlay, os.WriteFile(overlay, text, 0o600)
}

var (
	problems = regexp.MustCompile(`(?m)go test -run TestModel -seed \d+ \.\n((?:.*\S.*\n)+)`)
	ran      = regexp.MustCompile(`(?m)^\s+(\d+) histories$`)
)

// judge looks for the problem that was to be found in the output of a test that has failed.
func (m mutant) judge(out string) (string, error) {
	var reported []string
	for _, match := range problems.FindAllStringSubmatch(out, -1) {
		for line := range strings.Lines(match[1]) {
			reported = append(reported, strings.TrimSpace(line))
		}
	}
	wanted := regexp.MustCompile(m.finds)
	for _, problem := range reported {
		if n := ran.FindStringSubmatch(out); wanted.MatchString(problem) && n != nil {
			return fmt.Sprintf("after %s histories: %s", n[1], shorten(problem)), nil
		}
	}
	if reported == nil {
		return "", errors.New("the test fails, but not for a history:\n" + out)
	}
	return "", fmt.Errorf("the histories have found other problems, but none like %q:\n%s", m.finds, out)
}

func shorten(s string) string {
	const limit = 150
	if len(s) > limit {
		return s[:limit] + "…"
	}
	return s
}
