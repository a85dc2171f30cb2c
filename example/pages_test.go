package main

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	linksToRepository = regexp.MustCompile(`href="https://github\.com/echofirestore/echofirestore([^"]*)"`)
	readmeHeadings    = regexp.MustCompile(`(?m)^#+ (.*)$`)
)

// TestLinksLeadToDocumentation looks in the working tree for the headings and files that pages link to.
func TestLinksLeadToDocumentation(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile(filepath.Join("..", "README.md"))
	requireNoError(t, err)
	anchors := map[string]bool{"readme": true} // which GitHub makes for the whole
	for _, heading := range readmeHeadings.FindAllStringSubmatch(string(readme), -1) {
		anchors[strings.ReplaceAll(strings.ToLower(heading[1]), " ", "-")] = true
	}
	links := linksToRepository.FindAllStringSubmatch(newBrowser(t).get("/").wants(t, http.StatusOK).body, -1)
	if len(links) < 5 {
		t.Errorf("the front page links to %q", links)
	}
	for _, link := range links {
		path, anchor, _ := strings.Cut(link[1], "#")
		path = strings.TrimPrefix(strings.TrimPrefix(path, "/blob/main"), "/tree/main")
		if _, err := os.Stat(filepath.Join("..", filepath.FromSlash(path))); err != nil {
			t.Errorf("%s: %v", link[0], err)
		}
		if anchor != "" && !anchors[anchor] {
			t.Errorf("%s: README.md has no such heading", link[0])
		}
	}
}
