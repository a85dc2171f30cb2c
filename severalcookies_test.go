package echofirestore_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/gorilla/sessions"
	"github.com/labstack/echo/v4"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
)

// withCookies gives a request cookies of the session's name, in several lines: HTTP/2 has one for each, HTTP/1.1 may.
func withCookies(values ...string) func(*http.Request) {
	return func(r *http.Request) {
		for _, value := range values {
			r.Header.Add("Cookie", "__session="+value)
		}
	}
}

// inOneLine is withCookies with one line, as browsers do it in HTTP/1.1.
func inOneLine(values ...string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Cookie", "__session="+strings.Join(values, "; __session=")) }
}

// seed stores the documents that tests of several cookies send the keys of: the sessions of alice and bob, one that has
// expired, and one that is malformed.
func (a *app) seed() {
	a.t.Helper()
	a.putSession("alice", `{"user": "alice"}`)
	a.putSession("bob", `{"user": "bob"}`)
	a.put("expired", map[string]any{"data": payload(a.clock.Now()), "max_age": 60, "expire": a.clock.Now()})
	a.put("malformed", map[string]any{"data": "NOT JSON", "max_age": nil})
}

// TestSeveralCookies sends cookies of one name, as browsers do that have got them for several paths or domains.
func TestSeveralCookies(t *testing.T) {
	t.Parallel()
	type ops = firestoretest.Ops
	type row struct {
		cookies []string
		opens   string // the session, "" for a new one
		load    ops
		destroy ops
		remain  string // of the documents, after Destroy alone
		warned  int    // documents that are malformed
	}
	const none = ""
	rows := []row{
		// Skipped at no cost.
		{cookies: []string{none, "alice"}, opens: "alice", load: ops{Reads: 1}, destroy: ops{Deletes: 1}, remain: "bob expired malformed"},
		{cookies: []string{none, none, none, none, "alice"}, opens: "alice", load: ops{Reads: 1}, destroy: ops{Deletes: 1}, remain: "bob expired malformed"},
		{cookies: []string{"a/b", "..", "__x__", "~prefs:alice", strings.Repeat("k", 1501), "alice"}, opens: "alice", load: ops{Reads: 1}, destroy: ops{Deletes: 1}, remain: "bob expired malformed"},
		{cookies: []string{"alice", none}, opens: "alice", load: ops{Reads: 1}, destroy: ops{Deletes: 1}, remain: "bob expired malformed"},
		{cookies: []string{none, "a/b"}, remain: "alice bob expired malformed"},
		{cookies: []string{"alice", "alice"}, opens: "alice", load: ops{Reads: 1}, destroy: ops{Deletes: 1}, remain: "bob expired malformed"},
		{cookies: []string{`"alice"`, "alice"}, opens: "alice", load: ops{Reads: 1}, destroy: ops{Deletes: 1}, remain: "bob expired malformed"},
		{cookies: []string{"gone", "gone", "alice"}, opens: "alice", load: ops{Reads: 2}, destroy: ops{Deletes: 2}, remain: "bob expired malformed"},

		// The first living session counts.
		{cookies: []string{"alice", "bob"}, opens: "alice", load: ops{Reads: 1}, destroy: ops{Deletes: 2}, remain: "expired malformed"},
		{cookies: []string{"bob", "alice"}, opens: "bob", load: ops{Reads: 1}, destroy: ops{Deletes: 2}, remain: "expired malformed"},
		{cookies: []string{"gone", "alice"}, opens: "alice", load: ops{Reads: 2}, destroy: ops{Deletes: 2}, remain: "bob expired malformed"},
		{cookies: []string{"gone", "gone2", "alice"}, opens: "alice", load: ops{Reads: 3}, destroy: ops{Deletes: 3}, remain: "bob expired malformed"},
		{cookies: []string{"expired", "alice"}, opens: "alice", load: ops{Reads: 2, Deletes: 1}, destroy: ops{Deletes: 2}, remain: "bob malformed"},
		{cookies: []string{"malformed", "alice"}, opens: "alice", load: ops{Reads: 2}, destroy: ops{Deletes: 2}, remain: "bob expired", warned: 1},
		{cookies: []string{"expired", "malformed", "alice"}, opens: "alice", load: ops{Reads: 3, Deletes: 1}, destroy: ops{Deletes: 3}, remain: "bob", warned: 1},
		{cookies: []string{"alice", "malformed"}, opens: "alice", load: ops{Reads: 1}, destroy: ops{Deletes: 2}, remain: "bob expired"},

		// Three at most.
		{cookies: []string{"gone", "gone2", "gone3", "alice"}, load: ops{Reads: 3}, destroy: ops{Deletes: 3}, remain: "alice bob expired malformed"},
		{cookies: []string{"gone", none, "gone2", "a/b", "alice", "bob"}, opens: "alice", load: ops{Reads: 3}, destroy: ops{Deletes: 3}, remain: "bob expired malformed"},
		{cookies: []string{"gone", "alice", "gone2", "bob"}, opens: "alice", load: ops{Reads: 2}, destroy: ops{Deletes: 3}, remain: "bob expired malformed"},
	}
	for _, tt := range rows {
		for protocol, join := range map[string]func(...string) func(*http.Request){"HTTP/1.1": withCookies, "HTTP/1.1, one line": inOneLine, "HTTP/2": withCookies, "HTTP/2, one line": inOneLine} {
			t.Run(protocol+"/"+strings.Join(tt.cookies, ","), func(t *testing.T) {
				t.Parallel()
				a := newApp(t)
				a.GET("/", see)
				a.POST("/out", echofirestore.Destroy)
				b := a.browser()
				if strings.HasPrefix(protocol, "HTTP/1.1") {
					b = a.plainBrowser()
				}
				opened := `"isNew":true`
				if tt.opens != "" {
					opened = fmt.Sprintf(`{"id":%q,"isNew":false`, tt.opens)
				}
				for _, step := range []struct {
					do   func() reply
					cost ops
					body string
				}{
					{func() reply { return b.get("/", join(tt.cookies...)) }, tt.load, opened},
					{func() reply { return b.post("/out", join(tt.cookies...)) }, tt.destroy, ""},
				} {
					a.seed()
					var got reply
					cost := a.cost(func() { got = step.do() })
					if got.StatusCode != http.StatusOK || !strings.Contains(got.body, step.body) || !strings.HasPrefix(protocol, got.Proto[:6]) {
						t.Errorf("%s, status %d, body %s", got.Proto, got.StatusCode, got.body)
					}
					if cost != step.cost {
						t.Errorf("cost %v, want %v", cost, step.cost)
					}
				}
				if got := strings.Join(slices.Sorted(maps.Keys(a.documents())), " "); got != tt.remain {
					t.Errorf("documents %s, want %s", got, tt.remain)
				}
				if n := strings.Count(a.log.String(), "session document ignored"); n != tt.warned {
					t.Errorf("%d warnings, want %d: %s", n, tt.warned, a.log)
				}
			})
		}
	}
}

// TestSeveralCookiesEnd ends sessions in every way, read or not, and counts the deletes. A session that was emptied is one
// that was changed: it alone goes.
func TestSeveralCookiesEnd(t *testing.T) {
	t.Parallel()
	end := func(c echo.Context) error { session(c).Options.MaxAge = -1; return nil }
	read := func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error { _ = session(c); return next(c) }
	}
	twice := func(c echo.Context) error {
		if err := echofirestore.Destroy(c); err != nil {
			return err
		}
		return echofirestore.Destroy(c)
	}
	type ops = firestoretest.Ops
	for _, tt := range []struct {
		name    string
		cookies []string
		handler echo.HandlerFunc
		cost    ops
		remain  string
	}{
		{"Destroy", []string{"alice", "bob", "x"}, echofirestore.Destroy, ops{Deletes: 3}, "carol"},
		{"Destroy, twice", []string{"alice", "bob", "x"}, twice, ops{Deletes: 3}, "carol"},
		{"Destroy, four", []string{"alice", "bob", "x", "carol"}, echofirestore.Destroy, ops{Deletes: 3}, "carol"},
		{"Destroy, read", []string{"alice", "bob", "carol"}, read(echofirestore.Destroy), ops{Reads: 1, Deletes: 3}, ""},
		{"Destroy, the first is dead", []string{"x", "alice", "bob"}, read(echofirestore.Destroy), ops{Reads: 2, Deletes: 2}, "carol"},
		{"Destroy, all are dead", []string{"x", "y", "z"}, read(echofirestore.Destroy), ops{Reads: 3}, "alice bob carol"},
		{"MaxAge", []string{"alice", "bob", "carol"}, end, ops{Reads: 1, Deletes: 3}, ""},
		{"MaxAge, the second", []string{"x", "alice", "bob", "carol"}, end, ops{Reads: 2, Deletes: 2}, "carol"},
		{"MaxAge, saved", []string{"alice", "bob"}, func(c echo.Context) error {
			session(c).Options.MaxAge = -1
			return session(c).Save(c.Request(), c.Response())
		}, ops{Reads: 1, Deletes: 2}, "carol"},
		{"MaxAge in an Update", []string{"alice", "bob"}, func(c echo.Context) error {
			return echofirestore.Update(c, func(sess *sessions.Session) error { sess.Options.MaxAge = -1; return nil })
		}, ops{Reads: 1, Deletes: 2}, "carol"},
		{"emptied", []string{"alice", "bob"}, func(c echo.Context) error { clear(session(c).Values); return nil }, ops{Reads: 1, Deletes: 1}, "bob carol"},
		{"changed", []string{"x", "alice", "bob"}, func(c echo.Context) error { setOne(c); return nil }, ops{Reads: 2, Writes: 1}, "alice bob carol"},
		{"renewed", []string{"x", "alice", "bob"}, echofirestore.Renew, ops{Reads: 2, Writes: 1, Deletes: 1}, "bob carol new"},
		{"ended and begun anew", []string{"alice", "bob"}, func(c echo.Context) error {
			if err := echofirestore.Destroy(c); err != nil {
				return err
			}
			setOne(c)
			return nil
		}, ops{Writes: 1, Deletes: 2}, "carol new"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t, func(cfg *echofirestore.Config) { cfg.KeyFactory = func() string { return "new" } })
			for _, key := range []string{"alice", "bob", "carol"} {
				a.putSession(key, `{"user": "`+key+`"}`)
			}
			a.POST("/", tt.handler)
			var got reply
			cost := a.cost(func() { got = a.browser().post("/", withCookies(tt.cookies...)) })
			if got.StatusCode != http.StatusOK || got.cookie("__session") == nil {
				t.Errorf("status %d: %s, cookie %v", got.StatusCode, got.body, got.cookie("__session"))
			}
			if cost != tt.cost {
				t.Errorf("cost %v, want %v", cost, tt.cost)
			}
			if got := strings.Join(slices.Sorted(maps.Keys(a.documents())), " "); got != tt.remain {
				t.Errorf("documents %s, want %s", got, tt.remain)
			}
		})
	}
}

// TestSeveralCookiesWithoutMiddleware does the same by gorilla's interface.
func TestSeveralCookiesWithoutMiddleware(t *testing.T) {
	t.Parallel()
	a := newBareApp(t)
	a.POST("/", func(c echo.Context) error {
		sess, err := a.store.Get(c.Request(), "__session")
		if err != nil {
			return err
		}
		if sess.ID != "alice" {
			t.Errorf("the session %q", sess.ID)
		}
		sess.Options.MaxAge = -1
		return sess.Save(c.Request(), c.Response())
	})
	a.seed()
	cost := a.cost(func() { a.browser().post("/", withCookies("", "gone", "alice", "bob")) })
	if want := (firestoretest.Ops{Reads: 2, Deletes: 2}); cost != want {
		t.Errorf("cost %v, want %v", cost, want)
	}
}

// TestSeveralCookiesUnderFaults has Firestore refuse the n-th call of a request. A read that fails is an error, and never a
// reason to go on with another session. An end that fails is an error, unless it was applied, and is tried again.
func TestSeveralCookiesUnderFaults(t *testing.T) {
	t.Parallel()
	refused := status.Error(codes.PermissionDenied, "no")
	for n := 1; n <= 3; n++ {
		t.Run(fmt.Sprintf("read %d", n), func(t *testing.T) {
			t.Parallel()
			a := newApp(t)
			a.GET("/", see)
			a.seed()
			cookies := []string{"gone", "gone2", "gone3"}
			cookies[n-1] = "alice"
			if n < 3 {
				cookies[n] = "bob"
			}
			a.firestore.Inject(firestoretest.Fault{Method: "BatchGetDocuments", Skip: n - 1, Err: refused})
			got := a.browser().get("/", withCookies(cookies...))
			if got.StatusCode != http.StatusServiceUnavailable || strings.Contains(got.body, "bob") {
				t.Errorf("status %d: %s", got.StatusCode, got.body)
			}
			if !strings.Contains(a.log.String(), "session not loaded") {
				t.Errorf("log %s", a.log)
			}
		})
		for name, handler := range map[string]echo.HandlerFunc{
			"Destroy": echofirestore.Destroy,
			"MaxAge": func(c echo.Context) error {
				session(c).Options.MaxAge = -1
				return session(c).Save(c.Request(), c.Response())
			},
		} {
			t.Run(fmt.Sprintf("%s, delete %d", name, n), func(t *testing.T) {
				t.Parallel()
				a := newApp(t)
				a.POST("/", handler)
				a.POST("/ignored", func(c echo.Context) error {
					if err := handler(c); status.Code(err) != codes.PermissionDenied {
						t.Errorf("error %v", err)
					}
					return c.NoContent(http.StatusOK)
				})
				for _, step := range []struct {
					path         string
					fault        firestoretest.Fault
					status, left int // of the documents
				}{
					{"/", firestoretest.Fault{Skip: n - 1, Err: refused}, http.StatusServiceUnavailable, 3 - n + 1},
					{"/ignored", firestoretest.Fault{Err: refused}, http.StatusOK, 0},
					{"/", firestoretest.Fault{Skip: n - 1, Err: status.Error(codes.Internal, "lost"), After: true}, http.StatusOK, 0},
				} {
					for _, key := range []string{"alice", "bob", "carol"} {
						a.putSession(key, `{"user": "`+key+`"}`)
					}
					step.fault.Method = "Commit"
					a.firestore.Inject(step.fault)
					got := a.browser().post(step.path, withCookies("alice", "bob", "carol"))
					docs := a.documents()
					if got.StatusCode != step.status || len(docs) != step.left {
						t.Errorf("%s, %v: status %d, want %d, documents %v", step.path, step.fault.Err, got.StatusCode, step.status, docs)
					}
				}
			})
		}
	}
}

// TestSeveralSignedCookies sends cookies of several keys: a forged one costs nothing.
func TestSeveralSignedCookies(t *testing.T) {
	t.Parallel()
	a := newApp(t, signed(hashKey, nil, newHashKey, nil))
	a.GET("/", see)
	a.POST("/out", echofirestore.Destroy)
	a.seed()
	sig := func(key string, hashKey []byte) string { return sign("__session", key, hashKey, 1700000000) }
	cookies := withCookies("alice", sig("bob", []byte("guess")), sign("prefs", "bob", hashKey, 1), sig("a/b", hashKey),
		sig("alice", newHashKey), sig("alice", hashKey), sig("bob", hashKey))
	var got reply
	cost := a.cost(func() { got = a.browser().get("/", cookies) })
	if want := (firestoretest.Ops{Reads: 1}); cost != want || !strings.Contains(got.body, `"id":"alice"`) {
		t.Errorf("cost %v, body %s", cost, got.body)
	}
	cost = a.cost(func() { a.browser().post("/out", cookies) })
	if want := (firestoretest.Ops{Deletes: 2}); cost != want {
		t.Errorf("cost %v, want %v", cost, want)
	}
}

// TestSeveralCookiesEnded asks whether the client came with the key of a session that is over.
func TestSeveralCookiesEnded(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	a.GET("/", func(c echo.Context) error { return c.JSON(http.StatusOK, a.store.Ended(session(c))) })
	for _, tt := range []struct {
		cookies []string
		want    string
	}{
		{[]string{"gone", "alice"}, "false"},
		{[]string{"expired", "alice"}, "false"},
		{[]string{"alice", "gone"}, "false"},
		{[]string{"gone", "gone2"}, "true"},
		{[]string{"", "expired"}, "true"},
		{[]string{"malformed", "gone"}, "true"},
		{[]string{"malformed", "a/b"}, "false"},
		{[]string{"", "a/b"}, "false"},
	} {
		a.seed()
		if got := a.browser().get("/", withCookies(tt.cookies...)); strings.TrimSpace(got.body) != tt.want {
			t.Errorf("%q: %s, want %s", tt.cookies, got.body, tt.want)
		}
	}
}

// TestCookieOfAnOldDomain has a browser that keeps the cookie of a deployment whose Config had no Domain, and sends that
// first, and one whose Config had another Path.
func TestCookieOfAnOldDomain(t *testing.T) {
	t.Parallel()
	type config = echofirestore.Config
	for name, tt := range map[string]struct{ old, new func(*config) }{
		"Domain set":   {func(*config) {}, func(cfg *config) { cfg.Domain = "example.com" }},
		"Domain unset": {func(cfg *config) { cfg.Domain = "example.com" }, func(*config) {}},
		"Path":         {func(cfg *config) { cfg.Path = "/app" }, func(*config) {}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			secure := func(cfg *config) { cfg.Secure = true }
			before := newApp(t, tt.old, secure)
			after := newApp(t, tt.new, secure, func(cfg *config) { cfg.Client = before.client })
			jar, err := cookiejar.New(nil)
			if err != nil {
				t.Fatal(err)
			}
			host := &url.URL{Scheme: "https", Host: "www.example.com", Path: "/app/"}
			visit := func(a *app, method, path string) (body string, sent int) {
				got := a.browser().request(method, path, func(r *http.Request) {
					for _, cookie := range jar.Cookies(host) {
						r.AddCookie(cookie)
						sent++
					}
					if sent == 0 {
						r.Header.Set("Cookie", "none=1")
					}
				})
				jar.SetCookies(host, got.Cookies())
				return got.body, sent
			}
			for _, a := range []*app{before, after} {
				a.POST("/", set("user", "alice"))
				a.POST("/renew", func(c echo.Context) error { setOne(c); return echofirestore.Renew(c) })
				a.POST("/out", echofirestore.Destroy)
				a.GET("/", see)
			}
			visit(before, http.MethodPost, "/")
			if body, _ := visit(after, http.MethodGet, "/"); !strings.Contains(body, "alice") {
				t.Fatalf("the old session: %s", body)
			}
			visit(after, http.MethodPost, "/renew")
			if body, sent := visit(after, http.MethodGet, "/"); sent != 2 || !strings.Contains(body, `"n":1`) {
				t.Errorf("renewed, with %d cookies: %s", sent, body)
			}
			visit(after, http.MethodPost, "/out")
			if body, sent := visit(after, http.MethodGet, "/"); sent != 1 || !strings.Contains(body, `"isNew":true`) {
				t.Errorf("signed out, with %d cookies: %s", sent, body)
			}
			visit(after, http.MethodPost, "/")
			if body, sent := visit(after, http.MethodGet, "/"); sent != 2 || !strings.Contains(body, "alice") {
				t.Errorf("signed in again, with %d cookies: %s", sent, body)
			}
		})
	}
}
