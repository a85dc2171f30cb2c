package deploy_test

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"testing"

	"go.yaml.in/yaml/v3"
)

// ecosystems has the names under which Dependabot knows files that name dependencies.
var ecosystems = map[string]string{
	"go.mod":             "gomod",
	"Dockerfile":         "docker",
	"package.json":       "npm",
	"requirements*.txt":  "pip",
	".github/workflows/": "github-actions",
}

// TestDependabot compares what Dependabot is told to look at with the files that are there.
func TestDependabot(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "..", ".github", "dependabot.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var config struct {
		Updates []struct {
			Ecosystem   string   `yaml:"package-ecosystem"`
			Directory   string   `yaml:"directory"`
			Directories []string `yaml:"directories"`
		} `yaml:"updates"`
	}
	if err := yaml.Unmarshal(text, &config); err != nil {
		t.Fatal(err)
	}
	told := make(map[string][]string)
	for _, update := range config.Updates {
		directories := update.Directories
		if update.Directory != "" {
			directories = append(directories, update.Directory)
		}
		told[update.Ecosystem] = append(told[update.Ecosystem], directories...)
	}

	there := map[string][]string{ecosystems[".github/workflows/"]: {"/"}} // where Dependabot looks for them
	err = fs.WalkDir(os.DirFS(filepath.Join("..", "..")), ".", func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && (d.Name() == "node_modules" || d.Name() == ".git" || d.Name() == "testdata") {
			return fs.SkipDir
		}
		for pattern, ecosystem := range ecosystems {
			directory := path.Join("/", path.Dir(file))
			if ok, _ := path.Match(pattern, d.Name()); ok && !slices.Contains(there[ecosystem], directory) {
				there[ecosystem] = append(there[ecosystem], directory)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, ecosystem := range ecosystems {
		slices.Sort(told[ecosystem])
		slices.Sort(there[ecosystem])
		if !slices.Equal(told[ecosystem], there[ecosystem]) {
			t.Errorf("%s: dependabot.yml has %v, want %v", ecosystem, told[ecosystem], there[ecosystem])
		}
	}
	if len(told) != len(ecosystems) {
		t.Errorf("dependabot.yml has %v", told)
	}
}
