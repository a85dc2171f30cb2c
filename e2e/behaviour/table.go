package behaviour

import (
	"fmt"
	"strings"
	"sync"
	"text/tabwriter"
)

// A table has a row for each case and a column for each program.
type table struct {
	programs []Program

	mu    sync.Mutex
	cells map[[2]string]string // by case and program
}

func newTable(programs []Program) *table {
	return &table{programs: programs, cells: make(map[[2]string]string)}
}

func (t *table) add(c Case, p Program, failed bool) {
	cell := "as expected"
	if known, ok := c.Known[p.Name]; ok {
		cell = "known: " + known.How
	}
	if failed {
		cell = "NOT AS EXPECTED"
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.cells[[2]string{c.Name, p.Name}] = cell
}

// String aligns the columns.
func (t *table) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, "behaviour\tcost of each request in Firestore")
	for _, p := range t.programs {
		fmt.Fprint(w, "\t", p.Name)
	}
	fmt.Fprintln(w)
	for _, c := range cases {
		fmt.Fprint(w, c.Name, "\t", c.costs())
		for _, p := range t.programs {
			fmt.Fprint(w, "\t", t.cells[[2]string{c.Name, p.Name}])
		}
		fmt.Fprintln(w)
	}
	w.Flush()
	return text.String()
}

// costs returns what the requests of a case are to cost, as in "1 write; 1 read".
func (c Case) costs() string {
	var costs []string
	for _, step := range c.Steps {
		costs = append(costs, step.cost())
	}
	return strings.Join(costs, "; ")
}
