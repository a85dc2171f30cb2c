package session

import (
	"errors"
	"testing"
)

func TestPlan(t *testing.T) {
	t.Parallel()
	down, invalid := errors.New("down"), errors.New("invalid")
	tests := []struct {
		name string
		in   situation
		want action
		err  error
	}{
		{name: "new, and empty", in: situation{state: absent}},
		{name: "new", in: situation{state: absent, sets: true, changed: true}, want: doCreate},
		{name: "new, and too late", in: situation{state: absent, sets: true, changed: true, sealed: true}, err: ErrCommitted},
		{name: "new, and empty, and too late", in: situation{state: absent, sealed: true}},
		{name: "new, of an Update", in: situation{state: absent, update: true, sets: true, changed: true}, want: doCreate},
		{name: "new, and ended", in: situation{state: absent, ended: true, sets: true, changed: true}, want: doEnd},
		{name: "new, and invalid", in: situation{state: absent, changed: true, invalid: invalid}, err: invalid},

		{name: "never read", in: situation{state: unread}},
		{name: "never read, and changed", in: situation{state: unread, sets: true, changed: true}, err: ErrConflict},
		{name: "never read, and ended", in: situation{state: unread, ended: true}, want: doEnd},
		{name: "unreadable", in: situation{state: unreadable, cause: down}, err: down},
		{name: "unreadable, and invalid", in: situation{state: unreadable, cause: down, invalid: invalid}, err: down},
		{name: "unreadable, and ended", in: situation{state: unreadable, cause: down, ended: true}, want: doEnd},

		{name: "unchanged", in: situation{state: stored}},
		{name: "unchanged, and over", in: situation{state: stored, expired: true}},
		{name: "unchanged, and due", in: situation{state: stored, due: true}, want: doTouch},
		{name: "unchanged, and due, and too late for a cookie", in: situation{state: stored, due: true, sealed: true}, want: doTouch},
		{name: "unchanged, due, and over", in: situation{state: stored, due: true, expired: true}, want: doReread},
		{name: "changed", in: situation{state: stored, changed: true}, want: doReplace},
		{name: "changed, and too late for a cookie", in: situation{state: stored, changed: true, sealed: true}, want: doReplace},
		{name: "changed, and over", in: situation{state: stored, changed: true, expired: true}, want: doReread},
		{name: "changed, and invalid", in: situation{state: stored, changed: true, invalid: invalid}, err: invalid},
		{name: "emptied", in: situation{state: stored, changed: true, emptied: true}, want: doErase},
		{name: "emptied, and renewed", in: situation{state: stored, changed: true, emptied: true, renewing: true}, want: doErase},
		{name: "emptied, and over", in: situation{state: stored, changed: true, emptied: true, expired: true}, want: doReread},
		{name: "renewed", in: situation{state: stored, changed: true, renewing: true}, want: doRenew},
		{name: "renewed too late", in: situation{state: stored, changed: true, renewing: true, sealed: true}, err: ErrCommitted},
		{name: "renewed too late, and over", in: situation{state: stored, changed: true, renewing: true, sealed: true, expired: true}, err: ErrCommitted},
		{name: "renewed, and over", in: situation{state: stored, changed: true, renewing: true, expired: true}, want: doReread},
		{name: "ended", in: situation{state: stored, ended: true, changed: true, expired: true, invalid: invalid}, want: doEnd},
		{name: "ended by an Update", in: situation{state: stored, ended: true, update: true}, want: doEndSeen},
		{name: "ended by an Update, and over", in: situation{state: stored, ended: true, update: true, expired: true}, want: doReread},

		{name: "vanished", in: situation{state: vanished, due: true}},
		{name: "vanished, and changed", in: situation{state: vanished, changed: true}, err: ErrGone},
		{name: "vanished, and emptied", in: situation{state: vanished, changed: true, emptied: true}},
		{name: "vanished, and renewed", in: situation{state: vanished, changed: true, renewing: true}, err: ErrGone},
		{name: "vanished, and ended", in: situation{state: vanished, ended: true}, want: doEnd},
		{name: "vanished, and not changed by an Update", in: situation{state: vanished, update: true}, err: ErrGone},
		{name: "vanished, and ended by an Update", in: situation{state: vanished, ended: true, update: true}, err: ErrGone},
		{name: "dropped, and changed again", in: situation{state: dropped, changed: true, sets: true}, err: ErrGone},

		{name: "not ended yet", in: situation{state: ending}, want: doEnd},
		{name: "not ended yet, and new values", in: situation{state: ending, sets: true, changed: true}, want: doEnd},
		{name: "not ended yet, and an Update", in: situation{state: ending, ended: true, update: true}, want: doEnd},
	}
	for _, tt := range tests {
		got, err := plan(tt.in)
		if got != tt.want || !errors.Is(err, tt.err) || (err == nil) != (tt.err == nil) {
			t.Errorf("%s: %d, %v, want %d, %v", tt.name, got, err, tt.want, tt.err)
		}
	}
}

// TestPlanInEverySituation holds what is true of any plan.
func TestPlanInEverySituation(t *testing.T) {
	t.Parallel()
	down, invalid := errors.New("down"), errors.New("invalid")
	for state := absent; state <= dropped; state++ {
		for bits := range 1 << 10 {
			bit := func(i int) bool { return bits>>i&1 == 1 }
			s := situation{
				state: state, cause: down, ended: bit(0), update: bit(1), sets: bit(2), changed: bit(2) || bit(3),
				emptied: bit(4) && bit(3) && !bit(1), renewing: bit(5), sealed: bit(6), expired: bit(7), due: bit(8),
			}
			s.changed = s.changed || s.renewing
			if bit(9) {
				s.invalid = invalid
			}
			do, err := plan(s)
			for _, law := range []struct {
				name string
				ok   bool
			}{
				{"an error ends the commit", err == nil || do == doNothing},
				{"only what is absent is created", do != doCreate || state == absent && s.sets},
				{"only what is stored is changed", do == doNothing || do == doCreate || do == doEnd || state == stored},
				{"only what is emptied is erased", do != doErase || s.emptied},
				{"only what is to end is ended", do != doEnd && do != doEndSeen || s.ended || state == ending},
				{"an end is not forgotten", !s.ended || err != nil || do == doEnd || s.update && (do == doEndSeen || do == doReread)},
				{"a key is renewed if and only if it is to be", do != doRenew && do != doReplace || s.renewing == (do == doRenew)},
				{"only what is unchanged is touched", do != doTouch || !s.changed && s.due},
				{"no new key once the response has begun", !s.sealed || do != doCreate && do != doRenew},
				{"a session that others have ended is not stored", !state.in(vanished, dropped) || do == doNothing || do == doEnd},
				{"nothing is lost in silence", !s.changed || s.ended || s.emptied || do != doNothing || err != nil ||
					state.in(absent, unread) && !s.sets},
				{"an Update deletes only what it has seen", !s.update || do != doErase && (do != doEnd || state != stored)},
				{"what cannot be stored is not", s.invalid == nil || do != doCreate && do != doReplace && do != doRenew},
				{"what is over is read again before it is written", !s.expired || do == doNothing || do == doReread ||
					do == doEnd || do == doCreate},
				{"a session that is not changed and not due costs nothing", s.changed || s.due || s.ended || state == ending ||
					do == doNothing},
			} {
				if !law.ok {
					t.Fatalf("%s: %+v: %d, %v", law.name, s, do, err)
				}
			}
		}
	}
}
