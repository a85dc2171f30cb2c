// Package model runs histories: random interleavings of requests, with a network that fails at random, after each of which
// nothing must be wrong. Every host of sessions must pass [Run].
package model

import (
	"bufio"
	"cmp"
	_ "embed" // of the seeds
	"flag"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/echofirestore/echofirestore/internal/bubble"
	"github.com/echofirestore/echofirestore/internal/testsize"
)

var (
	seedFlag      = flag.Uint64("seed", 0, "the one history that package model shows")
	historiesFlag = flag.Int("histories", 0, "how many histories package model runs, the same ones each time")
	soakFlag      = flag.Duration("soak", 0, "for how long package model runs histories, other ones each time")
)

const modelShards = 4

// Run runs histories of an application on a host. A history is made of its seed alone, so it can be seen again:
//
//	go test -run TestModel -seed 4711 .
//
// Seeds that have found something are in testdata/seeds. They are what they were only until the histories are made in
// another way, so what one has found has a test of its own besides.
func Run(t *testing.T, host Host) {
	t.Helper()
	if *seedFlag != 0 {
		h := runHistory(t, host, newNetwork(t), newTally(), *seedFlag)
		t.Log("\n" + strings.Join(h.lines, "\n"))
		return
	}
	seeds, least := seedsToRun(t)
	total := newTally()
	t.Cleanup(func() {
		t.Logf("\n%v", total)
		if !t.Failed() {
			total.demand(t, least)
		}
	})
	var mu sync.Mutex
	for shard := range modelShards {
		t.Run(fmt.Sprint("shard ", shard), func(t *testing.T) {
			t.Parallel()
			network, tally := newNetwork(t), newTally()
			for seed, ok := seeds(); ok && !t.Failed(); seed, ok = seeds() {
				runHistory(t, host, network, tally, seed)
			}
			mu.Lock()
			defer mu.Unlock()
			total.add(tally)
		})
	}
}

func newNetwork(t *testing.T) *bubble.Network {
	t.Helper()
	n := bubble.NewNetwork(t)
	n.Carry = carry
	return n
}

// runHistory runs the history with the given seed, and shows it if something is wrong with it.
func runHistory(t *testing.T, host Host, n *bubble.Network, tally *tally, seed uint64) (h *history) {
	t.Helper()
	tally.histories++
	synctest.Test(t, func(t *testing.T) {
		h = newHistory(t, seed, host, n, tally)
		h.run(t.Context())
	})
	if h.problems != nil {
		t.Errorf("go test -run TestModel -seed %d .\n%s\n\n%s", seed, strings.Join(h.problems, "\n"), strings.Join(h.lines, "\n"))
	}
	return h
}

// seedsToRun returns what hands out seeds, to several goroutines, and how many there are at least.
func seedsToRun(t *testing.T) (seeds func() (seed uint64, ok bool), least int) {
	t.Helper()
	first, n := uint64(1), uint64(testsize.N(100, 1000))
	limit := time.Duration(1 << 62)
	switch {
	case *soakFlag > 0:
		first, n, limit = uint64(time.Now().UnixNano()), 1<<62, *soakFlag
	case *historiesFlag > 0:
		n = uint64(*historiesFlag)
	}
	kept := keptSeeds(t)
	var next atomic.Uint64
	begun := time.Now()
	if least = len(kept); *soakFlag == 0 {
		least += int(n)
	}
	return func() (uint64, bool) {
		i := next.Add(1) - 1
		if i < uint64(len(kept)) {
			return kept[i], true
		}
		i -= uint64(len(kept))
		return first + i, i < n && time.Since(begun) < limit
	}, least
}

//go:embed testdata/seeds
var seedsFile string

// keptSeeds returns the seeds that have found something: one to a line, with a comment after it.
func keptSeeds(t *testing.T) []uint64 {
	t.Helper()
	var seeds []uint64
	for lines := bufio.NewScanner(strings.NewReader(seedsFile)); lines.Scan(); {
		text, _, _ := strings.Cut(lines.Text(), "#")
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		seeds = append(seeds, seed)
	}
	return seeds
}

// A tally counts what happened in histories.
type tally struct {
	histories int
	counts    map[string]map[string]int // of things, by kind
}

func newTally() *tally { return &tally{counts: make(map[string]map[string]int)} }

// note counts one thing of a kind.
func (y *tally) note(kind string, thing any) { y.count(kind, fmt.Sprint(thing), 1) }

func (y *tally) count(kind, thing string, n int) {
	if y.counts[kind] == nil {
		y.counts[kind] = make(map[string]int)
	}
	y.counts[kind][thing] += n
}

func (y *tally) add(other *tally) {
	y.histories += other.histories
	for kind, things := range other.counts {
		for thing, n := range things {
			y.count(kind, thing, n)
		}
	}
}

func (y *tally) String() string {
	var s strings.Builder
	fmt.Fprintf(&s, "%d histories\n", y.histories)
	for _, kind := range slices.Sorted(maps.Keys(y.counts)) {
		things := y.counts[kind]
		fmt.Fprintf(&s, "%s:\n", kind)
		for _, thing := range slices.SortedFunc(maps.Keys(things), func(a, b string) int {
			return cmp.Or(cmp.Compare(things[b], things[a]), cmp.Compare(a, b))
		}) {
			fmt.Fprintf(&s, "%8d  %s\n", things[thing], thing)
		}
	}
	return s.String()
}
