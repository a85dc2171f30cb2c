package firestoretest

import (
	"math"
	"math/rand/v2"
	"strings"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// generator makes random documents, and random requests to read them. The same seed makes the
// same ones. It uses few fields and few values, so that documents have values in common and most
// requests have results.
type generator struct {
	*rand.Rand
	database string // name of the one that has the documents
	docs     []*pb.Document
}

func newGenerator(seed uint64, database string) *generator {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 0)), database: database} //nolint:gosec // repeatable
	for _, path := range documentPaths {
		if g.chance(80) {
			g.docs = append(g.docs, &pb.Document{Name: g.name(path), Fields: g.fields()})
		}
	}
	return g
}

// documentPaths are of documents below others and below missing ones. Some IDs begin with others, and
// some sort in another way where a path goes on after them.
var documentPaths = func() []string {
	var paths []string
	for _, collection := range []string{"c", "c/1/c", "c/a/c", "c/a/d", "d", "d/x/c"} {
		for _, id := range []string{"1", "10", "2", "a", "a!", "a-b", "b", "é", "__id7__", "__id10__", "__id-1__"} {
			paths = append(paths, collection+"/"+id)
		}
	}
	return paths
}()

func (g *generator) root() string { return g.database + "/documents" }

func (g *generator) name(path string) string { return g.root() + "/" + path }

func (g *generator) chance(percent int) bool { return g.IntN(100) < percent }

func pick[T any](g *generator, from ...T) T { return from[g.IntN(len(from))] }

// some returns n things.
func some[T any](n int, one func() T) []T {
	list := make([]T, n)
	for i := range list {
		list[i] = one()
	}
	return list
}

// fieldPaths lead to the fields that documents have. Their names sort before and after __name__.
var fieldPaths = []string{"n", "K", "v", "s", "t", "m", "m.n", "m.s", "`a b`", "_u", "__a"}

func (g *generator) fields() map[string]*pb.Value {
	fields := map[string]*pb.Value{}
	for _, path := range []string{"n", "K", "v", "s", "t", "m", "`a b`", "_u", "__a"} {
		if g.chance(80) {
			fields[strings.Trim(path, "`")] = g.valueOf(path)
		}
	}
	return fields
}

// valueOf returns a value of the kind that the field has.
func (g *generator) valueOf(path string) *pb.Value {
	switch path {
	case nameField:
		return g.reference()
	case "n", "m.n":
		return g.number()
	case "K":
		return integerValue(int64(g.IntN(4)))
	case "s", "m.s":
		return g.text()
	case "t":
		return arrayValue(some(g.IntN(4), g.element))
	case "m":
		return g.mapOf(g.number, g.text)
	default:
		return g.any()
	}
}

func (g *generator) number() *pb.Value {
	if g.chance(50) {
		return integerValue(int64(g.IntN(4)))
	}
	return pick(
		g, doubleValue(0), doubleValue(1), doubleValue(0.5), doubleValue(2), doubleValue(math.Copysign(0, -1)), doubleValue(-1.5),
		integerValue(-1), integerValue(1<<53), integerValue(1<<53+1), doubleValue(1<<53),
		integerValue(math.MaxInt64), doubleValue(1<<63), integerValue(math.MinInt64),
		doubleValue(math.NaN()), doubleValue(math.Inf(1)), doubleValue(math.Inf(-1)), nullValue,
	)
}

func (g *generator) text() *pb.Value {
	if g.chance(10) { // around the size up to which a value is indexed
		return stringValue(strings.Repeat("a", pick(g, 1400, 1499, 1500, 1600)) + pick(g, "", "b", "c"))
	}
	return stringValue(pick(g, "", "a", "a", "aa", "b", "é", "\uFFFD", "\U0001F600", "a\x00"))
}

func (g *generator) reference() *pb.Value {
	if g.chance(5) {
		return referenceValue(pick(g, "projects/p/databases/(default)", g.database) + "/documents/" + pick(g, "e/1", "c/1/e/1", "c/zz"))
	}
	return referenceValue(g.name(pick(g, documentPaths...)))
}

// element returns a value for an array.
func (g *generator) element() *pb.Value {
	switch g.IntN(20) {
	case 0:
		return g.mapOf(g.number, g.text)
	case 1:
		return nullValue
	case 2:
		return doubleValue(math.NaN())
	case 3, 4, 5:
		return g.text()
	case 6:
		return g.reference()
	default:
		return integerValue(int64(g.IntN(4)))
	}
}

func (g *generator) mapOf(n, s func() *pb.Value) *pb.Value {
	fields := map[string]*pb.Value{}
	if g.chance(70) {
		fields["n"] = n()
	}
	if g.chance(50) {
		fields["s"] = s()
	}
	return mapValue(fields)
}

func (g *generator) any() *pb.Value {
	switch g.IntN(10) {
	case 0:
		return pick(g, nullValue, booleanValue(false), booleanValue(true))
	case 1:
		return timestampValue(&timestamppb.Timestamp{Seconds: int64(g.IntN(2)), Nanos: pick[int32](g, 0, 0, 1, 1000, 1999)})
	case 2:
		return bytesValue(pick(g, "", "a", "a\x00", "b"))
	case 3:
		return g.reference()
	case 4:
		return geoPointValue(pick(g, 0, 1, -0.5, math.Copysign(0, -1)), pick(g, 0.0, 1))
	case 5:
		return arrayValue(some(g.IntN(4), g.element))
	case 6:
		return g.mapOf(g.number, g.text)
	case 7:
		return g.text()
	default:
		return g.number()
	}
}

func booleanValue(b bool) *pb.Value {
	return &pb.Value{ValueType: &pb.Value_BooleanValue{BooleanValue: b}}
}
