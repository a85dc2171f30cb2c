package model

import (
	"context"
	"fmt"
	"time"
)

// begin starts a visit, with a handler made up by chance.
func (h *history) begin(ctx context.Context) {
	h.planned--
	v := h.newVisit()
	switch {
	case len(h.issues) > 0 && h.IntN(12) == 0:
		v.browser, v.cookie = -1, h.issues[h.IntN(len(h.issues))]
		if h.IntN(3) == 0 {
			v.cookie = h.ofKey(v.cookie.key)
		}
	case h.IntN(40) == 0:
		v.browser, v.cookie = -1, h.ofKey([]string{"a/b", "__x__", "unknown"}[h.IntN(3)])
	default:
		if h.answered >= 0 && h.IntN(2) == 0 {
			v.browser = h.answered
		}
		if h.browsers[v.browser].value == "" && h.IntN(4) > 0 || h.IntN(8) == 0 {
			h.browsers[v.browser] = h.browsers[h.IntN(len(h.browsers))] // one more device with the same session
		}
		v.cookie = h.browsers[v.browser]
	}
	v.steps = h.steps()
	if h.IntN(5) == 0 {
		v.ending = []ending{forbids, breaks, fails, panics, noContent}[h.IntN(5)]
	} else if h.IntN(8) == 0 && v.steps[len(v.steps)-1].op != opExpire {
		v.late = h.steps()
	}
	h.start(ctx, v)
}

// beginBurst starts several visits of one session at once, most of which change values of their own, at one process or, now and
// then, at several.
func (h *history) beginBurst(ctx context.Context) {
	h.planned--
	b := h.IntN(len(h.browsers))
	for h.browsers[b].value == "" {
		b = h.IntN(len(h.browsers))
	}
	p, spread := h.anyProcess(), h.IntN(4) == 0
	n := 3 + h.IntN(4)
	h.say("a burst of %d visits", n)
	for i := range n {
		v := h.newVisit()
		v.browser, v.cookie, v.hurried = b, h.browsers[b], true
		if !spread {
			v.process = p
		}
		v.steps = []step{{op: opSet, key: fmt.Sprintf("k%d", i)}}
		if h.IntN(5) == 0 {
			v.steps = h.steps()
		}
		h.start(ctx, v)
	}
}

func (h *history) anyProcess() *process { return h.processes[h.IntN(len(h.processes))] }

func (h *history) newVisit() *visit {
	return &visit{
		h: h, id: len(h.visits), browser: h.IntN(len(h.browsers)), process: h.anyProcess(), ending: answers, silent: h.IntN(4) == 0,
		calls: make(chan *call, 1), beginAt: h.clock.Now(), solo: true, started: time.Now(), unsure: make(map[string]bool), sure: make(map[string]bool),
	}
}

func (h *history) start(ctx context.Context, v *visit) {
	ctx, v.leave = context.WithCancel(ctx)
	v.key, v.passed = v.cookie.key, h.now()
	if v.does(opRefresh) {
		v.silent = false // or it would set values in the place of those that it could not read
	}
	for _, s := range append(v.steps, v.late...) {
		h.tally.note("operations", s.op)
	}
	h.tally.note("ends of handlers", v.ending)
	for _, other := range h.visits {
		if !other.done {
			v.solo, other.solo = false, false
		}
	}
	h.visits = append(h.visits, v)
	h.say("%v", v)
	v.running = true
	go v.run(ctx)
}

// steps returns what a handler does: mostly one thing, sometimes several. Nothing follows what ends a session, but that
// a destroyed one may begin anew.
func (h *history) steps() []step {
	var steps []step
	for n := []int{1, 1, 1, 2, 3}[h.IntN(5)]; n > 0; n-- {
		s := step{op: opsByChance[h.IntN(len(opsByChance))]}
		switch s.op {
		case opSet, opSame, opUnset:
			s.key = fmt.Sprintf("k%d", h.IntN(3))
		case opNested:
			s.key = fmt.Sprintf("m%d", h.IntN(2))
		case opRevoke:
			s.key = h.anyUser()
		case opBulk:
			s.key = "big"
			if !h.bulky {
				s.op = opRead
			}
		}
		steps = append(steps, s)
		if s.op == opExpire {
			break
		}
	}
	return steps
}

// anyUser returns the user of a session that is stored.
func (h *history) anyUser() string {
	if s := h.ledger.at(h.ledger.anyAlive(h.Rand)); s.sid != "" && s.id != h.id(takenKey) {
		return s.sid
	}
	return "nobody"
}

var opsByChance = []op{
	opWait, opWait, opWait, opWait, opRead, opRead, opSet, opSet, opSet, opSet, opSet, opSame, opUnset, opUnset, opNested, opNested, opNested, opMaxAge, opSave,
	opRenew, opRenew, opByID, opDestroy, opDestroy, opExpire, opEmpty, opEmpty, opTake, opTake, opCount, opCount, opCount, opCount, opAdd, opAdd, opTry, opRefuse, opDrain, opEndIn,
	opKeep, opKeep, opRefuse, opRefresh, opRefresh, opRevoke, opSweep, opBulk, opBulk,
}
