package session

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"cloud.google.com/go/firestore"
	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/echofirestore/echofirestore/internal/cache"
	"github.com/echofirestore/echofirestore/internal/document"
	"github.com/echofirestore/echofirestore/internal/telemetry"
)

// A gateway makes all calls to Firestore, and keeps what they return or store in the cache. Until ctx ends, it repeats writes
// that were aborted in contention, with the same precondition, and queries whose answer was lost. The Firestore client repeats
// other calls itself.
//
// Its errors are *failures, with Firestore's gRPC status in their chain. If ctx has ended, so is its error.
type gateway struct {
	client     *firestore.Client
	collection *firestore.CollectionRef
	database   string // as errors name it
	cache      *cache.Cache
	now        func() time.Time
	recorder   *telemetry.Recorder
}

// A call is one to Firestore.
type call struct {
	attempt   string // what it is for, as errors say it
	operation string // what it does, as measurements say it
	start     time.Time
	billed    telemetry.Billed
}

func newGateway(cfg Settings) gateway {
	client := cfg.Client
	g := gateway{
		client:     client,
		collection: client.Collection(cfg.Collection),
		cache:      cache.New(cfg.CacheFor, cfg.CacheBytes),
		now:        cfg.Now,
	}
	var project, database string
	if path := strings.Split(g.collection.Path, "/"); len(path) > 3 { // projects/{project}/databases/{database}/…
		project, database = path[1], path[3]
	}
	g.database = fmt.Sprintf("Firestore (project %s, database %s", project, database)
	if client.UsesEmulator {
		g.database += ", emulator " + os.Getenv("FIRESTORE_EMULATOR_HOST")
	}
	g.database += ")"
	g.recorder = telemetry.New(cfg.TracerProvider, cfg.MeterProvider, telemetry.Where{
		Project: project, Database: database, Collection: cfg.Collection,
	})
	return g
}

// load returns a document of the version least or a later one, from the cache if that has it, and reports whether it is fresh:
// what is stored at the time of the call, or later. If the cache has none, or least is zero, it is as get.
func (g gateway) load(ctx context.Context, id string, least time.Time) (doc *document.Stored, fresh bool, err error) {
	if least.IsZero() {
		doc, err = g.get(ctx, id)
		return doc, true, err
	}
	start := time.Now()
	doc, fresh, err = g.cache.Load(ctx, id, least, g.now, g.loader(id))
	if err != nil && !errors.As(err, new(*failure)) { // ctx has ended while another request was reading
		err = g.failed(ctx, "load session", start, err, id)
	}
	return doc, fresh, err
}

// get returns a document as it is stored, nil if there is none.
func (g gateway) get(ctx context.Context, id string) (*document.Stored, error) {
	return g.cache.Read(ctx, id, g.now(), g.loader(id))
}

// loader returns what reads the document of a session.
func (g gateway) loader(id string) cache.Get {
	return func(ctx context.Context) (*document.Stored, error) { return g.read(ctx, "load session", id) }
}

// read asks Firestore for a document. It asks by GetAll, since the span of a Get of the Firestore client quotes the name of a
// document that is missing.
func (g gateway) read(ctx context.Context, attempt, id string) (*document.Stored, error) {
	c := call{attempt: attempt, operation: "get", start: time.Now()}
	snaps, err := g.client.GetAll(ctx, []*firestore.DocumentRef{g.collection.Doc(id)})
	if err == nil {
		c.billed.Reads = 1
	}
	if err = g.finish(ctx, c, err, id); err != nil || !snaps[0].Exists() {
		return nil, err
	}
	doc := asStored(snaps[0])
	return &doc, nil
}

func asStored(snap *firestore.DocumentSnapshot) document.Stored {
	return document.Stored{ID: snap.Ref.ID, Fields: snap.Data(), Created: snap.CreateTime, Updated: snap.UpdateTime}
}

// create stores a document that does not exist, and notes its version.
func (g gateway) create(ctx context.Context, attempt string, doc *document.Document) error {
	c := call{attempt: attempt, operation: "create", billed: telemetry.Billed{Writes: 1}}
	return g.write(ctx, c, doc, nil, func() (*firestore.WriteResult, error) {
		return g.collection.Doc(doc.ID).Create(ctx, doc.Fields)
	})
}

// update makes the version prev of a document the next one, by changing some fields, and notes that one's version.
func (g gateway) update(
	ctx context.Context, attempt string, prev, next *document.Document, updates []firestore.Update,
) error {
	c := call{attempt: attempt, operation: "update", billed: telemetry.Billed{Writes: 1}}
	return g.write(ctx, c, next, nil, func() (*firestore.WriteResult, error) {
		return g.collection.Doc(next.ID).Update(ctx, updates, firestore.LastUpdateTime(prev.Version))
	})
}

// move stores the document next, which does not exist, deletes the version prev of another one, in one commit, and notes the
// version of next.
func (g gateway) move(ctx context.Context, prev, next *document.Document) error {
	c := call{attempt: "renew session", operation: "BATCH", billed: telemetry.Billed{Writes: 1, Deletes: 1}}
	return g.write(ctx, c, next, []string{prev.ID}, func() (*firestore.WriteResult, error) {
		//nolint:staticcheck // The successors of WriteBatch are no match: BulkWriter is not atomic, and a transaction
		// costs a call more to begin it.
		results, err := g.client.Batch().
			Create(g.collection.Doc(next.ID), next.Fields).
			Delete(g.collection.Doc(prev.ID), firestore.LastUpdateTime(prev.Version)).
			Commit(ctx)
		if err != nil {
			return nil, err
		}
		return results[0], nil
	})
}

// delete deletes a document under a precondition, or whatever it holds, and also if there is none.
func (g gateway) delete(
	ctx context.Context, attempt, id string, preconditions ...firestore.Precondition,
) error {
	c := call{attempt: attempt, operation: "delete", billed: telemetry.Billed{Deletes: 1}}
	return g.write(ctx, c, nil, []string{id}, func() (*firestore.WriteResult, error) {
		return g.collection.Doc(id).Delete(ctx, preconditions...)
	})
}

// write makes a commit that stores a document, unless it is nil, and notes its version, and that deletes those with some IDs. It
// is billed as c says if it succeeds.
func (g gateway) write(
	ctx context.Context, c call, stores *document.Document, deletes []string, commit func() (*firestore.WriteResult, error),
) error {
	c.start = time.Now()
	defer g.cache.Drop(deletes...)
	apply := func() (updateTime time.Time, err error) {
		err = repeat(ctx, codes.Aborted, func() error {
			result, err := commit()
			if err == nil {
				updateTime = result.UpdateTime
			}
			return err
		})
		if err != nil {
			c.billed = telemetry.Billed{}
		}
		return updateTime, err
	}
	if stores == nil {
		_, err := apply()
		return g.finish(ctx, c, err, deletes...)
	}
	err := g.cache.Write(stores.ID, g.now(), func() (*document.Stored, error) {
		version, err := apply()
		if err != nil {
			return nil, err
		}
		stores.Version = version
		return stores.Stored(), nil
	})
	return g.finish(ctx, c, err, append(slices.Clip(deletes), stores.ID)...)
}

// query returns the documents that a query finds.
func (g gateway) query(ctx context.Context, attempt string, query firestore.Query) ([]*firestore.DocumentSnapshot, error) {
	c := call{attempt: attempt, operation: "query", start: time.Now()}
	snaps, err := readAll(ctx, query.Documents)
	if err == nil {
		c.billed.Reads = max(1, len(snaps))
	}
	return snaps, g.finish(ctx, c, err)
}

// count returns how many documents a query finds. Firestore bills a read for each 1000 of them.
func (g gateway) count(ctx context.Context, attempt string, query firestore.Query) (int, error) {
	const alias = "n"
	c := call{attempt: attempt, operation: "count", start: time.Now()}
	result, err := query.NewAggregationQuery().WithCount(alias).Get(ctx)
	n := 0
	if value, ok := result[alias].(*pb.Value); ok {
		n = int(value.GetIntegerValue())
	} else if err == nil {
		err = status.Error(codes.Internal, "the answer has no number")
	}
	if err == nil {
		c.billed.Reads = max(1, (n+999)/1000)
	}
	return n, g.finish(ctx, c, err)
}

// A batch is what a transaction has deleted of the results of a query.
type batch struct {
	docs []*firestore.DocumentSnapshot // deleted, or with an error, found to be
	last *firestore.DocumentSnapshot   // the last result that was looked at; nil if there was none
	full bool                          // there may be more results
	lost bool                          // the answer to the commit is lost, and there is time to look
}

// deleteBatch deletes those of the first results of a query that doomed picks, in one transaction: size at most, of limit
// results that it looks at.
func (g gateway) deleteBatch(
	ctx context.Context, attempt string, query firestore.Query, size, limit int, doomed func(*firestore.DocumentSnapshot) bool,
) (b batch, err error) {
	c := call{attempt: attempt, operation: "BATCH delete", start: time.Now()}
	query = query.Limit(limit)
	looked := false
	var ids []string // in all attempts: one that is said to be aborted may have been applied
	err = repeat(ctx, codes.Aborted, func() error {
		return g.client.RunTransaction(ctx, func(ctx context.Context, tx *firestore.Transaction) error {
			b, looked = batch{}, false
			snaps, err := readAll(ctx, func(context.Context) *firestore.DocumentIterator { return tx.Documents(query) })
			if err != nil {
				return err
			}
			b.full, looked = len(snaps) == limit, true
			c.billed.Reads += max(1, len(snaps))
			for _, snap := range snaps {
				if doomed(snap) {
					if len(b.docs) == size {
						b.full = true
						return nil
					}
					b.docs, ids = append(b.docs, snap), append(ids, snap.Ref.ID)
					if err := tx.Delete(snap.Ref, firestore.LastUpdateTime(snap.UpdateTime)); err != nil {
						return err
					}
				}
				b.last = snap
			}
			return nil
		}, firestore.MaxAttempts(1)) // the client would make five, and wait for longer
	})
	if looked && len(b.docs) == 0 && statusOf(err).Code() == codes.InvalidArgument {
		err = nil // the client has repeated a commit of nothing
	}
	if err == nil {
		c.billed.Deletes = len(b.docs)
	}
	g.cache.Drop(ids...)
	return b, g.finish(ctx, c, err, ids...)
}

// finish records a call, and returns its failure, nil if err is.
func (g gateway) finish(ctx context.Context, c call, err error, ids ...string) error {
	code := ""
	if err != nil {
		code = codeName(statusOf(err).Code())
	}
	g.recorder.Call(ctx, c.operation, code, c.start, c.billed)
	return g.failed(ctx, c.attempt, c.start, err, ids...)
}

// readAll returns the documents that a query finds. If the answer is lost, it asks again, as Firestore's client does for
// documents by ID but not for queries.
func readAll(
	ctx context.Context, query func(context.Context) *firestore.DocumentIterator,
) (snaps []*firestore.DocumentSnapshot, err error) {
	err = repeat(ctx, codes.Unavailable, func() error {
		snaps, err = query(ctx).GetAll()
		return err
	})
	return snaps, err
}
