package browser

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/echofirestore/echofirestore/internal/npm"
)

// axe returns axe-core (https://github.com/dequelabs/axe-core), in the version of package.json: rules of accessibility, and
// what finds violations of them on a page.
func axe(t *testing.T) string {
	t.Helper()
	script, err := os.ReadFile(filepath.Join(npm.Unpack(t, "axe-core"), "axe.min.js"))
	if err != nil {
		t.Fatal(err)
	}
	return string(script)
}

// violations returns the rules that the page violates, and the elements that do.
func (p *profile) violations(axe string) string {
	p.t.Helper()
	return ask[string](p, axe+`;
axe.run(document).then((result) => result.violations.map((v) => v.id + " by " + v.nodes.map((n) => n.target).join(", ")).join(" | "))`)
}
