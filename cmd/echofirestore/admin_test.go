package main

import (
	"context"
	"net"
	"path"
	"strings"
	"testing"

	"cloud.google.com/go/firestore/apiv1/admin/adminpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// An adminServer is Firestore's Admin API with the configuration of one database, as it stands after the deployment of
// example/firestore.indexes.json.
type adminServer struct {
	adminpb.UnimplementedFirestoreAdminServer
	addr string
	name string // of the database

	database adminpb.Database
	fields   map[string]*adminpb.Field // what is not here has the indexes of all fields
	indexes  []*adminpb.Index
	refuse   error  // of calls
	method   string // of those calls; all if empty
}

func newAdminServer(t *testing.T, project, database string) *adminServer {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &adminServer{
		addr: listener.Addr().String(),
		name: "projects/" + project + "/databases/" + database,
		fields: map[string]*adminpb.Field{
			fieldExpire: {IndexConfig: &adminpb.Field_IndexConfig{}, TtlConfig: ttl(adminpb.Field_TtlConfig_ACTIVE)},
			fieldUser:   {IndexConfig: indexed(adminpb.Index_READY)},
			fieldData:   {IndexConfig: &adminpb.Field_IndexConfig{}},
		},
	}
	s.database.Type, s.database.DatabaseEdition = adminpb.Database_FIRESTORE_NATIVE, adminpb.Database_STANDARD
	s.database.LocationId = "europe-west1"
	server := grpc.NewServer(grpc.UnaryInterceptor(s.unary), grpc.WaitForHandlers(true))
	adminpb.RegisterFirestoreAdminServer(server, s)
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return s
}

func (s *adminServer) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
	if s.refuse != nil && (s.method == "" || s.method == path.Base(info.FullMethod)) {
		return nil, s.refuse
	}
	return handle(ctx, req)
}

func (s *adminServer) GetDatabase(_ context.Context, req *adminpb.GetDatabaseRequest) (*adminpb.Database, error) {
	if req.GetName() != s.name {
		return nil, status.Errorf(codes.NotFound, "Database %q not found", req.GetName())
	}
	return &s.database, nil
}

// GetField answers for any field, as the service does: one that nobody has configured has the configuration of its ancestor.
func (s *adminServer) GetField(_ context.Context, req *adminpb.GetFieldRequest) (*adminpb.Field, error) {
	name, ok := strings.CutPrefix(req.GetName(), s.name+"/collectionGroups/echo_sessions/fields/")
	if !ok {
		return nil, status.Errorf(codes.InvalidArgument, "%q is not a field of the sessions", req.GetName())
	}
	if field, ok := s.fields[name]; ok {
		return field, nil
	}
	config := indexed(adminpb.Index_READY)
	config.UsesAncestorConfig, config.AncestorField = true, s.name+"/collectionGroups/__default__/fields/*"
	if s.database.GetDatabaseEdition() == adminpb.Database_ENTERPRISE {
		config.Indexes = nil
	}
	return &adminpb.Field{Name: req.GetName(), IndexConfig: config}, nil
}

func (s *adminServer) ListIndexes(_ context.Context, req *adminpb.ListIndexesRequest) (*adminpb.ListIndexesResponse, error) {
	if req.GetParent() != s.name+"/collectionGroups/echo_sessions" {
		return nil, status.Errorf(codes.InvalidArgument, "%q is not the collection group of the sessions", req.GetParent())
	}
	return &adminpb.ListIndexesResponse{Indexes: s.indexes}, nil
}

func ttl(state adminpb.Field_TtlConfig_State) *adminpb.Field_TtlConfig {
	return &adminpb.Field_TtlConfig{State: state}
}

// indexed returns the indexes that a field has by default.
func indexed(state adminpb.Index_State) *adminpb.Field_IndexConfig {
	contains := &adminpb.Index_IndexField{ValueMode: &adminpb.Index_IndexField_ArrayConfig_{
		ArrayConfig: adminpb.Index_IndexField_CONTAINS,
	}}
	return &adminpb.Field_IndexConfig{Indexes: []*adminpb.Index{
		index(state, adminpb.Index_COLLECTION, ordered("", adminpb.Index_IndexField_ASCENDING)),
		index(state, adminpb.Index_COLLECTION, ordered("", adminpb.Index_IndexField_DESCENDING)),
		index(state, adminpb.Index_COLLECTION, contains),
	}}
}

func index(state adminpb.Index_State, scope adminpb.Index_QueryScope, fields ...*adminpb.Index_IndexField) *adminpb.Index {
	return &adminpb.Index{State: state, QueryScope: scope, Fields: fields}
}

func ordered(name string, order adminpb.Index_IndexField_Order) *adminpb.Index_IndexField {
	return &adminpb.Index_IndexField{FieldPath: name, ValueMode: &adminpb.Index_IndexField_Order_{Order: order}}
}
