package echofirestore_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/firestore"
	"github.com/gorilla/sessions"
	"github.com/labstack/echo/v4"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
)

// The benchmarks come in groups, each with its floor: what the same work costs without this package. Only the ratio of
// the two, measured in one run, means anything.

// smallSession is about 300 bytes of JSON.
func smallSession() map[string]any {
	return map[string]any{
		"user":   map[string]any{"id": 4711, "name": "Alice Liddell", "email": "alice@example.com", "roles": []any{"editor", "admin"}},
		"theme":  "dark",
		"visits": 17,
		"cart":   []any{map[string]any{"sku": "A-1001", "n": 2, "price": 12.5}, map[string]any{"sku": "B-2002", "n": 1, "price": 99.0}},
		"csrf":   "wJ3mA4pQzK7rT1xV9nB5cD2eF6gH8iL0",
	}
}

// largeSession is about 100 KB of JSON.
func largeSession() map[string]any {
	values := make(map[string]any)
	for i := range 350 {
		values[fmt.Sprintf("key%03d", i)] = smallSession()
	}
	return values
}

// A nullWriter is a http.ResponseWriter that costs next to nothing, so that the benchmarks measure what they say.
type nullWriter struct {
	header http.Header
	status int
}

func (w *nullWriter) Header() http.Header         { return w.header }
func (w *nullWriter) Write(b []byte) (int, error) { return len(b), nil }
func (w *nullWriter) WriteHeader(status int)      { w.status = status }

// serve returns a function that sends a request for / through e, with the given session cookie.
func serve(b *testing.B, e *echo.Echo, cookie string) func() { return serveAt(b, e, "/", cookie) }

// serveAt is serve for another path.
func serveAt(b *testing.B, e *echo.Echo, path, cookie string) func() {
	req := httptest.NewRequest(http.MethodGet, path, http.NoBody)
	req.Header.Set("Cookie", "__session="+cookie)
	w := &nullWriter{header: make(http.Header)}
	return func() {
		clear(w.header)
		e.ServeHTTP(w, req)
		if w.status != http.StatusOK {
			b.Errorf("status %d", w.status)
		}
	}
}

func BenchmarkUntouched(b *testing.B) {
	handler := func(c echo.Context) error { return c.NoContent(http.StatusOK) }
	client := firestoretest.NewClient(b)
	for _, bench := range []struct {
		name string
		use  []echo.MiddlewareFunc
	}{
		{name: "floor"},
		{name: "echofirestore", use: []echo.MiddlewareFunc{echofirestore.Middleware(echofirestore.Config{Client: client})}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			e := echo.New()
			e.Use(bench.use...)
			e.GET("/", handler)
			request := serve(b, e, "some-key")
			b.ReportAllocs()
			for b.Loop() {
				request()
			}
		})
	}
}

// stored puts a session into Firestore and returns its document.
func stored(b *testing.B, client *firestore.Client) *firestore.DocumentRef {
	data, err := echofirestore.EncodeJSON(echofirestore.Payload{Created: 1700000000, Values: smallSession()})
	if err != nil {
		b.Fatal(err)
	}
	ref := client.Collection(echofirestore.DefaultCollection).NewDoc()
	if _, err := ref.Set(b.Context(), map[string]any{"data": data, "max_age": nil}); err != nil {
		b.Fatal(err)
	}
	return ref
}

// byHand serves requests that do without this package what it does for a session that is read, or changed: the document
// is got within a time and its JSON decoded, and then that is changed, encoded, and the document updated within a time.
func byHand(client *firestore.Client, change bool) *echo.Echo {
	e := echo.New()
	e.GET("/", func(c echo.Context) error {
		cookie, err := c.Cookie("__session")
		if err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(c.Request().Context(), 10*time.Second)
		defer cancel()
		ref := client.Collection(echofirestore.DefaultCollection).Doc(cookie.Value)
		snap, err := ref.Get(ctx)
		if err != nil {
			return err
		}
		var payload struct {
			Created int64          `json:"created"`
			Session map[string]any `json:"session"`
		}
		if err := json.Unmarshal([]byte(snap.Data()["data"].(string)), &payload); err != nil {
			return err
		}
		if !change {
			return c.String(http.StatusOK, payload.Session["theme"].(string))
		}
		payload.Session["visits"] = payload.Session["visits"].(float64) + 1
		payload.Created = time.Now().Unix()
		data, err := json.Marshal(payload)
		if err != nil {
			return err
		}
		ctx, cancel = context.WithTimeout(c.Request().Context(), 10*time.Second)
		defer cancel()
		_, err = ref.Update(ctx, []firestore.Update{
			{Path: "data", Value: string(data)},
			{Path: "max_age", Value: nil},
			{Path: "expire", Value: firestore.Delete},
		}, firestore.LastUpdateTime(snap.UpdateTime))
		if err != nil {
			return err
		}
		c.SetCookie(cookie)
		return c.NoContent(http.StatusOK)
	})
	return e
}

func BenchmarkRead(b *testing.B) {
	client := firestoretest.NewClient(b)
	ref := stored(b, client)
	b.Run("byhand", func(b *testing.B) {
		request := serve(b, byHand(client, false), ref.ID)
		b.ReportAllocs()
		for b.Loop() {
			request()
		}
	})
	b.Run("floor", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := ref.Get(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("echofirestore", func(b *testing.B) {
		e := echo.New()
		e.Use(echofirestore.Middleware(echofirestore.Config{Client: client}))
		e.GET("/", func(c echo.Context) error {
			sess, err := echofirestore.Get(c)
			if err != nil {
				return err
			}
			return c.String(http.StatusOK, sess.Values["theme"].(string))
		})
		request := serve(b, e, ref.ID)
		b.ReportAllocs()
		for b.Loop() {
			request()
		}
	})
}

// BenchmarkCachedRead reads a session that the process has in its cache. Its floor is the handler without a session.
func BenchmarkCachedRead(b *testing.B) {
	show := func(c echo.Context, theme string) error { return c.String(http.StatusOK, theme) }
	b.Run("floor", func(b *testing.B) {
		e := echo.New()
		e.GET("/", func(c echo.Context) error { return show(c, "dark") })
		request := serve(b, e, "some-key")
		b.ReportAllocs()
		for b.Loop() {
			request()
		}
	})
	b.Run("echofirestore", func(b *testing.B) {
		e := echo.New()
		e.Use(echofirestore.Middleware(echofirestore.Config{
			Client: firestoretest.NewClient(b), SigningKeys: [][]byte{hashKey, blockKey}, CacheFor: 5 * time.Minute,
		}))
		e.GET("/begin", func(c echo.Context) error {
			for key, value := range smallSession() {
				session(c).Values[key] = value
			}
			return c.NoContent(http.StatusOK)
		})
		e.GET("/", func(c echo.Context) error {
			sess, err := echofirestore.Get(c)
			if err != nil {
				return err
			}
			return show(c, sess.Values["theme"].(string))
		})
		begun := httptest.NewRecorder()
		e.ServeHTTP(begun, httptest.NewRequest(http.MethodGet, "/begin", http.NoBody))
		request := serve(b, e, begun.Result().Cookies()[0].Value)
		b.ReportAllocs()
		for b.Loop() {
			request()
		}
	})
}

func BenchmarkChange(b *testing.B) {
	client := firestoretest.NewClient(b)
	ref := stored(b, client)
	b.Run("byhand", func(b *testing.B) {
		request := serve(b, byHand(client, true), ref.ID)
		b.ReportAllocs()
		for b.Loop() {
			request()
		}
	})
	ref = stored(b, client)
	b.Run("floor", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			snap, err := ref.Get(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			data := strings.Replace(snap.Data()["data"].(string), "17", fmt.Sprint(i), 1)
			if _, err := ref.Update(b.Context(), []firestore.Update{{Path: "data", Value: data}}, firestore.LastUpdateTime(snap.UpdateTime)); err != nil {
				b.Fatal(err)
			}
		}
	})
	ref = stored(b, client)
	b.Run("echofirestore", func(b *testing.B) {
		e := echo.New()
		e.Use(echofirestore.Middleware(echofirestore.Config{Client: client}))
		e.GET("/", func(c echo.Context) error {
			sess, err := echofirestore.Get(c)
			if err != nil {
				return err
			}
			sess.Values["visits"] = sess.Values["visits"].(int) + 1
			return c.NoContent(http.StatusOK)
		})
		request := serve(b, e, ref.ID)
		b.ReportAllocs()
		for b.Loop() {
			request()
		}
	})
}

func BenchmarkCodec(b *testing.B) {
	for _, size := range []struct {
		name   string
		values map[string]any
	}{{"300B", smallSession()}, {"100KB", largeSession()}} {
		b.Run(size.name+"/floor", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				text, err := json.Marshal(map[string]any{"created": 1700000000, "session": size.values})
				if err != nil {
					b.Fatal(err)
				}
				var payload struct {
					Created int64
					Session map[string]any
				}
				if err := json.Unmarshal(text, &payload); err != nil {
					b.Fatal(err)
				}
				b.SetBytes(int64(len(text)))
			}
		})
		b.Run(size.name+"/echofirestore", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				text, err := echofirestore.EncodeJSON(echofirestore.Payload{Created: 1700000000, Values: size.values})
				if err != nil {
					b.Fatal(err)
				}
				if _, err := echofirestore.DecodeJSON(text); err != nil {
					b.Fatal(err)
				}
				b.SetBytes(int64(len(text)))
			}
		})
	}
}

// BenchmarkUpdate counts by Update, beside a request that changes the session, before and after 10,000 Updates.
func BenchmarkUpdate(b *testing.B) {
	client := firestoretest.NewClient(b)
	ref := stored(b, client)
	e := echo.New()
	e.Use(echofirestore.Middleware(echofirestore.Config{Client: client}))
	e.GET("/change", func(c echo.Context) error {
		sess, err := echofirestore.Get(c)
		if err != nil {
			return err
		}
		sess.Values["visits"] = sess.Values["visits"].(int) + 1
		return c.NoContent(http.StatusOK)
	})
	e.GET("/", func(c echo.Context) error {
		err := echofirestore.Update(c, func(sess *sessions.Session) error {
			sess.Values["visits"] = sess.Values["visits"].(int) + 1
			return nil
		})
		if err != nil {
			return err
		}
		return c.NoContent(http.StatusOK)
	})
	update := serve(b, e, ref.ID)
	change := serveAt(b, e, "/change", ref.ID)
	run := func(name string, request func()) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				request()
			}
		})
	}
	run("floor", change)
	run("echofirestore", update)
	for range 10_000 {
		update()
	}
	run("floor after 10000", change)
	run("echofirestore after 10000", update)
}

// BenchmarkAtOnce has N requests change one session at once, where a commit takes 10 ms, and reports what it costs in
// Firestore. Its floor is one such request.
func BenchmarkAtOnce(b *testing.B) {
	for _, n := range []int{1, 10, 100} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			server, client := firestoretest.Start(b)
			ref := stored(b, client)
			e := echo.New()
			e.Use(echofirestore.Middleware(echofirestore.Config{Client: client}))
			e.GET("/:i", func(c echo.Context) error {
				sess, err := echofirestore.Get(c)
				if err != nil {
					return err
				}
				visits, _ := sess.Values[c.Param("i")].(int)
				sess.Values[c.Param("i")] = visits + 1
				return c.NoContent(http.StatusOK)
			})
			server.Inject(firestoretest.Fault{Method: "Commit", Times: -1, Delay: 10 * time.Millisecond})
			requests := make([]func(), n)
			for i := range requests {
				requests[i] = serveAt(b, e, fmt.Sprintf("/%d", i), ref.ID)
			}
			before := server.Ops()
			for b.Loop() {
				var all sync.WaitGroup
				for _, request := range requests {
					all.Go(request)
				}
				all.Wait()
			}
			spent := server.Ops().Sub(before)
			b.ReportMetric(float64(spent.Reads)/float64(b.N), "reads/op")
			b.ReportMetric(float64(spent.Writes)/float64(b.N), "writes/op")
		})
	}
}
