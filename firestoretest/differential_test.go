package firestoretest

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/echofirestore/echofirestore/internal/emulator"
)

var (
	readsFlag = flag.Int("reads", 10000, "how many random reads TestReadsAreAnsweredAsByTheEmulator compares")
	seedFlag  = flag.Uint64("seed", 1, "the seed of the first 100 reads; that of the next 100 is one more")
)

const (
	readsPerSeed       = 100
	differentialShards = 4
)

// TestReadsAreAnsweredAsByTheEmulator compares what memory and the emulator answer to random queries,
// aggregations and lists of random documents. What it finds is made as simple as it can be.
func TestReadsAreAnsweredAsByTheEmulator(t *testing.T) {
	t.Parallel()
	emulator.Require(t)
	var tally tally
	t.Cleanup(func() { t.Log(&tally) })
	end := *seedFlag + uint64(*readsFlag/readsPerSeed)
	for shard := range uint64(differentialShards) {
		t.Run(fmt.Sprint("shard ", shard), func(t *testing.T) {
			t.Parallel()
			for seed := *seedFlag + shard; seed < end; seed += differentialShards {
				compareReads(t, seed, &tally)
			}
		})
	}
}

// compareReads compares the reads of a seed.
func compareReads(t *testing.T, seed uint64, tally *tally) {
	emulator := emulatorTarget(t)
	memory := newTarget(t, memoryServer(t).Addr(), strings.Split(emulator.database, "/")[1])
	g := newGenerator(seed, emulator.database)
	for _, tg := range []target{memory, emulator} {
		tg.store(t, g.docs)
	}
	ask := func(req proto.Message) (got, want answer) {
		return memory.answer(owner(t), req), emulator.answer(owner(t), req)
	}
	for range readsPerSeed {
		req := g.read()
		got, want := ask(req)
		tally.count(req, want)
		if got.equal(want) {
			continue
		}
		tally.differences.Add(1)
		req = simplify(req, func(req proto.Message) bool {
			simplerGot, simplerWant := ask(req)
			return !simplerGot.equal(simplerWant) && simplerGot.code == got.code && simplerWant.code == want.code
		})
		got, want = ask(req)
		asked := strings.ReplaceAll(prototext.MarshalOptions{}.Format(req), emulator.root, "")
		t.Errorf("seed %d: %T %s\nmemory   %v\nemulator %v", seed, req, asked, got, want)
	}
}

// tally is how many reads there were of each kind, and what came of them.
type tally struct {
	queries, aggregations, lists atomic.Int64
	found, refused, differences  atomic.Int64
}

func (c *tally) count(req proto.Message, want answer) {
	switch req.(type) {
	case *pb.RunQueryRequest:
		c.queries.Add(1)
	case *pb.RunAggregationQueryRequest:
		c.aggregations.Add(1)
	default:
		c.lists.Add(1)
	}
	switch {
	case want.code != codes.OK:
		c.refused.Add(1)
	case len(want.results) > 0:
		c.found.Add(1)
	}
}

func (c *tally) String() string {
	return fmt.Sprintf("%d queries, %d aggregations, %d lists: %d with results, %d refused, %d answered differently",
		c.queries.Load(), c.aggregations.Load(), c.lists.Load(), c.found.Load(), c.refused.Load(), c.differences.Load())
}

// answer is what a read came to, but for times.
type answer struct {
	code    codes.Code
	message string
	results []proto.Message
}

func (a answer) equal(b answer) bool {
	return a.code == b.code && slices.EqualFunc(a.results, b.results, equalResults)
}

// equalResults compares sums and averages of doubles up to what is lost by rounding: the emulator
// does not add them in the same order each time.
func equalResults(a, b proto.Message) bool {
	if _, ok := a.(*pb.AggregationResult); ok {
		return cmp.Equal(a, b, protocmp.Transform(), cmpopts.EquateApprox(1e-12, 0), cmpopts.EquateNaNs())
	}
	return proto.Equal(a, b)
}

// String returns what an answer says, of documents only the paths.
func (a answer) String() string {
	if a.code != codes.OK {
		return a.code.String() + ": " + a.message
	}
	var results []string
	for _, r := range a.results {
		if doc, ok := r.(*pb.Document); ok {
			_, path, _ := strings.Cut(doc.GetName(), "/documents/")
			results = append(results, path)
		} else {
			results = append(results, prototext.MarshalOptions{}.Format(r))
		}
	}
	return fmt.Sprintf("%q", results)
}

func (tg target) answer(ctx context.Context, req proto.Message) answer {
	var a answer
	err := tg.read(ctx, req, func(result proto.Message) {
		if doc, ok := result.(*pb.Document); ok {
			result = &pb.Document{Name: doc.GetName(), Fields: doc.GetFields()}
		}
		a.results = append(a.results, result)
	})
	if err != nil {
		return answer{code: status.Code(err), message: status.Convert(err).Message()}
	}
	return a
}

// read calls found with each result of a read, and at the end of a list's page with an empty response.
func (tg target) read(ctx context.Context, req proto.Message, found func(proto.Message)) error {
	switch req := req.(type) {
	case *pb.RunQueryRequest:
		stream, err := tg.raw.RunQuery(ctx, req)
		return each(stream, err, func(resp *pb.RunQueryResponse) {
			if resp.GetDocument() != nil {
				found(resp.GetDocument())
			}
		})
	case *pb.RunAggregationQueryRequest:
		stream, err := tg.raw.RunAggregationQuery(ctx, req)
		return each(stream, err, func(resp *pb.RunAggregationQueryResponse) {
			if resp.GetResult() != nil {
				found(resp.GetResult())
			}
		})
	case *pb.ListDocumentsRequest:
		req = proto.CloneOf(req)
		for {
			resp, err := tg.raw.ListDocuments(ctx, req)
			if err != nil {
				return err
			}
			for _, doc := range resp.GetDocuments() {
				found(doc)
			}
			if req.PageToken = resp.GetNextPageToken(); req.PageToken == "" {
				return nil
			}
			found(&pb.ListDocumentsResponse{})
		}
	case *pb.ListCollectionIdsRequest:
		req = proto.CloneOf(req)
		for {
			resp, err := tg.raw.ListCollectionIds(ctx, req)
			if err != nil {
				return err
			}
			found(&pb.ListCollectionIdsResponse{CollectionIds: resp.GetCollectionIds()})
			if req.PageToken = resp.GetNextPageToken(); req.PageToken == "" {
				return nil
			}
		}
	default:
		return fmt.Errorf("%T is not a read", req)
	}
}
