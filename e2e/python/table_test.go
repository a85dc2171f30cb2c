package python

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/echofirestore/echofirestore"
)

// A behaviour is what becomes of a session by the requests of one browser.
type behaviour struct {
	name  string
	steps []step
}

// A behaviour with steps here and there is tried in both directions.
const (
	here  side = "here"
	there side = "there"
)

// A step is a request, or a look at what is stored, beside what it comes to: see [reply.String] and [run.stored].
type step struct {
	on        side
	get       string        // the path, of a request
	put       any           // of a request that stores it as "value"
	meanwhile []step        // what happens after the request has read its session, and before its save takes effect
	later     time.Duration // how much time passes for the documents

	want   string
	python string // in place of want, if the step is Python's
	legacy string // in place of both, with version 0.1.1
}

func (s step) expected(version string) string {
	switch {
	case version == "0.1.1" && s.legacy != "":
		return s.legacy
	case s.on == inPython && s.python != "":
		return s.python
	}
	return s.want
}

// String names the step in the table.
func (s step) String() string {
	switch {
	case s.later != 0:
		return s.later.String() + " later"
	case s.put != nil:
		return fmt.Sprintf("puts %v", s.put)
	case s.on == inFirestore:
		return "holds"
	}
	return s.get
}

// try runs behaviours with each version of the Python package, and prints the table of them.
func try(t *testing.T, cfg echofirestore.Config, behaviours []behaviour) {
	t.Helper()
	for _, version := range versions {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			p := newPair(t, version, cfg)
			table := newTable()
			for _, b := range behaviours {
				for _, b := range b.directions() {
					p.reset()
					table.title(b.name)
					r := run{pair: p, version: version, table: table}
					r.all(b.steps, "  ")
					if r.differences > 0 {
						t.Errorf("%s: %d differences, see the table", b.name, r.differences)
					}
				}
			}
			t.Logf("aiohttp-session-firestore %s: who, what, expected, seen (| while the next is under way); %v", version, table)
		})
	}
}

// directions returns the behaviour with here and there in both roles.
func (b behaviour) directions() []behaviour {
	if !slices.ContainsFunc(b.steps, func(s step) bool { return s.on == here || s.on == there }) {
		return []behaviour{b}
	}
	return []behaviour{
		{b.name + " (here: Python, there: Go)", between(b.steps, inPython, inGo)},
		{b.name + " (here: Go, there: Python)", between(b.steps, inGo, inPython)},
	}
}

func between(steps []step, hereIs, thereIs side) []step {
	steps = slices.Clone(steps)
	for i := range steps {
		switch steps[i].on {
		case here:
			steps[i].on = hereIs
		case there:
			steps[i].on = thereIs
		}
		steps[i].meanwhile = between(steps[i].meanwhile, hereIs, thereIs)
	}
	return steps
}

// A run is a behaviour that is being tried, one step at a time.
type run struct {
	*pair
	version     string
	table       *table
	latest      reply
	differences int
}

func (r *run) all(steps []step, indent string) {
	for _, s := range steps {
		seen, err := r.take(s, indent)
		if err != nil {
			seen = err.Error()
		}
		want, verdict := s.expected(r.version), "same"
		if seen != want {
			r.differences++
			verdict = seen
		}
		r.table.row(120, indent+string(s.on), s.String(), want, verdict)
	}
}

// take returns what a step comes to.
func (r *run) take(s step, indent string) (string, error) {
	switch {
	case s.later != 0:
		return "", r.age(s.later)
	case s.on == inFirestore:
		return r.stored()
	case s.meanwhile == nil:
		return r.request(s)
	}
	stop := r.overtake(func() { r.all(s.meanwhile, indent+"| ") })
	_, err := r.request(s)
	others, notSaved := stop()
	r.latest.cost = r.latest.cost.Sub(others)
	return r.latest.String(), cmp.Or(err, notSaved)
}

func (r *run) request(s step) (string, error) {
	var answer reply
	var err error
	if s.put != nil {
		answer, err = r.put(s.on, s.put)
	} else {
		answer, err = r.get(s.on, s.get)
	}
	r.latest = answer
	return answer.String(), err
}

// A table is printed by a test that has passed, too.
type table struct {
	began time.Time
	text  strings.Builder
	w     *tabwriter.Writer
}

func newTable() *table {
	t := &table{began: time.Now()}
	t.w = tabwriter.NewWriter(&t.text, 0, 0, 2, ' ', 0)
	return t
}

// title begins another part, with columns of its own.
func (t *table) title(title string) { fmt.Fprintln(t.w, title) }

// row adds a row, of cells that are cut if they are too wide.
func (t *table) row(width int, cells ...string) {
	for i, cell := range cells {
		if runes := []rune(cell); len(runes) > width {
			cells[i] = string(runes[:width-1]) + "…"
		}
	}
	fmt.Fprintln(t.w, strings.Join(cells, "\t"))
}

// String returns the time that it took to fill the table, and the table.
func (t *table) String() string {
	_ = t.w.Flush() // to a strings.Builder
	return fmt.Sprintf("%v\n%s", time.Since(t.began).Round(time.Millisecond), t.text.String())
}
