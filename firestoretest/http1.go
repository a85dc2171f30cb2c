package firestoretest

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
)

// http1Patience is how long a client in HTTP/1.1 may take for its request.
const http1Patience = 10 * time.Second

// grpcOnly is the handshake of the server. A client that speaks HTTP/1.1, for Firestore's REST API or as
// the web SDK does in browsers, gets an error that explains it. gRPC alone would only hang up.
type grpcOnly struct {
	credentials.TransportCredentials
}

func newGRPCOnly() grpcOnly {
	return grpcOnly{insecure.NewCredentials()}
}

func (c grpcOnly) ServerHandshake(conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	r := bufio.NewReader(conn)
	start, err := r.Peek(len(http2Start))
	if err == nil && isHTTP1(start) {
		refuseHTTP1(conn, r)
		return nil, nil, io.EOF // closes the connection without a word
	}
	return c.TransportCredentials.ServerHandshake(&peekedConn{conn, r})
}

func (c grpcOnly) Clone() credentials.TransportCredentials {
	return grpcOnly{c.TransportCredentials.Clone()}
}

// http2Start is what every connection in HTTP/2 begins with, in place of a method.
const http2Start = "PRI"

// isHTTP1 reports whether a request in HTTP/1.1 can begin like that: with a method, in capitals.
func isHTTP1(start []byte) bool {
	return string(start) != http2Start && strings.Trim(string(start), "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

// refuseHTTP1 answers one request as Google's REST APIs answer an error. It reads all of the request first: a
// connection that is closed before may take the response with it.
func refuseHTTP1(conn net.Conn, r *bufio.Reader) {
	if err := conn.SetDeadline(time.Now().Add(http1Patience)); err != nil {
		return
	}
	req, err := http.ReadRequest(r)
	if err != nil {
		return
	}
	if _, err := io.Copy(io.Discard, io.LimitReader(req.Body, maxRequestSize)); err != nil {
		return
	}
	type problem struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
		Status  string `json:"status"`
	}
	body, err := json.Marshal(map[string]problem{"error": {
		Code:    http.StatusNotImplemented,
		Message: "firestoretest: REST and WebChannel are not offered, only gRPC. Use the Firestore emulator.",
		Status:  "UNIMPLEMENTED",
	}})
	if err != nil {
		return
	}
	resp := http.Response{
		StatusCode: http.StatusNotImplemented, ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/json; charset=UTF-8"}},
		Body:   io.NopCloser(strings.NewReader(string(body))), ContentLength: int64(len(body)),
		Request: req, Close: true,
	}
	_ = resp.Write(conn) // to a client that may be gone
}

// peekedConn is a connection some of whose bytes are in a buffer.
type peekedConn struct {
	net.Conn
	r *bufio.Reader
}

func (c *peekedConn) Read(p []byte) (int, error) { return c.r.Read(p) }
