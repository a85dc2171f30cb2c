package firestoretest

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

var (
	malformed     = flag.Int("malformed", 5000, "how many random `requests` TestMalformedRequests sends")
	malformedSeed = flag.Uint64("malformed-seed", 1, "the `seed` of TestMalformedRequests")
)

// A request that takes longer than this has hung.
const hung = 60 * time.Second

const (
	testDatabase = "projects/" + memoryProject + "/databases/(default)"
	testRoot     = testDatabase + "/documents"
)

// requests has valid requests of each method.
var requests = map[string][]proto.Message{
	"GetDocument":       {getIn(nil, testRoot+"/c/d"), getIn([]byte("1"), testRoot+"/c/d")},
	"ListDocuments":     {&pb.ListDocumentsRequest{Parent: testRoot, CollectionId: "c", PageSize: 2, ShowMissing: true}},
	"CreateDocument":    {&pb.CreateDocumentRequest{Parent: testRoot, CollectionId: "c", DocumentId: "new", Document: &pb.Document{Fields: allTypes}}},
	"UpdateDocument":    {&pb.UpdateDocumentRequest{Document: &pb.Document{Name: testRoot + "/c/d", Fields: allTypes}}},
	"DeleteDocument":    {&pb.DeleteDocumentRequest{Name: testRoot + "/c/d"}},
	"ListCollectionIds": {&pb.ListCollectionIdsRequest{Parent: testRoot, PageSize: 2}},
	"PartitionQuery":    {&pb.PartitionQueryRequest{Parent: testRoot}},
	"BeginTransaction":  {&pb.BeginTransactionRequest{Database: testDatabase, Options: readWrite}},
	"Rollback":          {&pb.RollbackRequest{Database: testDatabase, Transaction: []byte("1")}},
	"BatchGetDocuments": {&pb.BatchGetDocumentsRequest{Database: testDatabase, Documents: []string{testRoot + "/c/d", testRoot + "/c/none"}}},
	"RunQuery": {
		queryRequest(testRoot, "c", composite(pb.StructuredQuery_CompositeFilter_AND, testFilters[0], testFilters[3], testFilters[4])),
		queryRequest(testRoot, "c", composite(pb.StructuredQuery_CompositeFilter_OR, testFilters[1], testFilters[5], testFilters[6])),
		queryRequest(testRoot, "c", testFilters[2]),
		queryRequest(testRoot, "c", testFilters[7]),
		&pb.RunQueryRequest{Parent: testRoot, QueryType: &pb.RunQueryRequest_StructuredQuery{StructuredQuery: testQuery}},
	},
	"RunAggregationQuery": {&pb.RunAggregationQueryRequest{
		Parent: testRoot,
		QueryType: &pb.RunAggregationQueryRequest_StructuredAggregationQuery{StructuredAggregationQuery: &pb.StructuredAggregationQuery{
			QueryType: &pb.StructuredAggregationQuery_StructuredQuery{StructuredQuery: testQuery},
			Aggregations: []*pb.StructuredAggregationQuery_Aggregation{
				{Operator: &pb.StructuredAggregationQuery_Aggregation_Count_{Count: &pb.StructuredAggregationQuery_Aggregation_Count{UpTo: wrapperspb.Int64(3)}}},
				{Operator: &pb.StructuredAggregationQuery_Aggregation_Sum_{Sum: &pb.StructuredAggregationQuery_Aggregation_Sum{Field: fieldReference("a")}}},
				{Operator: &pb.StructuredAggregationQuery_Aggregation_Avg_{Avg: &pb.StructuredAggregationQuery_Aggregation_Avg{Field: fieldReference("a")}}},
			},
		}},
	}},
	"Commit": {
		&pb.CommitRequest{Database: testDatabase, Writes: []*pb.Write{
			ifExists(false, setWrite(testRoot+"/c/new", allTypes)),
			setWriteWith(testRoot+"/c/d", increment("a", integerValue(1)), arrayUnion("b", stringValue("x")), arrayRemove("b", integerValue(1))),
			deleteWrite(testRoot + "/c/old"),
		}},
		&pb.CommitRequest{Database: testDatabase, Transaction: []byte("1"), Writes: []*pb.Write{setWrite(testRoot+"/c/d", allTypes, "time", "map.x")}},
	},
	"BatchWrite":      {&pb.BatchWriteRequest{Database: testDatabase, Writes: []*pb.Write{setWrite(testRoot+"/c/new", allTypes, "a", "geo")}}},
	"ExecutePipeline": {&pb.ExecutePipelineRequest{Database: testDatabase}},
	"Write":           {&pb.WriteRequest{Database: testDatabase}},
	"Listen":          {&pb.ListenRequest{Database: testDatabase}},
}

var (
	allTypes = fields(
		"a", integerValue(1), "double", doubleValue(1.5), "null", nullValue, "bool", &pb.Value{ValueType: &pb.Value_BooleanValue{BooleanValue: true}},
		"string", stringValue("x"), "bytes", bytesValue("x"), "time", timestampValue(&timestamppb.Timestamp{Seconds: 1, Nanos: 1001}),
		"reference", referenceValue(testRoot+"/c/d"), "geo", geoPointValue(1, 2), "vector", vectorValue(1, 2),
		"map", mapValue(fields("x", integerValue(1))), "b", arrayValue([]*pb.Value{integerValue(1), mapValue(nil)}),
	)
	testFilters = []*pb.StructuredQuery_Filter{
		fieldFilter("a", pb.StructuredQuery_FieldFilter_GREATER_THAN, integerValue(0)),
		fieldFilter("a", pb.StructuredQuery_FieldFilter_IN, arrayValue([]*pb.Value{integerValue(1), stringValue("x")})),
		fieldFilter("a", pb.StructuredQuery_FieldFilter_NOT_IN, arrayValue([]*pb.Value{integerValue(1)})),
		fieldFilter("b", pb.StructuredQuery_FieldFilter_ARRAY_CONTAINS, stringValue("x")),
		fieldFilter("m.x", pb.StructuredQuery_FieldFilter_EQUAL, doubleValue(1.5)),
		fieldFilter("b", pb.StructuredQuery_FieldFilter_ARRAY_CONTAINS_ANY, arrayValue([]*pb.Value{integerValue(1)})),
		unaryFilter("m", pb.StructuredQuery_UnaryFilter_IS_NULL),
		fieldFilter("__name__", pb.StructuredQuery_FieldFilter_LESS_THAN_OR_EQUAL, referenceValue(testRoot+"/c/d")),
	}
	testQuery = &pb.StructuredQuery{
		Select:  &pb.StructuredQuery_Projection{Fields: []*pb.StructuredQuery_FieldReference{fieldReference("a"), fieldReference("m.x")}},
		From:    []*pb.StructuredQuery_CollectionSelector{{CollectionId: "c", AllDescendants: true}},
		Where:   testFilters[0],
		OrderBy: []*pb.StructuredQuery_Order{{Field: fieldReference("a")}, {Field: fieldReference("__name__")}},
		StartAt: &pb.Cursor{Values: []*pb.Value{integerValue(0), referenceValue(testRoot + "/c/a")}, Before: true},
		EndAt:   &pb.Cursor{Values: []*pb.Value{stringValue("z")}},
		Offset:  1,
		Limit:   wrapperspb.Int32(5),
	}
)

// raw is a codec of messages that are encoded already, or will not be decoded.
type raw struct{}

func (raw) Name() string                    { return "proto" }
func (raw) Marshal(v any) ([]byte, error)   { return v.([]byte), nil }
func (raw) Unmarshal(b []byte, v any) error { *v.(*[]byte) = b; return nil }

// sendRaw calls the method with an encoded request, and returns its error.
func sendRaw(ctx context.Context, conn *grpc.ClientConn, method string, req []byte) error {
	ctx, cancel := context.WithTimeout(ctx, hung)
	defer cancel()
	desc := &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}
	stream, err := conn.NewStream(ctx, desc, "/google.firestore.v1.Firestore/"+method, grpc.ForceCodec(raw{}))
	if err != nil {
		return err
	}
	if err := stream.SendMsg(req); err != nil && !errors.Is(err, io.EOF) { // EOF: see RecvMsg
		return err
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	for {
		var resp []byte
		if err := stream.RecvMsg(&resp); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// checkRaw sends an encoded request, and fails the test if the server hangs or does not know what to answer.
// (If it panics, the process ends.)
func checkRaw(t *testing.T, conn *grpc.ClientConn, method string, req []byte) {
	t.Helper()
	err := sendRaw(t.Context(), conn, method, req)
	switch code := status.Code(err); code {
	case codes.OK, codes.InvalidArgument, codes.NotFound, codes.AlreadyExists, codes.FailedPrecondition, codes.Aborted, codes.Unimplemented:
	case codes.Internal: // what gRPC answers to a message that it cannot decode
		if proto.Unmarshal(req, requests[method][0].ProtoReflect().New().Interface()) == nil {
			t.Errorf("%s: %v, of %x", method, err, req)
		}
	default:
		t.Errorf("%s: %v, of %x", method, err, req)
	}
}

// malformedTarget is a server with a few documents and transactions, of which none waits for another.
func malformedTarget(t *testing.T) target {
	t.Helper()
	m := newMemory()
	m.patience = time.Millisecond
	s, err := serve(anyPort, memoryProject, m)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	s.LimitTransactions(TransactionLimit)
	tg := serverTarget(t, s)
	tg.set(t, map[string]map[string]any{
		"c/d": {"a": 1, "b": []any{1, "x"}, "m": map[string]any{"x": 1.5}}, "c/e": {"a": "x"}, "c/d/sub/f": {"a": 2.5},
	})
	tg.begin(t, readWrite) // 1
	tg.begin(t, readOnly)  // 2r
	return tg
}

// TestMalformedRequests sends random requests: some of nothing but random fields, some valid but for a part, some
// encoded badly.
func TestMalformedRequests(t *testing.T) {
	t.Parallel()
	const perServer = 250
	for i := range (*malformed + perServer - 1) / perServer {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			tg := malformedTarget(t)
			g := requestGenerator{rand.New(rand.NewPCG(*malformedSeed, uint64(i)))} //nolint:gosec // the same ones each time
			for range perServer {
				method, req := g.request()
				if checkRaw(t, tg.conn, method, req); t.Failed() {
					return
				}
			}
			// Whatever it has stored, the server goes on.
			if _, err := tg.commit(t, setWrite(tg.name("c/d"), nil)); err != nil {
				t.Error(err)
			}
			if _, err := tg.tryQuery(t, queryRequest(tg.root, "c", nil)); err != nil {
				t.Error(err)
			}
		})
	}
}

// FuzzRequests sends an encoded request to a server.
func FuzzRequests(f *testing.F) {
	for method, valid := range requests {
		for _, req := range valid {
			b, err := proto.Marshal(req)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(method, b)
		}
	}
	f.Fuzz(func(t *testing.T, method string, req []byte) {
		if requests[method] == nil {
			return
		}
		checkRaw(t, malformedTarget(t).conn, method, req)
	})
}

// Each of these is valid, or nearly, but costs a simple algorithm more than anybody's patience.
func TestExpensiveRequests(t *testing.T) {
	t.Parallel()
	integers := func(n int) []*pb.Value {
		values := make([]*pb.Value, n)
		for i := range values {
			values[i] = integerValue(int64(i))
		}
		return values
	}
	nested := func(depth int, in func(*pb.Value) *pb.Value) *pb.Value {
		v := integerValue(1)
		for range depth {
			v = in(v)
		}
		return v
	}
	equals := func(i int) *pb.StructuredQuery_Filter {
		return fieldFilter(fmt.Sprintf("f%d", i), pb.StructuredQuery_FieldFilter_EQUAL, integerValue(1))
	}
	conjunctions := composite(and)
	for i := range 40 { // 2⁴⁰ disjunctions, if they are multiplied
		conjunctions.GetCompositeFilter().Filters = append(conjunctions.GetCompositeFilter().Filters, composite(or, equals(2*i), equals(2*i+1)))
	}
	deep, flat := equals(0), composite(or)
	for i := range 2000 {
		deep = composite([]pb.StructuredQuery_CompositeFilter_Operator{and, or}[i%2], deep)
		flat.GetCompositeFilter().Filters = append(flat.GetCompositeFilter().Filters, equals(i))
	}
	transforms := make([]*pb.DocumentTransform_FieldTransform, 50_000)
	writes := make([]*pb.Write, 50_000)
	for i := range transforms {
		transforms[i] = increment(fmt.Sprintf("f%d.x", i), integerValue(1))
	}
	for i := range writes {
		writes[i] = deleteWrite(fmt.Sprintf("%s/c/%d", testRoot, i))
	}
	commit := func(writes ...*pb.Write) *pb.CommitRequest {
		return &pb.CommitRequest{Database: testDatabase, Writes: writes}
	}
	name := testRoot + "/c/d"
	for label, c := range map[string]struct {
		method string
		req    proto.Message
	}{
		"large union":         {"Commit", commit(setWriteWith(name, arrayUnion("u", integers(200_000)...)))},
		"union into a union":  {"Commit", commit(setWriteWith(name, arrayUnion("u", integers(50_000)...)), setWriteWith(name, arrayUnion("u", integers(100_000)...)), setWriteWith(name, arrayRemove("u", integers(100_000)...)))},
		"many transforms":     {"Commit", commit(setWriteWith(name, transforms...))},
		"many writes":         {"Commit", commit(writes...)},
		"many writes of one":  {"Commit", commit(repeated(setWrite(name, fields("a", integerValue(1)), "a"), 50_000)...)},
		"many batched writes": {"BatchWrite", &pb.BatchWriteRequest{Database: testDatabase, Writes: writes}},
		"deep map":            {"Commit", commit(setWrite(name, fields("a", nested(3000, func(v *pb.Value) *pb.Value { return mapValue(fields("m", v)) }))))},
		"deep array":          {"Commit", commit(setWrite(name, fields("a", nested(3000, func(v *pb.Value) *pb.Value { return arrayValue([]*pb.Value{v}) }))))},
		"deep operand":        {"Commit", commit(setWriteWith(name, arrayUnion("u", nested(3000, func(v *pb.Value) *pb.Value { return arrayValue([]*pb.Value{v}) }))))},
		"long field path":     {"Commit", commit(setWrite(name, nil, strings.Repeat("a.", 1_000_000)+"a"))},
		"many field paths":    {"Commit", commit(setWrite(name, nil, repeated("a.b", 50_000)...))},
		"long name":           {"Commit", commit(deleteWrite(testRoot + strings.Repeat("/c/d", 200_000)))},
		"long ID":             {"GetDocument", getIn(nil, name+strings.Repeat("x", 5_000_000))},
		"many names":          {"BatchGetDocuments", &pb.BatchGetDocumentsRequest{Database: testDatabase, Documents: repeated(name, 50_000)}},
		"multiplied filters":  {"RunQuery", queryRequest(testRoot, "c", conjunctions)},
		"deep filter":         {"RunQuery", queryRequest(testRoot, "c", deep)},
		"many filters":        {"RunQuery", queryRequest(testRoot, "c", flat)},
		"large operand":       {"RunQuery", queryRequest(testRoot, "c", fieldFilter("a", pb.StructuredQuery_FieldFilter_IN, arrayValue(integers(100_000))))},
		"largest page":        {"ListDocuments", &pb.ListDocumentsRequest{Parent: testRoot, CollectionId: "c", PageSize: math.MaxInt32}},
		"largest limit":       {"RunQuery", &pb.RunQueryRequest{Parent: testRoot, QueryType: &pb.RunQueryRequest_StructuredQuery{StructuredQuery: &pb.StructuredQuery{From: queryRequest(testRoot, "c", nil).GetStructuredQuery().GetFrom(), Offset: math.MaxInt32, Limit: wrapperspb.Int32(math.MaxInt32)}}}},
	} {
		t.Run(label, func(t *testing.T) { // one after the other, so that none is late because of others
			b, err := proto.Marshal(c.req)
			if err != nil {
				t.Fatal(err)
			}
			if len(b) > maxRequestSize {
				t.Fatalf("a request of %d bytes does not get as far as the server", len(b))
			}
			checkRaw(t, malformedTarget(t).conn, c.method, b)
		})
	}
}

func repeated[T any](v T, n int) []T {
	s := make([]T, n)
	for i := range s {
		s[i] = v
	}
	return s
}

// requestGenerator makes random requests.
type requestGenerator struct{ *rand.Rand }

func oneOf[T any](g requestGenerator, from ...T) T {
	return from[g.IntN(len(from))]
}

// methodNames is the keys of requests in an order that doesn't change.
var methodNames = func() (names []string) {
	methods := pb.File_google_firestore_v1_firestore_proto.Services().ByName("Firestore").Methods()
	for i := range methods.Len() {
		names = append(names, string(methods.Get(i).Name()))
	}
	return names
}()

// request returns a method and an encoded request for it.
func (g requestGenerator) request() (method string, req []byte) {
	method = oneOf(g, methodNames...)
	m := proto.Clone(oneOf(g, requests[method]...)).ProtoReflect()
	switch g.IntN(6) {
	case 0: // random from the ground
		m = m.New()
		g.fill(m, 0)
	case 1: // a valid one, to be encoded badly
	default: // a valid one with random parts
		g.change(m)
	}
	req, err := proto.MarshalOptions{Deterministic: true}.Marshal(m.Interface())
	if err != nil {
		panic(err)
	}
	if g.IntN(6) == 0 {
		req = g.garble(req)
	}
	return method, req
}

// maxFillDepth is how deep random messages are in each other.
const maxFillDepth = 7

// fill sets random fields of an empty message.
func (g requestGenerator) fill(m protoreflect.Message, depth int) {
	all := m.Descriptor().Fields()
	for i := range all.Len() {
		if g.IntN(3) > 0 {
			g.set(m, all.Get(i), depth)
		}
	}
	if g.IntN(20) == 0 {
		m.SetUnknown([]byte{0xfa, 0x3f, 3, 'a', 'b', 'c'}) // field 1023
	}
}

// change sets some fields of the message and of those in it to something else.
func (g requestGenerator) change(m protoreflect.Message) {
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		fate := g.IntN(20)
		switch {
		case fate == 0:
			m.Clear(fd)
		case fate == 1:
			g.set(m, fd, 0)
		case fd.IsMap() && fd.MapValue().Message() != nil:
			v.Map().Range(func(_ protoreflect.MapKey, v protoreflect.Value) bool {
				g.change(v.Message())
				return true
			})
		case fd.Message() != nil && !fd.IsMap() && !fd.IsList():
			g.change(v.Message())
		case fd.Message() != nil && fd.IsList():
			for i := range v.List().Len() {
				g.change(v.List().Get(i).Message())
			}
		}
		return true
	})
	if all := m.Descriptor().Fields(); all.Len() > 0 && g.IntN(20) == 0 {
		g.set(m, all.Get(g.IntN(all.Len())), 0)
	}
}

func (g requestGenerator) set(m protoreflect.Message, fd protoreflect.FieldDescriptor, depth int) {
	switch {
	case fd.IsMap():
		for range g.IntN(3) {
			m.Mutable(fd).Map().Set(g.scalar(fd.MapKey()).MapKey(), g.value(fd.MapValue(), m.Mutable(fd).Map().NewValue, depth))
		}
	case fd.IsList():
		for range g.IntN(4) {
			m.Mutable(fd).List().Append(g.value(fd, m.Mutable(fd).List().NewElement, depth))
		}
	default:
		m.Set(fd, g.value(fd, func() protoreflect.Value { return m.NewField(fd) }, depth))
	}
}

func (g requestGenerator) value(fd protoreflect.FieldDescriptor, empty func() protoreflect.Value, depth int) protoreflect.Value {
	if fd.Message() == nil {
		return g.scalar(fd)
	}
	v := empty()
	if t, ok := v.Message().Interface().(*timestamppb.Timestamp); ok && g.IntN(2) == 0 {
		proto.Merge(t, timestamppb.New(time.Now().Truncate(time.Microsecond)))
	} else if depth < maxFillDepth {
		g.fill(v.Message(), depth+1)
	}
	return v
}

func (g requestGenerator) scalar(fd protoreflect.FieldDescriptor) protoreflect.Value {
	switch fd.Kind() {
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(g.text(fd.Name()))
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes([]byte(oneOf(g, "", "1", "2r", "99", "-1", "r", "\xff", "x")))
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(g.IntN(2) == 0)
	case protoreflect.EnumKind:
		return protoreflect.ValueOfEnum(protoreflect.EnumNumber(g.IntN(12) - 1))
	case protoreflect.Int32Kind:
		return protoreflect.ValueOfInt32(oneOf[int32](g, 0, 1, -1, 2, 1000, math.MaxInt32, math.MinInt32))
	case protoreflect.Int64Kind:
		return protoreflect.ValueOfInt64(oneOf[int64](g, 0, 1, -1, 2, 1<<53+1, math.MaxInt64, math.MinInt64))
	case protoreflect.DoubleKind:
		return protoreflect.ValueOfFloat64(oneOf(g, 0, 1, -1.5, math.Copysign(0, -1), math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat64, 1<<63))
	default:
		panic(fd.Kind())
	}
}

// notUTF8 stands for bytes that are not UTF-8, which cannot be encoded; see garble.
const notUTF8 = "not UTF-8"

func (g requestGenerator) text(field protoreflect.Name) string {
	paths := []string{"a", "m.x", "__name__", "__name__.a", "`a.b`", "v.value", "", ".", "a..b", "`", "__x__", notUTF8, strings.Repeat("a.", 200) + "a"}
	names := []string{
		testRoot + "/c/d", testRoot + "/c/e", testRoot + "/c/none", testRoot + "/c/d/sub/f", testRoot + "/c", testRoot, testDatabase, testRoot + "/",
		"", "/", "//", "projects", "projects/p/databases/d/documents/c/d", "projects//databases//documents//", testRoot + "/c/__id7__", testRoot + "/" + notUTF8,
	}
	switch {
	case g.IntN(8) == 0:
		return oneOf(g, append(paths, names...)...)
	case field == "database":
		return oneOf(g, testDatabase, testDatabase, testDatabase, "projects/p/databases/d", "")
	case field == "parent":
		return oneOf(g, testRoot, testRoot, testRoot+"/c/d", testDatabase, "")
	case field == "field_path", field == "field_paths", field == "order_by", field == "key":
		return oneOf(g, paths...)
	case field == "collection_id", field == "document_id":
		return oneOf(g, "c", "c", "d", "sub", "", "a/b", "__x__", ".", notUTF8)
	case field == "page_token":
		return oneOf(g, "", "x", "c/d", testRoot+"/c/d", notUTF8)
	default:
		return oneOf(g, names...)
	}
}

// garble spoils the encoding of a message.
func (g requestGenerator) garble(b []byte) []byte {
	b = bytes.ReplaceAll(b, []byte(notUTF8), []byte("\xff\xfe\xc0\x80\xed\xa0\x80\xf8\x80"))
	for range g.IntN(4) {
		if len(b) == 0 {
			break
		}
		i := g.IntN(len(b))
		switch g.IntN(4) {
		case 0:
			b[i] ^= 1 << g.IntN(8)
		case 1:
			b = b[:i]
		case 2:
			b = bytes.Join([][]byte{b[:i], {byte(g.IntN(256))}, b[i:]}, nil)
		default:
			b = append(b, b[i:]...)
		}
	}
	return b
}
