// Package testsize says how much the tests do. By default they take about a minute. With ECHOFIRESTORE_TESTS=full in the
// environment, as in CI, they leave nothing out.
package testsize

import (
	"hash/fnv"
	"os"
)

// full reads the environment anew each time, so that go test knows that its cached results depend on it.
func full() bool { return os.Getenv("ECHOFIRESTORE_TESTS") == "full" }

// N returns how often to do something: few times by default, many in a full run.
func N(few, many int) int {
	if full() {
		return many
	}
	return few
}

// Try reports whether to try a combination of the rows of several tables, which has this name. By default it is one in
// four, the same ones each time, so that a row of one table meets a quarter of those of the others; in a full run, all.
func Try(name string) bool {
	h := fnv.New32a()
	_, _ = h.Write([]byte(name)) // never fails
	return full() || h.Sum32()>>8%4 == 0
}
