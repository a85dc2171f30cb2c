// Package npm gets what end-to-end tests need of the npm registry.
package npm

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Unpack returns a directory with the files of a package, in the version that the package.json of the test's own directory
// names. It installs nothing, and none of the packages that this one depends on.
func Unpack(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile("package.json")
	if err != nil {
		t.Fatal(err)
	}
	var versions struct {
		DevDependencies map[string]string `json:"devDependencies"`
	}
	if err := json.Unmarshal(text, &versions); err != nil {
		t.Fatalf("package.json: %v", err)
	}
	version := versions.DevDependencies[name]
	directory := t.TempDir()
	archive := strings.NewReplacer("@", "", "/", "-").Replace(name) + "-" + version + ".tgz"
	for _, command := range [][]string{
		{"npm", "pack", "--silent", "--pack-destination", directory, name + "@" + version},
		{"tar", "-xzf", filepath.Join(directory, archive), "-C", directory},
	} {
		cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
		if output, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v: %s", command, err, output)
		}
	}
	return filepath.Join(directory, "package")
}
