// Package emulator tells tests whether they run on the Firestore emulator. That is the only reason to skip one: a test that
// is skipped with the emulator runs without it, or the other way round, and CI runs all tests both ways. A lint rule forbids
// other skips.
package emulator

import (
	"os"
	"testing"
)

// Host returns the address of the emulator that keeps the documents of the tests, or "" if they are in memory.
func Host() string { return os.Getenv("FIRESTORE_EMULATOR_HOST") }

// Require skips a test that needs the emulator.
func Require(t testing.TB) {
	t.Helper()
	if Host() == "" {
		t.Skip("it needs the Firestore emulator: make emulator")
	}
}

// Avoid skips a test on the emulator, for a reason.
func Avoid(t testing.TB, reason string) {
	t.Helper()
	if Host() != "" {
		t.Skip("not on the Firestore emulator: " + reason)
	}
}
