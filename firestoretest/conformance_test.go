package firestoretest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"cloud.google.com/go/firestore"
	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/type/latlng"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// conformance is what any Firestore does. Where memory and the official emulator
// disagree, the emulator is right.
var conformance = []struct {
	name string
	run  func(*testing.T, target)
}{
	{"create takes only a free name", createTakesOnlyAFreeName},
	{"update needs a document", updateNeedsADocument},
	{"preconditions", preconditions},
	{"missing documents are told", missingDocumentsAreTold},
	{"delete of a missing document succeeds", deleteOfAMissingDocumentSucceeds},
	{"set merges by its mask", setMergesByItsMask},
	{"update changes and deletes fields by path", updateByPath},
	{"field paths are checked", fieldPathsAreChecked},
	{"reads are projected by their mask", readsAreProjectedByTheirMask},
	{"identical rewrite leaves the update time", identicalRewrite},
	{"create time stays until a document is recreated", createTimeStays},
	{"update times increase in microseconds", updateTimesIncrease},
	{"commit is all or nothing", commitIsAllOrNothing},
	{"writes of one document in one commit", writesOfOneDocument},
	{"writes of one document at the time before the commit", writesAtTheTimeBeforeTheCommit},
	{"malformed writes are refused", malformedWritesAreRefused},
	{"batch write applies each write by itself", batchWriteAppliesEachByItself},
	{"batch write refuses malformed requests", batchWriteRefusesMalformedRequests},

	{"documents created, updated and deleted one by one", singleWrites},
	{"malformed writes of one document are refused", refusedSingleWrites},

	{"server timestamps are in milliseconds", serverTimestamps},
	{"transforms of numbers", transformsOfNumbers},
	{"transforms of arrays", transformsOfArrays},
	{"transforms come after the update", transformsComeAfterTheUpdate},
	{"malformed transforms are refused", malformedTransformsAreRefused},
	{"operands of transforms", operandsOfTransforms},

	{"values come back as they were", valuesComeBack},
	{"document IDs", documentIDs},
	{"collection IDs", collectionIDs},
	{"names are checked", namesAreChecked},
	{"field names", fieldNames},
	{"values that no document may hold", impossibleValues},
	{"values at their limits", extremeValues},
	{"vectors are values", vectorsAreValues},
	{"malformed vectors are refused", malformedVectorsAreRefused},
	{"vectors have no fields", vectorsHaveNoFields},
	{"order of vectors", orderOfVectors},
	{"size of a value", sizeOfAValue},
	{"size of a document", sizeOfADocument},
	{"depth of a document", depthOfADocument},

	{"contending increments all count", contendingIncrements},
	{"at most one contending transaction wins", atMostOneTransactionWins},
	{"transaction reads documents and queries", transactionReads},
	{"read-only transaction sees one moment", readOnlyTransaction},
	{"rolled back transaction leaves no trace", rolledBackTransaction},
	{"transaction ends with its commit", transactionEnds},
	{"transaction outlives a malformed commit", transactionOutlivesAMalformedCommit},
	{"transaction is of one database", transactionIsOfOneDatabase},
	{"reads begin transactions", readsBeginTransactions},

	{"filters on a field", filtersOnAField},
	{"filters by time", filtersByTime},
	{"filters combined", filtersCombined},
	{"filters by large values", largeOperands},
	{"filters by what is no value", malformedOperands},
	{"filters on the name", filtersOnTheName},
	{"order of values of any type", orderOfValues},
	{"order of names", orderOfNames},
	{"order of large values", orderOfLargeValues},
	{"order by several fields", orderBySeveralFields},
	{"limit and offset", limitAndOffset},
	{"cursors", cursors},
	{"select", selectFields},
	{"queries stay in their collection", queriesStayInTheirCollection},
	{"what a query's answers say", queryAnswers},
	{"queries of all collections", allCollections},
	{"malformed queries are refused", malformedQueries},
	{"how many disjunctions a query can have", disjunctions},
	{"how many filters and orders a query can have", sizesOfQueries},

	{"counts", counts},
	{"sums and averages", sumsAndAverages},
	{"what documents are aggregated", aggregatedDocuments},
	{"aggregations in transactions", aggregationsInTransactions},
	{"malformed aggregations are refused", malformedAggregations},

	{"references to documents", documentRefs},
	{"lists of documents", listsOfDocuments},
	{"lists of collections", listsOfCollections},
	{"sizes of pages", sizesOfPages},
	{"malformed lists are refused", malformedLists},
}

func TestConformance(t *testing.T) {
	t.Parallel()
	t.Run("memory", func(t *testing.T) {
		t.Parallel()
		runConformance(t, func(t *testing.T) target { return serverTarget(t, memoryServer(t)) })
	})
	emulator := os.Getenv("FIRESTORE_EMULATOR_HOST")
	if emulator == "" {
		return
	}
	t.Run("emulator", func(t *testing.T) {
		t.Parallel()
		runConformance(t, emulatorTarget)
	})
	t.Run("forwarder", func(t *testing.T) {
		t.Parallel()
		runConformance(t, func(t *testing.T) target {
			s, err := NewForwarder(emulator)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { s.Close() })
			return serverTarget(t, s)
		})
	})
}

func runConformance(t *testing.T, connect func(*testing.T) target) {
	for _, c := range conformance {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(t, connect(t))
		})
	}
}

// target is a Firestore under test, with a project of its own. The official client
// refuses some requests itself; raw sends those.
type target struct {
	*firestore.Client
	raw      pb.FirestoreClient
	conn     *grpc.ClientConn // of raw
	database string           // name
	root     string           // name of the database's root, which the names of documents begin with
}

func memoryServer(t *testing.T) *Server {
	t.Helper()
	s, err := serve(anyPort, memoryProject, newMemory())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func serverTarget(t *testing.T, s *Server) target {
	t.Helper()
	client, err := s.Client(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return newTarget(t, s.Addr(), s.Project()).with(t, client)
}

// emulatorTarget connects to the emulator as any program would, through its environment.
func emulatorTarget(t *testing.T) target {
	t.Helper()
	project := "conformance-" + strings.ToLower(rand.Text())
	client, err := firestore.NewClient(t.Context(), project)
	if err != nil {
		t.Fatal(err)
	}
	return newTarget(t, os.Getenv("FIRESTORE_EMULATOR_HOST"), project).with(t, client)
}

// with returns the target with a client, which is closed with it.
func (tg target) with(t *testing.T, client *firestore.Client) target {
	t.Helper()
	t.Cleanup(func() { client.Close() })
	tg.Client = client
	return tg
}

// newTarget returns a target for raw calls.
func newTarget(t *testing.T, addr, project string) target {
	t.Helper()
	conn, err := grpc.NewClient("passthrough:///"+addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	database := "projects/" + project + "/databases/(default)"
	return target{nil, pb.NewFirestoreClient(conn), conn, database, database + "/documents"}
}

// owner returns the context for raw calls: the emulator applies no security rules to the owner.
func owner(t *testing.T) context.Context {
	return metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer owner")
}

// name returns the name of the document at the path.
func (tg target) name(path string) string {
	return tg.root + "/" + path
}

// commit sends the writes in one raw commit.
func (tg target) commit(t *testing.T, writes ...*pb.Write) (*pb.CommitResponse, error) {
	return tg.raw.Commit(owner(t), &pb.CommitRequest{Database: tg.database, Writes: writes})
}

// set stores documents by path.
func (tg target) set(t *testing.T, docs map[string]map[string]any) {
	t.Helper()
	for path, data := range docs {
		if _, err := tg.Doc(path).Set(t.Context(), data); err != nil {
			t.Fatal(err)
		}
	}
}

// store stores the documents in one commit.
func (tg target) store(t *testing.T, docs []*pb.Document) {
	t.Helper()
	var writes []*pb.Write
	for _, doc := range docs {
		writes = append(writes, setWrite(doc.GetName(), doc.GetFields()))
	}
	if _, err := tg.commit(t, writes...); err != nil {
		t.Fatal(err)
	}
}

// wantData checks what the document at the path holds; nil: that there is none.
func (tg target) wantData(t *testing.T, path string, want map[string]any) {
	t.Helper()
	snap, err := tg.Doc(path).Get(t.Context())
	if want == nil {
		wantCode(t, err, codes.NotFound)
		return
	}
	if err != nil {
		t.Errorf("get %s: %v", path, err)
		return
	}
	if diff := cmp.Diff(want, snap.Data()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// wantFields checks the raw fields of the document of that name.
func (tg target) wantFields(t *testing.T, name string, want map[string]*pb.Value) {
	t.Helper()
	doc, err := tg.raw.GetDocument(owner(t), &pb.GetDocumentRequest{Name: name})
	if err != nil {
		t.Errorf("get %s: %v", name, err)
		return
	}
	if diff := cmp.Diff(want, doc.GetFields(), protocmp.Transform()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

func wantCode(t *testing.T, err error, want codes.Code) {
	t.Helper()
	if got := status.Code(err); got != want {
		t.Errorf("got %v (%v), want %v", got, err, want)
	}
}

// written returns a function that takes what a write returns, and stops the test at an error.
func written(t *testing.T) func(*firestore.WriteResult, error) *firestore.WriteResult {
	return func(result *firestore.WriteResult, err error) *firestore.WriteResult {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return result
	}
}

// fields makes a raw document's fields of alternating names and values.
func fields(pairs ...any) map[string]*pb.Value {
	m := map[string]*pb.Value{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i].(string)] = pairs[i+1].(*pb.Value)
	}
	return m
}

func stringValue(s string) *pb.Value {
	return &pb.Value{ValueType: &pb.Value_StringValue{StringValue: s}}
}

func geoPointValue(latitude, longitude float64) *pb.Value {
	return &pb.Value{ValueType: &pb.Value_GeoPointValue{GeoPointValue: &latlng.LatLng{Latitude: latitude, Longitude: longitude}}}
}

func bytesValue(s string) *pb.Value {
	return &pb.Value{ValueType: &pb.Value_BytesValue{BytesValue: []byte(s)}}
}

// setWrite is a raw write of a whole document, or with paths of these fields only.
func setWrite(name string, fields map[string]*pb.Value, paths ...string) *pb.Write {
	w := &pb.Write{Operation: &pb.Write_Update{Update: &pb.Document{Name: name, Fields: fields}}}
	if paths != nil {
		w.UpdateMask = &pb.DocumentMask{FieldPaths: paths}
	}
	return w
}

func deleteWrite(name string) *pb.Write {
	return &pb.Write{Operation: &pb.Write_Delete{Delete: name}}
}

func ifExists(exists bool, w *pb.Write) *pb.Write {
	w.CurrentDocument = &pb.Precondition{ConditionType: &pb.Precondition_Exists{Exists: exists}}
	return w
}

func ifUpdatedAt(at *timestamppb.Timestamp, w *pb.Write) *pb.Write {
	w.CurrentDocument = &pb.Precondition{ConditionType: &pb.Precondition_UpdateTime{UpdateTime: at}}
	return w
}

// short shortens long test inputs to make names of them.
func short(s string) string {
	if len(s) > 20 {
		return fmt.Sprintf("%.3s… %d bytes", s, len(s))
	}
	return fmt.Sprintf("%q", s)
}

// each passes what comes from a stream, if it could be opened, to do.
func each[T any](stream source[T], err error, do func(T)) error {
	for err == nil {
		var m T
		if m, err = stream.Recv(); err == nil {
			do(m)
		}
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
