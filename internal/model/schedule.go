package model

import (
	"context"
	"slices"
	"testing/synctest"
	"time"
)

// step is one thing that happens. It reports false when nothing is left to happen.
func (h *history) step(ctx context.Context) bool {
	h.settle()
	h.noteFacts()
	h.tick.Add(1)
	type choice struct {
		weight int
		do     func()
	}
	var choices []choice
	may := func(weight int, do func()) { choices = append(choices, choice{weight, do}) }
	active, idle := 0, true
	for _, v := range h.visits {
		switch {
		case v.done:
			continue
		case v.asleep:
			if v.resting || v.call != nil || h.IntN(12) == 0 {
				may(2, func() { h.wake(v) })
			}
		case v.call.arrived:
			may(4, func() { h.answer(v, nil) })
		case v.hurried && !isCommit(v.call):
			may(12, func() { h.decide(v) })
		case v.hurried:
			may(2, func() { h.decide(v) }) // so that others come and wait for it
		default:
			may(6, func() { h.decide(v) })
		}
		if active++; !v.lost && h.faults > 0 && h.IntN(4) == 0 {
			may(1, func() { h.goAway(v) })
		}
		idle = idle && v.call != nil && v.call.Method == "wait"
	}
	if h.planned > 0 && active < 4 {
		may(8/(1+active)+1, func() { h.begin(ctx) })
	}
	if h.planned > 0 && active < 2 && h.anyCookie() {
		may(2, func() { h.beginBurst(ctx) })
	}
	for i, l := range h.late {
		may(2, func() { h.late = slices.Delete(h.late, i, i+1); h.deliver(l) })
	}
	if choices == nil && active > 0 { // they wait for each other
		for _, v := range h.visits {
			if v.asleep {
				may(1, func() { h.wake(v) })
			}
		}
	}
	if choices == nil {
		return false
	}
	if h.planned > 0 {
		may(1, func() {
			h.pass([]time.Duration{time.Second / 2, time.Second, modelCacheFor - 1, modelCacheFor}[h.IntN(4)])
		})
		if idle && (h.cacheFor == 0 || h.IntN(3) == 0) { // for nothing that takes long is allowed to by Config.Timeout, but handlers
			may(3, func() { h.pass([]time.Duration{11 * time.Minute, 50 * time.Minute}[h.IntN(2)]) })
		}
		if h.IntN(2) == 0 {
			may(1, func() { h.annotate() })
		}
	}
	total := 0
	for _, c := range choices {
		total += c.weight
	}
	n := h.IntN(total)
	for _, c := range choices {
		if n -= c.weight; n < 0 {
			c.do()
			break
		}
	}
	return true
}

func (h *history) noteFacts() {
	for _, fact := range h.facts {
		fact()
	}
	h.facts = nil
}

func (h *history) pass(d time.Duration) {
	h.clock.Advance(d)
	h.say("%v pass", d)
}

// settle waits until every visit is at a call, asleep or done. One that rests stays so for the history until that wakes it,
// though others may have waited for longer meanwhile: how long the client waits is not by our chance. One that waits for
// another goes on when that lets it.
func (h *history) settle() {
	h.baton.Unlock()
	synctest.Wait()
	h.baton.Lock()
	for _, v := range h.visits {
		switch {
		case v.call != nil && v.call.gaveUp:
			h.say("#%d waits no more for its %s", v.id, v.call.Method)
			h.unanswered(v, v.call)
			v.call, v.asleep, v.resting = nil, true, true
		case v.running, v.asleep && !v.resting && v.call == nil:
			select {
			case c, ok := <-v.calls:
				h.reached(v, c, ok)
			default:
				v.running, v.asleep = false, true
			}
		}
	}
}

// reached notes that v has come to its next call, or to its end.
func (h *history) reached(v *visit, c *call, ok bool) {
	if v.call != nil {
		h.unanswered(v, v.call)
	}
	v.asleep, v.running, v.resting, v.call = false, false, false, c
	if ok {
		c.sent = h.clock.Now()
		v.sent = append(v.sent, c)
		if id := creates(c); id != "" {
			v.unsure[id] = true
			v.collides = v.collides || id == h.id(takenKey)
		}
		return
	}
	h.end(v)
}

// wake lets time pass until v is awake. One that does not rest any more, but waits for others, sleeps on.
func (h *history) wake(v *visit) {
	var enough <-chan time.Time
	if v.resting && v.call == nil {
		enough = time.After(restAtMost)
	}
	h.baton.Unlock()
	defer h.baton.Lock()
	select {
	case c, ok := <-v.calls:
		synctest.Wait() // for those that go on with it, or were awake before
		h.baton.Lock()
		h.reached(v, c, ok)
		h.baton.Unlock()
	case <-enough:
		v.resting = false
	}
}

// follow is called by visits when it may be the time that has woken them: the race detector must know that all which the
// history has done until then comes before what they do now.
func (h *history) follow() {
	h.baton.Lock()
	defer h.baton.Unlock()
}
