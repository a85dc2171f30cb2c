package browser

import (
	"cmp"
	"fmt"
	"strings"
	"testing"
	"text/tabwriter"
)

// A table lists what was expected, and what was seen. It is printed with the test's log, when the test ends.
type table struct {
	t    *testing.T
	rows []row
}

type row struct {
	behaviour  string
	want, seen string
}

func newTable(t *testing.T) *table {
	t.Helper()
	tab := &table{t: t}
	t.Cleanup(func() { t.Logf("%s\n%s", t.Name(), tab) })
	return tab
}

// expect adds a row. The test fails if what was seen isn't what was wanted.
func expect[T comparable](tab *table, behaviour string, want, seen T) {
	tab.t.Helper()
	tab.add(want == seen, behaviour, fmt.Sprint(want), fmt.Sprint(seen))
}

// expectAtLeast adds a row whose number may be larger than expected.
func expectAtLeast(tab *table, behaviour string, least, seen float64) {
	tab.t.Helper()
	tab.add(seen >= least, behaviour, fmt.Sprintf("≥ %.1f", least), fmt.Sprintf("%.1f", seen))
}

func (tab *table) add(ok bool, behaviour, want, seen string) {
	tab.t.Helper()
	r := row{behaviour, cmp.Or(want, "nothing"), cmp.Or(seen, "nothing")}
	tab.rows = append(tab.rows, r)
	if !ok {
		tab.t.Errorf("%s: seen %s, want %s", r.behaviour, r.seen, r.want)
	}
}

// String returns the table. Where both are the same, what was expected is not repeated.
func (tab *table) String() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "behaviour\texpected\tseen")
	for _, r := range tab.rows {
		if r.seen == r.want {
			r.seen = "="
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", r.behaviour, r.want, r.seen)
	}
	_ = w.Flush() // to a Builder, which has no errors
	return b.String()
}
