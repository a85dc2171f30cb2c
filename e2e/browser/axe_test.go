package browser

import (
	_ "embed"
)

// axe is axe-core 4.14.1 (https://github.com/dequelabs/axe-core), as its npm package has it: rules of accessibility, and what
// finds violations of them on a page.
//
//go:embed axe.min.js
var axe string

// violations returns the rules that the page violates, and the elements that do.
func (p *profile) violations() string {
	p.t.Helper()
	return ask[string](p, axe+`;
axe.run(document).then((result) => result.violations.map((v) => v.id + " by " + v.nodes.map((n) => n.target).join(", ")).join(" | "))`)
}
