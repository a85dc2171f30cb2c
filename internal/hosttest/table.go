package hosttest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
)

// A table has a line for each row, and a column for each host and protocol.
type table struct {
	columns []column

	mu    sync.Mutex
	cells map[cell][]string // what was seen, by step
}

// A cell is a row in a column.
type cell struct{ group, row, column string }

func newTable(columns []column) *table {
	return &table{columns: columns, cells: make(map[cell][]string)}
}

func (t *table) add(g group, r row, c column, seen []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.cells[cell{g.name, r.name, c.name()}] = seen
}

// String says what is expected of each row, and what was seen where.
func (t *table) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	text := new(strings.Builder)
	w := tabwriter.NewWriter(text, 0, 0, 2, ' ', 0)
	for _, g := range groups {
		if !t.tried(g) {
			continue
		}
		fmt.Fprintf(w, "%s\t", g.name)
		for _, c := range t.columns {
			fmt.Fprintf(w, "%s\t", c.name())
		}
		fmt.Fprintln(w, "expected")
		for _, r := range g.rows {
			t.writeRow(w, g, r)
		}
	}
	w.Flush()
	return text.String()
}

func (t *table) tried(g group) bool {
	return slices.ContainsFunc(slices.Collect(maps.Keys(t.cells)), func(c cell) bool { return c.group == g.name })
}

func (t *table) writeRow(w *tabwriter.Writer, g group, r row) {
	var wanted, others []string
	for _, st := range r.steps {
		wanted = append(wanted, st.want)
	}
	fmt.Fprintf(w, "  %s\t", r.name)
	for _, c := range t.columns {
		seen, tried := t.cells[cell{g.name, r.name, c.name()}]
		mark := "ok"
		switch {
		case !c.suits(r):
			mark = "-"
		case !tried:
			mark = "not tried"
		case !slices.Equal(seen, wanted):
			mark = "DIFFERS"
			others = append(others, fmt.Sprintf("    seen on %s: %s", c.name(), strings.Join(seen, " → ")))
		}
		fmt.Fprintf(w, "%s\t", mark)
	}
	fmt.Fprintln(w, strings.Join(wanted, " → "))
	for _, line := range others {
		fmt.Fprintln(w, line)
	}
}
