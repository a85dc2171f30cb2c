package firestoretest

import (
	"context"
	"encoding/base64"
	"regexp"
	"slices"
	"strings"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// How many documents are in a page: as many as asked for, but not more than the emulator puts there.
const (
	defaultPage = 30
	maxPage     = 150
)

// ListDocuments runs a query for each page. A page's token is a cursor at its last document.
func (m *memory) ListDocuments(ctx context.Context, req *pb.ListDocumentsRequest) (*pb.ListDocumentsResponse, error) {
	q, err := parseList(req)
	if err != nil {
		return nil, err
	}
	tx, err := m.join(ctx, oldTransaction{req})
	if err != nil {
		return nil, err
	}
	docs, _ := m.query(tx, q)
	resp := &pb.ListDocumentsResponse{}
	for _, doc := range docs {
		resp.Documents = append(resp.Documents, q.projection.project(doc))
	}
	if len(docs) == q.limit {
		resp.NextPageToken = q.ordering.token(docs[len(docs)-1])
	}
	return resp, nil
}

// parseList returns the query for a page of a list.
func parseList(req *pb.ListDocumentsRequest) (*query, error) {
	switch {
	case req.GetPageSize() < 0:
		return nil, invalid("The page size must not be negative.")
	case req.GetShowMissing() && req.GetOrderBy() != "":
		return nil, invalid("A list that shows missing documents cannot be ordered.")
	case req.GetShowMissing() && req.GetCollectionId() == "":
		return nil, invalid("A list that shows missing documents must be of one collection.")
	}
	orders, err := parseOrderClause(req.GetOrderBy())
	if err != nil {
		return nil, err
	}
	limit := int32(defaultPage)
	if req.GetPageSize() > 0 {
		limit = min(req.GetPageSize(), maxPage)
	}
	q, err := parseQuery(req.GetParent(), &pb.StructuredQuery{
		From:    []*pb.StructuredQuery_CollectionSelector{{CollectionId: req.GetCollectionId()}},
		OrderBy: orders,
		Limit:   wrapperspb.Int32(limit),
	}, nil)
	if err != nil {
		return nil, err
	}
	q.missing = req.GetShowMissing()
	if q.start, err = q.ordering.parseToken(req.GetPageToken()); err != nil {
		return nil, err
	}
	mask, err := parseMask(req.GetMask())
	if !q.missing { // the emulator shows whole documents among those
		q.projection = mask
	}
	return q, err
}

// token returns a page token for what comes after the document.
func (os ordering) token(doc *pb.Document) string {
	c := &pb.Cursor{}
	for _, o := range os {
		c.Values = append(c.Values, o.path.in(doc))
	}
	b, _ := proto.Marshal(c) // stored values have come from the wire
	return base64.RawURLEncoding.EncodeToString(b)
}

// parseToken returns the cursor of a page token, nil for none.
func (os ordering) parseToken(token string) (*cursor, error) {
	if token == "" {
		return nil, nil
	}
	var c pb.Cursor
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || proto.Unmarshal(b, &c) != nil || len(c.GetValues()) != len(os) {
		return nil, invalid("Invalid page token.")
	}
	return &cursor{os, c.GetValues(), false}, nil
}

// orderClause is the beginning of a clause such as "a.b, `c d` DESC".
var orderClause = regexp.MustCompile("^((?:[^`\\s,]|`(?:[^`\\\\]|\\\\.)*`)+)(?:\\s+((?i)asc|desc))?(\\s*,\\s*|$)")

func parseOrderClause(clause string) ([]*pb.StructuredQuery_Order, error) {
	var orders []*pb.StructuredQuery_Order
	for rest, more := clause, clause != ""; more; {
		part := orderClause.FindStringSubmatch(rest)
		if part == nil {
			return nil, invalid("Invalid order by clause %q.", clause)
		}
		o := &pb.StructuredQuery_Order{Field: &pb.StructuredQuery_FieldReference{FieldPath: part[1]}}
		if strings.EqualFold(part[2], "desc") {
			o.Direction = pb.StructuredQuery_DESCENDING
		}
		orders = append(orders, o)
		rest, more = rest[len(part[0]):], part[3] != ""
	}
	return orders, nil
}

func (m *memory) ListCollectionIds(
	_ context.Context, req *pb.ListCollectionIdsRequest,
) (*pb.ListCollectionIdsResponse, error) {
	if err := checkParent(req.GetParent()); err != nil {
		return nil, err
	}
	if req.GetPageSize() < 0 {
		return nil, invalid("The page size must not be negative.")
	}
	if req.GetReadTime() != nil {
		return nil, unofferedError("reading at a past time")
	}
	after, err := base64.RawURLEncoding.DecodeString(req.GetPageToken())
	if err != nil {
		return nil, invalid("Invalid page token.")
	}
	m.mu.Lock()
	ids := m.docs.below(req.GetParent())
	m.mu.Unlock()
	ids = slices.DeleteFunc(ids, func(id string) bool { return id <= string(after) })
	resp := &pb.ListCollectionIdsResponse{CollectionIds: ids}
	if n := int(req.GetPageSize()); n > 0 && n <= len(ids) {
		resp.CollectionIds = ids[:n]
		resp.NextPageToken = base64.RawURLEncoding.EncodeToString([]byte(ids[n-1]))
	}
	return resp, nil
}

// below returns the IDs that follow the name in the names of collections, sorted.
func (s store) below(name string) []string {
	var ids []string
	for collection := range s {
		if rest, ok := strings.CutPrefix(collection, name+"/"); ok {
			id, _, _ := strings.Cut(rest, "/")
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}
