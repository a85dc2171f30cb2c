package doctest

import (
	"fmt"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// onPkgGoDev is where the packages of this repository are documented.
const onPkgGoDev = "https://pkg.go.dev/github.com/echofirestore/echofirestore"

// A linkChecker checks the links of the pages of a repository.
type linkChecker struct {
	root    string
	anchors map[string]map[string]bool // of each page
	names   map[string]map[string]bool // what pkg.go.dev has an anchor for, of each package, by its directory
}

// CheckLinks checks the links of all pages: files and anchors exist, links to pkg.go.dev name what the packages of this
// repository export, and the addresses of other sites are well-formed. It returns how many links it has checked.
func CheckLinks(t *testing.T, root string) int {
	t.Helper()
	pages := Pages(t, root)
	c := linkChecker{root: root, anchors: make(map[string]map[string]bool), names: make(map[string]map[string]bool)}
	for _, page := range pages {
		c.anchors[page.Path] = anchorsOf(page)
	}
	links := 0
	for _, page := range pages {
		for number, line := range strings.Split(page.Text, "\n") {
			for _, target := range targets(line) {
				links++
				if err := c.check(page, target); err != nil {
					t.Errorf("%s:%d: %s: %v", page.Path, number+1, target, err)
				}
			}
		}
		for _, name := range undefined(page) {
			t.Errorf("%s: [%s] is not defined", page.Path, name)
		}
	}
	return links
}

var (
	codeSpan   = regexp.MustCompile("`[^`]*`")
	inlineLink = regexp.MustCompile(`\]\(([^()\s]*(?:\([^()\s]*\)[^()\s]*)*)\)`)
	definition = regexp.MustCompile(`^\[([^\]]+)\]: (\S+)`)
	reference  = regexp.MustCompile(`\]\[([^\]]+)\]`)
	attribute  = regexp.MustCompile(`(?:href|src|srcset)="([^"]*)"`)
)

// targets returns the targets of the links in a line.
func targets(line string) []string {
	line = codeSpan.ReplaceAllString(line, "")
	var found []string
	for _, links := range []*regexp.Regexp{inlineLink, attribute} {
		for _, match := range links.FindAllStringSubmatch(line, -1) {
			found = append(found, match[1])
		}
	}
	if match := definition.FindStringSubmatch(line); match != nil {
		found = append(found, match[2])
	}
	return found
}

// undefined returns the references that a page uses and does not define.
func undefined(page Page) []string {
	defined := make(map[string]bool)
	for line := range strings.Lines(page.Text) {
		if match := definition.FindStringSubmatch(line); match != nil {
			defined[match[1]] = true
		}
	}
	var missing []string
	for _, match := range reference.FindAllStringSubmatch(codeSpan.ReplaceAllString(page.Text, ""), -1) {
		if !defined[match[1]] {
			missing = append(missing, match[1])
		}
	}
	return missing
}

func (c linkChecker) check(page Page, target string) error {
	link, err := url.Parse(target)
	if err != nil {
		return err
	}
	switch {
	case strings.HasPrefix(target, onPkgGoDev):
		return c.checkPackage(strings.TrimPrefix(strings.TrimPrefix(target[:len(target)-len(link.Fragment)], onPkgGoDev), "/"), link.Fragment)
	case link.Scheme == "http" && link.Hostname() == "localhost":
		return nil
	case link.Scheme != "" && (link.Scheme != "https" || link.Host == ""):
		return fmt.Errorf("not the https address of a site")
	case link.Scheme != "":
		return nil
	}
	file := page.Path
	if link.Path != "" {
		file = path.Join(path.Dir(page.Path), link.Path)
	}
	if _, err := os.Stat(filepath.Join(c.root, filepath.FromSlash(file))); err != nil {
		return err
	}
	if link.Fragment != "" && !c.anchors[file][link.Fragment] {
		return fmt.Errorf("there is no such anchor")
	}
	return nil
}

// checkPackage checks a link to an anchor on a package's page.
func (c linkChecker) checkPackage(dir, anchor string) error {
	dir = strings.TrimSuffix(dir, "#")
	if c.names[dir] == nil {
		names, err := exportedNames(filepath.Join(c.root, dir))
		if err != nil {
			return err
		}
		c.names[dir] = names
	}
	if anchor != "" && !c.names[dir][anchor] {
		return fmt.Errorf("package %q has no %s", dir, anchor)
	}
	return nil
}
