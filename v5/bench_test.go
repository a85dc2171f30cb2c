package echofirestore_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/echofirestore/echofirestore/firestoretest"
	"github.com/labstack/echo/v5"
	"github.com/labstack/echo/v5/middleware"

	"github.com/echofirestore/echofirestore/v5"
)

// A nullWriter is a http.ResponseWriter that costs next to nothing.
type nullWriter struct{ header http.Header }

func (w *nullWriter) Header() http.Header         { return w.header }
func (w *nullWriter) Write(b []byte) (int, error) { return len(b), nil }
func (w *nullWriter) WriteHeader(int)             {}

// untouched returns a function that makes a request whose handler leaves its session alone.
func untouched(use ...echo.MiddlewareFunc) func() {
	e := echo.New()
	e.Use(use...)
	e.GET("/", func(c *echo.Context) error { return c.NoContent(http.StatusOK) })
	req := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
	withKey("some-key")(req)
	w := &nullWriter{header: make(http.Header)}
	return func() {
		clear(w.header)
		e.ServeHTTP(w, req)
	}
}

// dump is middleware that wraps the response's writer.
func dump() echo.MiddlewareFunc {
	return middleware.BodyDump(func(*echo.Context, []byte, []byte, error) {})
}

// BenchmarkUntouched measures requests that leave their session alone, beside the same ones without the middleware.
func BenchmarkUntouched(b *testing.B) {
	mw := echofirestore.Middleware(echofirestore.Config{Client: firestoretest.NewClient(b)})
	for _, bench := range []struct {
		name string
		use  []echo.MiddlewareFunc
	}{
		{"floor", nil},
		{"echofirestore", []echo.MiddlewareFunc{mw}},
		{"writer outside, floor", []echo.MiddlewareFunc{dump()}},
		{"writer outside, echofirestore", []echo.MiddlewareFunc{dump(), mw}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			request := untouched(bench.use...)
			b.ReportAllocs()
			for b.Loop() {
				request()
			}
		})
	}
}

// TestUntouchedAllocations holds a request that leaves its session alone to the allocations that it may cost.
func TestUntouchedAllocations(t *testing.T) { //nolint:paralleltest // it counts those of the process
	if raceDetector {
		return // which allocates too
	}
	mw := echofirestore.Middleware(echofirestore.Config{Client: firestoretest.NewClient(t)})
	for name, most := range map[string]float64{"bare": 5, "writer outside": 6} {
		outside := []echo.MiddlewareFunc{func(next echo.HandlerFunc) echo.HandlerFunc { return next }}
		if name != "bare" {
			outside = []echo.MiddlewareFunc{dump()}
		}
		without := testing.AllocsPerRun(1000, untouched(outside...))
		with := testing.AllocsPerRun(1000, untouched(append(outside, mw)...))
		t.Logf("%s: %v allocations, %v without the middleware", name, with, without)
		if with > without+most {
			t.Errorf("%s: %v allocations, %v without the middleware", name, with, without)
		}
	}
}
