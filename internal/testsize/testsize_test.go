package testsize

import (
	"fmt"
	"testing"
)

// TestTry counts the combinations that are tried: all in a full run, and by default about a quarter, of each row some.
func TestTry(t *testing.T) { //nolint:paralleltest // it sets the environment
	const rows, columns = 13, 17
	for _, env := range []string{"", "full"} {
		t.Setenv("ECHOFIRESTORE_TESTS", env)
		total := 0
		for row := range rows {
			tried := 0
			for column := range columns {
				for _, protocol := range []string{"HTTP/1.1", "HTTP/2"} {
					if Try(fmt.Sprintf("row %d/column %d/%s", row, column, protocol)) {
						tried++
					}
				}
			}
			if total += tried; tried == 0 {
				t.Errorf("%q: row %d is not tried", env, row)
			}
		}
		most := rows * columns * 2
		if env == "full" && total != most || env == "" && (total < most/5 || total > most/3) {
			t.Errorf("%q: %d of %d are tried", env, total, most)
		}
	}
}
