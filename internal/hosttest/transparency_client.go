package hosttest

import (
	"bufio"
	"cmp"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"mime"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// send sends a request and returns what the client and the handler saw.
func (s *scene) send(addr, protocol string, tt Response) []string {
	if protocol == "HTTP/2" {
		return s.sendHTTP2(addr, tt)
	}
	return s.sendHTTP1(addr, protocol, tt)
}

// begin prepares for a request, and returns its header and the function that tells the handler that the client has seen
// the beginning of the response.
func (s *scene) begin(tt Response) (head http.Header, beginning func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	begun := make(chan struct{})
	s.playing, s.seen, s.begun = tt, nil, begun
	head = http.Header{"Accept-Encoding": {"gzip"}}
	if s.using != "begun" {
		head.Set("Cookie", "__session=key")
	}
	for line := range strings.SplitSeq(tt.header, "\r\n") {
		if name, value, ok := strings.Cut(line, ": "); ok {
			head.Set(name, value)
		}
	}
	return head, sync.OnceFunc(func() { close(begun) })
}

// end waits for the handler and adds what it has seen.
func (s *scene) end(lines []string) []string {
	<-s.done
	s.mu.Lock()
	defer s.mu.Unlock()
	return append(lines, s.seen...)
}

// sendHTTP1 sends a request over a connection of its own, and then another one. It returns what it got.
func (s *scene) sendHTTP1(addr, protocol string, tt Response) (lines []string) {
	head, beginning := s.begin(tt)
	conn, err := new(net.Dialer).DialContext(s.t.Context(), "tcp", addr)
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		s.t.Fatal(err)
	}
	w := new(strings.Builder)
	fmt.Fprintf(w, "%s / %s\r\nHost: test\r\n", cmp.Or(tt.Method, http.MethodGet), protocol)
	if tt.body != "" {
		head.Set("Content-Length", fmt.Sprint(len(tt.body)))
	}
	_ = head.Write(w)
	say(w, "\r\n")
	if !tt.late {
		say(w, tt.body)
	}
	go say(conn, w.String())
	sendLate := func() {}
	if tt.late {
		sendLate = sync.OnceFunc(func() { say(conn, tt.body) })
	}
	br := bufio.NewReader(conn)
	for {
		resp, err := http.ReadResponse(br, &http.Request{Method: cmp.Or(tt.Method, http.MethodGet)})
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
func (s *scene) sendHTTP2(addr string, tt Response) (lines []string) {
	head, beginning := s.begin(tt)
	transport := &http.Transport{Protocols: withoutTLS(false, true), ExpectContinueTimeout: 5 * time.Second}
	defer transport.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(s.t.Context(), 5*time.Second)
	defer cancel()
	begun := s.begun
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
		lines = append(lines, fmt.Sprint(code))
		lines = append(lines, headerLines(http.Header(h))...)
		return nil
	}})
	r := (&http.Request{Method: cmp.Or(tt.Method, http.MethodGet), URL: &url.URL{Scheme: "http", Host: addr, Path: "/"}, Header: head}).WithContext(ctx)
	if tt.body != "" {
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(tt.body)), int64(len(tt.body))
		if tt.late && head.Get("Expect") == "" {
			r.Body = io.NopCloser(&lateReader{ctx, begun, r.Body})
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
	ctx   context.Context
	begun <-chan struct{}
	io.Reader
}

func (r *lateReader) Read(b []byte) (int, error) {
	select {
	case <-r.begun:
		return r.Reader.Read(b)
	case <-r.ctx.Done():
		return 0, r.ctx.Err()
	}
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
