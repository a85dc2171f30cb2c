package hosttest

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
)

// A table is what was expected and seen.
type table struct {
	bare, surrounded []column

	mu    sync.Mutex
	cells map[cell][]string // what was seen, by step
}

// A cell is a row of a group in a column.
type cell struct{ group, row, host, around, protocol string }

func cellOf(g group, r row, c column) cell {
	return cell{g.name, r.name, c.host, c.around, c.protocol}
}

func (t *table) addColumns(bare, surrounded []column) {
	t.bare = append(t.bare, bare...)
	t.surrounded = append(t.surrounded, surrounded...)
}

func (t *table) add(g group, r row, c column, seen []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.cells == nil {
		t.cells = make(map[cell][]string)
	}
	t.cells[cellOf(g, r, c)] = seen
}

// String returns a line for each row, with a column for each host and protocol, and then a line for each surrounding.
func (t *table) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	text := new(strings.Builder)
	for _, g := range groups {
		w := tabwriter.NewWriter(text, 0, 0, 2, ' ', 0)
		t.writeGroup(w, g)
		w.Flush()
	}
	w := tabwriter.NewWriter(text, 0, 0, 2, ' ', 0)
	t.writeSurroundings(w)
	w.Flush()
	return text.String()
}

func (t *table) writeGroup(w *tabwriter.Writer, g group) {
	fmt.Fprintf(w, "%s\t", strings.ToUpper(g.name))
	for _, c := range t.bare {
		fmt.Fprintf(w, "%s\t", c.name())
	}
	fmt.Fprintln(w, "expected")
	for _, r := range g.rows {
		fmt.Fprintf(w, "%s\t", r.name)
		for _, c := range t.bare {
			fmt.Fprintf(w, "%s\t", t.verdict(g, r, c))
		}
		fmt.Fprintln(w, strings.Join(r.wanted(), " → "))
		t.writeDifferences(w, g, r)
	}
	fmt.Fprintln(w)
}

// writeDifferences tells what was seen where it is not what was expected.
func (t *table) writeDifferences(w *tabwriter.Writer, g group, r row) {
	for _, c := range slices.Concat(t.bare, t.surrounded) {
		if t.verdict(g, r, c) == differs {
			fmt.Fprintf(w, "    seen on %s, %s: %s\n", c.name(), c.around, strings.Join(t.cells[cellOf(g, r, c)], " → "))
		}
	}
}

// What is said of a row in a column.
const (
	asExpected   = "ok"
	doesNotApply = "-"
	notTried     = "not tried"
	differs      = "DIFFERS"
)

func (t *table) verdict(g group, r row, c column) string {
	switch seen, tried := t.cells[cellOf(g, r, c)]; {
	case !c.suits(r):
		return doesNotApply
	case !tried:
		return notTried
	case slices.Equal(seen, r.wanted()):
		return asExpected
	default:
		return differs
	}
}

func (r row) wanted() []string {
	var all []string
	for _, st := range r.steps {
		all = append(all, st.want)
	}
	return all
}

// writeSurroundings counts the rows that were tried in each surrounding, over both protocols.
func (t *table) writeSurroundings(w *tabwriter.Writer) {
	hosts := distinct(t.surrounded, func(c column) string { return c.host })
	if len(hosts) == 0 {
		return
	}
	fmt.Fprintf(w, "SURROUNDINGS\t%s\n", strings.Join(hosts, "\t"))
	for _, around := range distinct(t.surrounded, func(c column) string { return c.around }) {
		fmt.Fprint(w, around)
		for _, host := range hosts {
			fmt.Fprintf(w, "\t%s", t.count(host, around))
		}
		fmt.Fprintln(w)
	}
}

func (t *table) count(host, around string) string {
	counts := make(map[string]int)
	for _, c := range t.surrounded {
		if c.host != host || c.around != around {
			continue
		}
		for _, g := range groups {
			for _, r := range g.rows {
				counts[t.verdict(g, r, c)]++
			}
		}
	}
	switch {
	case counts[differs] > 0:
		return fmt.Sprintf("%d rows ok, %d DIFFER", counts[asExpected], counts[differs])
	case counts[asExpected] > 0:
		return fmt.Sprintf("%d rows ok", counts[asExpected])
	default:
		return doesNotApply
	}
}

// distinct returns what of says of columns, each once, in order.
func distinct(columns []column, of func(column) string) []string {
	var all []string
	for _, c := range columns {
		if s := of(c); !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	return all
}
