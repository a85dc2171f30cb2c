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
	"google.golang.org/protobuf/types/known/timestamppb"
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

	snapshot := tg.begin(t, readOnly)
	for id, want := range map[string]codes.Code{
		string(failed): codes.OK, string(snapshot): codes.InvalidArgument, "bogus": codes.InvalidArgument,
	} {
		opts := &pb.TransactionOptions{Mode: &pb.TransactionOptions_ReadWrite_{
			ReadWrite: &pb.TransactionOptions_ReadWrite{RetryTransaction: []byte(id)},
		}}
		_, err := tg.raw.BeginTransaction(owner(t), &pb.BeginTransactionRequest{Database: tg.database, Options: opts})
		wantCode(t, err, want)
	}
	_, err := tg.raw.BeginTransaction(owner(t), &pb.BeginTransactionRequest{Database: "x"})
	wantCode(t, err, codes.InvalidArgument)
	_, err = tg.readIn(t, []byte{}, "c/d")
	wantCode(t, err, codes.InvalidArgument)
}

// A request that cannot be carried out on any documents leaves its transaction as it was.
func transactionOutlivesAMalformedCommit(t *testing.T, tg target) {
	name := tg.name("c/d")
	for label, writes := range map[string][]*pb.Write{
		"no operation":   {{}},
		"reserved ID":    {setWrite(tg.name("c/__x__"), nil)},
		"reserved field": {setWrite(name, fields("__x__", nullValue))},
		"invalid time":   {setWrite(name, fields("a", timestampValue(&timestamppb.Timestamp{Nanos: -1})))},
		"precondition":   {ifUpdatedAt(&timestamppb.Timestamp{Seconds: -1}, setWrite(name, nil))},
		"contradiction":  {setWrite(name, nil), ifExists(false, setWrite(name, nil))},
		"conflict":       {setWriteWith(name, increment("a", integerValue(1)), increment("a.b", integerValue(1)))},
	} {
		t.Run(label, func(t *testing.T) {
			tx := tg.begin(t, readWrite)
			wantCode(t, tg.commitIn(t, tx, writes...), codes.InvalidArgument)
			wantCode(t, tg.commitIn(t, tx, setWrite(name, nil)), codes.OK)
		})
	}
}

func transactionIsOfOneDatabase(t *testing.T, tg target) {
	other := "projects/other/databases/(default)"
	tx := tg.begin(t, readWrite)
	inOther := &pb.BatchGetDocumentsRequest_Transaction{Transaction: tx}
	for method, err := range map[string]error{
		"GetDocument": func() error {
			_, err := tg.raw.GetDocument(owner(t), getIn(tx, other+"/documents/c/d"))
			return err
		}(),
		"BatchGetDocuments": func() error {
			stream, err := tg.raw.BatchGetDocuments(owner(t), &pb.BatchGetDocumentsRequest{
				Database: other, Documents: []string{other + "/documents/c/d"}, ConsistencySelector: inOther,
			})
			if err == nil {
				_, err = stream.Recv()
			}
			return err
		}(),
		"RunQuery": func() error {
			req := queryRequest(other+"/documents", "c", nil)
			req.ConsistencySelector = &pb.RunQueryRequest_Transaction{Transaction: tx}
			_, err := tg.tryQuery(t, req)
			return err
		}(),
		"Commit": func() error {
			_, err := tg.raw.Commit(owner(t), &pb.CommitRequest{Database: other, Transaction: tx})
			return err
		}(),
		"Rollback": func() error {
			_, err := tg.raw.Rollback(owner(t), &pb.RollbackRequest{Database: other, Transaction: tx})
			return err
		}(),
		"Rollback in none": func() error {
			_, err := tg.raw.Rollback(owner(t), &pb.RollbackRequest{Database: "x", Transaction: tx})
			return err
		}(),
	} {
		if got := status.Code(err); got != codes.InvalidArgument {
			t.Errorf("%s: got %v (%v), want InvalidArgument", method, got, err)
		}
	}
	wantCode(t, tg.commitIn(t, tx, setWrite(tg.name("c/d"), nil)), codes.OK)
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
