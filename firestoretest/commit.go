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
	return writes, nil
}

func parseWrite(req *pb.Write) (write, error) {
	switch op := req.GetOperation().(type) {
	case *pb.Write_Update:
		return parseUpdate(req, op.Update)
	case *pb.Write_Transform: // the older way to write an update of nothing but transforms
		if len(op.Transform.GetFieldTransforms()) == 0 {
			return write{}, invalid("The list of transforms must not be empty.")
		}
		return parseUpdate(&pb.Write{
			UpdateMask:       &pb.DocumentMask{},
			UpdateTransforms: op.Transform.GetFieldTransforms(),
			CurrentDocument:  req.GetCurrentDocument(),
		}, &pb.Document{Name: op.Transform.GetDocument()})
	case *pb.Write_Delete:
		if len(req.GetUpdateTransforms()) > 0 {
			return write{}, invalid("A delete must not have transforms.")
		}
		w := write{name: op.Delete, delete: true, precondition: req.GetCurrentDocument()}
		return w, cmp.Or(checkDocumentName(w.name), checkPrecision(w.precondition))
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
		checkPrecision(w.precondition),
		checkFields(w.fields),
	)
}

func checkPrecision(p *pb.Precondition) error {
	if p.GetUpdateTime().GetNanos()%int32(time.Microsecond) != 0 {
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
	if err := checkPrecondition(w, old, again); err != nil {
		return nil, err
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

// checkPrecondition returns an error unless the document is as the write requires. If an
// earlier write of the commit has left it otherwise, then the request is at fault.
func checkPrecondition(w write, old *pb.Document, again bool) error {
	var err error
	switch p := w.precondition.GetConditionType().(type) {
	case *pb.Precondition_Exists:
		if p.Exists && old == nil {
			err = status.Errorf(codes.NotFound, "No document to update: %s", w.name)
		}
		if !p.Exists && old != nil {
			err = status.Errorf(codes.AlreadyExists, "Document already exists: %s", w.name)
		}
	case *pb.Precondition_UpdateTime:
		if again || !proto.Equal(p.UpdateTime, old.GetUpdateTime()) {
			err = status.Errorf(codes.FailedPrecondition, "Document has not the required version: %s", w.name)
		}
	}
	if err != nil && again {
		return invalid("The writes of %s in this commit contradict each other.", w.name)
	}
	return err
}

func invalid(format string, args ...any) error {
	return status.Errorf(codes.InvalidArgument, format, args...)
}
