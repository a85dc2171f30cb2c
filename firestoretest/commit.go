package firestoretest

import (
	"cmp"
	"context"
	"maps"
	"time"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	statuspb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

func (m *memory) Commit(_ context.Context, req *pb.CommitRequest) (*pb.CommitResponse, error) {
	writes, err := parseWrites(req.GetDatabase(), req.GetWrites())
	if err != nil {
		return nil, err
	}

	m.mu.Lock()
	defer m.mu.Unlock()
	if len(req.GetTransaction()) > 0 {
		tx, err := m.transaction(req.GetTransaction())
		if err != nil {
			return nil, err
		}
		if err := tx.checkDatabase(req.GetDatabase()); err != nil {
			return nil, err
		}
		if tx.snapshot != nil && len(writes) > 0 {
			return nil, invalid("Cannot modify documents in a read-only transaction.")
		}
		defer m.end(tx)
		if err := m.verify(tx); err != nil {
			return nil, err
		}
	}
	return m.apply(writes)
}

// BatchWrite applies each write by itself. But if one is malformed, or two are of the
// same document, none is applied.
func (m *memory) BatchWrite(_ context.Context, req *pb.BatchWriteRequest) (*pb.BatchWriteResponse, error) {
	writes, err := parseWrites(req.GetDatabase(), req.GetWrites())
	if err != nil {
		return nil, err
	}
	seen := make(map[string]bool, len(writes))
	for _, w := range writes {
		if seen[w.name] {
			return nil, invalid("The same document cannot be written more than once in a single request.")
		}
		seen[w.name] = true
	}

	m.mu.Lock()
	defer m.mu.Unlock()
	resp := &pb.BatchWriteResponse{}
	for i := range writes {
		result := &pb.WriteResult{}
		applied, err := m.apply(writes[i : i+1])
		if err == nil {
			result = applied.GetWriteResults()[0]
		}
		resp.WriteResults = append(resp.WriteResults, result)
		resp.Status = append(resp.Status, statusOf(err))
	}
	return resp, nil
}

// apply applies all of the writes at one time, or on an error none.
func (m *memory) apply(writes []write) (*pb.CommitResponse, error) {
	c := changes{base: m.docs, time: m.clock.now(), docs: make(map[string]*pb.Document, len(writes))}
	resp := &pb.CommitResponse{CommitTime: c.time}
	for _, w := range writes {
		transformed, err := c.add(w)
		if err != nil {
			return nil, err
		}
		resp.WriteResults = append(resp.WriteResults, &pb.WriteResult{TransformResults: transformed})
	}
	if err := c.settle(); err != nil {
		return nil, err
	}
	for i, w := range writes {
		resp.WriteResults[i].UpdateTime = c.docs[w.name].GetUpdateTime()
	}
	for name, doc := range c.docs {
		m.docs.put(name, doc)
	}
	return resp, nil
}

func statusOf(err error) *statuspb.Status {
	if err == nil {
		return &statuspb.Status{}
	}
	return status.Convert(err).Proto()
}

// write is a write as parsed and checked.
type write struct {
	name         string
	delete       bool
	fields       map[string]*pb.Value
	mask         mask // nil: the fields are the whole document
	transforms   []transform
	precondition *pb.Precondition
}

func parseWrites(database string, reqs []*pb.Write) ([]write, error) {
	if err := checkDatabase(database); err != nil {
		return nil, err
	}
	writes := make([]write, len(reqs))
	for i, req := range reqs {
		w, err := parseWrite(req)
		if err != nil {
			return nil, err
		}
		writes[i] = w
	}
	return writes, checkSequences(writes)
}

// checkSequences returns an error if a write requires of a document something else than what
// earlier writes have left.
func checkSequences(writes []write) error {
	first, last := make(map[string]write, len(writes)), make(map[string]write, len(writes))
	for _, w := range writes {
		f, again := first[w.name]
		if !again {
			first[w.name] = w
		} else if !w.mayFollow(f, last[w.name]) {
			return invalid("The writes of %s in this commit contradict each other.", w.name)
		}
		last[w.name] = w
	}
	return nil
}

// mayFollow reports whether the write's precondition can hold after earlier ones of the same document, of
// which these are the first and the last. An update time means the one before the commit.
func (w write) mayFollow(first, last write) bool {
	switch p := w.precondition.GetConditionType().(type) {
	case *pb.Precondition_Exists:
		return p.Exists == !last.delete
	case *pb.Precondition_UpdateTime:
		required := first.precondition.GetUpdateTime()
		if required == nil || !required.AsTime().Equal(p.UpdateTime.AsTime()) {
			return false
		}
		return last.delete || !required.AsTime().Equal(neverUpdated)
	default:
		return true
	}
}

func parseWrite(req *pb.Write) (write, error) {
	switch op := req.GetOperation().(type) {
	case *pb.Write_Update:
		return parseUpdate(req, op.Update)
	case *pb.Write_Transform: // the older way to write an update of nothing but transforms
		if len(op.Transform.GetFieldTransforms()) == 0 {
			return write{}, invalid("The list of transforms must not be empty.")
		}
		if err := checkNoUpdate(req); err != nil {
			return write{}, err
		}
		return parseUpdate(&pb.Write{
			UpdateMask:       &pb.DocumentMask{},
			UpdateTransforms: op.Transform.GetFieldTransforms(),
			CurrentDocument:  req.GetCurrentDocument(),
		}, &pb.Document{Name: op.Transform.GetDocument()})
	case *pb.Write_Delete:
		w := write{name: op.Delete, delete: true, precondition: req.GetCurrentDocument()}
		return w, cmp.Or(checkNoUpdate(req), checkDocumentName(w.name), checkPrecondition(w.precondition))
	default:
		return write{}, invalid("A write must have an operation.")
	}
}

func parseUpdate(req *pb.Write, doc *pb.Document) (write, error) {
	w := write{name: doc.GetName(), fields: doc.GetFields(), precondition: req.GetCurrentDocument()}
	var err error
	if w.mask, err = parseMask(req.GetUpdateMask()); err != nil {
		return write{}, err
	}
	if w.transforms, err = parseTransforms(req.GetUpdateTransforms()); err != nil {
		return write{}, err
	}
	return w, cmp.Or(
		checkDocumentName(w.name),
		checkIDSizes(w.name),
		checkPrecondition(w.precondition),
		normalizeFields(w.fields),
		checkFields(w.fields),
	)
}

// checkNoUpdate returns an error if the write has parts that only an update may have.
func checkNoUpdate(req *pb.Write) error {
	if req.GetUpdateMask() != nil || len(req.GetUpdateTransforms()) > 0 {
		return invalid("Only an update may have a mask or transforms.")
	}
	return nil
}

func checkPrecondition(p *pb.Precondition) error {
	t := p.GetUpdateTime()
	switch {
	case t == nil:
		return nil
	case t.CheckValid() != nil || t.GetSeconds() < 0:
		return invalid("An update time must be a time since 1970.")
	case t.GetNanos()%int32(time.Microsecond) != 0:
		return invalid("An update time cannot have more than microsecond precision.")
	}
	return nil
}

// changes is what the writes of a commit have made of the documents so far.
type changes struct {
	base store
	time *timestamppb.Timestamp  // of the commit
	docs map[string]*pb.Document // those written by name, nil for a deleted one
}

// add adds a write and returns the results of its transforms.
func (c *changes) add(w write) ([]*pb.Value, error) {
	old, again := c.docs[w.name]
	if !again {
		old = c.base.get(w.name)
	}
	if !again { // for others, see checkSequences
		if err := w.checkDocument(old); err != nil {
			return nil, err
		}
	}
	if w.delete {
		c.docs[w.name] = nil
		return nil, nil
	}
	doc := &pb.Document{Name: w.name, Fields: w.merge(old.GetFields()), CreateTime: c.time, UpdateTime: c.time}
	if old != nil {
		doc.CreateTime = old.GetCreateTime()
	}
	c.docs[w.name] = doc
	return transformAll(w.transforms, doc.GetFields(), c.time), nil
}

// settle checks the documents as the commit will leave them. Those that are what they
// were before stay, and with them their update time.
func (c *changes) settle() error {
	for name, doc := range c.docs {
		if doc == nil {
			continue
		}
		old := c.base.get(name)
		if old.GetCreateTime() == doc.GetCreateTime() && equalFields(old.GetFields(), doc.GetFields()) {
			c.docs[name] = old
			continue
		}
		if err := checkDocumentSize(doc); err != nil {
			return err
		}
	}
	return nil
}

func equalFields(a, b map[string]*pb.Value) bool {
	return maps.EqualFunc(a, b, func(v, w *pb.Value) bool { return proto.Equal(v, w) })
}

// merge returns the fields that the write makes of old ones, which it leaves alone.
func (w write) merge(old map[string]*pb.Value) map[string]*pb.Value {
	fields := w.fields
	if w.mask != nil {
		fields = maps.Clone(old)
	}
	if fields == nil {
		fields = map[string]*pb.Value{}
	}
	for _, p := range w.mask {
		p.set(fields, p.get(w.fields))
	}
	return fields
}

// checkDocument returns an error unless the document is as the write requires.
func (w write) checkDocument(old *pb.Document) error {
	switch p := w.precondition.GetConditionType().(type) {
	case *pb.Precondition_Exists:
		if p.Exists && old == nil {
			return status.Errorf(codes.NotFound, "No document to update: %s", w.name)
		}
		if !p.Exists && old != nil {
			return status.Errorf(codes.AlreadyExists, "Document already exists: %s", w.name)
		}
	case *pb.Precondition_UpdateTime:
		return w.checkUpdateTime(p.UpdateTime.AsTime(), old)
	}
	return nil
}

// neverUpdated is the update time of a missing document.
var neverUpdated = time.Unix(0, 0)

// checkUpdateTime returns an error unless that is when the document was last updated.
func (w write) checkUpdateTime(want time.Time, old *pb.Document) error {
	got := neverUpdated
	if old != nil {
		got = old.GetUpdateTime().AsTime()
	}
	switch {
	case want.Equal(got):
		return nil
	case old != nil && want.After(got):
		return invalid("The required version of %s is newer than the document.", w.name)
	default:
		return status.Errorf(codes.FailedPrecondition, "Document has not the required version: %s", w.name)
	}
}

func invalid(format string, args ...any) error {
	return status.Errorf(codes.InvalidArgument, format, args...)
}
