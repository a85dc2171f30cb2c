package echofirestore_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"text/tabwriter"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
)

// errTeapot is an application's error, which its error handler answers with 418.
var errTeapot = errors.New("teapot")

// A response is a way to respond, by a handler that sets the session's value n to 1.
type response struct {
	name    string
	method  string // POST if empty
	outside []echo.MiddlewareFunc
	handler echo.HandlerFunc
	status  int    // that the client sees; 0: the connection breaks
	body    string // part of what it sees
	unsaved bool   // nothing is to be saved
}

var responses = []response{
	{name: "writes nothing", status: 200, handler: func(c echo.Context) error { setOne(c); return nil }},
	{name: "JSON", status: 200, body: "handler's", handler: func(c echo.Context) error {
		setOne(c)
		return c.JSON(http.StatusOK, "handler's")
	}},
	{name: "stream", status: 200, body: "handler's", handler: func(c echo.Context) error {
		setOne(c)
		return c.Stream(http.StatusOK, "text/plain", strings.NewReader("handler's"))
	}},
	{name: "file", status: 200, body: "handler's", handler: func(c echo.Context) error {
		setOne(c)
		return echo.StaticFileHandler("f", fstest.MapFS{"f": {Data: []byte("handler's")}})(c)
	}},
	{name: "net/http handler", status: 201, body: "handler's", handler: func(c echo.Context) error {
		setOne(c)
		return echo.WrapHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "9")
			w.WriteHeader(http.StatusCreated)
			_, _ = io.WriteString(w, "handler's")
		}))(c)
	}},
	{name: "redirect", status: 303, handler: func(c echo.Context) error {
		setOne(c)
		return c.Redirect(http.StatusSeeOther, "/elsewhere")
	}},
	{name: "HEAD", method: http.MethodHead, status: 200, handler: func(c echo.Context) error {
		setOne(c)
		return c.String(http.StatusOK, "handler's")
	}},
	{name: "204", status: 204, handler: func(c echo.Context) error { setOne(c); return c.NoContent(http.StatusNoContent) }},
	{name: "304", status: 304, handler: func(c echo.Context) error { setOne(c); return c.NoContent(http.StatusNotModified) }},
	{name: "writes 500", status: 500, unsaved: true, handler: func(c echo.Context) error {
		setOne(c)
		return c.String(http.StatusInternalServerError, "handler's")
	}},
	{name: "returns an error", status: 400, handler: func(c echo.Context) error { setOne(c); return echo.ErrBadRequest }},
	{name: "returns an error that stands for 500", status: 500, unsaved: true, handler: func(c echo.Context) error {
		setOne(c)
		return errors.New("trouble")
	}},
	{name: "returns an error to a handler that uses the session", status: 418, body: "n=1", handler: func(c echo.Context) error {
		setOne(c)
		return errTeapot
	}},
	{name: "returns an error to a handler that is first to use the session", status: 418, body: "n=1", handler: func(echo.Context) error {
		return errTeapot
	}},
	{name: "panics within Recover", status: 500, unsaved: true, outside: []echo.MiddlewareFunc{middleware.RecoverWithConfig(middleware.RecoverConfig{LogErrorFunc: func(_ echo.Context, err error, _ []byte) error { return err }})}, handler: func(c echo.Context) error {
		setOne(c)
		panic("trouble")
	}},
	{name: "panics", unsaved: true, handler: func(c echo.Context) error {
		setOne(c)
		panic(http.ErrAbortHandler)
	}},
	{name: "flushes first", status: 200, body: "data: handler's", handler: func(c echo.Context) error {
		setOne(c)
		c.Response().Header().Set("Content-Type", "text/event-stream")
		c.Response().Flush()
		_, err := io.WriteString(c.Response(), "data: handler's\n\n")
		c.Response().Flush()
		return err
	}},
	{name: "goes on changing the session", status: 200, body: "handler's", handler: func(c echo.Context) error {
		session(c).Values["m"] = 1
		if _, err := io.WriteString(c.Response(), "handler's"); err != nil {
			return err
		}
		setOne(c)
		return nil
	}},
	{name: "replaces the request", status: 200, body: "handler's", handler: func(c echo.Context) error {
		type key struct{}
		c.SetRequest(c.Request().WithContext(context.WithValue(c.Request().Context(), key{}, 1)))
		setOne(c)
		return c.String(http.StatusOK, "handler's")
	}},
	{name: "uses the session from several goroutines", status: 200, body: "handler's", handler: func(c echo.Context) error {
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() { _, _ = echofirestore.Get(c) })
			wg.Go(func() { _ = session(c) })
		}
		wg.Wait()
		setOne(c)
		return c.String(http.StatusOK, "handler's")
	}},
}

// TestResponses responds in every way within all surroundings, over HTTP/1.1 and HTTP/2. What the client sees and what
// is stored must agree: without a fault, and with a Firestore that refuses to save. It prints what it expected and saw.
func TestResponses(t *testing.T) {
	t.Parallel()
	aboutResponses(t)
	type outcome struct{ want, seen string }
	var mu sync.Mutex
	outcomes := make(map[string]map[outcome]int)
	t.Cleanup(func() {
		table := new(strings.Builder)
		w := tabwriter.NewWriter(table, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "handler\tFirestore\texpected\tseen\ttimes")
		for _, row := range responses {
			for _, firestore := range []string{"well", "broken"} {
				for o, n := range outcomes[row.name+"\t"+firestore] {
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\n", row.name, firestore, o.want, o.seen, n)
				}
			}
		}
		w.Flush()
		t.Log("\n" + table.String())
	})
	for _, row := range responses {
		for _, around := range surroundings {
			if around.unflushable && row.name == "flushes first" {
				continue
			}
			for _, firestore := range []string{"well", "broken"} {
				for protocol, open := range map[string]func(*app) *browser{"HTTP/1.1": (*app).plainBrowser, "HTTP/2": (*app).browser} {
					name := fmt.Sprintf("%s/%s/%s/%s", row.name, around.name, firestore, protocol)
					if !around.tries(name) {
						continue
					}
					t.Run(name, func(t *testing.T) {
						t.Parallel()
						want, seen := row.check(t, around, firestore == "broken", open)
						mu.Lock()
						defer mu.Unlock()
						key := row.name + "\t" + firestore
						if outcomes[key] == nil {
							outcomes[key] = make(map[outcome]int)
						}
						outcomes[key][outcome{want, seen}]++
					})
				}
			}
		}
	}
}

// check lets an app respond, and returns what was expected and what was seen.
func (row response) check(t *testing.T, around surrounding, broken bool, open func(*app) *browser) (want, seen string) {
	a := newBareApp(t)
	a.Logger.SetOutput(io.Discard)
	a.HTTPErrorHandler = func(err error, c echo.Context) {
		if !errors.Is(err, errTeapot) || c.Response().Committed {
			a.DefaultHTTPErrorHandler(err, c)
			return
		}
		sess, err := echofirestore.Get(c)
		if err != nil {
			t.Error(err)
		}
		sess.Values["n"] = 1
		_ = c.String(http.StatusTeapot, fmt.Sprintf("n=%v", sess.Values["n"]))
	}
	a.Use(row.outside...)
	a.Use(around.outside...)
	a.Use(a.store.Middleware())
	a.Use(around.inside...)
	a.Any("/", func(c echo.Context) error {
		c.Response().Header().Set("X-Handler", "yes")
		if around.check != nil {
			if err := around.check(c); err != nil {
				t.Error(err)
			}
		}
		return row.handler(c)
	})
	a.put("key", map[string]any{"data": `{"created":1,"session":{"n":0}}`, "max_age": nil})
	if broken {
		a.firestore.Inject(firestoretest.Fault{Method: "Commit", Times: -1, Err: status.Error(codes.PermissionDenied, "no")})
	}
	wantStatus, wantBody, wantSaved := row.status, row.body, !row.unsaved && !broken
	method := cmp.Or(row.method, http.MethodPost)
	replaced := broken && !row.unsaved
	if replaced {
		wantStatus, wantBody = http.StatusServiceUnavailable, "Service Unavailable"
	}
	if method == http.MethodHead {
		wantBody = ""
	}

	got, err := open(a).try(method, "/", withCookie("key"))
	gotStatus := 0
	if got.Response != nil {
		gotStatus = got.StatusCode
	}
	if err != nil && wantStatus != 0 {
		t.Errorf("error %v", err)
	}
	saved := strings.Contains(a.documents()["key"]["data"].(string), `"n":1`)
	want, seen = describe(wantStatus, wantSaved), describe(gotStatus, saved)
	if want != seen || !strings.Contains(got.body, wantBody) {
		t.Errorf("seen %s, body %q; want %s, %q", seen, got.body, want, wantBody)
	}
	if gotStatus == 0 {
		return want, seen
	}
	if cookie := got.cookie("__session"); (cookie != nil) != wantSaved {
		t.Errorf("cookie %v", cookie)
	}
	if replaced && (strings.Contains(got.body, "handler's") || got.Header.Get("X-Handler") != "") {
		t.Errorf("the client saw what was not saved: %v %q", got.Header, got.body)
	}
	if got.ContentLength >= 0 && method != http.MethodHead && got.ContentLength != int64(len(got.body)) {
		t.Errorf("Content-Length %d of %q", got.ContentLength, got.body)
	}
	return want, seen
}

func describe(status int, saved bool) string {
	text := "broken off"
	if status != 0 {
		text = fmt.Sprint(status)
	}
	if saved {
		return text + ", saved"
	}
	return text + ", not saved"
}
