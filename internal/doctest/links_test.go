package doctest

import (
	"go/doc"
	"slices"
	"testing"
)

const readme = "# A title: with `code`, and [a link](https://example.com)\n" +
	"<a id=\"here\"></a>\n" +
	"```go\n[not](a-link)\n```\n" +
	"## Twice\n## Twice\n" +
	"[file](docs/caching.md), `[code](span)`, [a][ref], [b][missing]\n\n" +
	"[ref]: https://example.com/\n"

func TestPage(t *testing.T) {
	t.Parallel()
	page := parsePage("README.md", readme)
	if len(page.Blocks) != 1 || page.Blocks[0] != (Block{Language: "go", Line: 4, Code: "[not](a-link)\n"}) {
		t.Errorf("blocks %v", page.Blocks)
	}
	anchors := anchorsOf(page)
	for _, anchor := range []string{"a-title-with-code-and-a-link", "here", "twice", "twice-1"} {
		if !anchors[anchor] {
			t.Errorf("no #%s in %v", anchor, anchors)
		}
	}
	if got, want := undefined(page), []string{"missing"}; !slices.Equal(got, want) {
		t.Errorf("undefined %v, want %v", got, want)
	}
}

func TestTargets(t *testing.T) {
	t.Parallel()
	for line, want := range map[string][]string{
		"[file](docs/caching.md), `[code](span)`": {"docs/caching.md"},
		"[a_(b)](https://example.com/a_(b))":      {"https://example.com/a_(b)"},
		`<img src="a.png" alt="b">`:               {"a.png"},
		"[ref]: https://example.com/":             {"https://example.com/"},
		"no [link] (here)":                        nil,
	} {
		if got := targets(line); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", line, got, want)
		}
	}
}

func TestLink(t *testing.T) {
	t.Parallel()
	page := parsePage("README.md", readme)
	c := linkChecker{
		root:    "../..",
		anchors: map[string]map[string]bool{"README.md": anchorsOf(page)},
		names:   make(map[string]map[string]bool),
	}
	for target, valid := range map[string]bool{
		"docs/caching.md":                  true,
		"docs/cashing.md":                  false,
		"docs":                             true,
		"#twice-1":                         true,
		"#twice-2":                         false,
		"https://example.com/anything":     true,
		"http://example.com":               false,
		"http://localhost:8080":            true,
		"https:///nowhere":                 false,
		onPkgGoDev:                         true,
		onPkgGoDev + "#Get":                true,
		onPkgGoDev + "#Config.MaxAge":      true,
		onPkgGoDev + "#Config.MinAge":      false,
		onPkgGoDev + "#example-Get":        true,
		onPkgGoDev + "#example-Got":        false,
		onPkgGoDev + "/v5":                 true,
		onPkgGoDev + "/v6":                 false,
		onPkgGoDev + "/firesession#Store":  true,
		onPkgGoDev + "/firesession#Echo":   false,
		onPkgGoDev + "#pkg-examples":       true,
		onPkgGoDev + "#example-package-No": false,
	} {
		if err := c.check(page, target); (err == nil) != valid {
			t.Errorf("%s: %v, want valid %v", target, err, valid)
		}
	}
}

func TestExampleAnchor(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"":                      "example-package",
		"_flashes":              "example-package-Flashes",
		"Get":                   "example-Get",
		"Config_nist":           "example-Config-Nist",
		"Store_Sessions":        "example-Store.Sessions",
		"Store_Sessions_newest": "example-Store.Sessions-Newest",
	} {
		if got := exampleAnchor(&doc.Example{Name: name}); got != want {
			t.Errorf("%q: %s, want %s", name, got, want)
		}
	}
}
