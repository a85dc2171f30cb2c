package hosttest

import (
	"cmp"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing/fstest"
)

// A response is a way to respond by a handler that sets the session's value n to 1.
type response struct {
	name    string
	needs   Feature
	method  string
	use     use // setOne if nil
	respond respond
	want    string // status and body
	header  string // beside the session's
	unsaved bool   // nothing is to be saved
}

// responseRows has each response wanted twice. First Firestore refuses to save, and the client must see the error response and
// nothing of the handler's. Then it saves, and the client must see the handler's response.
func responseRows() []row {
	var rows []row
	for _, r := range []response{
		{name: "nothing written", respond: silent, want: "200"},
		{name: "a body", respond: writes("handler's"), want: "200 handler's"},
		{name: "a body, twice", want: "200 handler's, again", respond: responder(func(w http.ResponseWriter, _ *http.Request) {
			say(w, "handler's")
			say(w, ", again")
		})},
		{name: "a long body", respond: writes(long[:10_000]), want: "200 " + abbreviated(long[:10_000])},
		{name: "a body with Content-Length", want: "201 handler's", respond: responder(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "9")
			w.WriteHeader(http.StatusCreated)
			say(w, "handler's")
		})},
		{name: "a body that is copied", want: "200 handler's", respond: responder(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.Copy(w, io.LimitReader(strings.NewReader("handler's"), 1<<10))
		})},
		{name: "a status alone", respond: status(http.StatusAccepted), want: "202"},
		{name: "204", respond: status(http.StatusNoContent), want: "204"},
		{name: "304", respond: status(http.StatusNotModified), want: "304"},
		{name: "a redirect", want: "303", header: "Location: /elsewhere", respond: responder(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere", http.StatusSeeOther)
		})},
		{name: "HEAD", method: http.MethodHead, respond: writes("handler's"), want: "200"},
		{name: "a file", want: "200 handler's", header: "Accept-Ranges: bytes", respond: responder(func(w http.ResponseWriter, r *http.Request) {
			http.ServeFileFS(w, r, fstest.MapFS{"f": {Data: []byte("handler's")}}, "f")
		})},
		{name: "a backend's response, proxied", want: "200 backend's", respond: proxied("/")},
		{name: "a backend's hints and response, proxied", needs: Hints, want: "103; 200 backend's; " + cleared, respond: proxied("/hints")},
		{name: "a backend's stream, proxied", needs: Flush, want: "200 backend's", respond: proxied("/stream")},
		{name: "400", want: "400 handler's", respond: responder(func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "handler's", http.StatusBadRequest)
		})},
		{name: "an error that stands for 400", needs: Errors, want: "400 error", respond: failing(http.StatusBadRequest)},
		{name: "500", unsaved: true, want: "500 handler's", respond: responder(func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "handler's", http.StatusInternalServerError)
		})},
		{name: "500 without a body", unsaved: true, respond: status(http.StatusInternalServerError), want: "500"},
		{name: "an error that stands for 500", needs: Errors, unsaved: true, want: "500 error", respond: failing(http.StatusInternalServerError)},
		{name: "an error that the application's error handler answers", needs: Errors, respond: failing(http.StatusTeapot), want: "418 application's"},
		{name: "flushed first", needs: Flush, want: "200 handler's", respond: oneByOne(flush, writes("handler's"))},
		{name: "after Early Hints", needs: Hints, want: "103; 200 handler's", respond: responder(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusEarlyHints)
			say(w, "handler's")
		})},
		{name: "a hook changes the session", needs: Hooks, use: inHook(setOne), respond: writes("handler's"), want: "200 handler's"},
		{name: "saved by the handler as well", use: inOrder(setOne, trying(saveOne)), respond: writes("handler's"), want: "200 handler's"},
		{name: "used by several goroutines", use: inOrder(byGoroutines, setOne), respond: writes("handler's"), want: "200 handler's"},
		{name: "by a handler that does not ask for errors", use: setSilently, respond: writes("handler's"), want: "200 handler's"},
	} {
		rows = append(rows, r.row())
	}
	return rows
}

func (r response) row() row {
	if r.use == nil {
		r.use = setOne
	}
	refused, want := notSaved, r.want+"; issued"
	if r.header != "" {
		want += "; " + r.header
	}
	want += `; 1 read, 1 write; {"n":1}`
	switch hints, _, found := strings.Cut(r.want, "; "); {
	case found:
		refused = hints + "; " + refused
	case r.method == http.MethodHead:
		refused = strings.Replace(refused, " replaced", "; handler's headers gone", 1)
	case r.unsaved:
		want = r.want + "; varies; 1 read"
		refused = want
	}
	return row{
		name:   r.name,
		needs:  AutoSave | r.needs,
		stored: `{"n":0}`,
		answer: answerTeapot,
		steps: []step{
			{fails: "save", method: cmp.Or(r.method, http.MethodPost), use: r.use, respond: r.respond, want: refused},
			{method: cmp.Or(r.method, http.MethodPost), use: r.use, respond: r.respond, want: want},
		},
	}
}

// cleared is what a proxy does to the headers after hints.
const cleared = "headers of outside gone; handler's headers gone"

// responder is how a net/http handler responds.
func responder(h http.HandlerFunc) respond {
	return func(w http.ResponseWriter, r *http.Request) error {
		h(w, r)
		return nil
	}
}

func silent(http.ResponseWriter, *http.Request) error { return nil }

func writes(body string) respond {
	return func(w http.ResponseWriter, _ *http.Request) error { return second(io.WriteString(w, body)) }
}

func status(code int) respond {
	return responder(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) })
}

// oneByOne responds in several ways, up to the first error.
func oneByOne(responds ...respond) respond {
	return func(w http.ResponseWriter, r *http.Request) error {
		for _, each := range responds {
			if err := each(w, r); err != nil {
				return err
			}
		}
		return nil
	}
}

func failing(code int) respond {
	return func(http.ResponseWriter, *http.Request) error {
		if code == http.StatusTeapot {
			return ErrTeapot
		}
		return StatusError(code)
	}
}

// inHook does something right before the response begins.
func inHook(u use) use {
	return func(c *call) (string, error) {
		for w := c.w; ; {
			if hooked, ok := w.(interface{ Before(fn func()) }); ok {
				hooked.Before(func() {
					if _, err := u(c); err != nil {
						c.trial.Error(err)
					}
				})
				return "ok", nil
			}
			wrapper, ok := w.(interface{ Unwrap() http.ResponseWriter })
			if !ok {
				return "", fmt.Errorf("a %T has no hooks", c.w)
			}
			w = wrapper.Unwrap()
		}
	}
}

func byGoroutines(c *call) (string, error) {
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() { _, _ = c.Get() })
		wg.Go(func() { _ = c.Session() })
	}
	wg.Wait()
	return "ok", nil
}

// proxied responds as a backend does at a path.
func proxied(path string) respond { return responder(proxy(path)) }

// proxy is a reverse proxy for one path of the backend.
func proxy(path string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		target, err := url.Parse(backend().URL + path)
		if err != nil {
			panic(err)
		}
		p := httputil.ReverseProxy{
			Rewrite:  func(r *httputil.ProxyRequest) { r.Out.URL, r.Out.Host = target, "" },
			ErrorLog: log.New(io.Discard, "", 0),
		}
		p.ServeHTTP(w, r)
	}
}

// backend is one for all proxies. It is never closed.
var backend = sync.OnceValue(func() *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain") // whether or not a body is there when the headers are sent
		switch r.URL.Path {
		case "/hints":
			w.Header().Set("Link", "</style.css>; rel=preload")
			w.WriteHeader(http.StatusEarlyHints)
			w.Header().Del("Link")
		case "/stream":
			_ = http.NewResponseController(w).Flush()
		}
		say(w, "backend's")
	}))
})
