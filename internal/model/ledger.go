package model

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/protobuf/proto"

	"github.com/echofirestore/echofirestore/firesession"
)

// A ledger knows what is stored, from the commits that were applied.
type ledger struct {
	alive   map[string]*state
	deleted map[string]int // tick
	sids    map[string]bool
	sidOf   map[string]string   // the session that a document holds, or held
	last    *state              // the last one that was deleted
	past    map[string][]*state // by document, all that it has held, in order
	changes map[*state][]any    // the *write and *addition that a state was the first to have
}

// A state is what a document holds, or held at some time.
type state struct {
	id     string
	tick   int       // when this was stored, or deleted
	until  int       // when that was over; 0 if it is not
	over   time.Time // likewise
	exists bool
	fields map[string]*pb.Value
	values map[string]string // as JSON, by key
	sid    string            // the session's identity, also if it is not among the values
	by     *visit            // who created it
	writer *visit            // who wrote it last, nil for another program
}

func newLedger() ledger {
	return ledger{
		alive: make(map[string]*state), deleted: make(map[string]int), sids: make(map[string]bool), sidOf: make(map[string]string),
		past: make(map[string][]*state), changes: make(map[*state][]any),
	}
}

// put notes that a document holds s from now on.
func (l *ledger) put(s *state, now time.Time) {
	if past := l.past[s.id]; len(past) > 0 {
		last := past[len(past)-1]
		last.until, last.over = s.tick, now
	}
	l.past[s.id] = append(l.past[s.id], s)
	if s.exists {
		l.alive[s.id] = s
	} else {
		delete(l.alive, s.id)
		l.deleted[s.id] = s.tick
	}
}

func (l *ledger) at(id string) *state {
	if s, ok := l.alive[id]; ok {
		return s
	}
	return &state{id: id}
}

func (l *ledger) anyAlive(r *rand.Rand) string {
	ids := slices.Sorted(maps.Keys(l.alive))
	if len(ids) == 0 {
		return ""
	}
	return ids[r.IntN(len(ids))]
}

func idOf(name string) string { return path.Base(name) }

func (s *state) expire() time.Time {
	if ts := s.fields["expire"].GetTimestampValue(); ts != nil {
		return ts.AsTime()
	}
	return time.Time{}
}

func (s *state) aliveAt(now time.Time) bool {
	return s.exists && (s.expire().IsZero() || now.Before(s.expire()))
}

// written returns what a write makes of a state, or what is wrong with that.
func (s *state) written(w *pb.Write, tick int) (*state, error) {
	next := &state{id: s.id, tick: tick, exists: true, fields: maps.Clone(s.fields)}
	if next.fields == nil || w.GetUpdateMask() == nil {
		next.fields = make(map[string]*pb.Value)
	}
	for _, field := range w.GetUpdateMask().GetFieldPaths() {
		delete(next.fields, field)
	}
	maps.Copy(next.fields, w.GetUpdate().GetFields())
	for field := range next.fields {
		if !slices.Contains([]string{"data", "max_age", "expire", "user", "started", "write", "hashed", "note"}, field) {
			return next, fmt.Errorf("field %q", field)
		}
	}
	if old := s.fields["note"]; !proto.Equal(old, next.fields["note"]) && !slices.Contains(w.GetUpdateMask().GetFieldPaths(), "note") {
		return next, fmt.Errorf("the note %v of another program has become %v", old, next.fields["note"])
	}
	return next, next.decode()
}

func (s *state) decode() error {
	payload, err := firesession.DecodeJSON(s.fields["data"].GetStringValue())
	if err != nil {
		return fmt.Errorf("data does not decode: %w", err)
	}
	s.values = make(map[string]string)
	for key, value := range payload.Values {
		s.values[key] = text(value)
	}
	s.sid, _ = payload.Values[sidKey].(string)
	if user := s.fields["user"].GetStringValue(); user != s.sid {
		return fmt.Errorf("user is %q, the session's %q", user, s.sid)
	}
	s.values[maxAgeKey] = fmt.Sprint(s.fields["max_age"].GetIntegerValue())
	return nil
}

func (s *state) maxAge() time.Duration {
	return time.Duration(s.fields["max_age"].GetIntegerValue()) * time.Second
}

// committed takes a commit of v into the ledger, and checks what must hold of each: nil is another program's.
func (h *history) committed(v *visit, req *pb.CommitRequest) {
	for _, w := range req.GetWrites() {
		if name := w.GetDelete(); name != "" {
			if v.draining && len(req.GetWrites()) == 1 && h.ledger.at(idOf(name)).aliveAt(h.clock.Now()) {
				h.problem("#%d deletes %s, which an Update was to empty", v.id, idOf(name))
			}
			h.deleted(v, idOf(name))
		}
	}
	for _, w := range req.GetWrites() {
		doc := w.GetUpdate()
		if doc == nil {
			continue
		}
		id := idOf(doc.GetName())
		old, existed := h.ledger.alive[id]
		if _, ok := h.ledger.deleted[id]; ok && !h.createsAgain(v, id) {
			h.problem("%s is written after its deletion", id)
		}
		if !existed {
			old = new(state)
			if v != nil {
				v.created = append(v.created, id)
			}
		}
		before := h.renewedFrom(old, req)
		next, err := before.written(w, h.now())
		if next.id, next.by, next.writer = id, old.by, v; !existed {
			next.by = v
		}
		if err != nil {
			h.problem("%s: %v", id, err)
		}
		if before.sid != "" && next.sid != "" && before.sid != next.sid {
			h.problem("session %s becomes %s under the same key %s", before.sid, next.sid, next.id)
		}
		next.sid = cmp.Or(before.sid, next.sid)
		h.ledger.put(next, h.clock.Now())
		h.ledger.sidOf[id] = next.sid
		h.noteChanges(v, before, next)
		h.checkIdentity(old, next)
		if v != nil {
			h.checkBefore(v, before, next, req)
			h.checkExpire(v, next, w)
			h.checkState(next)
			if hashed := next.fields["hashed"].GetBooleanValue(); hashed != h.hashed {
				h.problem("%s is marked as hashed: %v", id, hashed)
			}
		}
	}
}

// createsAgain reports whether v creates a document that others have ended before v had an answer to its first try. Nobody was told
// of it then, so it does not come back: it is as if v had created it only now.
func (h *history) createsAgain(v *visit, id string) bool {
	if v == nil || v.sure[id] || !slices.Contains(v.created, id) {
		return false
	}
	delete(h.ledger.deleted, id)
	for _, p := range h.processes {
		delete(p.ended, id)
	}
	for _, each := range h.visits {
		each.deletes = slices.DeleteFunc(each.deletes, func(deleted string) bool { return deleted == id })
	}
	return true
}

// renewedFrom returns the state that a creation takes the place of, if the commit is a renewal.
func (h *history) renewedFrom(old *state, req *pb.CommitRequest) *state {
	if old.exists || len(req.GetWrites()) < 2 {
		return old
	}
	for _, w := range req.GetWrites() {
		if name := w.GetDelete(); name != "" && h.ledger.last != nil && h.ledger.last.id == idOf(name) {
			last := *h.ledger.last
			last.fields = map[string]*pb.Value{"note": last.fields["note"]}
			return &last
		}
	}
	return old
}

// checkBefore sees to it that no session is extended or changed that had expired when its visit decided on that, and that
// none is stored without values but by an Update.
func (h *history) checkBefore(v *visit, before, next *state, req *pb.CommitRequest) {
	decided := h.clock.Now()
	if i := slices.IndexFunc(v.sent, func(c *call) bool { return proto.Equal(c.Request, req) }); i >= 0 {
		decided = v.sent[i].sent // it may have been repeated
	}
	if before.exists && !before.aliveAt(decided) {
		h.problem("#%d brings back %s, which has expired", v.id, next.id)
	}
	if before.exists && len(before.values) > 1 && len(next.values) == 1 && !v.does(opDrain, opKeep) {
		h.problem("#%d leaves session %s without values", v.id, next.id)
	}
}

// removed reports whether v has removed a value of a session.
func (v *visit) removed(sid, key string) bool {
	return slices.ContainsFunc(v.writes, func(w *write) bool {
		return w.sid == sid && w.key == key && w.value == "" && !w.superseded && !w.undone
	})
}

// revokes reports whether v is to revoke the sessions of a user.
func (v *visit) revokes(user string) bool {
	return slices.ContainsFunc(slices.Concat(v.steps, v.late), func(s step) bool { return s.op == opRevoke && s.key == user })
}

// companions returns the visits that v may have committed for: itself, and others of its process, also those whose time has
// ended before the commit arrived.
func (h *history) companions(v *visit) []*visit {
	var all []*visit
	for _, each := range h.visits {
		late := each.done && each.finished >= v.passed && each.response.StatusCode == http.StatusServiceUnavailable
		if each == v || (!each.done || late) && each.process == v.process {
			all = append(all, each)
		}
	}
	return all
}

// deleted takes a deletion into the ledger. Only those who end or renew a session delete it, or who have removed all that
// is in it, maybe together, unless it has expired.
func (h *history) deleted(v *visit, id string) {
	s, ok := h.ledger.alive[id]
	if !ok {
		return
	}
	companions := h.companions(v)
	if s.aliveAt(h.clock.Now()) {
		v.deletes = append(v.deletes, id)
		for _, each := range companions {
			each.mayEnd = each.mayEnd || slices.ContainsFunc(each.writes, func(w *write) bool { return w.sid == s.sid && !w.undone })
		}
	}
	for key, value := range s.values {
		removed := slices.ContainsFunc(companions, func(each *visit) bool { return each.removed(s.sid, key) })
		if !v.ends && s.aliveAt(h.clock.Now()) && key != maxAgeKey && !removed && !v.revokes(s.sid) {
			h.problem("#%d deletes %s, which is alive, and has not removed %s = %s", v.id, id, key, value)
		}
		mine := slices.ContainsFunc(v.writes, func(w *write) bool { return w.sid == s.sid && w.key == key })
		if v.saw != nil && !mine && key != maxAgeKey && v.saw[key] != value && s.aliveAt(h.clock.Now()) {
			h.problem("#%d ends %s by an Update that has not seen %s = %s", v.id, id, key, value)
		}
	}
	if id == h.id(takenKey) {
		h.problem("#%d deletes the session of somebody else", v.id)
	}
	h.ledger.put(&state{id: id, tick: h.now()}, h.clock.Now())
	h.ledger.last = s
}

// checkIdentity sees to it that a session has one document at a time, and none after its end.
func (h *history) checkIdentity(old, next *state) {
	if old.exists {
		return
	}
	again := false // by a visit that does not know what became of its first attempt, and never told anybody that key
	for id, s := range h.ledger.alive {
		switch {
		case id == next.id || s.sid != next.sid:
		case s.by.unsure[id]:
			again = true
		default:
			h.problem("session %s is alive under %s and %s", s.sid, id, next.id)
		}
	}
	if v := next.by; v != nil { // likewise, if others have ended that
		again = again || slices.ContainsFunc(v.created, func(id string) bool {
			return h.ledger.sidOf[id] == next.sid && !v.sure[id]
		})
	}
	renewal := h.ledger.last != nil && h.ledger.last.sid == next.sid && h.ledger.deleted[h.ledger.last.id] == h.now()
	if h.ledger.sids[next.sid] && !renewal && !again {
		h.problem("session %s was ended, and is back under %s", next.sid, next.id)
	}
	h.ledger.sids[next.sid] = true
}

// checkExpire sees to it that a session lives for its max age since it was saved.
func (h *history) checkExpire(v *visit, s *state, w *pb.Write) {
	if s.maxAge() == 0 {
		h.problem("%s has no max age", s.id)
		return
	}
	earliest, latest := v.beginAt.Add(s.maxAge()), h.clock.Now().Add(s.maxAge())
	if at := s.expire(); at.Before(earliest.Truncate(time.Microsecond)) || at.After(latest) {
		h.problem("%s, saved by #%d with %v, expires %v later", s.id, v.id, w.GetUpdateMask().GetFieldPaths(), at.Sub(h.clock.Now()))
	}
}

// inWords returns a call in words.
func inWords(c *call) string {
	var s strings.Builder
	s.WriteString(map[bool]string{true: "goes on"}[c.Request == nil])
	switch req := c.Request.(type) {
	case *pb.RunQueryRequest, *pb.BeginTransactionRequest, *pb.RollbackRequest:
		s.WriteString(c.Method)
	case *pb.BatchGetDocumentsRequest:
		fmt.Fprintf(&s, "read %s", idOf(req.GetDocuments()[0]))
		if c.arrived && c.found != nil && !c.found.exists {
			s.WriteString(" (missing)")
		}
	case *pb.CommitRequest:
		for i, w := range req.GetWrites() {
			if i > 0 {
				s.WriteString(" and ")
			}
			if name := w.GetDelete(); name != "" {
				fmt.Fprintf(&s, "delete %s", idOf(name))
			} else if fields := w.GetUpdate().GetFields(); fields["data"] != nil {
				_, session, _ := strings.Cut(fields["data"].GetStringValue(), `"session":`)
				fmt.Fprintf(&s, "write %s = %s", idOf(w.GetUpdate().GetName()), strings.TrimSuffix(session, "}"))
			} else {
				fmt.Fprintf(&s, "write %s %v", idOf(w.GetUpdate().GetName()), slices.Sorted(maps.Keys(fields)))
			}
			switch p := w.GetCurrentDocument(); {
			case p.GetUpdateTime() != nil:
				s.WriteString(" if unchanged")
			case p != nil && !p.GetExists():
				s.WriteString(" if new")
			case p != nil:
				s.WriteString(" if there")
			}
		}
	}
	return s.String()
}

func isCommit(c *call) bool { _, ok := c.Request.(*pb.CommitRequest); return ok }

func hasUpdateTime(c *call) bool {
	req, ok := c.Request.(*pb.CommitRequest)
	return ok && slices.ContainsFunc(req.GetWrites(), func(w *pb.Write) bool { return w.GetCurrentDocument().GetUpdateTime() != nil })
}

// writes returns the document that a call updates, "" if it updates none.
func writes(c *call) string {
	req, _ := c.Request.(*pb.CommitRequest)
	for _, w := range req.GetWrites() {
		if doc := w.GetUpdate(); doc != nil {
			return idOf(doc.GetName())
		}
	}
	return ""
}

// creates returns the document that a call creates, "" if it creates none.
func creates(c *call) string {
	req, _ := c.Request.(*pb.CommitRequest)
	for _, w := range req.GetWrites() {
		if doc := w.GetUpdate(); doc != nil && w.GetUpdateMask() == nil {
			return idOf(doc.GetName())
		}
	}
	return ""
}
