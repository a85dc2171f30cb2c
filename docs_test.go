package echofirestore_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/echofirestore/echofirestore/internal/doctest"
)

// TestDocumentationCompiles compiles the Go code of all pages but that which needs other modules: their tests do that.
func TestDocumentationCompiles(t *testing.T) {
	t.Parallel()
	t.Logf("%d blocks", doctest.Compile(t, ".", doctest.Root))
}

// TestLinks checks all links of the documentation.
func TestLinks(t *testing.T) {
	t.Parallel()
	t.Logf("%d links", doctest.CheckLinks(t, "."))
}

// TestTestingPage makes sure that the page shows the functions that signedin_test.go tests.
func TestTestingPage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("docs", "testing.md"))
	if err != nil {
		t.Fatal(err)
	}
	tested, err := os.ReadFile("signedin_test.go")
	if err != nil {
		t.Fatal(err)
	}
	functions := regexp.MustCompile(`(?ms)^func .*?^}$`).FindAllString(string(tested), -1)
	if len(functions) != 3 {
		t.Errorf("%d functions, want 3", len(functions))
	}
	for _, function := range functions {
		if !strings.Contains(string(page), function) {
			t.Errorf("the page does not show\n%s", function)
		}
	}
}

// TestQuotes makes sure that code on pages is still as in the files that the tests run.
func TestQuotes(t *testing.T) {
	t.Parallel()
	indent := regexp.MustCompile(`(?m)^\t+`)
	for _, tt := range []struct {
		page, file string
		blocks     int // how many of the page's are from there
	}{
		{"docs/security.md", "production_example_test.go", 1},
		{"docs/signing-in.md", "signingin_test.go", 2},
		{"docs/firebase-auth.md", "example/oidc/firebase/firebase.go", 6},
	} {
		source, err := os.ReadFile(tt.file)
		if err != nil {
			t.Fatal(err)
		}
		code := indent.ReplaceAllString(string(source), "")
		found := 0
		for _, page := range doctest.Pages(t, ".") {
			if page.Path != tt.page {
				continue
			}
			for _, block := range page.Blocks {
				if block.Language == "go" && strings.Contains(code, indent.ReplaceAllString(block.Code, "")) {
					found++
				}
			}
		}
		if found != tt.blocks {
			t.Errorf("%d blocks of %s are in %s, want %d", found, tt.page, tt.file, tt.blocks)
		}
	}
}

// TestReadmeIsShort keeps the README to what a reader needs to decide and to begin.
func TestReadmeIsShort(t *testing.T) {
	t.Parallel()
	const atMost = 300
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(text), "\n"); n > atMost {
		t.Errorf("it has %d lines, want at most %d: move to docs/ what is for later", n, atMost)
	}
}

// asvs are the requirements of OWASP ASVS 5.0.0 that concern sessions.
var asvs = []string{
	"3.3.1", "3.3.2", "3.3.3", "3.3.4", "3.3.5",
	"7.1.1", "7.1.2", "7.1.3", "7.2.1", "7.2.2", "7.2.3", "7.2.4", "7.3.1", "7.3.2", "7.4.1", "7.4.2", "7.4.3", "7.4.4", "7.4.5",
	"7.5.1", "7.5.2", "7.5.3", "7.6.1", "7.6.2", "11.5.1",
}

// TestSecurityPageNamesItsTests makes sure that no requirement is left out of the table, and that each claim in it has
// tests, by names that they still have.
func TestSecurityPageNamesItsTests(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("docs", "security.md"))
	if err != nil {
		t.Fatal(err)
	}
	names := testFunctions(t)
	quoted := regexp.MustCompile("`((?:Test|Example)[A-Za-z_]+)`")
	var rows []string
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(line, "|")
		if len(cells) != 8 || !regexp.MustCompile(`^\d+\.\d+\.\d+$`).MatchString(strings.TrimSpace(cells[1])) {
			continue
		}
		rows = append(rows, strings.TrimSpace(cells[1]))
		tests := quoted.FindAllStringSubmatch(cells[6], -1)
		if application := strings.TrimSpace(cells[4]) == "application"; application != (len(tests) == 0) {
			t.Errorf("%s has %d tests", rows[len(rows)-1], len(tests))
		}
	}
	if !slices.Equal(rows, asvs) {
		t.Errorf("rows %v, want %v", rows, asvs)
	}
	for _, name := range quoted.FindAllStringSubmatch(string(page), -1) {
		if !names[name[1]] {
			t.Errorf("there is no %s", name[1])
		}
	}
}

// testFunctions returns the names of all tests and examples of the library.
func testFunctions(t *testing.T) map[string]bool {
	t.Helper()
	var files []string
	for _, pattern := range []string{"*_test.go", "firesession/*_test.go", "internal/*/*_test.go"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	names := make(map[string]bool)
	for _, file := range files {
		code, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range regexp.MustCompile(`(?m)^func ((?:Test|Example)\w+)\(`).FindAllSubmatch(code, -1) {
			names[string(match[1])] = true
		}
	}
	return names
}
