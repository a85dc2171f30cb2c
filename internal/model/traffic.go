package model

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

// begin starts a visit, with a handler made up by chance.
func (h *history) begin(ctx context.Context) {
	h.planned--
	ctx, leave := context.WithCancel(ctx)
	v := &visit{
		h: h, id: len(h.visits), browser: h.IntN(len(h.browsers)), ending: answers,
		calls: make(chan *call, 1), leave: leave, beginAt: h.clock.Now(), solo: true, started: time.Now(),
		unsure: make(map[string]bool),
	}
	switch {
	case len(h.keys) > 0 && h.IntN(12) == 0:
		v.browser, v.key = -1, h.keys[h.IntN(len(h.keys))]
	case h.IntN(40) == 0:
		v.browser, v.key = -1, []string{"a/b", "__x__", "unknown"}[h.IntN(3)]
	default:
		if h.browsers[v.browser] == "" && h.IntN(2) == 0 {
			h.browsers[v.browser] = h.browsers[h.IntN(len(h.browsers))] // one more device with the same session
		}
		v.key = h.browsers[v.browser]
	}
	v.server = h.servers[h.IntN(len(h.servers))]
	v.silent = h.IntN(4) == 0
	v.steps = h.steps(h.Rand)
	if h.IntN(5) == 0 {
		v.ending = []ending{forbids, breaks, fails, panics, noContent}[h.IntN(5)]
	} else if h.IntN(8) == 0 && v.steps[len(v.steps)-1].op != opExpire {
		v.late = h.steps(h.Rand)
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
func (h *history) steps(r *rand.Rand) []step {
	var steps []step
	for n := []int{1, 1, 1, 2, 3}[r.IntN(5)]; n > 0; n-- {
		s := step{op: opsByChance[r.IntN(len(opsByChance))]}
		switch s.op {
		case opSet, opSame, opUnset:
			s.key = fmt.Sprintf("k%d", r.IntN(3))
		case opNested:
			s.key = fmt.Sprintf("m%d", r.IntN(2))
		}
		steps = append(steps, s)
		if s.op == opExpire {
			break
		}
	}
	return steps
}

var opsByChance = []op{
	opWait, opWait, opWait, opWait, opRead, opRead, opSet, opSet, opSet, opSet, opSet, opSame, opUnset, opUnset, opNested, opNested, opNested, opMaxAge, opSave,
	opRenew, opRenew, opByID, opDestroy, opDestroy, opExpire, opEmpty, opEmpty, opTake, opTake, opCount, opCount, opCount, opCount, opAdd, opAdd, opTry, opRefuse, opDrain, opEndIn,
}
