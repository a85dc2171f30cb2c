package tracing

import (
	"maps"
	"strings"
	"testing"

	"github.com/echofirestore/echofirestore/firestoretest"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

// attribute returns an attribute of a span, "" if it has none.
func attributeOf(span tracetest.SpanStub, key attribute.Key) attribute.Value {
	for _, attr := range span.Attributes {
		if attr.Key == key {
			return attr.Value
		}
	}
	return attribute.Value{}
}

func opsOf(span tracetest.SpanStub) firestoretest.Ops {
	return firestoretest.Ops{
		Reads:   int(attributeOf(span, "echofirestore.reads").AsInt64()),
		Writes:  int(attributeOf(span, "echofirestore.writes").AsInt64()),
		Deletes: int(attributeOf(span, "echofirestore.deletes").AsInt64()),
	}
}

// summary returns our spans, one a line: what was done, the outcome, the reason if it has failed, and what it has cost.
func (out exported) summary() []string {
	var lines []string
	for _, span := range out.ours {
		line := attributeOf(span, "db.operation.name").AsString() + " " + attributeOf(span, "echofirestore.outcome").AsString()
		if cause := attributeOf(span, "error.type").AsString(); cause != "" || span.Status.Code == codes.Error {
			line += " " + cause
		}
		ops := opsOf(span).String()
		if ops == (firestoretest.Ops{}).String() {
			ops = ""
		}
		lines = append(lines, line+": "+ops)
	}
	return lines
}

// sum adds up the points of a counter, by the attributes of some keys.
func (out exported) sum(name string, keys ...attribute.Key) map[string]int {
	sums := make(map[string]int)
	for _, scoped := range out.metrics.ScopeMetrics {
		for _, m := range scoped.Metrics {
			if m.Name != name {
				continue
			}
			for _, p := range m.Data.(metricdata.Sum[int64]).DataPoints {
				var label []string
				for _, key := range keys {
					value, _ := p.Attributes.Value(key)
					label = append(label, value.AsString())
				}
				sums[strings.Join(label, " ")] += int(p.Value)
			}
		}
	}
	return sums
}

// billed returns what the counters say.
func (out exported) billed() firestoretest.Ops {
	return firestoretest.Ops{
		Reads:   out.sum("echofirestore.reads")[""],
		Writes:  out.sum("echofirestore.writes")[""],
		Deletes: out.sum("echofirestore.deletes")[""],
	}
}

// checkMetrics compares the counters with the spans.
func (out exported) checkMetrics(t *testing.T) {
	t.Helper()
	loads, saves := make(map[string]int), make(map[string]int)
	var billed firestoretest.Ops
	for _, span := range out.ours {
		kind, outcome := attributeOf(span, "db.operation.name").AsString(), attributeOf(span, "echofirestore.outcome").AsString()
		switch kind {
		case "load":
			loads[outcome]++
		case "save", "update", "destroy":
			saves[kind+" "+outcome]++
		}
		ops := opsOf(span)
		billed.Reads += ops.Reads
		billed.Writes += ops.Writes
		billed.Deletes += ops.Deletes
	}
	counted := out.sum("echofirestore.loads", "echofirestore.outcome")
	delete(counted, "none") // which has no span
	if !maps.Equal(counted, loads) {
		t.Errorf("loads %v, want %v", counted, loads)
	}
	if counted := out.sum("echofirestore.saves", "db.operation.name", "echofirestore.outcome"); !maps.Equal(counted, saves) {
		t.Errorf("saves %v, want %v", counted, saves)
	}
	if got := out.billed(); got != billed {
		t.Errorf("billed %v, want %v", got, billed)
	}
}
