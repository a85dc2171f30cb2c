package cache

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"cloud.google.com/go/firestore"
	"google.golang.org/genproto/googleapis/type/latlng"

	"github.com/echofirestore/echofirestore/firestoretest"
	"github.com/echofirestore/echofirestore/internal/document"
	"github.com/echofirestore/echofirestore/internal/testsize"
)

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

// version returns the n-th version of the document "a".
func version(n int) *document.Stored {
	return &document.Stored{ID: "a", Fields: map[string]any{"data": "x"}, Updated: noon.Add(time.Duration(n))}
}

// number returns the n of version(n), 0 for none.
func number(doc *document.Stored) int {
	if doc == nil {
		return 0
	}
	return int(doc.Updated.Sub(noon))
}

// hit returns the number of the version of "a" that the cache has at a time.
func (c *Cache) hit(now time.Time) int {
	doc, _, err := c.Load(context.Background(), "a", noon, func() time.Time { return now },
		func(context.Context) (*document.Stored, error) { return nil, errors.New("not in the cache") })
	if err != nil {
		return 0
	}
	return number(doc)
}

// write has a document written.
func write(t *testing.T, c *Cache, doc *document.Stored) {
	t.Helper()
	if err := c.Write(doc.ID, noon, func() (*document.Stored, error) { return doc, nil }); err != nil {
		t.Fatal(err)
	}
}

// TestPanics has calls panic: nothing stays under way.
func TestPanics(t *testing.T) {
	t.Parallel()
	c := New(time.Minute, 1<<20)
	write(t, c, version(1))
	for name, call := range map[string]func(){
		"read": func() {
			_, _ = c.Read(t.Context(), "b", noon, func(context.Context) (*document.Stored, error) { panic("get") })
		},
		"write": func() { _ = c.Write("a", noon, func() (*document.Stored, error) { panic("store") }) },
	} {
		func() {
			defer func() { _ = recover() }()
			call()
		}()
		if len(c.calls) > 0 {
			t.Errorf("after a %s, %d calls stay", name, len(c.calls))
		}
	}
	if got := c.hit(noon); got != 0 {
		t.Errorf("version %d is in the cache, although nobody knows what was written", got)
	}
}

func TestOvertakenCalls(t *testing.T) {
	t.Parallel()
	// An event is a call that begins, or ends with a version, 0 for a deleted or missing document.
	type event struct {
		call string // "read …" or "write …"
		ends int    // -1: it begins
	}
	const begins = -1
	evict := event{"evict", 0}
	for _, tt := range []struct {
		name   string
		events []event
		want   int
	}{
		{"a read", []event{{"read", begins}, {"read", 1}}, 1},
		{"a missing document", []event{{"read", begins}, {"read", 0}}, 0},
		{"a write", []event{{"write", begins}, {"write", 1}}, 1},
		{"a delete", []event{{"write", begins}, {"write", 1}, {"delete", 0}}, 0},
		{"a write of nobody knows what", []event{{"read", begins}, {"read", 1}, {"write", begins}, {"write", 0}}, 0},
		{"a read during a write", []event{{"write", begins}, {"read", begins}, {"read", 1}, {"write", 2}}, 2},
		{"a write during a read of the version before", []event{{"read", begins}, {"write", begins}, {"write", 2}, {"read", 1}}, 2},
		{"a write during a read that sees it", []event{{"read", begins}, {"write", begins}, {"write", 2}, {"read", 2}}, 2},
		{"a write that is evicted during a read of the version before", []event{{"read", begins}, {"write", begins}, {"write", 2}, evict, {"read", 1}}, 0},
		{"a write that is evicted during a read that sees it", []event{{"read", begins}, {"write", begins}, {"write", 2}, evict, {"read", 2}}, 2},
		{"a delete during a read", []event{{"read", begins}, {"delete", 0}, {"read", 1}}, 0},
		{"a delete during a write", []event{{"write", begins}, {"delete", 0}, {"write", 1}}, 0},
		{"a delete before a read", []event{{"delete", 0}, {"read", begins}, {"read", 1}}, 1},
		{"a failed write during a read", []event{{"read", begins}, {"write", begins}, {"write", 0}, {"read", 1}}, 0},
		{"a missing document during a write", []event{{"read", begins}, {"write", begins}, {"write", 1}, {"read", 0}}, 0},
		{"two writes, answered in the other order", []event{{"write 1", begins}, {"write 2", begins}, {"write 2", 2}, {"write 1", 1}}, 2},
		{"the same, the second one evicted", []event{{"write 1", begins}, {"write 2", begins}, {"write 2", 2}, evict, {"write 1", 1}}, 0},
		{"a write that was spoilt, and a read of the version before", []event{{"write", begins}, {"delete", 0}, {"read", begins}, {"read", 1}, {"write", 2}}, 0},
		{"a write that was spoilt, and a read that sees it", []event{{"write", begins}, {"delete", 0}, {"read", begins}, {"read", 2}, {"write", 2}}, 2},
		{"a read that finds nothing during an earlier one", []event{{"read 1", begins}, {"read 2", begins}, {"read 2", 0}, {"read 1", 1}}, 0},
		{"two reads, answered in the other order", []event{{"read 1", begins}, {"read 2", begins}, {"read 2", 2}, {"read 1", 1}}, 2},
		{"the same, the later version evicted", []event{{"read 1", begins}, {"read 2", begins}, {"read 2", 2}, evict, {"read 1", 1}}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := New(time.Minute, 1<<20)
			calls := make(map[string]*Call)
			for _, e := range tt.events {
				call, write := calls[e.call], strings.HasPrefix(e.call, "write")
				switch {
				case e == evict:
					c.copies.Purge()
				case e.call == "delete":
					c.Drop("a")
				case e.ends == begins && write:
					calls[e.call] = c.begin("a", noon, nil)
				case e.ends == begins:
					calls[e.call] = c.begin("a", noon, make(chan struct{}))
				default:
					if e.ends > 0 {
						call.doc = version(e.ends)
					}
					if write {
						call.endWrite()
					} else {
						call.endRead()
					}
				}
			}
			if got := c.hit(noon); got != tt.want {
				t.Errorf("the cache has version %d, want %d", got, tt.want)
			}
			if len(c.calls) > 0 {
				t.Errorf("%d calls stay", len(c.calls))
			}
		})
	}
}

func TestAge(t *testing.T) {
	t.Parallel()
	c := New(10*time.Second, 1<<20)
	read := func(n int, now time.Time) {
		if _, err := c.Read(t.Context(), "a", now, func(context.Context) (*document.Stored, error) { return version(n), nil }); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		name string
		read int           // before that; 0 for none
		at   time.Duration // after noon
		want int
	}{
		{"at once", 1, 0, 1},
		{"just young enough", 0, 10*time.Second - 1, 1},
		{"too old", 0, 10 * time.Second, 0},
		{"younger than now", 0, -1, 0},
		{"read again", 1, 10 * time.Second, 1},
		{"for as long", 0, 20*time.Second - 1, 1},
		{"an earlier read ends later", 0, 10 * time.Second, 1},
	} {
		now := noon.Add(tt.at)
		if tt.read > 0 {
			read(tt.read, now)
		}
		if got := c.hit(now); got != tt.want {
			t.Errorf("%s: version %d, want %d", tt.name, got, tt.want)
		}
	}
	call := c.begin("a", noon, make(chan struct{}))
	call.doc = version(1)
	if call.endRead(); c.hit(noon.Add(15*time.Second)) != 1 {
		t.Error("a read of the same version that began earlier made the copy older")
	}
}

// TestSuspended looks at a copy after the machine was suspended, or its clock was set: the monotonic clock has stood still.
func TestSuspended(t *testing.T) {
	t.Parallel()
	c := New(10*time.Second, 1<<20)
	began := time.Now()
	for wall, want := range map[time.Duration]bool{
		0: true, 9 * time.Second: true, 10 * time.Second: false, 8 * time.Hour: false, -time.Second: false,
	} {
		if now := withWallClock(began, wall); now.Sub(began) != 0 || c.young(began, now) != want {
			t.Errorf("after %v, %v by the monotonic clock: young %t", wall, now.Sub(began), !want)
		}
	}
}

// withWallClock returns a time with the same reading of the monotonic clock as now, but another one of the wall clock.
func withWallClock(now time.Time, later time.Duration) time.Time {
	wall := (*uint64)(unsafe.Pointer(&now)) // its first field, which has seconds above 30 bits for nanoseconds
	*wall += uint64(later/time.Second) << 30
	return now
}

func TestEviction(t *testing.T) {
	t.Parallel()
	doc := func(id string, size int) *document.Stored {
		return &document.Stored{ID: id, Fields: map[string]any{"data": strings.Repeat("x", size)}, Updated: noon}
	}
	const size = 1000
	room := 3 * weigh(doc("a", size))
	c := New(time.Minute, room)
	has := func() string {
		var ids []string
		for _, id := range []string{"a", "b", "c", "d"} {
			if _, ok := c.copies.Peek(id); ok {
				ids = append(ids, id)
			}
		}
		return strings.Join(ids, "")
	}
	for _, step := range []struct {
		do   string
		id   string
		size int
		want string
	}{
		{"keep", "a", size, "a"},
		{"keep", "b", size, "ab"},
		{"keep", "c", size, "abc"},
		{"use", "a", 0, "abc"},
		{"keep", "d", size, "acd"},
		{"keep", "d", size + 1, "ad"},
		{"keep", "b", room, "ad"},
		{"keep", "a", room, "d"},
		{"keep", "c", room - weigh(doc("c", 0)), "c"},
		{"drop", "c", 0, ""},
	} {
		switch step.do {
		case "keep":
			write(t, c, doc(step.id, step.size))
		case "drop":
			c.Drop(step.id)
		case "use":
			if _, _, err := c.Load(t.Context(), step.id, noon, func() time.Time { return noon }, nil); err != nil {
				t.Fatal(err)
			}
		}
		bytes := 0
		for _, k := range c.copies.Values() {
			bytes += k.bytes
		}
		if got := has(); got != step.want || c.bytes != bytes || bytes > room {
			t.Fatalf("%+v: has %q, with %d bytes, counted as %d, of %d", step, got, bytes, c.bytes, room)
		}
	}
}

// TestLoad has requests ask for a document while reads of it are under way. The reads take a second each.
func TestLoad(t *testing.T) {
	t.Parallel()
	failure := errors.New("no answer")
	for _, tt := range []struct {
		name  string
		first func(context.Context) (*document.Stored, error) // the read that is under way
		leave bool                                            // the one that reads goes away
		least int                                             // what the others ask for
		reads int                                             // that the others make, of version 2
		want  int
	}{
		{name: "recent enough", first: func(context.Context) (*document.Stored, error) { return version(1), nil }, least: 1, want: 1},
		{name: "too early", first: func(context.Context) (*document.Stored, error) { return version(1), nil }, least: 2, reads: 1, want: 2},
		{name: "too early, and there is no such version", first: func(context.Context) (*document.Stored, error) { return version(1), nil }, least: 3, reads: 1, want: 2},
		{name: "missing", first: func(context.Context) (*document.Stored, error) { return nil, nil }, least: 1, reads: 1, want: 2},
		{name: "failed", first: func(context.Context) (*document.Stored, error) { return nil, failure }, least: 1, reads: 1, want: 2},
		{name: "abandoned", leave: true, first: func(ctx context.Context) (*document.Stored, error) { return nil, ctx.Err() }, least: 1, reads: 1, want: 2},
		{name: "panicking", first: func(context.Context) (*document.Stored, error) { panic("read") }, least: 1, reads: 1, want: 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := New(time.Minute, 1<<20)
				now := func() time.Time { return noon }
				ctx, leave := context.WithCancel(t.Context())
				defer leave()
				go func() {
					defer func() { _ = recover() }()
					_, _, _ = c.Load(ctx, "a", noon, now, func(ctx context.Context) (*document.Stored, error) {
						time.Sleep(time.Second)
						if tt.leave {
							leave()
						}
						return tt.first(ctx)
					})
				}()
				synctest.Wait()
				reads := 0
				got := make(chan int)
				for range 3 {
					go func() {
						doc, _, err := c.Load(t.Context(), "a", version(tt.least).Updated, now, func(context.Context) (*document.Stored, error) {
							reads++
							time.Sleep(time.Second)
							return version(2), nil
						})
						if err != nil {
							t.Error(err)
						}
						got <- number(doc)
					}()
				}
				for range 3 {
					if n := <-got; n != tt.want {
						t.Errorf("found version %d, want %d", n, tt.want)
					}
				}
				if reads != tt.reads {
					t.Errorf("%d reads, want %d", reads, tt.reads)
				}
			})
		})
	}
}

// TestLoadGivesUp ends the context of a request that waits for the read of another.
func TestLoadGivesUp(t *testing.T) {
	t.Parallel()
	c := New(time.Minute, 1<<20)
	c.begin("a", noon, make(chan struct{}))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := c.Load(ctx, "a", noon, func() time.Time { return noon }, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestNoCache(t *testing.T) {
	t.Parallel()
	c := New(0, 1<<20)
	get := func(context.Context) (*document.Stored, error) { return version(1), nil }
	write(t, c, version(1))
	c.Drop("a")
	if doc, err := c.Read(t.Context(), "a", noon, get); number(doc) != 1 || err != nil {
		t.Errorf("read %v, %v", doc, err)
	}
	if doc, fresh, err := c.Load(t.Context(), "a", noon, time.Now, get); number(doc) != 1 || !fresh || err != nil {
		t.Errorf("loaded %v, %v, %v", doc, fresh, err)
	}
}

// TestMemory has many sessions pass through a cache of 32 MiB, and looks at the memory that it takes.
func TestMemory(t *testing.T) { //nolint:paralleltest // it measures memory
	const maxBytes = 32 << 20
	sessions := testsize.N(100_000, 1_000_000)
	for _, size := range []int{60, 300, 3000} {
		goroutines, before := runtime.NumGoroutine(), heap()
		c := New(time.Minute, maxBytes)
		for i := range sessions {
			id := fmt.Sprintf("%043d", i)
			doc := &document.Stored{ID: id, Created: noon, Updated: noon, Fields: map[string]any{
				"data": strings.Repeat("x", size), "max_age": int64(3600), "expire": noon, "user": fmt.Sprint(i), "hashed": true,
			}}
			write(t, c, doc)
		}
		taken := heap() - before
		t.Logf("%d sessions of %d bytes, of which %d stay: %.1f MiB, %.2f of CacheBytes, %d per session; %d goroutines, before %d",
			sessions, size, c.copies.Len(), float64(taken)/(1<<20), float64(taken)/maxBytes, taken/int64(c.copies.Len()),
			runtime.NumGoroutine(), goroutines)
		if taken > maxBytes*3/2 || taken < maxBytes/2 {
			t.Errorf("%d bytes of memory for %d", taken, maxBytes)
		}
		if n := runtime.NumGoroutine(); n > goroutines {
			t.Errorf("%d goroutines, before %d", n, goroutines)
		}
		runtime.KeepAlive(c)
	}
}

// TestWeight has documents with fields of all types in memory, which other programs may have added.
func TestWeight(t *testing.T) { //nolint:paralleltest // it measures memory
	const documents, elements = 20, 1000
	client := firestoretest.NewClient(t)
	many := func(elem func(i int) any) func() any {
		return func() any {
			elems := make([]any, elements)
			for i := range elems {
				elems[i] = elem(i)
			}
			return elems
		}
	}
	for name, value := range map[string]func() any{
		"numbers":     many(func(i int) any { return int64(1000 + i) }),
		"nulls":       many(func(int) any { return nil }),
		"times":       many(func(i int) any { return noon.Add(time.Duration(i)) }),
		"empty maps":  many(func(int) any { return map[string]any{} }),
		"small maps":  many(func(i int) any { return map[string]any{"n": int64(1000 + i)} }),
		"medium maps": many(func(int) any { return manyFields(9) }),
		"a large map": func() any { return manyFields(elements) },
		"maps within maps": many(func(int) any {
			return map[string]any{"m": map[string]any{"m": map[string]any{"m": true}}}
		}),
		"arrays":             many(func(int) any { return map[string]any{"list": []any{true}} }),
		"geopoints":          many(func(int) any { return &latlng.LatLng{Latitude: 1, Longitude: 2} }),
		"vectors":            func() any { return firestore.Vector64(make([]float64, 2048)) },
		"vectors of 32 bits": func() any { return firestore.Vector32(make([]float32, 2048)) },
		"references":         many(func(i int) any { return client.Collection("sessions").Doc(fmt.Sprintf("%043d", i)) }),
		"distant references": many(func(i int) any {
			return client.Doc(fmt.Sprintf("users/%020d/%s/%020d", i, strings.Repeat("c", 100), i))
		}),
	} {
		before := heap()
		docs, weight := make([]*document.Stored, documents), 0
		for i := range docs {
			docs[i] = &document.Stored{ID: fmt.Sprintf("%043d", i), Fields: map[string]any{"field": value()}}
			weight += weigh(docs[i])
		}
		taken := int(heap() - before)
		t.Logf("%s: %d bytes, weighed as %d: %.2f", name, taken/documents, weight/documents, float64(taken)/float64(weight))
		if taken > weight*3/2 {
			t.Errorf("%s: %d bytes are weighed as %d", name, taken/documents, weight/documents)
		}
		runtime.KeepAlive(docs)
	}
}

// manyFields returns a map with n fields.
func manyFields(n int) map[string]any {
	fields := make(map[string]any)
	for i := range n {
		fields[fmt.Sprint("field", i)] = int64(1000 + i)
	}
	return fields
}

// heap returns how many bytes are alive.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}
