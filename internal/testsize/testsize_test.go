package testsize

import "testing"

// TestTry counts the combinations that are tried, of all in a full run: no row is left out, and by default less than half of
// them are tried.
func TestTry(t *testing.T) {
	t.Parallel()
	const rows, columns = 13, 17
	tried := 0
	for i := range rows {
		met := 0
		for j := range columns {
			for k := range 2 {
				if Try(i, j, k) {
					met++
					tried++
				}
			}
		}
		if met < columns/2 {
			t.Errorf("row %d is tried %d times", i, met)
		}
	}
	if most := rows * columns * 2; full() != (tried == most) || !full() && tried > most/2 {
		t.Errorf("%d of %d are tried", tried, most)
	}
}
