package model

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/echofirestore/echofirestore/firesession"
	"github.com/echofirestore/echofirestore/firestoretest"
	"github.com/echofirestore/echofirestore/internal/bubble"
	"github.com/echofirestore/echofirestore/internal/credential"
	"github.com/echofirestore/echofirestore/internal/testclock"
)

type ops = firestoretest.Ops

// A history is a number of visits to one application, all by chance, but by the same chance for the same seed: which
// of them takes the next step, at its calls to Firestore, and what becomes of the call.
type history struct {
	*rand.Rand
	network    *bubble.Network
	clock      *testclock.Clock
	collection string
	hashed     bool // Config.HashKeys, in every fourth history
	cacheFor   time.Duration
	scheme     *credential.Scheme
	processes  []*process
	bulky      bool         // large values come up
	issued     atomic.Int64 // keys
	tally      *tally

	baton    sync.Mutex // held but while visits run
	tick     atomic.Int64
	visits   []*visit
	planned  int     // visits yet to come
	faults   float64 // the chance of a call to be hit
	browsers []cookie
	answered int      // the browser that had the last answer; -1 if none had
	issues   []cookie // all that were set
	late     []late
	facts    []func() // what processes were told in this step
	ledger   ledger
	lines    []string // what happened, in words
	problems []string
}

// A late call has been answered, and arrives at some time after that.
type late struct {
	v *visit
	c *call
}

const (
	modelMaxAge     = 3600
	modelTouchAfter = 10 * time.Minute
	modelCacheFor   = 2 * time.Second
	takenKey        = "taken" // of a session of somebody else, that the key factory may return
)

func newHistory(t testing.TB, seed uint64, host Host, n *bubble.Network, tally *tally) *history {
	t.Helper()
	h := &history{
		Rand:       rand.New(rand.NewPCG(seed, 0)), //nolint:gosec // to have it again
		network:    n,
		clock:      testclock.New(),
		collection: fmt.Sprintf("history-%d", tally.histories),
		hashed:     seed%4 == 1,
		tally:      tally,
		browsers:   make([]cookie, 3),
		answered:   -1,
		ledger:     newLedger(),
	}
	h.cacheFor = []time.Duration{0, modelCacheFor, modelCacheFor}[h.IntN(3)]
	h.scheme = credential.NewScheme(firesession.DefaultCookieName, nil, h.hashed, h.signingKeys())
	for range []int{1, 2, 4}[h.IntN(3)] {
		h.processes = append(h.processes, h.newProcess(t, host))
	}
	h.bulky = h.cacheFor > 0 && h.IntN(8) == 0
	h.tally.note("processes", len(h.processes))
	h.tally.note("histories with CacheFor", h.cacheFor)
	h.planned = 4 + h.IntN(16)
	h.faults = []float64{0, 0.1, 0.3}[h.IntN(3)]
	return h
}

// logHandler tells visits what the log says of them.
type logHandler struct{ slog.Handler }

func (logHandler) Enabled(context.Context, slog.Level) bool { return true }

func (logHandler) Handle(ctx context.Context, r slog.Record) error {
	v, ok := ctx.Value(visitKey{}).(*visit)
	switch {
	case !ok:
	case strings.Contains(r.Message, "dropped"):
		v.dropped = true
	case r.Level >= slog.LevelError && (v.begun || r.Message == "session not saved"):
		v.unsaved = true
	}
	return nil
}

func (h *history) now() int { return int(h.tick.Load()) }

// id returns the ID of the document of a key.
func (h *history) id(key string) string {
	id, err := h.scheme.DocumentID(firesession.DefaultCookieName, key)
	if err != nil {
		return key // of no session
	}
	return id
}

// newKey is a key factory that every now and then returns a key that is taken.
func (h *history) newKey() string {
	n := h.issued.Add(1)
	if n%9 == 5 {
		return takenKey
	}
	return fmt.Sprintf("key-%d", n)
}

// short returns a text without what makes values bulky.
func short(text string) string { return strings.ReplaceAll(text, strings.Repeat(".", bulk), "…") }

func (h *history) say(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	h.lines = append(h.lines, fmt.Sprintf("%4d  %s", h.now(), short(text)))
}

func (h *history) problem(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	h.problems = append(h.problems, short(text))
	h.say("PROBLEM: %s", text)
}

// run lets the history happen.
func (h *history) run(ctx context.Context) {
	h.baton.Lock()
	defer h.baton.Unlock()
	h.writeOutside(h.id(takenKey), false, map[string]string{"data": `{"created": 1, "session": {"sid": "taken"}}`, "user": "taken"})
	for h.step(ctx) {
		if h.now() > 5000 {
			h.problem("the history does not end")
			for _, v := range h.visits {
				v.crash()
			}
			h.planned = 0
		}
	}
	h.audit(ctx)
}

// annotate has another program write a field of its own into a session's document.
func (h *history) annotate() {
	id := h.ledger.anyAlive(h.Rand)
	if id == h.id(takenKey) {
		return
	}
	h.say("another program annotates %s", id)
	for _, v := range h.visits {
		v.solo = v.solo && v.done
	}
	h.writeOutside(id, true, map[string]string{"note": fmt.Sprint(h.now())})
}

// writeOutside is a write of another program: it creates a document, or changes fields of one that exists.
func (h *history) writeOutside(id string, exists bool, fields map[string]string) {
	database := "projects/" + h.network.Server.Project() + "/databases/(default)"
	doc := &pb.Document{Name: database + "/documents/" + h.collection + "/" + id, Fields: make(map[string]*pb.Value)}
	if !exists {
		doc.Fields["max_age"] = &pb.Value{ValueType: &pb.Value_NullValue{}}
	}
	for field, text := range fields {
		doc.Fields[field] = &pb.Value{ValueType: &pb.Value_StringValue{StringValue: text}}
	}
	w := &pb.Write{
		Operation:       &pb.Write_Update{Update: doc},
		CurrentDocument: &pb.Precondition{ConditionType: &pb.Precondition_Exists{Exists: exists}},
	}
	if exists {
		w.UpdateMask = &pb.DocumentMask{FieldPaths: slices.Collect(maps.Keys(fields))}
	}
	h.arrive(nil, newCall("Commit", &pb.CommitRequest{Database: database, Writes: []*pb.Write{w}}))
}

// arrive has the server apply a call of v, nil for another program's.
func (h *history) arrive(v *visit, c *call) {
	before := h.network.Server.Ops()
	h.network.Make(&c.Call)
	c.arrived, c.applied, c.tick = true, c.Err == nil, h.now()
	if v != nil {
		cost := h.network.Server.Ops().Sub(before)
		v.cost = ops{Reads: v.cost.Reads + cost.Reads, Writes: v.cost.Writes + cost.Writes, Deletes: v.cost.Deletes + cost.Deletes}
	}
	switch req := c.Request.(type) {
	case *pb.BatchGetDocumentsRequest:
		c.found = h.ledger.at(idOf(req.GetDocuments()[0]))
		h.checkState(c.found)
	case *pb.CommitRequest:
		if c.Err == nil {
			h.committed(v, req)
			if v != nil && req.GetTransaction() == nil { // which is that of a sweep
				v.applied = h.now()
			}
		} else if v != nil {
			h.noteAmbiguity(v, c)
		}
	}
}

// noteAmbiguity counts the commits that fail since they were applied before, by a call whose answer was lost.
func (h *history) noteAmbiguity(v *visit, c *call) {
	for _, earlier := range v.sent {
		if earlier == c || !earlier.arrived || !earlier.applied || !proto.Equal(earlier.Request, c.Request) {
			continue
		}
		h.tally.note("commits repeated after they were applied", "all of them")
		id := cmp.Or(creates(c), writes(c))
		if h.ledger.at(id).writer != v {
			h.tally.note("commits repeated after they were applied", "overwritten or deleted meanwhile")
		}
		return
	}
}

// answer gives v the answer to its call: that of the server, or err.
func (h *history) answer(v *visit, err error) {
	c := v.call
	if err != nil {
		c.Responses, c.Err = nil, err
	} else if c.found != nil && !v.looked && c.Err == nil {
		v.loaded = c.found
	}
	if c.Err != nil {
		h.say("#%d %s: %v", v.id, inWords(c), status.Code(c.Err))
	} else {
		h.say("#%d %s: ok", v.id, inWords(c))
	}
	if c.Err != nil {
		h.unanswered(v, c)
	}
	if isCommit(c) {
		v.conflicts = c.Err != nil
	}
	v.resting = v.conflicts || c.Err != nil
	if req, ok := c.Request.(*pb.CommitRequest); ok && c.Err == nil {
		h.facts = append(h.facts, func() { v.process.learn(req, c.tick, &h.ledger) })
	}
	switch status.Code(c.Err) {
	case codes.OK, codes.AlreadyExists, codes.FailedPrecondition, codes.NotFound:
		delete(v.unsure, creates(c))
	}
	if id := creates(c); c.Err == nil && id != "" {
		v.sure[id] = true
	}
	if c.Err == nil && c.found != nil && c.found.exists {
		v.sure[c.found.id] = true
		delete(v.unsure, c.found.id) // it has looked
	}
	v.call, v.running = nil, true
	close(c.answered)
}

// unanswered notes what v does not know for lack of an answer: whether it created what it wanted to read.
func (h *history) unanswered(v *visit, c *call) {
	if req, ok := c.Request.(*pb.BatchGetDocumentsRequest); ok && slices.Contains(v.created, idOf(req.GetDocuments()[0])) {
		v.unsure[idOf(req.GetDocuments()[0])] = true
	}
}
