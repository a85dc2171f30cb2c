package echofirestore_test

import (
	"bufio"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"maps"
	"mime"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/sessions"
	"github.com/labstack/echo/v4"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
)

// A stage serves the same handlers with sessions and without, over HTTP/1.1 and HTTP/2, one request at a time.
type stage struct {
	t             *testing.T
	isEcho        bool
	unflushable   bool   // nothing is sent before the handler has returned
	readsBodies   bool   // the handler gets nothing before the request's body has come
	with, without string // addresses

	mu      sync.Mutex
	playing transparent
	using   string // what the handler does with its session
	n       int    // changes of the session so far
	seen    []string
	begun   chan struct{} // closed when the client has seen the beginning of the response
	done    chan struct{} // gets one when the handler has returned
}

// An ask is what the client sends.
type ask struct {
	method, path string // GET and /case if empty
	header, body string
	late         bool // the body is sent when the client has seen the beginning of the response, or 100 Continue
}

type stageKey struct{}

func stageOf(r *http.Request) *stage { return r.Context().Value(stageKey{}).(*stage) }

// saw notes what a handler has seen.
func saw(r *http.Request, values ...any) {
	s := stageOf(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = append(s.seen, "handler saw "+fmt.Sprint(values...))
}

// await waits until the client has seen the beginning of the response.
func await(r *http.Request) {
	s := stageOf(r)
	s.mu.Lock()
	begun := s.begun
	s.mu.Unlock()
	select {
	case <-begun:
	case <-r.Context().Done():
		saw(r, "a client that saw nothing")
	}
}

func newBareStage(t *testing.T) (*stage, *echofirestore.Store) {
	t.Helper()
	s := &stage{t: t, done: make(chan struct{}, 1)}
	_, client := firestoretest.Start(t)
	store, err := echofirestore.NewStore(echofirestore.Config{Client: client, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Collection(echofirestore.DefaultCollection).Doc("key").Set(t.Context(),
		map[string]any{"data": `{"created": 1, "session": {"n": 0}}`, "max_age": nil}); err != nil {
		t.Fatal(err)
	}
	return s, store
}

func newEchoStage(t *testing.T, around surrounding) *stage {
	t.Helper()
	s, store := newBareStage(t)
	s.isEcho, s.unflushable = true, around.unflushable
	s.readsBodies = strings.HasPrefix(around.name, "BodyDump")
	serve := func(middleware ...echo.MiddlewareFunc) string {
		e := echo.New()
		e.Logger.SetOutput(io.Discard)
		e.HTTPErrorHandler = func(err error, c echo.Context) {
			if errors.Is(err, errTeapot) && !c.Response().Committed {
				err = c.String(http.StatusTeapot, "application's")
			}
			e.DefaultHTTPErrorHandler(err, c)
		}
		e.Use(around.outside...)
		e.Use(middleware...)
		e.Use(around.inside...)
		if middleware != nil {
			e.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
				return func(c echo.Context) error {
					s.useSession(func() (*sessions.Session, error) { return echofirestore.Get(c) })
					return next(c)
				}
			})
		}
		handler := func(c echo.Context) error {
			if s.playing.echo != nil {
				return s.playing.echo(c)
			}
			s.playing.plain(c.Response(), c.Request())
			return nil
		}
		e.Match([]string{"GET", "HEAD", "POST"}, "/case", handler)
		return s.serve(e)
	}
	s.without, s.with = serve(), serve(store.Middleware())
	return s
}

func newPlainStage(t *testing.T, outside, inside func(http.Handler) http.Handler) *stage {
	t.Helper()
	s, store := newBareStage(t)
	play := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.playing.plain(w, r) })
	s.without = s.serve(outside(inside(play)))
	s.with = s.serve(outside(store.Handler(inside(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.useSession(func() (*sessions.Session, error) { return store.Get(r, "__session") })
		play(w, r)
	})))))
	return s
}

// serve serves h and returns the address.
func (s *stage) serve(h http.Handler) string {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/again" {
			return
		}
		defer func() { s.done <- struct{}{} }()
		h.ServeHTTP(w, r)
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Config.BaseContext = func(net.Listener) context.Context { return context.WithValue(context.Background(), stageKey{}, s) }
	server.Config.Protocols = protocols(true, true)
	server.Start()
	s.t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

func protocols(http1, http2 bool) *http.Protocols {
	p := new(http.Protocols)
	p.SetHTTP1(http1)
	p.SetUnencryptedHTTP2(http2)
	return p
}

// use says what the handler does with its session from now on.
func (s *stage) use(use string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.using = use
}

func (s *stage) useSession(get func() (*sessions.Session, error)) {
	s.mu.Lock()
	use := s.using
	s.n++
	n := s.n
	s.mu.Unlock()
	if use == "untouched" {
		return
	}
	sess, err := get()
	if err != nil {
		s.t.Error(err)
	}
	if use != "read" {
		sess.Values["n"] = n
	}
}

// canPlay reports whether a handler can serve a request here at all: it must not wait for what the client sends only later.
func (s *stage) canPlay(tt transparent, protocol string) bool {
	switch {
	case tt.echo != nil && !s.isEcho:
		return false
	case tt.gated && s.unflushable:
		return false
	case tt.request.late && tt.gated && s.readsBodies:
		return false
	default:
		return !tt.request.late || protocol != "HTTP/1.0" // which knows neither 100 Continue nor full duplex
	}
}

// differs reports whether a response may differ with sessions.
func (s *stage) differs(tt transparent) bool { return tt.wrapped && !s.isEcho }

// send sends a request and returns what the client and the handler saw.
func (s *stage) send(addr, protocol string, tt transparent) []string {
	if protocol == "HTTP/2" {
		return s.sendHTTP2(addr, tt)
	}
	return s.sendHTTP1(addr, protocol, tt)
}

// begin prepares for a request, and returns its header and the function that tells the handler that the client has seen
// the beginning of the response.
func (s *stage) begin(tt transparent) (req ask, head http.Header, beginning func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	begun := make(chan struct{})
	s.playing, s.seen, s.begun = tt, nil, begun
	req = tt.request
	if req.method == "" {
		req.method = http.MethodGet
	}
	if req.path == "" {
		req.path = "/case"
	}
	head = http.Header{"Accept-Encoding": {"gzip"}}
	if s.using != "begun" {
		head.Set("Cookie", "__session=key")
	}
	for line := range strings.SplitSeq(req.header, "\r\n") {
		if name, value, ok := strings.Cut(line, ": "); ok {
			head.Set(name, value)
		}
	}
	return req, head, sync.OnceFunc(func() { close(begun) })
}

// end waits for the handler and adds what it has seen.
func (s *stage) end(lines []string) []string {
	<-s.done
	s.mu.Lock()
	defer s.mu.Unlock()
	return append(lines, s.seen...)
}

// sendHTTP1 sends a request over a connection of its own, and then another one. It returns what it got.
func (s *stage) sendHTTP1(addr, protocol string, tt transparent) (lines []string) {
	req, head, beginning := s.begin(tt)
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		s.t.Fatal(err)
	}
	w := new(strings.Builder)
	fmt.Fprintf(w, "%s %s %s\r\nHost: test\r\n", req.method, req.path, protocol)
	if req.body != "" {
		head.Set("Content-Length", fmt.Sprint(len(req.body)))
	}
	_ = head.Write(w)
	say(w, "\r\n")
	if !req.late {
		say(w, req.body)
	}
	go say(conn, w.String())
	sendLate := func() {}
	if req.late {
		sendLate = sync.OnceFunc(func() { say(conn, req.body) })
	}
	br := bufio.NewReader(conn)
	for {
		resp, err := http.ReadResponse(br, &http.Request{Method: req.method})
		if err != nil {
			rest, _ := io.ReadAll(br)
			conn.Close()
			return s.end(append(lines, fmt.Sprintf("no response, but %q", rest)))
		}
		if resp.StatusCode == http.StatusContinue {
			sendLate()
		}
		lines = append(lines, describeHead(resp)...)
		if resp.StatusCode < 200 && resp.StatusCode != http.StatusSwitchingProtocols {
			continue
		}
		lines = append(lines, describeBody(resp, func() {
			beginning()
			if resp.StatusCode < 300 {
				sendLate()
			}
		})...)
		if !resp.Close && resp.StatusCode != http.StatusSwitchingProtocols {
			lines = append(lines, again(conn, br))
		}
		return s.end(lines)
	}
}

// again tells whether a connection takes another request.
func again(conn net.Conn, br *bufio.Reader) string {
	say(conn, "GET /again HTTP/1.1\r\nHost: test\r\n\r\n")
	resp, err := http.ReadResponse(br, nil)
	if err != nil {
		return "connection closed"
	}
	defer resp.Body.Close()
	return "connection kept"
}

// sendHTTP2 is sendHTTP1 over HTTP/2.
func (s *stage) sendHTTP2(addr string, tt transparent) (lines []string) {
	req, head, beginning := s.begin(tt)
	transport := &http.Transport{Protocols: protocols(false, true), ExpectContinueTimeout: 5 * time.Second}
	defer transport.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(s.t.Context(), 5*time.Second)
	defer cancel()
	begun := s.begun
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
		lines = append(lines, fmt.Sprint(code))
		lines = append(lines, headerLines(http.Header(h))...)
		return nil
	}})
	r := (&http.Request{Method: req.method, URL: &url.URL{Scheme: "http", Host: addr, Path: req.path}, Header: head}).WithContext(ctx)
	if req.body != "" {
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(req.body)), int64(len(req.body))
		if req.late && head.Get("Expect") == "" {
			r.Body = io.NopCloser(&lateReader{begun, r.Body})
		}
	}
	resp, err := transport.RoundTrip(r)
	if err != nil {
		beginning()
		return s.end(append(lines, "no response: "+err.Error()))
	}
	lines = append(lines, describeHead(resp)...)
	return s.end(append(lines, describeBody(resp, beginning)...))
}

// A lateReader reads nothing until a channel is closed.
type lateReader struct {
	begun <-chan struct{}
	io.Reader
}

func (r *lateReader) Read(b []byte) (int, error) {
	<-r.begun
	return r.Reader.Read(b)
}

func describeHead(resp *http.Response) []string {
	head := fmt.Sprintf("%s, length %d, coding %v, close %v", resp.Status, resp.ContentLength, resp.TransferEncoding, resp.Close)
	return append([]string{head}, headerLines(resp.Header)...)
}

func headerLines(h http.Header) (lines []string) {
	for _, name := range slices.Sorted(maps.Keys(h)) {
		for _, value := range h[name] {
			switch _, params, _ := mime.ParseMediaType(value); {
			case name == "Date":
				value = "now"
			case name == "Content-Type" && params["boundary"] != "":
				value = strings.ReplaceAll(value, params["boundary"], "random")
			}
			lines = append(lines, name+": "+value)
		}
	}
	return lines
}

// describeBody reads a body to its end, and calls beginning at its first byte.
func describeBody(resp *http.Response, beginning func()) []string {
	defer resp.Body.Close()
	raw := bufio.NewReader(resp.Body)
	_, _ = raw.Peek(1)
	beginning()
	read := io.ReadAll
	if resp.Header.Get("Content-Encoding") == "gzip" {
		read = gunzip
	}
	b, err := read(raw)
	body := string(b)
	if _, params, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); params["boundary"] != "" {
		body = strings.ReplaceAll(body, params["boundary"], "random")
	}
	if len(body) > 1000 {
		body = fmt.Sprintf("%.100q… %x", body, sha256.Sum256([]byte(body)))
	}
	lines := []string{fmt.Sprintf("body %q, error %v", body, err)}
	for _, line := range headerLines(resp.Trailer) {
		lines = append(lines, "trailer "+line)
	}
	return lines
}

func gunzip(r io.Reader) ([]byte, error) {
	z, err := gzip.NewReader(r)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}
