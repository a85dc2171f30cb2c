package hosttest

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing/fstest"
	"time"
)

// A Response is a way to respond that must look the same with sessions as without.
type Response struct {
	Name   string
	Method string // GET if empty

	// Handle is the handler. It notes with [Saw] what it has seen, which must be the same as well.
	Handle Handler

	serve  http.HandlerFunc // instead of Handle
	needs  Feature
	header string // lines of the request
	body   string // of the request
	late   bool   // the body is sent when the client has seen the beginning of the response, or 100 Continue
}

var (
	long    = strings.Repeat("0123456789abcdef", 17<<10)
	changed = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	files   = http.FS(fstest.MapFS{"f.txt": {Data: []byte(long), ModTime: changed}})
)

// responses are those that every host can give.
var responses = []Response{
	{Name: "nothing", serve: func(http.ResponseWriter, *http.Request) {}},
	{Name: "a type found by sniffing", serve: write("<!DOCTYPE html><p>")},
	{Name: "no type", serve: func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"], w.Header()["Date"] = nil, nil
		say(w, "handler's")
	}},
	{Name: "an empty write", serve: write("")},
	{Name: "an empty write, then a status", serve: func(w http.ResponseWriter, _ *http.Request) {
		say(w, "")
		w.Header().Set("X-Late", "yes")
		w.WriteHeader(http.StatusTeapot)
	}},
	{Name: "two statuses", serve: func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusCreated)
		w.Header().Set("X-Late", "yes")
		w.WriteHeader(http.StatusTeapot)
		say(w, "handler's")
	}},
	{Name: "204 with a body", serve: func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusNoContent)
		Saw(r, second(io.WriteString(w, "handler's")))
	}},
	{Name: "304", serve: func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Etag", `"e"`)
		w.WriteHeader(http.StatusNotModified)
		Saw(r, second(io.WriteString(w, "handler's")))
	}},
	{Name: "404", serve: http.NotFound},
	{Name: "500 with headers", serve: func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Etag", `"e"`)
		http.Error(w, "handler's", http.StatusInternalServerError)
	}},
	{Name: "redirect", serve: func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/x?y", http.StatusFound) }},
	{Name: "HEAD", Method: "HEAD", serve: write("handler's")},
	{Name: "HEAD of a long body", Method: "HEAD", serve: func(w http.ResponseWriter, _ *http.Request) { say(w, long) }},
	{Name: "headers of all kinds", serve: func(w http.ResponseWriter, _ *http.Request) {
		for _, line := range []string{"a=1; Path=/a", "__sessions=1", "b=2"} {
			w.Header().Add("Set-Cookie", line)
		}
		w.Header()["lower-case"] = []string{"1", "2"}
		w.Header().Set("Cache-Control", "public, max-age=600")
		w.Header().Set("Vary", "Origin, Accept")
		w.Header().Set("Connection", "close")
		say(w, "handler's")
	}},
	{Name: "more than Content-Length", serve: declare("3", "handler's")},
	{Name: "less than Content-Length", serve: declare("100", "handler's")},
	{Name: "a wrong Content-Length", serve: declare("x", "handler's")},
	{Name: "a long body", serve: write(long)},
	{Name: "a long body with Content-Length", serve: declare(fmt.Sprint(len(long)), long)},
	{Name: "a long body, copied", serve: func(w http.ResponseWriter, r *http.Request) {
		Saw(r, second(io.Copy(w, io.LimitReader(strings.NewReader(long), 1<<20))))
	}},
	{Name: "an empty body, copied", serve: func(w http.ResponseWriter, r *http.Request) {
		Saw(r, second(io.Copy(w, io.LimitReader(strings.NewReader(""), 1))))
		w.WriteHeader(http.StatusAccepted)
	}},
	{Name: "a file", serve: serveFile},
	{Name: "a file's HEAD", Method: "HEAD", serve: serveFile},
	{Name: "a file's range", header: "Range: bytes=3-10", serve: serveFile},
	{Name: "a file's ranges", header: "Range: bytes=3-10,20-\r\nAccept-Encoding: identity", serve: serveFile},
	{Name: "no range of a file", header: "Range: bytes=9999999-", serve: serveFile},
	{Name: "a range of another file", header: "Range: bytes=3-10\r\nIf-Range: \"other\"", serve: serveFile},
	{Name: "a file not modified", header: "If-Modified-Since: " + changed.Format(http.TimeFormat), serve: serveFile},
	{Name: "a file modified", header: `If-Match: "other"`, serve: serveFile},
	{Name: "trailers", serve: func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Trailer", "X-Sum, X-Unset")
		say(w, "handler's")
		w.Header().Set("X-Sum", "9")
	}},
	{Name: "trailers that were not declared", serve: func(w http.ResponseWriter, r *http.Request) {
		Saw(r, http.NewResponseController(w).Flush())
		say(w, "handler's")
		w.Header().Set(http.TrailerPrefix+"X-Sum", "9")
	}},
	{Name: "hints", serve: func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", "</a.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusProcessing)
		w.Header().Del("Link")
		say(w, "handler's")
	}},
	{Name: "hints and an error", serve: func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		http.Error(w, "handler's", http.StatusConflict)
	}},
	{Name: "a backend's response, proxied", serve: proxy("/")},
	{Name: "a backend's hints and response, proxied", serve: proxy("/hints")},
	{Name: "a backend's stream, proxied", needs: Flush, serve: proxy("/stream")},
	{Name: "flushed early", needs: Flush, serve: func(w http.ResponseWriter, r *http.Request) {
		say(w, "first")
		Saw(r, http.NewResponseController(w).Flush())
		awaitClient(r)
		say(w, "second")
	}},
	{Name: "an event stream", needs: Flush, serve: func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		rc := http.NewResponseController(w)
		Saw(r, rc.Flush())
		say(w, "data: first\n\n")
		Saw(r, rc.Flush())
		awaitClient(r)
		say(w, "data: second\n\n")
	}},
	{Name: "flushed with nothing written", serve: func(w http.ResponseWriter, r *http.Request) {
		Saw(r, http.NewResponseController(w).Flush())
		w.Header().Set("X-Late", "yes")
	}},
	{Name: "deadlines", serve: func(w http.ResponseWriter, r *http.Request) {
		rc := http.NewResponseController(w)
		Saw(r, rc.SetReadDeadline(time.Now().Add(time.Minute)), rc.SetWriteDeadline(time.Now().Add(-time.Minute)))
		Saw(r, second(io.WriteString(w, "handler's")) != nil, rc.Flush() != nil)
	}},
	{Name: "full duplex", Method: "POST", body: "client's", late: true, needs: Flush | Duplex, serve: func(w http.ResponseWriter, r *http.Request) {
		rc := http.NewResponseController(w)
		Saw(r, rc.EnableFullDuplex())
		say(w, "first")
		Saw(r, rc.Flush())
		b, err := io.ReadAll(r.Body)
		Saw(r, err)
		say(w, string(b))
	}},
	{Name: "a body read after writing", Method: "POST", body: "client's", serve: func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusAccepted)
		say(w, "handler's")
		b, err := io.ReadAll(r.Body)
		Saw(r, string(b), err)
	}},
	{Name: "a body echoed", Method: "POST", body: long, serve: func(w http.ResponseWriter, r *http.Request) {
		Saw(r, second(io.Copy(w, r.Body)))
	}},
	{Name: "a body not read", Method: "POST", body: "client's", serve: write("handler's")},
	{Name: "a long body not read", Method: "POST", body: long, serve: write("handler's")},
	{Name: "a body too long", Method: "POST", body: "client's", serve: func(w http.ResponseWriter, r *http.Request) {
		_, err := io.ReadAll(http.MaxBytesReader(passThrough{w}, r.Body, 3)) // which tells net/http only through its own writer
		http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
	}},
	{Name: "a form", Method: "POST", header: "Content-Type: application/x-www-form-urlencoded", body: "a=1&b=2", serve: func(w http.ResponseWriter, r *http.Request) {
		say(w, r.FormValue("a")+r.PostFormValue("b"))
	}},
	{Name: "100 Continue", Method: "POST", header: "Expect: 100-continue", body: "client's", late: true, serve: func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		Saw(r, string(b), err)
		say(w, string(b))
	}},
	{Name: "no 100 Continue", Method: "POST", header: "Expect: 100-continue", body: "client's", late: true, serve: func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "handler's", http.StatusExpectationFailed)
	}},
	{Name: "a broken connection", serve: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }},
	{Name: "a panic", serve: func(http.ResponseWriter, *http.Request) { panic("trouble") }},
	{Name: "a panic after a write", serve: func(w http.ResponseWriter, _ *http.Request) {
		say(w, "handler's")
		panic("trouble")
	}},
	{Name: "a connection broken after a flush", serve: func(w http.ResponseWriter, r *http.Request) {
		say(w, "handler's")
		Saw(r, http.NewResponseController(w).Flush())
		panic(http.ErrAbortHandler)
	}},
	{Name: "hijack", serve: func(w http.ResponseWriter, r *http.Request) {
		hijack(w, r, "HTTP/1.1 101 Switching Protocols\r\n\r\nraw")
	}},
	{Name: "hijack without HTTP", serve: func(w http.ResponseWriter, r *http.Request) { hijack(w, r, "SSH-2.0") }},
	{Name: "hijack after a status", serve: func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "Upgrade")
		w.Header().Set("Upgrade", "websocket")
		w.WriteHeader(http.StatusSwitchingProtocols)
		hijack(w, r, "raw")
	}},
	{Name: "hijack after a write", serve: func(w http.ResponseWriter, r *http.Request) {
		say(w, "handler's")
		hijack(w, r, "raw")
		Saw(r, second(io.WriteString(w, "more")))
	}},
}

func write(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { Saw(r, second(io.WriteString(w, body))) }
}

func declare(length, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", length)
		Saw(r, second(io.WriteString(w, body)))
	}
}

func serveFile(w http.ResponseWriter, r *http.Request) {
	f, err := files.Open("f.txt")
	if err != nil {
		panic(err)
	}
	http.ServeContent(w, r, "f.txt", changed, f)
}

func hijack(w http.ResponseWriter, r *http.Request, raw string) {
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		Saw(r, "hijack refused")
		return
	}
	defer conn.Close()
	say(rw, raw)
	Saw(r, rw.Flush())
}

func say(w io.Writer, text string) { _, _ = io.WriteString(w, text) }

// second returns the error of what was written.
func second[N int | int64](_ N, err error) error { return err }
