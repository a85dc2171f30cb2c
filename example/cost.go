package main

import (
	"context"
	"errors"
	"io"
	"sync"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"github.com/labstack/echo/v4"
	"google.golang.org/grpc"

	"github.com/echofirestore/echofirestore/firestoretest"
)

// A meter counts what one request costs in Firestore. The session library calls Firestore with a context that derives
// from the request's, so the meter is found in there by the interceptors of the connection.
type meter struct {
	outer *meter // of the request that this one is a part of, or nil
	mu    sync.Mutex
	ops   firestoretest.Ops
}

type meterKey struct{}

// metered gives each request a meter. Install it outside of the session middleware.
func metered(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		ctx := c.Request().Context()
		outer, _ := ctx.Value(meterKey{}).(*meter)
		ctx = context.WithValue(ctx, meterKey{}, &meter{outer: outer})
		c.SetRequest(c.Request().WithContext(ctx))
		return next(c)
	}
}

// costOf returns what the request with the given context has cost so far.
func costOf(ctx context.Context) firestoretest.Ops {
	m, ok := ctx.Value(meterKey{}).(*meter)
	if !ok {
		return firestoretest.Ops{}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.ops
}

func charge(ctx context.Context, ops firestoretest.Ops) {
	m, _ := ctx.Value(meterKey{}).(*meter)
	for ; m != nil; m = m.outer {
		m.add(ops)
	}
}

func (m *meter) add(ops firestoretest.Ops) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ops.Reads += ops.Reads
	m.ops.Writes += ops.Writes
	m.ops.Deletes += ops.Deletes
}

// countingCosts returns the options of a connection that charges its calls to the meter in their context. What sessions
// need and is billed are three methods: Commit, BatchGetDocuments and RunQuery. An attempt that is repeated is charged
// again, as Firestore does; see https://cloud.google.com/firestore/pricing#operations.
func countingCosts() []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithChainUnaryInterceptor(chargeCommit),
		grpc.WithChainStreamInterceptor(chargeReads),
	}
}

// chargeCommit charges the writes and deletes of a commit that succeeded.
func chargeCommit(
	ctx context.Context, method string, req, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption,
) error {
	if err := invoke(ctx, method, req, reply, conn, opts...); err != nil {
		return err
	}
	if commit, ok := req.(*pb.CommitRequest); ok {
		var ops firestoretest.Ops
		for _, write := range commit.GetWrites() {
			if write.GetDelete() != "" {
				ops.Deletes++
			} else {
				ops.Writes++
			}
		}
		charge(ctx, ops)
	}
	return nil
}

// chargeReads charges the documents that have arrived on a stream when it ends well.
func chargeReads(
	ctx context.Context, desc *grpc.StreamDesc, conn *grpc.ClientConn, method string, open grpc.Streamer, opts ...grpc.CallOption,
) (grpc.ClientStream, error) {
	stream, err := open(ctx, desc, conn, method, opts...)
	if err != nil {
		return nil, err
	}
	return &meteredStream{ClientStream: stream}, nil
}

type meteredStream struct {
	grpc.ClientStream
	reads int
}

// RecvMsg implements [grpc.ClientStream].
func (s *meteredStream) RecvMsg(message any) error {
	err := s.ClientStream.RecvMsg(message)
	switch {
	case err == nil && isBilled(message):
		s.reads++
	case errors.Is(err, io.EOF):
		if _, ok := message.(*pb.RunQueryResponse); ok {
			s.reads = max(1, s.reads) // a query that finds nothing is billed too
		}
		charge(s.Context(), firestoretest.Ops{Reads: s.reads})
	}
	return err
}

// isBilled reports whether a message contains a document, or says that one is missing, which is billed too. Others contain
// a transaction's ID or the progress of a query.
func isBilled(message any) bool {
	switch message := message.(type) {
	case *pb.BatchGetDocumentsResponse:
		return message.GetResult() != nil
	case *pb.RunQueryResponse:
		return message.GetDocument() != nil
	default:
		return false
	}
}
