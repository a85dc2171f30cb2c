package echofirestore

import (
	"context"
	"time"

	"cloud.google.com/go/firestore"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// A gateway makes all calls of Firestore. Its errors are Firestore's, as a *failure that says what was attempted.
type gateway struct {
	client     *firestore.Client
	collection *firestore.CollectionRef
}

func newGateway(client *firestore.Client, collection string) gateway {
	return gateway{client: client, collection: client.Collection(collection)}
}

// ref returns the reference of the session document with an ID.
func (g gateway) ref(id string) *firestore.DocumentRef { return g.collection.Doc(id) }

// get returns a document, nil if there is none.
func (g gateway) get(ctx context.Context, ref *firestore.DocumentRef) (*firestore.DocumentSnapshot, error) {
	snap, err := ref.Get(ctx)
	if err != nil && snap != nil { // the snapshot of a missing document
		return nil, nil
	}
	return snap, unavailable("load session", err, ref.ID)
}

// create stores a document that does not exist, and returns its update time.
func (g gateway) create(ctx context.Context, ref *firestore.DocumentRef, fields map[string]any) (time.Time, error) {
	result, err := ref.Create(ctx, fields)
	if err != nil {
		return time.Time{}, unavailable("create session", err, ref.ID)
	}
	return result.UpdateTime, nil
}

// update changes fields of the version of a document, and returns its new update time.
func (g gateway) update(
	ctx context.Context, attempt string, ref *firestore.DocumentRef, version time.Time, updates []firestore.Update,
) (time.Time, error) {
	result, err := ref.Update(ctx, updates, firestore.LastUpdateTime(version))
	if err != nil {
		return time.Time{}, unavailable(attempt, err, ref.ID)
	}
	return result.UpdateTime, nil
}

// move stores a document that does not exist and deletes the version of another one, in one commit, and returns the new
// document's update time.
func (g gateway) move(
	ctx context.Context, from *firestore.DocumentRef, version time.Time, to *firestore.DocumentRef, fields map[string]any,
) (time.Time, error) {
	//nolint:staticcheck // The successors of WriteBatch are no match: BulkWriter is not atomic, and a transaction costs
	// a call more to begin it.
	results, err := g.client.Batch().
		Create(to, fields).
		Delete(from, firestore.LastUpdateTime(version)).
		Commit(ctx)
	if err != nil {
		return time.Time{}, unavailable("renew session", err, from.ID, to.ID)
	}
	return results[0].UpdateTime, nil
}

// delete deletes a document under a precondition, or whatever it holds, and also if there is none.
func (g gateway) delete(
	ctx context.Context, attempt string, ref *firestore.DocumentRef, preconditions ...firestore.Precondition,
) error {
	_, err := ref.Delete(ctx, preconditions...)
	return unavailable(attempt, err, ref.ID)
}

// query returns the documents that a query finds.
func (g gateway) query(ctx context.Context, attempt string, query firestore.Query) ([]*firestore.DocumentSnapshot, error) {
	snaps, err := results(ctx, query.Documents)
	return snaps, unavailable(attempt, err)
}

// deleteResults deletes those results of a query that doomed picks, in one transaction. It returns how many results
// there were, and the IDs of those that it has deleted. Its error is not yet a *failure.
func (g gateway) deleteResults(
	ctx context.Context, query firestore.Query, doomed func(*firestore.DocumentSnapshot) bool,
) (seen int, ids []string, err error) {
	err = g.client.RunTransaction(ctx, func(ctx context.Context, tx *firestore.Transaction) error {
		snaps, err := results(ctx, func(context.Context) *firestore.DocumentIterator { return tx.Documents(query) })
		if err != nil {
			return err
		}
		seen, ids = len(snaps), nil
		for _, snap := range snaps {
			if !doomed(snap) {
				continue
			}
			ids = append(ids, snap.Ref.ID)
			if err := tx.Delete(snap.Ref, firestore.LastUpdateTime(snap.UpdateTime)); err != nil {
				return err
			}
		}
		return nil
	})
	return seen, ids, err
}

// results returns the documents that a query finds. If the answer is lost, it asks again, as Firestore's client does for
// documents by ID but not for queries.
func results(
	ctx context.Context, query func(context.Context) *firestore.DocumentIterator,
) (snaps []*firestore.DocumentSnapshot, err error) {
	err = insist(ctx, codes.Unavailable, func() error {
		snaps, err = query(ctx).GetAll()
		return err
	})
	return snaps, err
}

// insist repeats what fails with a code that asks for it, until ctx ends.
func insist(ctx context.Context, code codes.Code, do func() error) error {
	for attempt := 0; ; attempt++ {
		start := time.Now()
		if err := do(); status.Code(err) != code || !pause(ctx, attempt, time.Since(start)) {
			return err
		}
	}
}
