package main

import (
	"context"
	"errors"
	"testing"

	"cloud.google.com/go/firestore"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/echofirestore/echofirestore/firestoretest"
)

func TestQueriesAreMetered(t *testing.T) {
	t.Parallel()
	server, _ := firestoretest.Start(t)
	db, err := openEmulator(t.Context(), server.Addr(), server.Project())
	requireNoError(t, err)
	t.Cleanup(db.Close)
	c := db.client.Collection("c")
	for _, id := range []string{"a", "b", "c"} {
		_, err := c.Doc(id).Create(t.Context(), map[string]any{"n": 1})
		requireNoError(t, err)
	}
	find := func(n int) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := c.Where("n", "==", n).Documents(ctx).GetAll()
			return err
		}
	}
	deleteAll := func(ctx context.Context) error {
		return db.client.RunTransaction(ctx, func(_ context.Context, tx *firestore.Transaction) error {
			snaps, err := tx.Documents(c).GetAll()
			for _, snap := range snaps {
				err = errors.Join(err, tx.Delete(snap.Ref))
			}
			return err
		})
	}
	for _, test := range []struct {
		name   string
		do     func(context.Context) error
		faults string // the method that fails once
		want   firestoretest.Ops
	}{
		{"a query", find(1), "", firestoretest.Ops{Reads: 3}},
		{"a query without results", find(2), "", firestoretest.Ops{Reads: 1}},
		{"a query that fails", find(1), "RunQuery", firestoretest.Ops{}},
		{"a transaction that runs twice", deleteAll, "Commit", firestoretest.Ops{Reads: 6, Deletes: 3}},
		{"a transaction that does nothing", deleteAll, "", firestoretest.Ops{Reads: 1}},
	} {
		if test.faults != "" {
			server.Inject(firestoretest.Fault{Method: test.faults, Err: status.Error(codes.Aborted, "try again")})
		}
		ctx := context.WithValue(t.Context(), meterKey{}, new(meter))
		before := server.Ops()
		if err := test.do(ctx); (err != nil) != (test.want == firestoretest.Ops{}) {
			t.Errorf("%s: %v", test.name, err)
		}
		if got, billed := costOf(ctx), server.Ops().Sub(before); got != test.want || billed != test.want {
			t.Errorf("%s: metered %v, the server says %v, want %v", test.name, got, billed, test.want)
		}
	}
}
