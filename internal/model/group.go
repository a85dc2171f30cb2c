package model

import (
	"strconv"
	"strings"
)

// noteChanges notes which changes a commit of v has stored that made before into next, and of how many visits, as far as
// that can be seen: two that have set the same value to the same cannot be told apart.
func (h *history) noteChanges(v *visit, before, next *state) {
	members := make(map[*visit]bool)
	for _, each := range h.visits {
		for _, change := range each.changesIn(before, next, each == v) {
			h.ledger.changes[next] = append(h.ledger.changes[next], change)
			members[each] = true
		}
	}
	if n := len(members); n >= 2 {
		h.tally.note("common commits, by members", n)
		if n >= 3 {
			h.tally.note("common commits", groups)
		}
	}
}

// changesIn returns the changes of v that next has and before has not.
func (v *visit) changesIn(before, next *state, committed bool) (changes []any) {
	for _, w := range v.writes {
		if w.sid == next.sid && w.value != "" && !w.superseded && w.value == next.values[w.key] && w.value != before.values[w.key] {
			changes = append(changes, w)
		}
	}
	for _, u := range v.updates {
		switch quoted := strconv.Quote(u.id); {
		case u.sid != next.sid:
		case u.id == "" && committed && u.acked == 0 && before.values["n"] != next.values["n"]:
			changes = append(changes, u)
		case u.id != "" && strings.Contains(next.values["list"], quoted) && !strings.Contains(before.values["list"], quoted):
			changes = append(changes, u)
		}
	}
	return changes
}
