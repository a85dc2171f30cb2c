package model

import "testing"

// What a run is about, by its kind in the tally.
const (
	hits        = "hits"
	sharedReads = "shared reads"
	groups      = "of three or more"
)

// minima are what 1000 histories must have at least, or the run does not count. Most have several times as much.
var minima = []struct {
	kind, thing string
	least       int
}{
	{"cache", hits, 1000},
	{"cache", sharedReads, 100},
	{"common commits", groups, 100},
}

// demand fails the test if too little has happened in its histories.
func (y *tally) demand(t *testing.T, histories int) {
	t.Helper()
	if y.histories < histories {
		t.Errorf("%d histories, want at least %d", y.histories, histories)
	}
	for _, m := range minima {
		if n, least := y.counts[m.kind][m.thing], m.least*y.histories/1000; n < least {
			t.Errorf("%s %s: %d in %d histories, want at least %d", m.kind, m.thing, n, y.histories, least)
		}
	}
}
