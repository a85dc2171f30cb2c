package firestoretest

import (
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/firestore"
	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"
)

func createTakesOnlyAFreeName(t *testing.T, tg target) {
	doc := tg.Doc("c/d")
	written(t)(doc.Create(t.Context(), map[string]any{"a": 1}))
	_, err := doc.Create(t.Context(), map[string]any{"a": 2})
	wantCode(t, err, codes.AlreadyExists)
	tg.wantData(t, "c/d", map[string]any{"a": int64(1)})
}

func updateNeedsADocument(t *testing.T, tg target) {
	doc := tg.Doc("c/d")
	_, err := doc.Update(t.Context(), []firestore.Update{{Path: "a", Value: 1}})
	wantCode(t, err, codes.NotFound)
	_, err = doc.Delete(t.Context(), firestore.Exists)
	wantCode(t, err, codes.NotFound)
	tg.wantData(t, "c/d", nil)
}

func missingDocumentsAreTold(t *testing.T, tg target) {
	snap, err := tg.Doc("c/none").Get(t.Context())
	wantCode(t, err, codes.NotFound)
	if snap.Exists() || snap.ReadTime.IsZero() {
		t.Errorf("exists %v, read at %v; want a missing document with its read time", snap.Exists(), snap.ReadTime)
	}

	tg.set(t, map[string]map[string]any{"c/1": {"n": 1}, "c/2": {"n": 2}})
	snaps, err := tg.GetAll(t.Context(), []*firestore.DocumentRef{
		tg.Doc("c/2"), tg.Doc("c/none"), tg.Doc("c/1"), tg.Doc("c/2"), tg.Doc("c/none/c/1"),
	})
	if err != nil {
		t.Fatal(err)
	}
	var got []any
	for _, s := range snaps {
		got = append(got, s.Data()["n"])
	}
	if diff := cmp.Diff([]any{int64(2), nil, int64(1), int64(2), nil}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	_, err = tg.raw.GetDocument(owner(t), &pb.GetDocumentRequest{Name: tg.name("c/none")})
	wantCode(t, err, codes.NotFound)
}

func deleteOfAMissingDocumentSucceeds(t *testing.T, tg target) {
	resp, err := tg.commit(t, deleteWrite(tg.name("c/d")))
	if err != nil {
		t.Fatal(err)
	}
	if got := resp.GetWriteResults()[0].GetUpdateTime(); got != nil || resp.GetCommitTime() == nil {
		t.Errorf("update time %v, commit time %v; want only the commit's", got, resp.GetCommitTime())
	}
	_, err = tg.commit(t, ifExists(false, deleteWrite(tg.name("c/d"))))
	wantCode(t, err, codes.OK)
}

func setMergesByItsMask(t *testing.T, tg target) {
	doc := tg.Doc("c/d")
	set := func(data map[string]any, opts ...firestore.SetOption) {
		t.Helper()
		written(t)(doc.Set(t.Context(), data, opts...))
	}
	set(map[string]any{"a": 1, "m": map[string]any{"x": 1, "y": 2}})
	set(map[string]any{"b": 2, "m": map[string]any{"x": 3}}, firestore.MergeAll)
	tg.wantData(t, "c/d", map[string]any{"a": int64(1), "b": int64(2), "m": map[string]any{"x": int64(3), "y": int64(2)}})
	set(map[string]any{"a": 9, "m": map[string]any{"x": 4}}, firestore.Merge([]string{"m"}))
	tg.wantData(t, "c/d", map[string]any{"a": int64(1), "b": int64(2), "m": map[string]any{"x": int64(4)}})
	set(map[string]any{"z": 1})
	tg.wantData(t, "c/d", map[string]any{"z": int64(1)})

	// A mask alone makes a document, even one without fields.
	if _, err := tg.commit(t, setWrite(tg.name("c/new"), nil, "a.b")); err != nil {
		t.Fatal(err)
	}
	tg.wantData(t, "c/new", map[string]any{})
}

func updateByPath(t *testing.T, tg target) {
	start := map[string]any{"a": 1, "m": map[string]any{"x": 1, "y": map[string]any{"z": 2}}}
	for _, c := range []struct {
		name   string
		update firestore.Update
		want   map[string]any
	}{
		{"field", firestore.Update{Path: "a", Value: "s"}, map[string]any{"a": "s", "m": map[string]any{"x": int64(1), "y": map[string]any{"z": int64(2)}}}},
		{"nested field", firestore.Update{Path: "m.y.z", Value: 3}, map[string]any{"a": int64(1), "m": map[string]any{"x": int64(1), "y": map[string]any{"z": int64(3)}}}},
		{"new nested field", firestore.Update{Path: "n.o", Value: 3}, map[string]any{"a": int64(1), "m": map[string]any{"x": int64(1), "y": map[string]any{"z": int64(2)}}, "n": map[string]any{"o": int64(3)}}},
		{"field in what was no map", firestore.Update{Path: "a.b", Value: 3}, map[string]any{"a": map[string]any{"b": int64(3)}, "m": map[string]any{"x": int64(1), "y": map[string]any{"z": int64(2)}}}},
		{"quoted name", firestore.Update{FieldPath: firestore.FieldPath{"a.b`\\ ü"}, Value: 3}, map[string]any{"a": int64(1), "a.b`\\ ü": int64(3), "m": map[string]any{"x": int64(1), "y": map[string]any{"z": int64(2)}}}},
		{"delete field", firestore.Update{Path: "m", Value: firestore.Delete}, map[string]any{"a": int64(1)}},
		{"delete nested field", firestore.Update{Path: "m.y.z", Value: firestore.Delete}, map[string]any{"a": int64(1), "m": map[string]any{"x": int64(1), "y": map[string]any{}}}},
		{"delete missing field", firestore.Update{Path: "no.such", Value: firestore.Delete}, map[string]any{"a": int64(1), "m": map[string]any{"x": int64(1), "y": map[string]any{"z": int64(2)}}}},
		{"delete in what is no map", firestore.Update{Path: "a.b", Value: firestore.Delete}, map[string]any{"a": int64(1), "m": map[string]any{"x": int64(1), "y": map[string]any{"z": int64(2)}}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			doc := tg.Doc("c/d")
			written(t)(doc.Set(t.Context(), start))
			written(t)(doc.Update(t.Context(), []firestore.Update{c.update}))
			tg.wantData(t, "c/d", c.want)
		})
	}
}

func fieldPathsAreChecked(t *testing.T, tg target) {
	for path, want := range map[string]codes.Code{
		"a": codes.OK, "_0": codes.OK, "a.b": codes.OK, "`ü`": codes.OK, "`\\``": codes.OK, "__name__": codes.OK, "____": codes.OK,
		"": codes.InvalidArgument, "a.": codes.InvalidArgument, ".a": codes.InvalidArgument, "a..b": codes.InvalidArgument,
		"0a": codes.InvalidArgument, "a b": codes.InvalidArgument, "ü": codes.InvalidArgument, "a-b": codes.InvalidArgument,
		"`": codes.InvalidArgument, "``": codes.InvalidArgument, "`a": codes.InvalidArgument, "`a`b": codes.InvalidArgument,
		"*": codes.InvalidArgument, "__x__": codes.InvalidArgument, "`__x__`": codes.InvalidArgument, "a.__x__": codes.InvalidArgument,
		"a.__name__":                   codes.InvalidArgument,
		strings.Repeat("a.", 19) + "a": codes.OK, strings.Repeat("a.", 20) + "a": codes.InvalidArgument,
		strings.Repeat("a", 1499): codes.OK, strings.Repeat("a", 1500): codes.InvalidArgument,
	} {
		t.Run(short(path), func(t *testing.T) {
			_, err := tg.commit(t, setWrite(tg.name("c/d"), nil, path))
			wantCode(t, err, want)
		})
	}
}

func readsAreProjectedByTheirMask(t *testing.T, tg target) {
	tg.set(t, map[string]map[string]any{"c/d": {"a": 1, "m": map[string]any{"x": 1, "y": 2}}})
	whole := fields("a", integerValue(1), "m", mapValue(fields("x", integerValue(1), "y", integerValue(2))))
	for _, c := range []struct {
		name string
		mask *pb.DocumentMask
		want map[string]*pb.Value
	}{
		{"no mask", nil, whole},
		{"empty mask", &pb.DocumentMask{}, nil},
		{"field", &pb.DocumentMask{FieldPaths: []string{"a"}}, fields("a", integerValue(1))},
		{"nested field", &pb.DocumentMask{FieldPaths: []string{"m.y"}}, fields("m", mapValue(fields("y", integerValue(2))))},
		{"map and its field", &pb.DocumentMask{FieldPaths: []string{"m.x", "m"}}, fields("m", whole["m"])},
		{"missing fields", &pb.DocumentMask{FieldPaths: []string{"z", "a.b", "m.z"}}, nil},
		{"name", &pb.DocumentMask{FieldPaths: []string{"__name__"}}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			doc, err := tg.raw.GetDocument(owner(t), &pb.GetDocumentRequest{Name: tg.name("c/d"), Mask: c.mask})
			if err != nil {
				t.Fatal(err)
			}
			if !equalFields(doc.GetFields(), c.want) || doc.GetUpdateTime() == nil {
				t.Errorf("got %v, want fields %v", doc, c.want)
			}
			stream, err := tg.raw.BatchGetDocuments(owner(t), &pb.BatchGetDocumentsRequest{
				Database: tg.database, Documents: []string{tg.name("c/d")}, Mask: c.mask,
			})
			if err != nil {
				t.Fatal(err)
			}
			resp, err := stream.Recv()
			if err != nil || !equalFields(resp.GetFound().GetFields(), c.want) {
				t.Errorf("batch: got %v, %v, want fields %v", resp, err, c.want)
			}
		})
	}
	_, err := tg.raw.GetDocument(owner(t), &pb.GetDocumentRequest{Name: tg.name("c/d"), Mask: &pb.DocumentMask{FieldPaths: []string{"a b"}}})
	wantCode(t, err, codes.InvalidArgument)
}

func identicalRewrite(t *testing.T, tg target) {
	name := tg.name("c/d")
	ab := fields("a", integerValue(1), "b", mapValue(fields("c", stringValue("x"))))
	for _, c := range []struct {
		name    string
		writes  []*pb.Write
		changed bool
	}{
		{"same fields", []*pb.Write{setWrite(name, ab)}, false},
		{"same field by mask", []*pb.Write{setWrite(name, ab, "a")}, false},
		{"nothing by mask", []*pb.Write{setWrite(name, ab, []string{}...)}, false},
		{"there and back", []*pb.Write{setWrite(name, nil), setWrite(name, ab)}, false},
		{"another value", []*pb.Write{setWrite(name, fields("a", integerValue(2)), "a")}, true},
		{"another type", []*pb.Write{setWrite(name, fields("a", doubleValue(1)), "a")}, true},
		{"recreated", []*pb.Write{deleteWrite(name), setWrite(name, ab)}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			before, err := tg.commit(t, setWrite(name, ab))
			if err != nil {
				t.Fatal(err)
			}
			after, err := tg.commit(t, c.writes...)
			if err != nil {
				t.Fatal(err)
			}
			then := before.GetWriteResults()[0].GetUpdateTime().AsTime()
			for _, r := range after.GetWriteResults() {
				if got := r.GetUpdateTime().AsTime(); got.Equal(then) == c.changed {
					t.Errorf("update time %v after %v; want it changed: %v", got, then, c.changed)
				}
			}
			if !after.GetCommitTime().AsTime().After(then) {
				t.Errorf("commit time %v, want one after %v", after.GetCommitTime().AsTime(), then)
			}
		})
	}
}

func createTimeStays(t *testing.T, tg target) {
	doc := tg.Doc("c/d")
	created := written(t)(doc.Create(t.Context(), map[string]any{"a": 1})).UpdateTime
	written(t)(doc.Set(t.Context(), map[string]any{"a": 2}))
	snap, err := doc.Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !snap.CreateTime.Equal(created) {
		t.Errorf("create time %v, want %v", snap.CreateTime, created)
	}
	if _, err := tg.commit(t, deleteWrite(tg.name("c/d")), setWrite(tg.name("c/d"), nil)); err != nil {
		t.Fatal(err)
	}
	if snap, err = doc.Get(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !snap.CreateTime.After(created) {
		t.Errorf("create time %v after recreation, want one after %v", snap.CreateTime, created)
	}
}

func updateTimesIncrease(t *testing.T, tg target) {
	var last time.Time
	for i := range 20 {
		resp, err := tg.commit(t, setWrite(tg.name("c/d"), fields("i", integerValue(int64(i)))))
		if err != nil {
			t.Fatal(err)
		}
		now := resp.GetWriteResults()[0].GetUpdateTime().AsTime()
		if !now.After(last) || !now.Equal(now.Truncate(time.Microsecond)) || !now.Equal(resp.GetCommitTime().AsTime()) {
			t.Fatalf("update time %v after %v in a commit of %v", now, last, resp.GetCommitTime().AsTime())
		}
		last = now
	}
}

func commitIsAllOrNothing(t *testing.T, tg target) {
	tg.set(t, map[string]map[string]any{"c/old": {"a": 1}})
	_, err := tg.commit(t,
		setWrite(tg.name("c/new"), nil),
		deleteWrite(tg.name("c/old")),
		ifExists(true, setWrite(tg.name("c/none"), nil)),
	)
	wantCode(t, err, codes.NotFound)
	tg.wantData(t, "c/new", nil)
	tg.wantData(t, "c/old", map[string]any{"a": int64(1)})

	if _, err := tg.commit(t, ifExists(false, setWrite(tg.name("c/new"), nil)), deleteWrite(tg.name("c/old"))); err != nil {
		t.Fatal(err)
	}
	tg.wantData(t, "c/new", map[string]any{})
	tg.wantData(t, "c/old", nil)
	if _, err := tg.commit(t); err != nil {
		t.Errorf("commit of nothing: %v", err)
	}
}

func writesOfOneDocument(t *testing.T, tg target) {
	set := func() *pb.Write { return setWrite(tg.name("c/d"), fields("a", integerValue(2))) }
	patch := func() *pb.Write { return setWrite(tg.name("c/d"), fields("b", integerValue(3)), "b") }
	remove := func() *pb.Write { return deleteWrite(tg.name("c/d")) }
	atTime := func(w *pb.Write) *pb.Write { return ifUpdatedAt(&timestamppb.Timestamp{Seconds: 1}, w) }
	start := map[string]any{"a": int64(1)}
	for _, c := range []struct {
		name   string
		writes []*pb.Write
		code   codes.Code
		want   map[string]any
	}{
		{"set, then patched", []*pb.Write{set(), ifExists(true, patch())}, codes.OK, map[string]any{"a": int64(2), "b": int64(3)}},
		{"patched, then set", []*pb.Write{patch(), set()}, codes.OK, map[string]any{"a": int64(2)}},
		{"set, then deleted", []*pb.Write{set(), ifExists(true, remove())}, codes.OK, nil},
		{"deleted, then created", []*pb.Write{remove(), ifExists(false, set())}, codes.OK, map[string]any{"a": int64(2)}},
		{"deleted twice", []*pb.Write{remove(), remove()}, codes.OK, nil},
		{"set, then created", []*pb.Write{set(), ifExists(false, set())}, codes.InvalidArgument, start},
		{"deleted, then updated", []*pb.Write{remove(), ifExists(true, patch())}, codes.InvalidArgument, start},
		{"set, then updated as of a time", []*pb.Write{set(), atTime(patch())}, codes.InvalidArgument, start},
		{"set and updated as of a wrong time", []*pb.Write{atTime(set()), atTime(patch())}, codes.FailedPrecondition, start},
		{"contradiction after a failing one", []*pb.Write{ifExists(false, set()), ifExists(false, patch())}, codes.InvalidArgument, start},
	} {
		t.Run(c.name, func(t *testing.T) {
			tg.set(t, map[string]map[string]any{"c/d": {"a": 1}})
			_, err := tg.commit(t, c.writes...)
			wantCode(t, err, c.code)
			tg.wantData(t, "c/d", c.want)
		})
	}
}

func writesAtTheTimeBeforeTheCommit(t *testing.T, tg target) {
	created, err := tg.commit(t, setWrite(tg.name("c/d"), fields("a", integerValue(1))))
	if err != nil {
		t.Fatal(err)
	}
	before := created.GetCommitTime()
	_, err = tg.commit(t,
		ifUpdatedAt(before, setWrite(tg.name("c/d"), fields("a", integerValue(2)))),
		ifUpdatedAt(before, setWrite(tg.name("c/d"), fields("b", integerValue(3)), "b")),
	)
	wantCode(t, err, codes.OK)
	tg.wantData(t, "c/d", map[string]any{"a": int64(2), "b": int64(3)})
}

func malformedWritesAreRefused(t *testing.T, tg target) {
	name := tg.name("c/d")
	mask := &pb.DocumentMask{FieldPaths: []string{"a"}}
	transforms := []*pb.DocumentTransform_FieldTransform{increment("a", integerValue(1))}
	alone := &pb.Write_Transform{Transform: &pb.DocumentTransform{Document: name, FieldTransforms: transforms}}
	for label, w := range map[string]*pb.Write{
		"no operation":                 {},
		"delete with a mask":           {Operation: &pb.Write_Delete{Delete: name}, UpdateMask: mask},
		"delete with transforms":       {Operation: &pb.Write_Delete{Delete: name}, UpdateTransforms: transforms},
		"transform with a mask":        {Operation: alone, UpdateMask: mask},
		"transform with transforms":    {Operation: alone, UpdateTransforms: transforms},
		"update of nothing":            {Operation: &pb.Write_Update{}},
		"update with a malformed mask": setWrite(name, nil, "a b"),
		"transform of nothing":         {Operation: &pb.Write_Transform{}},
		"delete of a database":         deleteWrite(tg.database),
	} {
		t.Run(label, func(t *testing.T) {
			_, err := tg.commit(t, w)
			wantCode(t, err, codes.InvalidArgument)
		})
	}
	for _, database := range []string{"", "x", tg.root} {
		_, err := tg.raw.Commit(owner(t), &pb.CommitRequest{Database: database, Writes: []*pb.Write{setWrite(tg.name("c/d"), nil)}})
		wantCode(t, err, codes.InvalidArgument)
	}
	tg.wantData(t, "c/d", nil)
}

func batchWriteAppliesEachByItself(t *testing.T, tg target) {
	tg.set(t, map[string]map[string]any{"c/old": {"a": 1}})
	stale := ifUpdatedAt(&timestamppb.Timestamp{Seconds: 1}, deleteWrite(tg.name("c/stale")))
	resp, err := tg.raw.BatchWrite(owner(t), &pb.BatchWriteRequest{Database: tg.database, Writes: []*pb.Write{
		ifExists(false, setWrite(tg.name("c/old"), nil)),
		setWrite(tg.name("c/new"), nil),
		ifExists(true, setWrite(tg.name("c/none"), nil)),
		deleteWrite(tg.name("c/nothing")),
		stale,
	}})
	if err != nil {
		t.Fatal(err)
	}
	var got []codes.Code
	for i, s := range resp.GetStatus() {
		got = append(got, codes.Code(s.GetCode()))
		if (resp.GetWriteResults()[i].GetUpdateTime() != nil) != (i == 1) {
			t.Errorf("result %d: %v; want an update time for the update alone", i, resp.GetWriteResults()[i])
		}
	}
	want := []codes.Code{codes.AlreadyExists, codes.OK, codes.NotFound, codes.OK, codes.FailedPrecondition}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("statuses (-want +got):\n%s", diff)
	}
	tg.wantData(t, "c/old", map[string]any{"a": int64(1)})
	tg.wantData(t, "c/new", map[string]any{})

	// The client's BulkWriter is made of it.
	writer := tg.BulkWriter(t.Context())
	job, err := writer.Create(tg.Doc("c/bulk"), map[string]any{"a": 1})
	if err != nil {
		t.Fatal(err)
	}
	writer.End()
	written(t)(job.Results())
	tg.wantData(t, "c/bulk", map[string]any{"a": int64(1)})
}

func batchWriteRefusesMalformedRequests(t *testing.T, tg target) {
	good := setWrite(tg.name("c/good"), nil)
	for name, bad := range map[string]*pb.Write{
		"document twice": setWrite(tg.name("c/good"), nil),
		"reserved ID":    setWrite(tg.name("c/__x__"), nil),
		"nested array":   setWrite(tg.name("c/d"), fields("a", arrayValue([]*pb.Value{arrayValue(nil)}))),
		"no operation":   {},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := tg.raw.BatchWrite(owner(t), &pb.BatchWriteRequest{Database: tg.database, Writes: []*pb.Write{good, bad}})
			wantCode(t, err, codes.InvalidArgument)
			tg.wantData(t, "c/good", nil)
		})
	}
}
