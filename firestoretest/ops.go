package firestoretest

import (
	"context"
	"fmt"
	"maps"
	"math"
	"path"
	"slices"
	"strings"
	"sync"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Ops counts operations as Firestore bills them, by the rules of
// https://cloud.google.com/firestore/pricing#operations:
//
//   - a read for each document that is returned, or found to be missing;
//   - a query reads its results and those that its offset skips, at least one, and so does a
//     page of a list;
//   - an aggregation reads one for every 1000 index entries or part of them, at least one;
//   - a page of a list of collections reads one;
//   - a write for each update, also one that changes nothing, and a delete for each
//     delete, also of a missing document.
//
// A call that fails costs nothing. Listeners and write streams, which only the emulator has,
// are not counted.
type Ops struct{ Reads, Writes, Deletes int }

// Sub returns the difference between o and earlier: the cost of what happened in between.
func (o Ops) Sub(earlier Ops) Ops {
	return Ops{o.Reads - earlier.Reads, o.Writes - earlier.Writes, o.Deletes - earlier.Deletes}
}

func (o Ops) add(p Ops) Ops {
	return Ops{o.Reads + p.Reads, o.Writes + p.Writes, o.Deletes + p.Deletes}
}

// String returns o in words: "1 read, 1 write", "2 deletes", or "nothing".
func (o Ops) String() string {
	var words []string
	for _, c := range []struct {
		n    int
		noun string
	}{{o.Reads, "read"}, {o.Writes, "write"}, {o.Deletes, "delete"}} {
		switch c.n {
		case 0:
		case 1:
			words = append(words, "1 "+c.noun)
		default:
			words = append(words, fmt.Sprintf("%d %ss", c.n, c.noun))
		}
	}
	if words == nil {
		return "nothing"
	}
	return strings.Join(words, ", ")
}

// Ops returns the billed operations since the server's start or the last [Server.ResetOps].
// A call is counted before its answer is complete, so a client that has received the whole
// answer finds it counted.
func (s *Server) Ops() Ops {
	s.ops.mu.Lock()
	defer s.ops.mu.Unlock()
	return s.ops.ops
}

// Calls returns how often each method of the Firestore service has been called since the
// server's start or the last [Server.ResetOps], under its bare name, such as "Commit" or
// "BatchGetDocuments". Calls that fail count, and so do a client's retries. The map is the caller's.
func (s *Server) Calls() map[string]int {
	s.ops.mu.Lock()
	defer s.ops.mu.Unlock()
	if s.ops.calls == nil {
		return map[string]int{}
	}
	return maps.Clone(s.ops.calls)
}

// ResetOps sets [Server.Ops] and [Server.Calls] back to zero.
func (s *Server) ResetOps() {
	s.ops.mu.Lock()
	defer s.ops.mu.Unlock()
	s.ops.ops = Ops{}
	s.ops.calls = nil
}

// counter is the layers that count: calls, in front of the faults, so that failed ones
// are among them; and what calls cost, behind them, so that only those applied do.
type counter struct {
	mu    sync.Mutex
	ops   Ops
	calls map[string]int
}

func (c *counter) called(fullMethod string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.calls == nil {
		c.calls = map[string]int{}
	}
	c.calls[path.Base(fullMethod)]++
}

func (c *counter) bill(o Ops) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ops = c.ops.add(o)
}

func (c *counter) countUnary(
	ctx context.Context, req any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler,
) (any, error) {
	c.called(info.FullMethod)
	return handle(ctx, req)
}

func (c *counter) countStream(
	srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handle grpc.StreamHandler,
) error {
	c.called(info.FullMethod)
	return handle(srv, stream)
}

func (c *counter) billUnary(
	ctx context.Context, req any, _ *grpc.UnaryServerInfo, handle grpc.UnaryHandler,
) (any, error) {
	resp, err := handle(ctx, req)
	c.bill(cost(req, resp, err))
	return resp, err
}

// billStream bills a query when it ends well, and each document of a BatchGetDocuments as it is
// sent: clients that ask for one, such as Python's, don't wait for the end of the stream.
func (c *counter) billStream(
	srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handle grpc.StreamHandler,
) error {
	metered := &meteredStream{ServerStream: stream, counter: c}
	if err := handle(srv, metered); err != nil {
		return err
	}
	if metered.query {
		c.bill(Ops{Reads: max(1, metered.reads+metered.skipped)})
	}
	return nil
}

// cost returns what a unary call costs.
func cost(req, resp any, err error) Ops {
	if _, ok := req.(*pb.GetDocumentRequest); ok && status.Code(err) == codes.NotFound {
		return Ops{Reads: 1}
	}
	if err != nil {
		return Ops{}
	}
	var sum Ops
	switch req := req.(type) {
	case *pb.GetDocumentRequest:
		sum.Reads = 1
	case *pb.ListDocumentsRequest:
		sum.Reads = max(1, len(resp.(*pb.ListDocumentsResponse).GetDocuments()))
	case *pb.ListCollectionIdsRequest:
		sum.Reads = 1
	case *pb.CreateDocumentRequest, *pb.UpdateDocumentRequest:
		sum.Writes = 1
	case *pb.DeleteDocumentRequest:
		sum.Deletes = 1
	case *pb.CommitRequest:
		for _, w := range req.GetWrites() {
			sum = sum.add(writeCost(w))
		}
	case *pb.BatchWriteRequest:
		for i, s := range resp.(*pb.BatchWriteResponse).GetStatus() {
			if codes.Code(s.GetCode()) == codes.OK {
				sum = sum.add(writeCost(req.GetWrites()[i]))
			}
		}
	}
	return sum
}

func writeCost(w *pb.Write) Ops {
	if w.GetDelete() != "" {
		return Ops{Deletes: 1}
	}
	return Ops{Writes: 1}
}

// meteredStream adds up what passes through it.
type meteredStream struct {
	grpc.ServerStream
	counter *counter

	query   bool // costs one read even without a result
	reads   int  // of a query
	skipped int  // by the offset; the emulator tells it with more than one result

	aggregated entries // of an aggregation
}

func (s *meteredStream) RecvMsg(m any) error {
	err := s.ServerStream.RecvMsg(m)
	if req, ok := m.(*pb.RunAggregationQueryRequest); ok && err == nil {
		s.aggregated = countEntries(req.GetStructuredAggregationQuery())
	}
	return err
}

func (s *meteredStream) SendMsg(m any) error {
	switch m := m.(type) {
	case *pb.BatchGetDocumentsResponse:
		if m.GetResult() != nil {
			s.counter.bill(Ops{Reads: 1})
		}
	case *pb.RunQueryResponse:
		s.query = true
		s.skipped = max(s.skipped, int(m.GetSkippedResults()))
		if m.GetDocument() != nil {
			s.reads++
		}
	case *pb.RunAggregationQueryResponse:
		s.query = true
		s.reads += s.aggregated.reads(m.GetResult())
	}
	return s.ServerStream.SendMsg(m)
}

// entries is how to find out how many index entries an aggregation has read.
type entries struct {
	alias string // of their count; "": none tells
	added bool   // and nobody but us asked for it
	most  int64  // entries after which it ends
}

// countEntries has an aggregation count the index entries, unless it does so by itself or has as many
// aggregations as it can.
func countEntries(req *pb.StructuredAggregationQuery) entries {
	e := entries{most: math.MaxInt64}
	var limits []int64
	unnamed := 0
	for _, a := range req.GetAggregations() {
		alias := a.GetAlias()
		if alias == "" {
			unnamed++
			alias = unnamedAlias(unnamed)
		}
		switch upTo := a.GetCount().GetUpTo(); {
		case upTo != nil:
			limits = append(limits, upTo.GetValue())
		case a.GetCount() != nil:
			e.alias = alias
		}
	}
	n := len(req.GetAggregations())
	if n > 0 && n == len(limits) {
		e.most = slices.Max(limits)
	}
	if e.alias == "" && n > 0 && n < maxAggregations {
		e.alias, e.added = "firestoretest_entries", true
		req.Aggregations = append(req.Aggregations, &pb.StructuredAggregationQuery_Aggregation{
			Alias: e.alias,
			Operator: &pb.StructuredAggregationQuery_Aggregation_Count_{
				Count: &pb.StructuredAggregationQuery_Aggregation_Count{},
			},
		})
	}
	return e
}

// reads returns one read for each 1000 index entries begun, and takes what was added out of the result.
func (e entries) reads(r *pb.AggregationResult) int {
	n := min(r.GetAggregateFields()[e.alias].GetIntegerValue(), e.most)
	if e.added {
		delete(r.GetAggregateFields(), e.alias)
	}
	return int((n + 999) / 1000)
}
