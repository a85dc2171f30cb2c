package session

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/echofirestore/echofirestore/internal/document"
)

// A line is saves that take their turns, and what became of them.
type line struct {
	t     *testing.T
	turns *turns

	mu  sync.Mutex
	log []string
}

func (l *line) note(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.log = append(l.log, text)
}

// save has a save wait for its turn, at most so long. When it has the turn, it logs its group and holds the turn for a second.
func (l *line) save(name string, alone bool, patience time.Duration) {
	m := &member{commit: &commit{writeID: name}, alone: alone}
	go func() {
		ctx, cancel := context.WithTimeout(l.t.Context(), patience)
		defer cancel()
		if err := l.turns.take(ctx, "id", m); err != nil {
			if !errors.Is(err, ErrConflict) {
				l.t.Errorf("%s: %v", name, err)
			}
			l.note(name + " gave up")
			return
		}
		if m.outcome.done {
			return
		}
		group := name + ":"
		for _, each := range m.group {
			group += " " + each.writeID
			each.outcome.done = true
		}
		l.note(group)
		time.Sleep(time.Second)
		l.turns.pass("id", m)
	}()
	synctest.Wait() // it has arrived
}

func TestTurns(t *testing.T) {
	t.Parallel()
	const patient = time.Minute
	for _, tt := range []struct {
		name string
		run  func(*line)
		want []string
	}{
		{
			name: "one after another",
			run: func(l *line) {
				for _, name := range []string{"a", "b"} {
					l.save(name, false, patient)
					time.Sleep(2 * time.Second)
				}
			},
			want: []string{"a: a", "b: b"},
		},
		{
			name: "those that wait together share",
			run: func(l *line) {
				for _, name := range []string{"a", "b", "c", "d"} {
					l.save(name, false, patient)
				}
			},
			want: []string{"a: a", "b: b c d"},
		},
		{
			name: "the one with the most time left commits",
			run: func(l *line) {
				l.save("a", false, patient)
				l.save("b", false, patient)
				l.save("c", false, 2*patient)
				l.save("d", false, patient)
			},
			want: []string{"a: a", "c: b c d"},
		},
		{
			name: "some are alone, in order of arrival",
			run: func(l *line) {
				l.save("a", true, patient)
				l.save("b", false, patient)
				l.save("c", false, patient)
				l.save("d", true, patient)
				l.save("e", true, patient)
				l.save("f", false, patient)
			},
			want: []string{"a: a", "b: b c", "d: d", "e: e", "f: f"},
		},
		{
			name: "one gives up while it waits",
			run: func(l *line) {
				l.save("a", false, patient)
				l.save("b", false, time.Second/2)
				l.save("c", false, patient)
			},
			want: []string{"a: a", "b gave up", "c: c"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := &line{t: t, turns: newTurns()}
				tt.run(l)
				time.Sleep(time.Minute)
				synctest.Wait()
				if !slices.Equal(l.log, tt.want) {
					t.Errorf("%q, want %q", l.log, tt.want)
				}
				if len(l.turns.of) > 0 {
					t.Errorf("%d turns are left", len(l.turns.of))
				}
			})
		})
	}
}

// TestTurnThatIsPassedWithoutAnOutcome is what a panic leaves: the others go on, before those that came later.
func TestTurnThatIsPassedWithoutAnOutcome(t *testing.T) {
	t.Parallel()
	ts := newTurns()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	members := make([]*member, 4)
	for i := range members {
		members[i] = &member{commit: &commit{}, ready: make(chan struct{})}
		members[i].deadline, _ = ctx.Deadline()
		if err := ts.join("id", members[i]); err != nil {
			t.Fatal(err)
		}
	}
	ts.pass("id", members[0]) // with its own outcome, or none
	if !slices.Equal(members[1].group, members[1:]) {
		t.Fatalf("group %v", members[1].group)
	}
	late := &member{commit: &commit{}, ready: make(chan struct{})}
	if err := ts.join("id", late); err != nil {
		t.Fatal(err)
	}
	members[2].outcome.done = true
	ts.pass("id", members[1])
	<-members[2].ready
	if want := []*member{members[3], late}; !slices.Equal(members[3].group, want) {
		t.Errorf("group %v, want %v", members[3].group, want)
	}
	members[3].outcome.done, late.outcome.done = true, true
	ts.pass("id", members[3])
	if <-late.ready; len(ts.of) > 0 {
		t.Errorf("%d turns are left", len(ts.of))
	}
}

func TestTurnsAreBounded(t *testing.T) {
	t.Parallel()
	ts := newTurns()
	join := func() error { return ts.join("id", &member{commit: &commit{}, ready: make(chan struct{})}) }
	for range maxWaiting + 1 { // the first has the turn
		if err := join(); err != nil {
			t.Fatal(err)
		}
	}
	if err := join(); !errors.Is(err, ErrConflict) {
		t.Errorf("error %v, want %v", err, ErrConflict)
	}
	if holders := ts.of["id"].holders; holders != maxWaiting+1 {
		t.Errorf("%d holders", holders)
	}
}

func TestLatestKnownVersion(t *testing.T) {
	t.Parallel()
	ts := newTurns()
	version := func(n int64) *document.Document { return &document.Document{ID: "id", Version: time.Unix(n, 0)} }
	one, two, three := version(1), version(2), version(3)
	latest := func(want *document.Document) {
		t.Helper()
		if got := ts.latest(one); got != want {
			t.Errorf("version %v, want %v", got.Version.Unix(), want.Version.Unix())
		}
	}
	ts.learn(three) // nobody has the session
	latest(one)
	ts.hold(one)
	latest(one)
	ts.hold(two)
	latest(two)
	ts.learn(three)
	ts.learn(two)
	latest(three)
	ts.release("id")
	latest(three)
	ts.forget("id")
	latest(one)
	ts.learn(two)
	ts.release("id")
	latest(one)
	if len(ts.of) > 0 {
		t.Errorf("%d turns are left", len(ts.of))
	}
}
