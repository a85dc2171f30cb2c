package model

import (
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// A fault is something that can become of a call. It says so of itself in the tally.
type fault struct {
	name   string
	weight int
	reads  bool // can hit reads
	strike func(h *history, v *visit)
}

func lostAnswer(code codes.Code) func(*history, *visit) {
	return func(h *history, v *visit) {
		h.arrive(v, v.call)
		h.answer(v, status.Error(code, "the answer is lost"))
	}
}

func lostCall(code codes.Code) func(*history, *visit) {
	return func(h *history, v *visit) { h.answer(v, status.Error(code, "the call is lost")) }
}

func lateCall(code codes.Code) func(*history, *visit) {
	return func(h *history, v *visit) {
		h.late = append(h.late, late{v, newCall(v.call.Method, proto.Clone(v.call.Request))})
		h.answer(v, status.Error(code, "the call is late"))
	}
}

var faults = []fault{
	{"UNAVAILABLE, applied", 30, false, lostAnswer(codes.Unavailable)},
	{"UNAVAILABLE, not applied", 6, true, lostCall(codes.Unavailable)},
	{"UNAVAILABLE, applied later", 6, false, lateCall(codes.Unavailable)},
	{"RESOURCE_EXHAUSTED, applied", 3, false, lostAnswer(codes.ResourceExhausted)},
	{"RESOURCE_EXHAUSTED, not applied", 2, true, lostCall(codes.ResourceExhausted)},
	{"ABORTED, not applied", 6, true, lostCall(codes.Aborted)},
	{"PERMISSION_DENIED", 3, true, lostCall(codes.PermissionDenied)},
	{"INTERNAL, applied", 3, false, lostAnswer(codes.Internal)},
	{"INTERNAL, not applied", 3, true, lostCall(codes.Internal)},
	{"DEADLINE_EXCEEDED, applied", 3, false, lostAnswer(codes.DeadlineExceeded)},
	{"DEADLINE_EXCEEDED, not applied", 3, true, lostCall(codes.DeadlineExceeded)},
	{"DEADLINE_EXCEEDED, applied later", 3, false, lateCall(codes.DeadlineExceeded)},
	{"no answer, applied", 2, false, func(h *history, v *visit) { h.arrive(v, v.call); v.asleep = true }},
	{"no answer, not applied", 2, true, func(_ *history, v *visit) { v.asleep = true }},
	{"crash, applied", 4, false, func(h *history, v *visit) { h.arrive(v, v.call); v.crash(); h.answer(v, errCrashed) }},
	{"crash, not applied", 4, true, func(h *history, v *visit) { v.crash(); h.answer(v, errCrashed) }},
}

// crash ends the process of v: no call leaves it any more, and its response reaches nobody.
func (v *visit) crash() { v.crashed, v.lost = true, true }

// decide says what becomes of the call that v is at.
func (h *history) decide(v *visit) {
	if v.call.Method == "wait" {
		h.answer(v, nil)
		return
	}
	isRead := !isCommit(v.call)
	chance := h.faults
	if isRead {
		chance /= 3
	}
	switch {
	case v.crashed:
		h.answer(v, errCrashed)
	case h.Float64() < chance:
		h.strike(v, isRead)
	default:
		h.arrive(v, v.call)
		slow := isRead && h.cacheFor > 0 && h.IntN(2) == 0 // so that others come and share it
		if h.IntN(4) > 0 && !slow {
			h.answer(v, nil)
		} else {
			h.say("#%d %s: arrived", v.id, inWords(v.call))
		}
	}
}

func (h *history) strike(v *visit, isRead bool) {
	for {
		f := faults[h.IntN(len(faults))]
		if h.IntN(30) >= f.weight || isRead && !f.reads {
			continue
		}
		h.say("#%d %s: %s", v.id, inWords(v.call), f.name)
		v.faulty = true
		v.struck = append(v.struck, f.name)
		h.tally.note("faults", f.name)
		f.strike(h, v)
		return
	}
}

// deliver has a late call arrive. Firestore has a deadline for its callers, so a late creation does not come after
// the end of its request: it would bring back what was ended meanwhile, and nothing could stop it.
func (h *history) deliver(l late) {
	if id := creates(l.c); !hasUpdateTime(l.c) && (l.v.done || h.ledger.deleted[id] != 0) {
		return
	}
	h.say("#%d %s: arrives late", l.v.id, inWords(l.c))
	h.arrive(l.v, l.c)
}

func (h *history) goAway(v *visit) {
	h.say("the client of #%d goes away", v.id)
	h.tally.note("faults", "the client goes away")
	v.lost, v.faulty = true, true
	v.leave()
}
