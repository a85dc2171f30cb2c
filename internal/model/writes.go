package model

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/gorilla/sessions"
)

// A write is a value that a visit has given to a key of the session sid, "" for none.
type write struct {
	v          *visit
	sid        string
	key, value string
	at         int // tick
	superseded bool
	moot       bool // it removes what the visit has set before, and so changes nothing if there was nothing before
	undone     bool // by its Update, which ran again, or by the end of the session
	tried      bool // a save was, before the end of the handler
	acked      int  // tick at which one had returned nil; 0 if none has
}

// An addition is an Update of a session, which counts or appends to a list.
type addition struct {
	v     *visit
	sid   string
	id    string // what it appends; "" if it counts
	at    int
	acked int // tick at which it had returned nil; 0 if it has not
}

// endSession notes that the session is to end, and its values with it.
func (v *visit) endSession() {
	v.ends, v.renewing = true, ""
	for _, w := range v.writes {
		w.superseded, w.undone = true, true
	}
}

// undo notes that the writes from the given one on are undone, and that those before hold again.
func (v *visit) undo(from int) {
	for _, w := range v.writes[from:] {
		w.superseded, w.undone = true, true
	}
	for i, w := range v.writes[:from] {
		w.superseded = w.undone || slices.ContainsFunc(v.writes[i+1:], func(later *write) bool {
			return !later.undone && later.sid == w.sid && later.key == w.key
		})
	}
}

// noteTried notes that the writes so far may be stored whatever becomes of the visit.
func (v *visit) noteTried() {
	for _, w := range v.writes {
		w.tried = true
	}
}

// noteAcked notes that the writes so far are stored.
func (v *visit) noteAcked() {
	for _, w := range v.writes {
		w.tried = true
		if w.acked == 0 && !w.undone && !w.moot && w.holds() {
			w.acked = v.h.now()
		}
	}
}

// holds reports whether a write that the client is told of must be there: not if it has emptied a session that others
// renewed meanwhile.
func (w *write) holds() bool { return !w.v.empties || w.v.applied > w.at }

// remove removes those values of a session that which picks, by their place among the keys. It leaves a session alone
// that counts, for counts that are removed are hard to follow.
func (v *visit) remove(sess *sessions.Session, which func(int) bool) {
	if sess.Values["n"] != nil || sess.Values["list"] != nil {
		return
	}
	id := v.identity(sess)
	for i, key := range slices.Sorted(maps.Keys(texts(sess))) {
		if which(i) {
			delete(sess.Values, key)
			v.note(id, key, "")
			v.empties = v.empties || len(sess.Values) == 0
		}
	}
}

// put sets a value, nil for none, and notes it.
func (v *visit) put(sess *sessions.Session, key string, value any) {
	id := v.sid(sess)
	if value == nil {
		delete(sess.Values, key)
		v.note(id, key, "")
		return
	}
	sess.Values[key] = value
	v.note(id, key, text(value))
}

func (v *visit) note(sid, key, value string) {
	w := &write{v: v, sid: sid, key: key, value: value, at: v.h.now()}
	for _, earlier := range v.writes {
		if earlier.sid == sid && earlier.key == key {
			earlier.superseded = true
			w.moot = value == "" && earlier.acked == 0
		}
	}
	v.writes = append(v.writes, w)
}

// sid returns the session's identity, which outlives its keys. A session that has none is given one.
func (v *visit) sid(sess *sessions.Session) string {
	if id := sid(sess); id != "" {
		return id
	}
	id := cmp.Or(v.identity(sess), fmt.Sprintf("s%d.%d", v.id, len(v.writes)))
	sess.Values[sidKey] = id
	v.note(id, sidKey, text(id))
	if sess.Options.MaxAge != modelMaxAge { // set before
		v.note(id, maxAgeKey, fmt.Sprint(sess.Options.MaxAge))
	}
	return id
}

// identity returns the identity of a session also if its values do not show it: others have removed them.
func (v *visit) identity(sess *sessions.Session) string {
	return cmp.Or(sid(sess), v.h.ledger.sidOf[v.h.id(cmp.Or(sess.ID, v.renewing))])
}
