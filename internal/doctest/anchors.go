package doctest

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
)

var (
	heading   = regexp.MustCompile(`^#{1,6} +(.*?) *$`)
	anchorTag = regexp.MustCompile(`<a id="([^"]*)">`)
	linkText  = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)
)

// anchorsOf returns the anchors that GitHub makes for a page's headings, and those that the page has itself.
func anchorsOf(page Page) map[string]bool {
	anchors := make(map[string]bool)
	for line := range strings.Lines(page.Text) {
		for _, match := range anchorTag.FindAllStringSubmatch(line, -1) {
			anchors[match[1]] = true
		}
		match := heading.FindStringSubmatch(strings.TrimRight(line, "\n"))
		if match == nil {
			continue
		}
		slug := slugOf(match[1])
		for i, first := 1, slug; anchors[slug]; i++ {
			slug = fmt.Sprintf("%s-%d", first, i)
		}
		anchors[slug] = true
	}
	return anchors
}

// slugOf returns the anchor of a heading: in lower case, without punctuation, with hyphens in the place of spaces.
func slugOf(title string) string {
	var slug strings.Builder
	for _, r := range strings.ToLower(linkText.ReplaceAllString(title, "$1")) {
		switch {
		case r == ' ':
			slug.WriteByte('-')
		case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
			slug.WriteRune(r)
		}
	}
	return slug.String()
}
