package firestoretest

import (
	"context"
	"errors"
	"sync"
	"testing"

	"cloud.google.com/go/firestore"
	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func contendingIncrements(t *testing.T, tg target) {
	const n = 10
	doc := tg.Doc("c/d")
	written(t)(doc.Set(t.Context(), map[string]any{"n": 0}))
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			err := tg.RunTransaction(t.Context(), func(_ context.Context, tx *firestore.Transaction) error {
				snap, err := tx.Get(doc)
				if err != nil {
					return err
				}
				return tx.Set(doc, map[string]any{"n": snap.Data()["n"].(int64) + 1})
			}, firestore.MaxAttempts(50))
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	tg.wantData(t, "c/d", map[string]any{"n": int64(n)})
}

func atMostOneTransactionWins(t *testing.T, tg target) {
	tg.set(t, map[string]map[string]any{"c/d": {"by": "nobody"}})
	codesOf := make([]codes.Code, 2)
	names := []string{"first", "second"}
	txs := [][]byte{tg.begin(t, readWrite), tg.begin(t, readWrite)}
	for _, tx := range txs {
		if _, err := tg.readIn(t, tx, "c/d"); err != nil {
			t.Fatal(err)
		}
	}
	var wg sync.WaitGroup
	for i, tx := range txs {
		wg.Go(func() {
			codesOf[i] = status.Code(tg.commitIn(t, tx, setWrite(tg.name("c/d"), fields("by", stringValue(names[i])))))
		})
	}
	wg.Wait()
	// The emulator may see that neither can go on, and end both.
	want := "nobody"
	for i, code := range codesOf {
		switch code {
		case codes.OK:
			want = names[i]
			wantCode(t, status.Error(codesOf[1-i], "the other"), codes.Aborted)
		case codes.Aborted:
		default:
			t.Errorf("commit ended with %v", code)
		}
	}
	tg.wantData(t, "c/d", map[string]any{"by": want})
}

func transactionReads(t *testing.T, tg target) {
	tg.set(t, map[string]map[string]any{"c/1": {"n": 1}, "c/2": {"n": 2}, "c/3": {"n": 3}})
	err := tg.RunTransaction(t.Context(), func(_ context.Context, tx *firestore.Transaction) error {
		snaps, err := tx.GetAll([]*firestore.DocumentRef{tg.Doc("c/3"), tg.Doc("c/none")})
		if err != nil {
			return err
		}
		if !snaps[0].Exists() || snaps[1].Exists() {
			t.Errorf("documents exist: %v, %v; want only the first", snaps[0].Exists(), snaps[1].Exists())
		}
		found, err := tx.Documents(tg.Collection("c").Where("n", "<", 3)).GetAll()
		if err != nil {
			return err
		}
		for _, snap := range found {
			if err := tx.Update(snap.Ref, []firestore.Update{{Path: "found", Value: len(found)}}); err != nil {
				return err
			}
		}
		return tx.Create(tg.Doc("c/none"), map[string]any{"n": 4})
	})
	if err != nil {
		t.Fatal(err)
	}
	tg.wantData(t, "c/1", map[string]any{"n": int64(1), "found": int64(2)})
	tg.wantData(t, "c/2", map[string]any{"n": int64(2), "found": int64(2)})
	tg.wantData(t, "c/3", map[string]any{"n": int64(3)})
	tg.wantData(t, "c/none", map[string]any{"n": int64(4)})
}

func readOnlyTransaction(t *testing.T, tg target) {
	tg.set(t, map[string]map[string]any{"c/d": {"n": 1}})
	tx := tg.begin(t, readOnly)
	tg.set(t, map[string]map[string]any{"c/d": {"n": 2}, "c/new": {"n": 1}})

	doc, err := tg.readIn(t, tx, "c/d")
	if err != nil || doc.GetFields()["n"].GetIntegerValue() != 1 {
		t.Errorf("document %v, %v; want it as it was when the transaction began", doc, err)
	}
	_, err = tg.readIn(t, tx, "c/new")
	wantCode(t, err, codes.NotFound)
	req := queryRequest(tg.root, "c", nil)
	req.ConsistencySelector = &pb.RunQueryRequest_Transaction{Transaction: tx}
	if got := tg.query(t, req); got != "d" {
		t.Errorf("query found %q, want %q", got, "d")
	}
	wantCode(t, tg.commitIn(t, tx, setWrite(tg.name("c/d"), nil)), codes.InvalidArgument)
	wantCode(t, tg.commitIn(t, tx), codes.OK)
	tg.wantData(t, "c/d", map[string]any{"n": int64(2)})

	err = tg.RunTransaction(t.Context(), func(_ context.Context, tx *firestore.Transaction) error {
		_, err := tx.Get(tg.Doc("c/d"))
		return err
	}, firestore.ReadOnly)
	wantCode(t, err, codes.OK)
}

func rolledBackTransaction(t *testing.T, tg target) {
	tg.set(t, map[string]map[string]any{"c/d": {"n": 1}})
	boom := errors.New("boom")
	err := tg.RunTransaction(t.Context(), func(_ context.Context, tx *firestore.Transaction) error {
		if _, err := tx.Get(tg.Doc("c/d")); err != nil {
			return err
		}
		if err := tx.Set(tg.Doc("c/d"), map[string]any{"n": 2}); err != nil {
			return err
		}
		return boom
	})
	if !errors.Is(err, boom) {
		t.Errorf("got %v, want the function's error", err)
	}
	tg.wantData(t, "c/d", map[string]any{"n": int64(1)})

	tx := tg.begin(t, readWrite)
	if _, err := tg.readIn(t, tx, "c/d"); err != nil {
		t.Fatal(err)
	}
	wantCode(t, tg.rollback(t, tx), codes.OK)
	wantCode(t, tg.rollback(t, tx), codes.OK)
	_, err = tg.readIn(t, tx, "c/d")
	wantCode(t, err, codes.InvalidArgument)
	wantCode(t, tg.commitIn(t, tx), codes.InvalidArgument)
	written(t)(tg.Doc("c/d").Set(t.Context(), map[string]any{"n": 3})) // nobody holds a lock

	wantCode(t, tg.rollback(t, nil), codes.InvalidArgument)
	wantCode(t, tg.rollback(t, []byte("bogus")), codes.InvalidArgument)
}

func transactionEnds(t *testing.T, tg target) {
	write := func() *pb.Write { return setWrite(tg.name("c/d"), nil) }
	committed := tg.begin(t, readWrite)
	wantCode(t, tg.commitIn(t, committed, write()), codes.OK)
	wantCode(t, tg.commitIn(t, committed, write()), codes.InvalidArgument)
	wantCode(t, tg.rollback(t, committed), codes.OK)

	failed := tg.begin(t, readWrite)
	wantCode(t, tg.commitIn(t, failed, ifExists(false, write())), codes.AlreadyExists)
	wantCode(t, tg.commitIn(t, failed, write()), codes.InvalidArgument)

	for id, want := range map[string]codes.Code{string(failed): codes.OK, "bogus": codes.InvalidArgument} {
		opts := &pb.TransactionOptions{Mode: &pb.TransactionOptions_ReadWrite_{
			ReadWrite: &pb.TransactionOptions_ReadWrite{RetryTransaction: []byte(id)},
		}}
		_, err := tg.raw.BeginTransaction(owner(t), &pb.BeginTransactionRequest{Database: tg.database, Options: opts})
		wantCode(t, err, want)
	}
	_, err := tg.raw.BeginTransaction(owner(t), &pb.BeginTransactionRequest{Database: "x"})
	wantCode(t, err, codes.InvalidArgument)
}

func readsBeginTransactions(t *testing.T, tg target) {
	tg.set(t, map[string]map[string]any{"c/d": {"n": 1}})
	for _, c := range []struct {
		name string
		opts *pb.TransactionOptions
		want codes.Code // of a write in it
	}{
		{"read-only by default", &pb.TransactionOptions{}, codes.InvalidArgument},
		{"read-only", readOnly, codes.InvalidArgument},
		{"read-write", readWrite, codes.OK},
	} {
		t.Run(c.name, func(t *testing.T) {
			stream, err := tg.raw.BatchGetDocuments(owner(t), &pb.BatchGetDocumentsRequest{
				Database:            tg.database,
				Documents:           []string{tg.name("c/d")},
				ConsistencySelector: &pb.BatchGetDocumentsRequest_NewTransaction{NewTransaction: c.opts},
			})
			if err != nil {
				t.Fatal(err)
			}
			first, err := stream.Recv()
			if err != nil || first.GetResult() != nil {
				t.Fatalf("first answer %v, %v; want the transaction alone", first, err)
			}
			second, err := stream.Recv()
			if err != nil || second.GetFound() == nil {
				t.Fatalf("second answer %v, %v; want the document", second, err)
			}
			wantCode(t, tg.commitIn(t, first.GetTransaction(), setWrite(tg.name("c/d"), fields("n", integerValue(2)))), c.want)

			req := queryRequest(tg.root, "c", nil)
			req.ConsistencySelector = &pb.RunQueryRequest_NewTransaction{NewTransaction: c.opts}
			results, err := tg.raw.RunQuery(owner(t), req)
			if err != nil {
				t.Fatal(err)
			}
			answer, err := results.Recv()
			if err != nil || answer.GetDocument() != nil {
				t.Fatalf("first answer %v, %v; want the transaction alone", answer, err)
			}
			wantCode(t, tg.commitIn(t, answer.GetTransaction(), setWrite(tg.name("c/d"), fields("n", integerValue(3)))), c.want)
		})
	}
}

var (
	readOnly  = &pb.TransactionOptions{Mode: &pb.TransactionOptions_ReadOnly_{ReadOnly: &pb.TransactionOptions_ReadOnly{}}}
	readWrite = &pb.TransactionOptions{Mode: &pb.TransactionOptions_ReadWrite_{ReadWrite: &pb.TransactionOptions_ReadWrite{}}}
)

func (tg target) begin(t *testing.T, opts *pb.TransactionOptions) []byte {
	t.Helper()
	resp, err := tg.raw.BeginTransaction(owner(t), &pb.BeginTransactionRequest{Database: tg.database, Options: opts})
	if err != nil {
		t.Fatal(err)
	}
	return resp.GetTransaction()
}

func (tg target) readIn(t *testing.T, tx []byte, path string) (*pb.Document, error) {
	return tg.raw.GetDocument(owner(t), getIn(tx, tg.name(path)))
}

func getIn(tx []byte, name string) *pb.GetDocumentRequest {
	return &pb.GetDocumentRequest{Name: name, ConsistencySelector: &pb.GetDocumentRequest_Transaction{Transaction: tx}}
}

func (tg target) commitIn(t *testing.T, tx []byte, writes ...*pb.Write) error {
	_, err := tg.raw.Commit(owner(t), &pb.CommitRequest{Database: tg.database, Transaction: tx, Writes: writes})
	return err
}

func (tg target) rollback(t *testing.T, tx []byte) error {
	_, err := tg.raw.Rollback(owner(t), &pb.RollbackRequest{Database: tg.database, Transaction: tx})
	return err
}
