package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestOperationsPageHasTheOutput compares what the page shows with what the example prints, but for the spans of Firestore's
// client.
func TestOperationsPageHasTheOutput(t *testing.T) { //nolint:paralleltest // the providers are the process's
	page, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := run(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	for line := range strings.Lines(out.String()) {
		if !strings.Contains(line, "cloud.google.com") {
			want.WriteString(line)
		}
	}
	_, section, _ := strings.Cut(string(page), "go run ./tracing/example")
	_, block, _ := strings.Cut(section, "\n```\n")
	block, _, _ = strings.Cut(block, "```")
	if block != want.String() {
		t.Errorf("the page shows\n%s\nwant\n%s", block, want.String())
	}
}
