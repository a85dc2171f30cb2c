package tracing

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// TestOperationsPageListsTheTelemetry compares the lists of spans, attributes, outcomes and metrics with the source, and with
// what is exported.
func TestOperationsPageListsTheTelemetry(t *testing.T) { //nolint:paralleltest // as TestHosts
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	ofSpans, ofMetrics := make(map[string]bool), make(map[string]bool)
	for _, req := range requests {
		for fault := range faults {
			if fault != noFault && fault != "refused" {
				continue
			}
			out := serve(t, Hosts[0], req, fault, false)
			for _, span := range out.ours {
				for _, attr := range span.Attributes {
					ofSpans[string(attr.Key)] = true
				}
			}
			for _, scoped := range out.metrics.ScopeMetrics {
				if scoped.Scope.Name != scope {
					continue
				}
				for _, m := range scoped.Metrics {
					for _, key := range keys(m.Data) {
						ofMetrics[m.Name+" "+m.Unit+" "+key] = true
					}
					ofMetrics[m.Name+" "+m.Unit] = true
				}
			}
		}
	}
	compare(t, "spans", list(string(page), "span"), constants(t, "Kind", " {collection}"))
	compare(t, "outcomes", list(string(page), "outcome"), constants(t, "Outcome", ""))
	compare(t, "attributes of spans", list(string(page), "attribute of spans"), names(ofSpans))
	compare(t, "metrics", metrics(string(page)), names(ofMetrics))
}

func compare(t *testing.T, what string, listed, want []string) {
	t.Helper()
	slices.Sort(listed)
	slices.Sort(want)
	if !slices.Equal(listed, want) {
		t.Errorf("%s: the page lists\n%q, want\n%q", what, listed, want)
	}
}

// rows returns the cells of the table that begins with a column.
func rows(page, column string) (all [][]string) {
	_, table, _ := strings.Cut(page, "\n| "+column+" |")
	table, _, _ = strings.Cut(table, "\n\n")
	for line := range strings.Lines(table) {
		if cells := strings.Split(line, " |"); strings.HasPrefix(line, "| `") {
			all = append(all, cells)
		}
	}
	return all
}

var quoted = regexp.MustCompile("`([^`]+)`")

// list returns the names in the first column of a table.
func list(page, column string) (all []string) {
	for _, cells := range rows(page, column) {
		all = append(all, quoted.FindStringSubmatch(cells[0])[1])
	}
	return all
}

// metrics returns the metrics in the table of these, each with its unit, and once more with each attribute.
func metrics(page string) (all []string) {
	for _, cells := range rows(page, "metric") {
		name := quoted.FindStringSubmatch(cells[0])[1] + " " + quoted.FindStringSubmatch(cells[1])[1]
		all = append(all, name)
		for _, key := range quoted.FindAllStringSubmatch(cells[2], -1) {
			all = append(all, name+" "+key[1])
		}
	}
	return all
}

// keys returns the keys of a metric's attributes, but for those of the collection.
func keys(data metricdata.Aggregation) (all []string) {
	var sets []attribute.Set
	switch data := data.(type) {
	case metricdata.Sum[int64]:
		for _, point := range data.DataPoints {
			sets = append(sets, point.Attributes)
		}
	case metricdata.Histogram[float64]:
		for _, point := range data.DataPoints {
			sets = append(sets, point.Attributes)
		}
	}
	common := []string{"db.system.name", "db.namespace", "db.collection.name"}
	for _, set := range sets {
		for _, attr := range set.ToSlice() {
			if key := string(attr.Key); !slices.Contains(common, key) {
				all = append(all, key)
			}
		}
	}
	return all
}

func names(set map[string]bool) (all []string) {
	for name := range set {
		all = append(all, name)
	}
	return all
}

// constants returns the values of the constants of a type, with a suffix.
func constants(t *testing.T, typ, suffix string) (all []string) {
	t.Helper()
	path := filepath.Join("..", "..", "internal", "telemetry", "outcome.go")
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if id, ok := spec.Type.(*ast.Ident); !ok || id.Name != typ {
			return true
		}
		value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, value+suffix)
		return true
	})
	return all
}
