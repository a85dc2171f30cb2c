package echofirestore_test

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
)

// A transparent is a way to respond that must look the same with sessions as without. Its handler tells by saw what it
// has seen, which must be the same as well.
type transparent struct {
	name    string
	request ask
	plain   http.HandlerFunc // for all hosts
	echo    echo.HandlerFunc // for Echo alone
	gated   bool             // the handler waits until the client has seen the beginning of its response
	wrapped bool             // net/http gives the handler more than any writer around its own can
}

var (
	long    = strings.Repeat("0123456789abcdef", 17<<10)
	changed = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	files   = http.FS(fstest.MapFS{"f.txt": {Data: []byte(long), ModTime: changed}})
)

var transparents = []transparent{
	{name: "nothing", plain: func(http.ResponseWriter, *http.Request) {}},
	{name: "a type found by sniffing", plain: respond("<!DOCTYPE html><p>")},
	{name: "no type", plain: func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"], w.Header()["Date"] = nil, nil
		say(w, "handler's")
	}},
	{name: "an empty write", plain: respond("")},
	{name: "an empty write, then a status", plain: func(w http.ResponseWriter, _ *http.Request) {
		say(w, "")
		w.Header().Set("X-Late", "yes")
		w.WriteHeader(http.StatusTeapot)
	}},
	{name: "two statuses", plain: func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusCreated)
		w.Header().Set("X-Late", "yes")
		w.WriteHeader(http.StatusTeapot)
		say(w, "handler's")
	}},
	{name: "204 with a body", plain: func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusNoContent)
		saw(r, second(io.WriteString(w, "handler's")))
	}},
	{name: "304", plain: func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Etag", `"e"`)
		w.WriteHeader(http.StatusNotModified)
		saw(r, second(io.WriteString(w, "handler's")))
	}},
	{name: "404", plain: http.NotFound},
	{name: "500 with headers", plain: func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Etag", `"e"`)
		http.Error(w, "handler's", http.StatusInternalServerError)
	}},
	{name: "redirect", plain: func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/x?y", http.StatusFound) }},
	{name: "HEAD", request: ask{method: "HEAD"}, plain: respond("handler's")},
	{name: "HEAD of a long body", request: ask{method: "HEAD"}, plain: func(w http.ResponseWriter, _ *http.Request) { say(w, long) }},
	{name: "headers of all kinds", plain: func(w http.ResponseWriter, _ *http.Request) {
		for _, line := range []string{"a=1; Path=/a", "__sessions=1", "b=2"} {
			w.Header().Add("Set-Cookie", line)
		}
		w.Header()["lower-case"] = []string{"1", "2"}
		w.Header().Set("Cache-Control", "public, max-age=600")
		w.Header().Set("Vary", "Origin, Accept")
		w.Header().Set("Connection", "close")
		say(w, "handler's")
	}},
	{name: "more than Content-Length", plain: declare("3", "handler's")},
	{name: "less than Content-Length", plain: declare("100", "handler's")},
	{name: "a wrong Content-Length", plain: declare("x", "handler's")},
	{name: "a long body", plain: respond(long)},
	{name: "a long body with Content-Length", plain: declare(fmt.Sprint(len(long)), long)},
	{name: "a long body, copied", plain: func(w http.ResponseWriter, r *http.Request) {
		saw(r, second(io.Copy(w, io.LimitReader(strings.NewReader(long), 1<<20))))
	}},
	{name: "an empty body, copied", plain: func(w http.ResponseWriter, r *http.Request) {
		saw(r, second(io.Copy(w, io.LimitReader(strings.NewReader(""), 1))))
		w.WriteHeader(http.StatusAccepted)
	}},
	{name: "a file", plain: serveFile},
	{name: "a file's HEAD", request: ask{method: "HEAD"}, plain: serveFile},
	{name: "a file's range", request: ask{header: "Range: bytes=3-10"}, plain: serveFile},
	{name: "a file's ranges", request: ask{header: "Range: bytes=3-10,20-\r\nAccept-Encoding: identity"}, plain: serveFile},
	{name: "no range of a file", request: ask{header: "Range: bytes=9999999-"}, plain: serveFile},
	{name: "a range of another file", request: ask{header: "Range: bytes=3-10\r\nIf-Range: \"other\""}, plain: serveFile},
	{name: "a file not modified", request: ask{header: "If-Modified-Since: " + changed.Format(http.TimeFormat)}, plain: serveFile},
	{name: "a file modified", request: ask{header: `If-Match: "other"`}, plain: serveFile},
	{name: "trailers", plain: func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Trailer", "X-Sum, X-Unset")
		say(w, "handler's")
		w.Header().Set("X-Sum", "9")
	}},
	{name: "trailers that were not declared", plain: func(w http.ResponseWriter, r *http.Request) {
		saw(r, http.NewResponseController(w).Flush())
		say(w, "handler's")
		w.Header().Set(http.TrailerPrefix+"X-Sum", "9")
	}},
	{name: "hints", plain: func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", "</a.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusProcessing)
		w.Header().Del("Link")
		say(w, "handler's")
	}},
	{name: "hints and an error", plain: func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		http.Error(w, "handler's", http.StatusConflict)
	}},
	{name: "flushed early", gated: true, plain: func(w http.ResponseWriter, r *http.Request) {
		say(w, "first")
		saw(r, http.NewResponseController(w).Flush())
		await(r)
		say(w, "second")
	}},
	{name: "an event stream", gated: true, plain: func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		rc := http.NewResponseController(w)
		saw(r, rc.Flush())
		say(w, "data: first\n\n")
		saw(r, rc.Flush())
		await(r)
		say(w, "data: second\n\n")
	}},
	{name: "flushed with nothing written", plain: func(w http.ResponseWriter, r *http.Request) {
		saw(r, http.NewResponseController(w).Flush())
		w.Header().Set("X-Late", "yes")
	}},
	{name: "deadlines", plain: func(w http.ResponseWriter, r *http.Request) {
		rc := http.NewResponseController(w)
		saw(r, rc.SetReadDeadline(time.Now().Add(time.Minute)), rc.SetWriteDeadline(time.Now().Add(-time.Minute)))
		saw(r, second(io.WriteString(w, "handler's")) != nil, rc.Flush() != nil)
	}},
	{name: "full duplex", request: ask{method: "POST", body: "client's", late: true}, gated: true, plain: func(w http.ResponseWriter, r *http.Request) {
		rc := http.NewResponseController(w)
		saw(r, rc.EnableFullDuplex())
		say(w, "first")
		saw(r, rc.Flush())
		b, err := io.ReadAll(r.Body)
		saw(r, err)
		say(w, string(b))
	}},
	{name: "a body read after writing", request: ask{method: "POST", body: "client's"}, plain: func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusAccepted)
		say(w, "handler's")
		b, err := io.ReadAll(r.Body)
		saw(r, string(b), err)
	}},
	{name: "a body echoed", request: ask{method: "POST", body: long}, plain: func(w http.ResponseWriter, r *http.Request) {
		saw(r, second(io.Copy(w, r.Body)))
	}},
	{name: "a body not read", request: ask{method: "POST", body: "client's"}, plain: respond("handler's")},
	{name: "a long body not read", request: ask{method: "POST", body: long}, plain: respond("handler's")},
	{name: "a body too long", request: ask{method: "POST", body: "client's"}, wrapped: true, plain: func(w http.ResponseWriter, r *http.Request) {
		_, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 3))
		http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
	}},
	{name: "a form", request: ask{method: "POST", header: "Content-Type: application/x-www-form-urlencoded", body: "a=1&b=2"}, plain: func(w http.ResponseWriter, r *http.Request) {
		say(w, r.FormValue("a")+r.PostFormValue("b"))
	}},
	{name: "100 Continue", request: ask{method: "POST", header: "Expect: 100-continue", body: "client's", late: true}, plain: func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		saw(r, string(b), err)
		say(w, string(b))
	}},
	{name: "no 100 Continue", request: ask{method: "POST", header: "Expect: 100-continue", body: "client's", late: true}, plain: func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "handler's", http.StatusExpectationFailed)
	}},
	{name: "a broken connection", plain: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }},
	{name: "a panic", plain: func(http.ResponseWriter, *http.Request) { panic("trouble") }},
	{name: "a panic after a write", plain: func(w http.ResponseWriter, _ *http.Request) {
		say(w, "handler's")
		panic("trouble")
	}},
	{name: "a connection broken after a flush", plain: func(w http.ResponseWriter, r *http.Request) {
		say(w, "handler's")
		saw(r, http.NewResponseController(w).Flush())
		panic(http.ErrAbortHandler)
	}},
	{name: "hijack", plain: func(w http.ResponseWriter, r *http.Request) {
		hijack(w, r, "HTTP/1.1 101 Switching Protocols\r\n\r\nraw")
	}},
	{name: "hijack without HTTP", plain: func(w http.ResponseWriter, r *http.Request) { hijack(w, r, "SSH-2.0") }},
	{name: "hijack after a status", plain: func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "Upgrade")
		w.Header().Set("Upgrade", "websocket")
		w.WriteHeader(http.StatusSwitchingProtocols)
		hijack(w, r, "raw")
	}},
	{name: "hijack after a write", plain: func(w http.ResponseWriter, r *http.Request) {
		say(w, "handler's")
		hijack(w, r, "raw")
		saw(r, second(io.WriteString(w, "more")))
	}},
	{name: "JSON of Echo", echo: func(c echo.Context) error { return c.JSON(http.StatusCreated, map[string]int{"n": 1}) }},
	{name: "Blob of Echo", request: ask{method: "HEAD"}, echo: func(c echo.Context) error { return c.Blob(http.StatusOK, "image/png", []byte(long)) }},
	{name: "Stream of Echo", echo: func(c echo.Context) error { return c.Stream(http.StatusOK, "text/plain", strings.NewReader(long)) }},
	{name: "Redirect of Echo", echo: func(c echo.Context) error { return c.Redirect(http.StatusSeeOther, "/x") }},
	{name: "NoContent of Echo", echo: func(c echo.Context) error { return c.NoContent(http.StatusResetContent) }},
	{name: "an HTTPError", echo: func(echo.Context) error { return echo.NewHTTPError(http.StatusConflict, "handler's") }},
	{name: "an HTTPError with headers", echo: func(c echo.Context) error {
		c.Response().Header().Set("Retry-After", "9")
		return echo.ErrTooManyRequests
	}},
	{name: "an HTTPError to HEAD", request: ask{method: "HEAD"}, echo: func(echo.Context) error { return echo.ErrBadRequest }},
	{name: "an error", echo: func(echo.Context) error { return errors.New("trouble") }},
	{name: "an error for the application's error handler", echo: func(echo.Context) error { return errTeapot }},
	{name: "an error after a write", echo: func(c echo.Context) error { return errors.Join(c.String(http.StatusOK, "handler's"), errTeapot) }},
	{name: "an error after an answer to it", echo: func(c echo.Context) error { c.Error(errTeapot); return errTeapot }},
	{name: "no such route", request: ask{path: "/nowhere"}, echo: func(echo.Context) error { return nil }},
	{name: "no such method", request: ask{method: "PUT"}, echo: func(echo.Context) error { return nil }},
	{name: "hooks", echo: func(c echo.Context) error {
		c.Response().Before(func() { c.Response().Header().Set("X-Before", fmt.Sprint(c.Response().Status)) })
		c.Response().After(func() { saw(c.Request(), c.Response().Size, c.Response().Committed) })
		return c.String(http.StatusOK, "handler's")
	}},
	{name: "a hook that changes the status", echo: func(c echo.Context) error {
		c.Response().Before(func() { c.Response().Status = http.StatusAccepted })
		return c.String(http.StatusOK, "handler's")
	}},
	{name: "a status without a call", echo: func(c echo.Context) error {
		c.Response().Status = http.StatusAccepted
		return second(io.WriteString(c.Response(), "handler's"))
	}},
	{name: "an error after a flush", echo: func(c echo.Context) error { c.Response().Flush(); return echo.ErrTeapot }},
	{name: "JSON after a flush", echo: func(c echo.Context) error {
		c.Response().Flush()
		saw(c.Request(), c.Response().Size)
		return c.JSON(http.StatusOK, 1)
	}},
	{name: "Echo's view of hints", echo: func(c echo.Context) error {
		c.Response().WriteHeader(http.StatusEarlyHints)
		saw(c.Request(), c.Response().Committed, c.Response().Status)
		return c.String(http.StatusAccepted, "handler's")
	}},
}

func respond(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { saw(r, second(io.WriteString(w, body))) }
}

func declare(length, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", length)
		saw(r, second(io.WriteString(w, body)))
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
		saw(r, "hijack refused")
		return
	}
	defer conn.Close()
	say(rw, raw)
	saw(r, rw.Flush())
}

func say(w io.Writer, text string) { _, _ = io.WriteString(w, text) }

// second returns the error of what was written.
func second[N int | int64](_ N, err error) error { return err }

var transparencyFlag = flag.Bool("transparency", false, "have TestTransparency compare all combinations, and not each handler once in all surroundings")

// TestTransparency compares responses with sessions, that handlers leave alone, read, change or begin, with the responses
// without: what the client gets and when, and what handlers see. But for the cookie, and what keeps caches from storing it,
// they must be the same.
func TestTransparency(t *testing.T) {
	t.Parallel()
	aboutResponses(t)
	protocols := []string{"HTTP/1.0", "HTTP/1.1", "HTTP/2"}
	uses := []string{"untouched", "read", "changed", "begun"}
	compared := new(atomic.Int64)
	t.Cleanup(func() { t.Logf("%d responses compared", compared.Load()) })
	for i, stage := range stages() {
		t.Run(stage.name, func(t *testing.T) {
			t.Parallel()
			s := stage.open(t)
			cookies := false
			for j, tt := range transparents {
				for k, protocol := range protocols {
					if !s.canPlay(tt, protocol) {
						continue
					}
					var without []string
					for l, use := range uses {
						if !stage.bare && !*transparencyFlag && (i+j)%(len(protocols)*len(uses)) != k*len(uses)+l {
							continue
						}
						if without == nil {
							without = s.send(s.without, protocol, tt)
						}
						s.use(use)
						with := s.send(s.with, protocol, tt)
						compared.Add(1)
						cookies = cookies || slices.ContainsFunc(with, isSessionCookie)
						if diff := cmp.Diff(transparently(without, use), transparently(with, use)); diff != "" && !s.differs(tt) {
							t.Errorf("%s/%s/%s (-without +with):\n%s", tt.name, protocol, use, diff)
						}
					}
				}
			}
			if !cookies {
				t.Error("no response had a session's cookie")
			}
		})
	}
}

func isSessionCookie(line string) bool { return strings.HasPrefix(line, "Set-Cookie: __session=") }

// transparently returns the lines of a response that must be there with a session as well as without.
func transparently(lines []string, use string) []string {
	var kept []string
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		switch {
		case use == "untouched":
		case name == "Vary":
			fields := slices.DeleteFunc(strings.Split(value, ", "), func(f string) bool { return f == "Cookie" })
			if line = name + ": " + strings.Join(fields, ", "); len(fields) == 0 {
				continue
			}
		case use == "read":
		case name == "Cache-Control", isSessionCookie(line):
			continue
		}
		kept = append(kept, line)
	}
	return kept
}

type newStage struct {
	name string
	bare bool
	open func(*testing.T) *stage
}

// stages returns those of all hosts and surroundings.
func stages() []newStage {
	recoverer := middleware.RecoverWithConfig(middleware.RecoverConfig{LogErrorFunc: func(_ echo.Context, err error, _ []byte) error { return err }})
	timeout := func(next http.Handler) http.Handler { return http.TimeoutHandler(next, time.Minute, "") }
	keep := func(next http.Handler) http.Handler { return next }
	var all []newStage
	for _, around := range append(slices.Clone(surroundings),
		surrounding{name: "Recover outside", outside: []echo.MiddlewareFunc{recoverer}},
		surrounding{name: "Recover inside", inside: []echo.MiddlewareFunc{recoverer}},
	) {
		all = append(all, newStage{"Echo/" + around.name, around.name == "bare", func(t *testing.T) *stage { return newEchoStage(t, around) }})
	}
	for _, around := range []struct {
		name            string
		outside, inside func(http.Handler) http.Handler
		unflushable     bool
	}{
		{name: "bare", outside: keep, inside: keep},
		{name: "wrapped writer outside", outside: wrapWriter, inside: keep},
		{name: "wrapped writer inside", outside: keep, inside: wrapWriter},
		{name: "TimeoutHandler outside", outside: timeout, inside: keep, unflushable: true},
		{name: "TimeoutHandler inside", outside: keep, inside: timeout, unflushable: true},
	} {
		all = append(all, newStage{"net/http/" + around.name, around.name == "bare", func(t *testing.T) *stage {
			s := newPlainStage(t, around.outside, around.inside)
			s.unflushable = around.unflushable
			return s
		}})
	}
	return all
}
