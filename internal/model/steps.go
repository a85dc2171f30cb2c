package model

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/gorilla/sessions"

	"github.com/echofirestore/echofirestore/firesession"
)

// A step is something that a handler does, an ending how it ends.
type (
	op   string
	step struct {
		op  op
		key string
	}
	ending string
)

const (
	opRead    op = "read"
	opWait    op = "wait" // while time may pass, with the session read
	opSet     op = "set"  // a key to a value of its own
	opSame    op = "same" // set a key to the value that it has
	opUnset   op = "unset"
	opNested  op = "nested" // changes a map in place
	opMaxAge  op = "max age"
	opSave    op = "save"
	opRenew   op = "renew"
	opByID    op = "renew by empty ID"
	opDestroy op = "destroy"
	opExpire  op = "expire"       // Options.MaxAge = -1
	opEmpty   op = "empty"        // removes all values, as whoever shows the last message does
	opTake    op = "take"         // removes some of them
	opCount   op = "count"        // Update that adds one
	opTry     op = "try to count" // and go on if that fails
	opAdd     op = "append"       // Update that appends
	opRefuse  op = "refuse"       // Update whose function fails
	opDrain   op = "drain"        // Update that empties the session
	opEndIn   op = "end in Update"
	opKeep    op = "keep" // Update that changes nothing
	opRefresh op = "refresh"
	opRevoke  op = "revoke" // all sessions of a user
	opSweep   op = "sweep"
	opBulk    op = "bulk" // sets a large value
)

const (
	answers   ending = "200"
	forbids   ending = "403"
	breaks    ending = "500"
	fails     ending = "error"
	panics    ending = "panic"
	noContent ending = "nothing written"
)

// sidKey is the value that is a session's identity, maxAgeKey stands for its max age among its values.
const sidKey, maxAgeKey = "sid", "(max age)"

// bulk is how long a large value is: two do not fit into the cache.
const bulk = 600_000

// handle is the handler of the visit.
func (v *visit) handle(ctx context.Context, w http.ResponseWriter, s Sessions) error {
	v.ctx = ctx
	v.err = v.respond(w, s)
	return v.err
}

func (v *visit) respond(w http.ResponseWriter, s Sessions) error {
	if err := v.do(s, v.steps); err != nil {
		return err
	}
	switch v.ending {
	case noContent:
		return nil
	case fails:
		return errHandler
	case panics:
		panic(errHandler)
	case forbids:
		w.WriteHeader(http.StatusForbidden)
	case breaks:
		w.WriteHeader(http.StatusInternalServerError)
	default:
		w.WriteHeader(http.StatusOK)
		v.begun, v.begunAt = true, v.h.now()
		return v.do(s, v.late)
	}
	return nil
}

func (v *visit) do(s Sessions, steps []step) error {
	for _, step := range steps {
		v.gate()
		if step.op == opDestroy {
			if err := v.destroy(s); err != nil {
				return err
			}
			continue
		}
		sess, err := v.session(s)
		if err != nil {
			if step.op == opTry {
				continue
			}
			return err
		}
		if err := v.change(s, sess, step); err != nil {
			return err
		}
	}
	return nil
}

// session is the handler's way to the session. It notes what the first one to ask was shown.
func (v *visit) session(s Sessions) (*sessions.Session, error) {
	if v.asked == 0 {
		v.ask()
	}
	var sess *sessions.Session
	if v.silent {
		sess = s.Session()
	} else {
		var err error
		if sess, err = s.Get(); err != nil {
			return nil, err
		}
	}
	if !v.looked {
		v.looked, v.isNew, v.seen, v.seenAt, v.seenTick = true, sess.IsNew, texts(sess), v.h.clock.Now(), v.h.now()
		v.gate()
	}
	return sess, nil
}

// gate has a visit that something has let go on stop until the history lets it. Otherwise, several that were waiting for the
// same would go on at once, and which of them comes first would not be by the history's chance.
func (v *visit) gate() {
	if v.h.now() != v.passed {
		c := newCall("wait", nil)
		v.calls <- c
		<-c.answered
		v.passed = v.h.now()
	}
}

func (v *visit) destroy(s Sessions) error {
	v.unread = v.unread || !v.looked
	v.looked = true
	v.endSession()
	return s.Destroy()
}

func (v *visit) change(s Sessions, sess *sessions.Session, step step) error {
	value := fmt.Sprintf("v%d.%d", v.id, len(v.writes))
	switch step.op {
	case opWait:
		v.passed = 0
		v.gate()
	case opRead:
	case opSet:
		v.put(sess, step.key, value)
	case opSame:
		if old, ok := sess.Values[step.key]; ok {
			sess.Values[step.key] = old
		}
	case opUnset:
		if _, ok := sess.Values[step.key]; ok {
			v.put(sess, step.key, nil)
		}
	case opBulk:
		v.put(sess, step.key, value+strings.Repeat(".", bulk))
	case opNested:
		if m, ok := sess.Values[step.key].(map[string]any); ok {
			m[fmt.Sprint(v.id%3)] = value
			v.put(sess, step.key, m)
		} else {
			v.put(sess, step.key, map[string]any{"0": value})
		}
	case opMaxAge:
		sess.Options.MaxAge = 1000 + 100*v.id
		v.note(v.sid(sess), maxAgeKey, fmt.Sprint(sess.Options.MaxAge))
	case opSave:
		v.noteTried()
		err := s.Save()
		if err == nil {
			v.noteAcked()
		}
		return err
	case opRenew, opByID:
		v.ends = true
		if step.op == opRenew || sess.IsNew {
			return s.Renew()
		}
		v.renewing, sess.ID = cmp.Or(sess.ID, v.renewing), ""
	case opRefresh:
		return v.refresh(s, sess)
	case opRevoke: // others, perhaps; what fails is found out by what they do later
		_, _ = s.Stores()[0].RevokeUser(v.ctx, step.key)
	case opSweep:
		_, _ = s.Stores()[0].DeleteExpired(v.ctx)
	case opExpire:
		v.endSession()
		sess.Options.MaxAge = -1
	case opEmpty:
		v.remove(sess, func(int) bool { return true })
	case opTake:
		if sess.ID != "" {
			v.remove(sess, func(i int) bool { return i%2 == v.id%2 })
		}
	case opCount, opTry, opAdd, opRefuse, opKeep, opDrain, opEndIn:
		return v.update(s, sess, step.op)
	}
	return nil
}

var (
	errHandler = errors.New("the handler fails")
	errRefused = errors.New("the function refuses")
)

func (v *visit) update(s Sessions, sess *sessions.Session, o op) error {
	u := &addition{v: v, at: v.h.now()}
	if o == opAdd {
		u.id = fmt.Sprintf("u%d.%d", v.id, len(v.updates))
	}
	v.noteTried()
	v.ends = v.ends || o == opEndIn
	before := len(v.writes)
	v.draining = o == opDrain
	var seen sight
	err := s.Update(func(sess *sessions.Session) error {
		v.h.follow()
		v.undo(before) // this run begins anew
		if o == opRefuse || o == opKeep {
			seen = v.sight("an Update that changes nothing", sess, v.asked)
		}
		if o == opKeep {
			return nil
		}
		if o == opRefuse {
			sess.Values["n"], sess.Values["k0"] = -1, "refused"
			return errRefused
		}
		if o == opEndIn {
			v.saw = texts(sess)
			sess.Options.MaxAge = -1
			return nil
		}
		if o == opDrain {
			v.remove(sess, func(int) bool { return true })
			v.noteTried()
			return nil
		}
		if u.sid == "" {
			v.updates = append(v.updates, u)
		}
		u.sid = v.sid(sess)
		v.noteTried()
		if u.id != "" {
			list, _ := sess.Values["list"].([]any)
			sess.Values["list"] = append(list, u.id)
			return nil
		}
		n, _ := sess.Values["n"].(int)
		sess.Values["n"] = n + 1
		return nil
	})
	v.saw, v.draining = nil, false
	if err != nil {
		v.undo(before)
	}
	if o == opKeep && err == nil || errors.Is(err, errRefused) {
		v.witness(seen)
	}
	// One that ends the session cannot know whether it has, if the answer was lost: the document is gone either way.
	v.dropped = v.dropped || errors.Is(err, firesession.ErrGone) && o != opEndIn
	switch {
	case o == opRefuse:
		if err == nil {
			return errors.New("the error of the function is lost")
		}
		return nil
	case err == nil && o == opEndIn: // and what follows begins anew
		v.endSession()
		clear(sess.Values)
		sess.Options.MaxAge = modelMaxAge
	case err == nil:
		u.acked = v.h.now()
		v.noteAcked()
	case o == opKeep && errors.Is(err, firesession.ErrGone):
		v.witness(sight{what: "an Update that finds its session gone", id: v.documentOf(sess), from: v.asked})
		return err
	case o == opTry:
		return nil
	}
	return err
}

func sid(sess *sessions.Session) string { id, _ := sess.Values[sidKey].(string); return id }

// texts returns the values of a session as JSON.
func texts(sess *sessions.Session) map[string]string {
	values := make(map[string]string)
	for key, value := range sess.Values {
		values[key.(string)] = text(value)
	}
	return values
}

func text(value any) string {
	b, err := json.Marshal(value)
	if err != nil {
		return err.Error()
	}
	return string(b)
}
