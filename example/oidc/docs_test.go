package main

import (
	"testing"

	"github.com/echofirestore/echofirestore/internal/doctest"
)

// TestDocumentationCompiles compiles the Go code of the pages that needs this module.
func TestDocumentationCompiles(t *testing.T) {
	t.Parallel()
	t.Logf("%d blocks", doctest.Compile(t, "../..", doctest.OIDC))
}
