package firestoretest

import (
	"context"
	"maps"

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
			return nil, invalid("Cannot modify entities in a read-only transaction.")
		}
		defer m.end(tx)
		if err := m.verify(tx); err != nil {
			return nil, err
		}
	}

	resp := &pb.CommitResponse{CommitTime: m.clock.now()}
	c := changes{base: m.docs, time: resp.CommitTime, docs: make(map[string]*pb.Document, len(writes))}
	for _, w := range writes {
		result, err := c.write(w)
		if err != nil {
			return nil, err
		}
		resp.WriteResults = append(resp.WriteResults, result)
	}
	for name, doc := range c.docs {
		m.docs.put(name, doc)
	}
	return resp, nil
}

// BatchWrite applies each write by itself.
func (m *memory) BatchWrite(ctx context.Context, req *pb.BatchWriteRequest) (*pb.BatchWriteResponse, error) {
	resp := &pb.BatchWriteResponse{}
	for _, w := range req.GetWrites() {
		result, err := m.Commit(ctx, &pb.CommitRequest{Database: req.GetDatabase(), Writes: []*pb.Write{w}})
		if err != nil {
			resp.WriteResults = append(resp.WriteResults, &pb.WriteResult{})
		} else {
			resp.WriteResults = append(resp.WriteResults, result.GetWriteResults()[0])
		}
		resp.Status = append(resp.Status, statusOf(err))
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
	writes := make([]write, len(reqs))
	for i, req := range reqs {
		w, err := parseWrite(database, req)
		if err != nil {
			return nil, err
		}
		writes[i] = w
	}
	return writes, nil
}

func parseWrite(database string, req *pb.Write) (w write, err error) {
	transforms := req.GetUpdateTransforms()
	switch op := req.GetOperation().(type) {
	case *pb.Write_Update:
		w.name = op.Update.GetName()
		w.fields = op.Update.GetFields()
		w.mask, err = parseMask(req.GetUpdateMask())
	case *pb.Write_Delete:
		w.name = op.Delete
		w.delete = true
	case *pb.Write_Transform:
		w.name = op.Transform.GetDocument()
		w.mask = mask{}
		transforms = op.Transform.GetFieldTransforms()
	default:
		err = invalid("A write must have an operation.")
	}
	if err != nil {
		return write{}, err
	}
	if err := checkDocumentName(database, w.name); err != nil {
		return write{}, err
	}
	if w.transforms, err = parseTransforms(transforms); err != nil {
		return write{}, err
	}
	w.precondition = req.GetCurrentDocument()
	return w, checkFields(w.fields)
}

// changes is what the writes of one commit have made of the documents so far.
type changes struct {
	base store
	time *timestamppb.Timestamp
	docs map[string]*pb.Document // by name, nil for a deleted one
}

func (c *changes) write(w write) (*pb.WriteResult, error) {
	old, ok := c.docs[w.name]
	if !ok {
		old = c.base.get(w.name)
	}
	if err := checkPrecondition(w, old); err != nil {
		return nil, err
	}
	if w.delete {
		c.docs[w.name] = nil
		return &pb.WriteResult{}, nil
	}

	fields := w.merge(old.GetFields())
	results, err := transformAll(w.transforms, fields, c.time)
	if err != nil {
		return nil, err
	}
	doc, err := c.document(w.name, fields, old)
	if err != nil {
		return nil, err
	}
	c.docs[w.name] = doc
	return &pb.WriteResult{UpdateTime: doc.GetUpdateTime(), TransformResults: results}, nil
}

// merge returns the fields that the write makes of old ones, which it leaves alone.
func (w write) merge(old map[string]*pb.Value) map[string]*pb.Value {
	if w.mask == nil {
		if w.fields == nil {
			return map[string]*pb.Value{}
		}
		return w.fields
	}
	fields := maps.Clone(old)
	if fields == nil {
		fields = map[string]*pb.Value{}
	}
	for _, p := range w.mask {
		p.set(fields, p.get(w.fields))
	}
	return fields
}

// document returns the document with these fields that takes the place of the old one:
// the old one itself if nothing is different, since its update time must then stay.
func (c *changes) document(name string, fields map[string]*pb.Value, old *pb.Document) (*pb.Document, error) {
	doc := &pb.Document{Name: name, Fields: fields, CreateTime: c.time, UpdateTime: c.time}
	if old != nil {
		if equalFields(fields, old.GetFields()) {
			return old, nil
		}
		doc.CreateTime = old.GetCreateTime()
	}
	if err := checkDocumentSize(doc); err != nil {
		return nil, err
	}
	return doc, nil
}

func equalFields(a, b map[string]*pb.Value) bool {
	return maps.EqualFunc(a, b, func(v, w *pb.Value) bool { return proto.Equal(v, w) })
}

func checkPrecondition(w write, old *pb.Document) error {
	switch p := w.precondition.GetConditionType().(type) {
	case *pb.Precondition_Exists:
		if p.Exists && old == nil {
			return status.Errorf(codes.NotFound, "No document to update: %s", w.name)
		}
		if !p.Exists && old != nil {
			return status.Errorf(codes.AlreadyExists, "Document already exists: %s", w.name)
		}
	case *pb.Precondition_UpdateTime:
		if old == nil || !proto.Equal(p.UpdateTime, old.GetUpdateTime()) {
			return status.Errorf(codes.FailedPrecondition, "The stored version of %s does not match the required base version.", w.name)
		}
	}
	return nil
}

func invalid(format string, args ...any) error {
	return status.Errorf(codes.InvalidArgument, format, args...)
}
