package main

import (
	"os"
	"os/exec"
	"path"
	"regexp"
	"strings"
	"testing"
)

// TestImagesHaveTheirPackages holds the .dockerignore file of each image against the packages of the repository that its
// program is compiled from.
func TestImagesHaveTheirPackages(t *testing.T) {
	t.Parallel()
	const module = "github.com/echofirestore/echofirestore"
	for _, dockerfile := range []string{"Dockerfile", "sweep.Dockerfile"} {
		t.Run(dockerfile, func(t *testing.T) {
			t.Parallel()
			build, err := os.ReadFile(dockerfile)
			requireNoError(t, err)
			ignore, err := os.ReadFile(dockerfile + ".dockerignore")
			requireNoError(t, err)
			program := regexp.MustCompile(`go build .* (\./\S+)`).FindSubmatch(build)
			if program == nil {
				t.Fatal("it builds nothing")
			}
			list := exec.CommandContext(t.Context(), "go", "list", "-deps", string(program[1]))
			list.Dir = ".."
			out, err := list.Output()
			requireNoError(t, err)
			packages := 0
			for dep := range strings.Lines(string(out)) {
				dep = strings.TrimSpace(dep)
				if dep != module && !strings.HasPrefix(dep, module+"/") {
					continue
				}
				packages++
				if file := path.Join(strings.TrimPrefix(dep, module), "file.go"); ignored(string(ignore), strings.TrimPrefix(file, "/")) {
					t.Errorf("it lacks the package %s", dep)
				}
			}
			if packages < 5 {
				t.Errorf("%s has %d packages", program[1], packages)
			}
			for _, file := range []string{"README.md", "docs/operations.md", "example/app_test.go", ".git/config"} {
				if !ignored(string(ignore), file) {
					t.Errorf("it has %s", file)
				}
			}
		})
	}
}

// ignored reports whether Docker leaves a file out: the last pattern that matches it, or a directory that it is in, says so.
func ignored(patterns, file string) bool {
	out := false
	for pattern := range strings.Lines(patterns) {
		pattern = strings.TrimSpace(pattern)
		pattern, in := strings.CutPrefix(pattern, "!")
		if pattern == "" || strings.HasPrefix(pattern, "#") {
			continue
		}
		name, anywhere := strings.CutPrefix(pattern, "**/")
		for dir := file; dir != "."; dir = path.Dir(dir) {
			matched, _ := path.Match(pattern, dir) // the patterns are valid
			if anywhere {
				matched, _ = path.Match(name, path.Base(dir))
			}
			if matched {
				out = !in
			}
		}
	}
	return out
}
