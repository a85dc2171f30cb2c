package firestoretest

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"cloud.google.com/go/firestore"
	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// large is the data of a document of about n bytes.
func large(n int) map[string]any {
	return map[string]any{"data": strings.Repeat("x", n)}
}

// TestTransactionLimit runs on whatever Start offers: in memory, or on the emulator.
func TestTransactionLimit(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		limit int
		want  codes.Code
	}{
		{"none", 0, codes.OK},
		{"larger", 1 << 20, codes.OK},
		{"smaller", 300_000, codes.InvalidArgument},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, client := Start(t)
			for i := range 3 {
				written(t)(client.Doc(fmt.Sprintf("c/%d", i)).Set(t.Context(), large(150_000)))
			}
			s.LimitTransactions(c.limit)
			s.ResetOps()
			var want Ops // of the attempts below
			gone := func() int {
				t.Helper()
				docs, err := client.Collection("c").Documents(t.Context()).GetAll()
				if err != nil {
					t.Fatal(err)
				}
				return 3 - len(docs)
			}
			check := func(err error, applied Ops) {
				t.Helper()
				wantCode(t, err, c.want)
				if c.want == codes.OK {
					want = want.add(applied)
				} else if got := status.Convert(err).Message(); got != "Transaction too big. Decrease transaction size." {
					t.Errorf("message %q", got)
				}
				if got := s.Ops(); got != want {
					t.Errorf("cost %v, want %v", got, want)
				}
			}

			batch := &pb.CommitRequest{Database: serverTarget(t, s).database}
			for i := range 3 {
				batch.Writes = append(batch.Writes, setWrite(serverTarget(t, s).name(fmt.Sprintf("new/%d", i)),
					fields("data", stringValue(strings.Repeat("x", 150_000)))))
			}
			_, err := serverTarget(t, s).raw.Commit(owner(t), batch)
			check(err, Ops{Writes: 3})

			err = client.RunTransaction(t.Context(), func(_ context.Context, tx *firestore.Transaction) error {
				for i := range 3 {
					if err := tx.Delete(client.Doc(fmt.Sprintf("c/%d", i))); err != nil {
						return err
					}
				}
				return nil
			})
			check(err, Ops{Deletes: 3})
			if got, want := gone(), want.Deletes; got != want {
				t.Errorf("%d documents are gone, want %d", got, want)
			}
		})
	}
}

func TestATransactionThatIsTooBigIsOver(t *testing.T) {
	t.Parallel()
	s, client := Start(t)
	tg := serverTarget(t, s)
	written(t)(client.Doc("c/d").Set(t.Context(), large(1000)))
	s.LimitTransactions(1000)
	tx := tg.begin(t, readWrite)
	if _, err := tg.readIn(t, tx, "c/d"); err != nil {
		t.Fatal(err)
	}
	wantCode(t, tg.commitIn(t, tx, deleteWrite(tg.name("c/d"))), codes.InvalidArgument)
	s.LimitTransactions(0)
	wantCode(t, tg.commitIn(t, tx, deleteWrite(tg.name("c/d"))), codes.InvalidArgument)
	tg.wantData(t, "c/d", large(1000))
	written(t)(client.Doc("c/d").Delete(t.Context())) // nobody holds a lock

	s.LimitTransactions(1)
	bogus := tg.commitIn(t, []byte("bogus"), setWrite(tg.name("c/d"), nil))
	wantCode(t, bogus, codes.InvalidArgument)
}

// What is wrong with a commit otherwise is said, whatever its size, and a commit within the limit is
// applied once.
func TestTransactionLimitLeavesOtherCommitsAlone(t *testing.T) {
	t.Parallel()
	s, client := Start(t)
	s.LimitTransactions(2000)
	doc := client.Doc("c/d")
	written(t)(doc.Create(t.Context(), map[string]any{"n": 1}))
	_, err := doc.Create(t.Context(), large(3000))
	wantCode(t, err, codes.AlreadyExists)
	_, err = client.Doc("c/none").Update(t.Context(), []firestore.Update{{Path: "data", Value: large(3000)}})
	wantCode(t, err, codes.NotFound)
	written(t)(doc.Set(t.Context(), map[string]any{"n": firestore.Increment(2), "m": 1}, firestore.MergeAll))
	serverTarget(t, s).wantData(t, "c/d", map[string]any{"n": int64(3), "m": int64(1)})
	written(t)(client.Doc("c/none").Delete(t.Context()))
}

// The sizes are sums by the rules of the documentation on storage size.
func TestSizeOfACommit(t *testing.T) {
	t.Parallel()
	const (
		doc   = 16 + 2 + 2 + 32      // of "c/d" without fields
		entry = 16 + 2 + 2 + 32 + 2  // of "c/d" in the index of field "a" without the value
		deep  = 16 + 2 + 2 + 16 + 32 // the same of "c/d/e/f" without names of collections
	)
	text := func(n int) *pb.Value { return stringValue(strings.Repeat("x", n-1)) } // of n bytes
	two := arrayValue([]*pb.Value{integerValue(1), text(20), integerValue(1)})
	for _, c := range []struct {
		name     string
		path     string
		before   map[string]*pb.Value // nil: no document
		write    func(name string) *pb.Write
		wantSize int
	}{
		{"delete of nothing", "c/d", nil, deleteWrite, 0},
		{"delete", "c/d", fields("a", text(100)), deleteWrite, doc + 2 + 100 + 2*(entry+100)},
		{"delete of a large value", "c/d", fields("a", text(10_000)), deleteWrite, doc + 2 + 10_000 + 2*(entry+1500)},
		{"delete of a map", "c/d", fields("a", mapValue(fields("b", text(100)))), deleteWrite, doc + 2 + 2 + 100 + 2*(entry+2+100)},
		{"delete of an array", "c/d", fields("a", two), deleteWrite, doc + 2 + 36 + (entry + 8) + (entry + 20)},
		{
			"delete in a subcollection", "c/d/e/f", fields("a", text(100)), deleteWrite,
			doc + 4 + 2 + 100 + 2*(deep+4+4+2+100),
		},
		{"create", "c/d", nil, func(name string) *pb.Write {
			return setWrite(name, fields("a", text(100)))
		}, doc + 2 + 100 + 2*(entry+100)},
		{"set to what it is", "c/d", fields("a", text(100)), func(name string) *pb.Write {
			return setWrite(name, fields("a", text(100)))
		}, doc + 2 + 100},
		{"set to something else", "c/d", fields("a", text(100)), func(name string) *pb.Write {
			return setWrite(name, fields("a", text(50)))
		}, doc + 2 + 50 + 2*(entry+100) + 2*(entry+50)},
		{"transform", "c/d", fields("a", integerValue(1)), func(name string) *pb.Write {
			return setWriteWith(name, increment("a", integerValue(1)))
		}, doc + 2 + 8 + 4*(entry+8)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, _ := Start(t)
			tg := serverTarget(t, s)
			name := tg.name(c.path)
			limits := map[int]codes.Code{max(1, c.wantSize): codes.OK}
			if c.wantSize > 0 {
				limits[c.wantSize-1] = codes.InvalidArgument
			}
			for limit, want := range limits {
				s.LimitTransactions(0)
				before := deleteWrite(name)
				if c.before != nil {
					before = setWrite(name, c.before)
				}
				if _, err := tg.commit(t, before); err != nil {
					t.Fatal(err)
				}
				s.LimitTransactions(limit)
				_, err := tg.commit(t, c.write(name))
				wantCode(t, err, want)
			}
		})
	}
}
