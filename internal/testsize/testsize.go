// Package testsize says how much the tests do. By default they take seconds. With ECHOFIRESTORE_TESTS=full in the
// environment, as in CI, they leave nothing out.
package testsize

import "os"

// full reads the environment anew each time, so that go test knows that its cached results depend on it.
func full() bool { return os.Getenv("ECHOFIRESTORE_TESTS") == "full" }

// N returns how often to do something: few times by default, many in a full run.
func N(few, many int) int {
	if full() {
		return many
	}
	return few
}

// Try reports whether to try one combination of several tables, given the index of a row in each. By default it is one in
// four, so that each row of a table meets a quarter of the rows of the others; in a full run, all. Every row is tried with
// the first rows of all others.
func Try(rows ...int) bool {
	sum, beyond := 0, 0
	for _, row := range rows {
		sum += row
		if row > 0 {
			beyond++
		}
	}
	return full() || beyond <= 1 || sum%4 == 0
}
