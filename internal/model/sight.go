package model

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/gorilla/sessions"

	"github.com/echofirestore/echofirestore/firesession"
)

// A sight is what a visit has seen of a session whose document it was to have read: what was stored at some time in between.
type sight struct {
	what     string // has seen it
	id       string // of the document; "" if it is not known
	from, to int    // ticks
	at       time.Time
	alive    bool
	values   map[string]string // but for own
	own      map[string]bool   // keys that the visit had written before
}

// ask notes that v asks for its session, and what that must be by then.
func (v *visit) ask() {
	id := v.h.id(v.key)
	v.asked, v.askedAt = v.h.now(), v.h.clock.Now()
	v.known, v.over = v.process.stored[id], v.process.ended[id]
}

// sight returns what v sees of its session now.
func (v *visit) sight(what string, sess *sessions.Session, from int) sight {
	s := sight{what: what, id: v.documentOf(sess), from: from, alive: true, values: texts(sess), own: make(map[string]bool)}
	for _, w := range v.writes {
		s.own[w.key] = true
		delete(s.values, w.key)
	}
	return s
}

// documentOf returns the ID of a session's document, "" if it has none.
func (v *visit) documentOf(sess *sessions.Session) string {
	if key := cmp.Or(sess.ID, v.renewing); key != "" {
		return v.h.id(key)
	}
	return ""
}

// witness has a sight checked at the end of the visit.
func (v *visit) witness(s sight) {
	if s.id != "" {
		s.to, s.at = v.h.now(), v.h.clock.Now()
		v.sights = append(v.sights, s)
	}
}

// refresh reads the session again.
func (v *visit) refresh(s Sessions, sess *sessions.Session) error {
	from, id := v.h.now(), v.documentOf(sess)
	err := s.Refresh()
	switch {
	case err == nil && sess.ID != "":
		v.witness(v.sight("Refresh", sess, from))
	case errors.Is(err, firesession.ErrGone):
		v.witness(sight{what: "Refresh", id: id, from: v.asked})
	}
	return err
}

// during reports whether s was stored at some time between two ticks.
func (s *state) during(from, to int) bool { return s.tick <= to && (s.until == 0 || s.until > from) }

// missing reports whether no session was alive in a document at some time between two ticks, the last of which was at a time.
func (l *ledger) missing(id string, from, to int, at time.Time) bool {
	past := l.past[id]
	return len(past) == 0 || past[0].tick > from ||
		slices.ContainsFunc(past, func(s *state) bool { return s.during(from, to) && !s.aliveAt(at) })
}

// checkSights holds what v has seen of its sessions against what was stored.
func (h *history) checkSights(v *visit) {
	for _, s := range v.sights {
		if !s.alive {
			if !h.ledger.missing(s.id, s.from, s.to, s.at) {
				h.problem("#%d: %s finds %s gone, which is alive", v.id, s.what, s.id)
			}
			continue
		}
		if !slices.ContainsFunc(h.ledger.past[s.id], func(stored *state) bool {
			return stored.exists && stored.during(s.from, s.to) && s.shows(stored)
		}) {
			h.problem("#%d: %s has not seen what is stored of %s, but %v", v.id, s.what, s.id, s.values)
		}
		h.tally.note("sights of what is stored", s.what)
	}
}

// shows reports whether a state is what was seen.
func (s sight) shows(stored *state) bool {
	want := maps.Clone(stored.values)
	maps.DeleteFunc(want, func(key, _ string) bool { return key == maxAgeKey || s.own[key] })
	return maps.Equal(want, s.values)
}

// checkShown holds what a handler saw of its session at first against what it may have seen.
func (h *history) checkShown(v *visit) {
	if !v.acked() || !v.looked || v.unread || v.key == "" || v.invalid() {
		return
	}
	if v.isNew && v.silent && v.loaded == nil && v.does(opDestroy) {
		return // the load may have failed, unknown to the handler, and that have made up for it
	}
	id := h.id(v.key)
	h.noteHit(v)
	if h.cacheFor == 0 && v.loaded == nil {
		h.problem("#%d shows a session though no read was answered", v.id)
	}
	switch {
	case v.isNew && !h.ledger.missing(id, v.asked, v.seenTick, v.seenAt):
		h.problem("#%d shows no session, but %s is alive", v.id, id)
	case v.isNew:
	case v.over:
		h.problem("#%d shows %s, which its process has ended", v.id, id)
	default:
		h.checkVersion(v, id)
	}
}

// checkVersion looks for the version of a session that v may have been shown.
func (h *history) checkVersion(v *visit, id string) {
	oldest := v.askedAt.Add(-h.cacheFor)
	reason := "never stored"
	for _, s := range slices.Backward(h.ledger.past[id]) {
		values := maps.Clone(s.values)
		delete(values, maxAgeKey)
		if !s.exists || s.tick > v.seenTick || !maps.Equal(values, v.seen) {
			continue
		}
		switch {
		case !s.aliveAt(v.seenAt):
			reason = "expired"
		case s.during(v.asked, v.seenTick):
			return
		case h.cacheFor == 0 || !s.over.After(oldest):
			reason = "older than CacheFor"
		case s.tick < v.known:
			reason = "older than what its process has stored"
		case s.tick < v.cookie.since:
			reason = "older than what its client has stored"
		default:
			h.tally.note("cache", "hits that others had overtaken")
			return
		}
		break
	}
	h.problem("#%d shows a version of %s that is %s: %v", v.id, id, reason, v.seen)
}

// noteHit counts what the cache has spared.
func (h *history) noteHit(v *visit) {
	if h.cacheFor == 0 || v.isNew || v.loaded != nil {
		return
	}
	if v.asked == v.seenTick {
		h.tally.note("cache", hits)
	} else {
		h.tally.note("cache", sharedReads)
	}
}
