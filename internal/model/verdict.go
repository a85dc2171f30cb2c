package model

import (
	"context"
	"errors"
	"maps"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"cloud.google.com/go/firestore"

	"github.com/echofirestore/echofirestore/firesession"
)

// end looks at a visit that is over: at what it was shown, and at what its client is told.
func (h *history) end(v *visit) {
	v.leave()
	v.done, v.finished = true, h.now()
	status := v.response.StatusCode
	cookie := v.setCookie()
	h.say("#%d ends: %d, cookie %v, error %v", v.id, status, cookie, v.err)
	if v.crashed {
		return
	}
	h.checkShown(v)
	h.checkSights(v)
	h.checkCost(v)
	h.tally.note("statuses", status)

	deleting := cookie != nil && cookie.MaxAge < 0
	switch {
	case cookie == nil:
	case deleting && !v.ends && len(v.deletes) == 0 && !v.mayEnd:
		h.problem("#%d deletes the cookie of a session that it did not end", v.id)
	case !deleting:
		if id := h.idOf(cookie); !h.ledger.at(id).exists && h.ledger.deleted[id] == 0 {
			h.problem("#%d sets a cookie for no session", v.id)
		}
	}
	if v.acked() {
		h.checkDelivered(v, cookie)
	}
	if len(v.struck) == 1 && answerLost(v.struck[0]) && !v.lost && v.inTime() && v.toldOfFailure() {
		h.problem("#%d answers %d for what was stored: %s", v.id, status, v.struck[0])
	}
	if v.dropped && h.ledger.at(h.id(v.key)).aliveAt(h.clock.Now()) {
		h.problem("#%d drops its changes to a session that is alive", v.id)
	}
	if v.dropped && cookie == nil && h.hasRenewed(v) {
		h.problem("#%d drops its changes to a session that it renewed itself", v.id)
	}
	if v.dropped && v.late == nil && cookie != nil && !deleting && !h.ledger.at(h.idOf(cookie)).exists {
		h.problem("#%d sets the cookie of a session that it knows to be gone", v.id) // in the place of a new one, perhaps
	}
	if v.browser >= 0 && !v.lost {
		h.take(v, cookie)
	}
	for _, id := range v.deletes {
		v.process.ended[id] = true // whatever it was told
	}
}

// hasRenewed reports whether v has renewed its session, and can know it: the new document is still there, and v knows its key.
func (h *history) hasRenewed(v *visit) bool {
	return slices.Contains(v.deletes, h.id(v.key)) && v.does(opRenew, opByID) && len(v.unsure) == 0 &&
		!v.does(opDestroy, opExpire, opEmpty, opTake, opEndIn, opRevoke) &&
		!slices.ContainsFunc(v.created, func(id string) bool { return h.ledger.deleted[id] != 0 })
}

// setCookie returns the session's cookie that the response sets, nil if none.
func (v *visit) setCookie() *http.Cookie {
	var found *http.Cookie
	for _, cookie := range v.response.Cookies() {
		if cookie.Name == firesession.DefaultCookieName && found != nil {
			v.h.problem("#%d sets the cookie more than once", v.id)
		}
		if cookie.Name == firesession.DefaultCookieName {
			found = cookie
		}
	}
	return found
}

// inTime reports whether no time-out can have ended a call of v's: while others wait for theirs, its own time passes too.
func (v *visit) inTime() bool { return time.Since(v.started) < 10*time.Second }

// toldOfFailure reports whether the handler or the client was told that Firestore has failed.
func (v *visit) toldOfFailure() bool {
	if v.err != nil && !v.begun {
		return !errors.Is(v.err, errHandler) && !errors.Is(v.err, firesession.ErrGone)
	}
	return v.response.StatusCode == http.StatusServiceUnavailable
}

// answerLost reports whether a fault has a call applied and answered at once, in another way. What became of it can be seen.
func answerLost(fault string) bool {
	return strings.HasSuffix(fault, ", applied") && !strings.HasPrefix(fault, "no answer") && !strings.HasPrefix(fault, "crash")
}

// does reports whether any of ops is among the steps.
func (v *visit) does(ops ...op) bool {
	return slices.ContainsFunc(slices.Concat(v.steps, v.late), func(s step) bool { return slices.Contains(ops, s.op) })
}

// acked reports whether the response tells the client that all is well.
func (v *visit) acked() bool {
	want := map[ending]int{answers: http.StatusOK, noContent: http.StatusOK, forbids: http.StatusForbidden}[v.ending]
	return v.done && !v.crashed && v.response.StatusCode == want && v.err == nil && !v.unsaved
}

// checkDelivered sees to it that a visit leaves no document whose key the client does not get.
func (h *history) checkDelivered(v *visit, cookie *http.Cookie) {
	for _, id := range v.created {
		if h.ledger.at(id).aliveAt(h.clock.Now()) && !v.unsure[id] && (cookie == nil || h.idOf(cookie) != id) {
			h.problem("#%d leaves session %s to nobody", v.id, id)
		}
	}
	// What it created is gone only if it ended that itself.
	for _, w := range v.writes {
		if w.key == sidKey && w.value != "" && !w.superseded && !v.ends && !h.ledger.sids[w.sid] {
			h.problem("#%d did not store its new session %s", v.id, w.sid)
		}
	}
}

// checkState holds what is stored of a session against what was written to it: no write that was acknowledged is lost,
// but to a later one; none is there that never was; updates are exact.
func (h *history) checkState(s *state) {
	if !s.exists || s.id == h.id(takenKey) || s.by.unsure[s.id] {
		return
	}
	now := h.now()
	writes := make(map[string][]*write)
	counted, least, listed := 0, 0, make(map[string]bool)
	for _, v := range h.visits {
		for _, w := range v.writes {
			if w.sid == s.sid {
				writes[w.key] = append(writes[w.key], w)
			}
		}
		for _, u := range v.updates {
			if u.sid != s.sid {
				continue
			}
			acked := u.acked > 0 && u.acked < now
			switch {
			case u.id != "" && acked && !strings.Contains(s.values["list"], strconv.Quote(u.id)):
				h.problem("%s has lost the update %s: %s", s.id, u.id, s.values["list"])
			case u.id != "" && strings.Count(s.values["list"], strconv.Quote(u.id)) > 1:
				h.problem("%s has the update %s twice: %s", s.id, u.id, s.values["list"])
			case u.id != "":
				listed[u.id] = true
			default:
				counted++
				if acked {
					least++
				}
			}
		}
	}
	if n, _ := strconv.Atoi(s.values["n"]); n < least || n > counted {
		h.problem("%s counts %d: %d updates were acknowledged, %d tried", s.id, n, least, counted)
	}
	for key, value := range s.values {
		if writes[key] == nil && !slices.Contains([]string{"n", "list", maxAgeKey}, key) {
			h.problem("%s has %s = %s from nowhere", s.id, key, value)
		}
	}
	for key, ws := range writes {
		h.checkValue(s, key, ws)
	}
}

// checkValue looks for a write that may have left the value of a key: one after which no other was begun and
// acknowledged.
func (h *history) checkValue(s *state, key string, writes []*write) {
	value := s.values[key]
	possible := func(w *write) bool {
		return w.value == value && (w.tried || !w.v.done || w.v.stores()) && !h.overwritten(w.end(), writes)
	}
	initial := ""
	if key == maxAgeKey {
		initial = strconv.Itoa(modelMaxAge)
	}
	if slices.ContainsFunc(writes, possible) || value == initial && !h.overwritten(-1, writes) {
		return
	}
	h.problem("%s has %s = %q: lost, or from nowhere", s.id, key, value)
	for _, w := range writes {
		h.say("  written %q by #%d at %d, acknowledged at %d, over at %d", w.value, w.v.id, w.at, w.ack(), w.end())
	}
}

// stores reports whether a visit stores its changes at its end.
func (v *visit) stores() bool { return !slices.Contains([]ending{breaks, fails, panics}, v.ending) }

// overwritten reports whether a write was begun after the given tick and acknowledged by now.
func (h *history) overwritten(tick int, writes []*write) bool {
	return slices.ContainsFunc(writes, func(w *write) bool { return w.at > tick && w.ack() != 0 && w.ack() < h.now() })
}

// ack returns the tick at which somebody was told that a write is stored, 0 if nobody was.
func (w *write) ack() int {
	switch {
	case w.acked != 0:
		return w.acked
	case w.v.acked() && !w.superseded && !w.moot && !w.v.dropped && w.holds():
		return w.v.finished
	default:
		return 0
	}
}

// end returns the tick after which a write takes no effect any more.
func (w *write) end() int {
	switch {
	case w.acked != 0:
		return w.acked
	case w.v.acked():
		return w.v.finished
	default:
		return math.MaxInt
	}
}

// audit looks at what is left.
func (h *history) audit(ctx context.Context) {
	h.tick.Add(1)
	var refs []*firestore.DocumentRef
	for _, id := range slices.Concat(slices.Collect(maps.Keys(h.ledger.alive)), slices.Collect(maps.Keys(h.ledger.deleted))) {
		refs = append(refs, h.network.Client.Collection(h.collection).Doc(id))
	}
	snaps, err := h.network.Client.GetAll(ctx, refs)
	if err != nil {
		h.problem("the audit fails: %v", err)
	}
	for _, snap := range snaps {
		s := h.ledger.at(snap.Ref.ID)
		if data, _ := snap.Data()["data"].(string); snap.Exists() != s.exists || data != s.fields["data"].GetStringValue() {
			h.problem("%s is not what the commits have made of it", snap.Ref.ID)
		}
	}
	for _, s := range h.ledger.alive {
		h.checkState(s)
	}
}

// checkCost holds a visit that nothing disturbed against what such a visit may cost.
func (h *history) checkCost(v *visit) {
	if h.cacheFor > 0 || !v.solo || v.faulty || v.collides || v.late != nil || !v.stores() || h.clock.Now().Sub(v.beginAt) >= time.Minute {
		return
	}
	last := opRead // the one step that does more
	for _, s := range v.steps {
		switch {
		case (s.op == opSave || s.op == opKeep) && len(v.steps) > 1:
			return // it may extend the session, for once
		case s.op == opRead, s.op == opWait, s.op == opSame, s.op == opRefuse, s.op == opKeep, s.op == opUnset && v.seen[s.key] == "" && last == opRead:
		case last != opRead:
			return // there are several
		case s.op != opSave:
			last = s.op
		}
	}
	var want ops
	stored := v.loaded != nil && v.loaded.aliveAt(v.seenAt)
	if v.loaded != nil {
		want.Reads = 1
		if v.loaded.exists && !stored {
			want.Deletes = 1
		}
	}
	switch last {
	case opRead:
		if stored && h.clock.Now().Add(v.loaded.maxAge()).Sub(v.loaded.expire()) >= min(modelTouchAfter, v.loaded.maxAge()/2) {
			want.Writes = 1
		}
	case opRenew, opByID:
		if stored {
			want.Writes, want.Deletes = 1, 1
		}
	case opDestroy:
		if stored || v.unread && v.key != "" && !v.invalid() {
			want.Deletes = 1
		}
	case opExpire, opEndIn:
		if stored {
			want.Deletes = 1
		}
	case opEmpty, opTake, opDrain:
		return // that depends on what the session holds: see TestEmptied
	case opRefresh, opRevoke, opSweep:
		return // likewise
	default:
		want.Writes = 1
	}
	h.tally.note("visits whose cost was checked", last)
	if v.cost != want {
		h.problem("#%d costs %v, should cost %v", v.id, v.cost, want)
	}
}

// invalid reports whether the cookie can be no key.
func (v *visit) invalid() bool { return strings.ContainsAny(v.key, "/_") }
