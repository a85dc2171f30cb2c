// Package doctest compiles the Go code in the documentation, and reads its pages.
package doctest

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A Page is a file of the documentation, in Markdown.
type Page struct {
	Path   string // from the root of the repository
	Text   string // without the code in fences
	Blocks []Block
}

// A Block is code between fences.
type Block struct {
	Language string
	Line     int // of its first line
	Code     string
}

// Pages returns all pages of the repository, whose root is given.
func Pages(t *testing.T, root string) []Page {
	t.Helper()
	var pages []Page
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == ".git" || entry.Name() == "node_modules" || entry.Name() == "testdata"):
			return filepath.SkipDir
		case entry.IsDir() || filepath.Ext(path) != ".md":
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		pages = append(pages, parsePage(filepath.ToSlash(name), string(text)))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return pages
}

// parsePage divides a page into text and code. In the text, lines of code are empty, so that the numbers of lines stay.
func parsePage(path, source string) Page {
	page := Page{Path: path}
	var text, code strings.Builder
	fenced := false
	for number, line := range strings.Split(source, "\n") {
		fence, isFence := strings.CutPrefix(strings.TrimSpace(line), "```")
		switch {
		case isFence && !fenced:
			fenced = true
			code.Reset()
			page.Blocks = append(page.Blocks, Block{Language: fence, Line: number + 2})
		case isFence:
			fenced = false
			page.Blocks[len(page.Blocks)-1].Code = code.String()
		case fenced:
			code.WriteString(line + "\n")
		default:
			text.WriteString(line)
		}
		text.WriteByte('\n')
	}
	page.Text = text.String()
	return page
}
