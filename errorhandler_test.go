package echofirestore_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
)

// TestErrorHandler lets an application answer failures itself, in all surroundings.
func TestErrorHandler(t *testing.T) {
	t.Parallel()
	aboutResponses(t)
	for _, around := range surroundings {
		for name, handler := range map[string]echo.HandlerFunc{
			"load": func(c echo.Context) error {
				_, err := echofirestore.Get(c)
				return err
			},
			"load, not told": func(c echo.Context) error { return c.String(http.StatusOK, fmt.Sprint(session(c).ID)) },
			"save":           set("n", 1),
			"save, no body":  func(c echo.Context) error { session(c).Values["n"] = 1; return nil },
		} {
			if !around.tries(around.name + "/" + name) {
				continue
			}
			t.Run(around.name+"/"+name, func(t *testing.T) {
				t.Parallel()
				a := newBareApp(t, func(cfg *echofirestore.Config) {
					cfg.ErrorHandler = func(c echo.Context, err error) error {
						if status.Code(err) != codes.PermissionDenied {
							t.Errorf("error %v", err)
						}
						return c.HTML(http.StatusBadGateway, "<p>ours</p>")
					}
				})
				a.Use(around.outside...)
				a.Use(a.store.Middleware())
				a.Use(around.inside...)
				a.POST("/", handler)
				a.put("key", map[string]any{"data": payload(a.clock.Now()), "max_age": nil})
				method := "Commit"
				if strings.HasPrefix(name, "load") {
					method = "BatchGetDocuments"
				}
				a.firestore.Inject(firestoretest.Fault{Method: method, Times: -1, Err: status.Error(codes.PermissionDenied, "no")})
				got := a.browser().post("/", withCookie("key"))
				if got.StatusCode != http.StatusBadGateway || got.body != "<p>ours</p>" || got.Header.Get("Content-Type") != "text/html; charset=UTF-8" {
					t.Errorf("status %d, %v, body %q", got.StatusCode, got.Header, got.body)
				}
			})
		}
	}
}

// TestErrorHandlerThatDoesNothing forgets to answer failures, in all surroundings: none may become a 200.
func TestErrorHandlerThatDoesNothing(t *testing.T) {
	t.Parallel()
	aboutResponses(t)
	refuse := func(method string) func(*app) {
		return func(a *app) {
			a.firestore.Inject(firestoretest.Fault{Method: method, Times: -1, Err: status.Error(codes.PermissionDenied, "no")})
		}
	}
	works := func(*app) {}
	bodiless := func(next func(echo.Context)) echo.HandlerFunc {
		return func(c echo.Context) error { next(c); return nil }
	}
	for _, around := range surroundings {
		for _, tt := range []struct {
			name    string
			fault   func(*app)
			handler echo.HandlerFunc
			status  int
		}{
			{name: "load, returned", fault: refuse("BatchGetDocuments"), handler: see, status: http.StatusServiceUnavailable},
			{
				name: "load, not told", fault: refuse("BatchGetDocuments"), status: http.StatusServiceUnavailable,
				handler: func(c echo.Context) error { return c.String(http.StatusOK, session(c).ID) },
			},
			{name: "save", fault: refuse("Commit"), handler: set("n", 1), status: http.StatusServiceUnavailable},
			{name: "save, no body", fault: refuse("Commit"), handler: bodiless(setOne), status: http.StatusServiceUnavailable},
			{name: "encode", fault: works, handler: set("n", make(chan int)), status: http.StatusInternalServerError},
			{
				name: "encode, no body", fault: works, status: http.StatusInternalServerError,
				handler: bodiless(func(c echo.Context) { session(c).Values["n"] = make(chan int) }),
			},
		} {
			name := around.name + "/" + tt.name
			if !around.tries(name) {
				continue
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				a := newBareApp(t, func(cfg *echofirestore.Config) {
					cfg.ErrorHandler = func(echo.Context, error) error { return nil }
				})
				a.Use(around.outside...)
				a.Use(a.store.Middleware())
				a.Use(around.inside...)
				a.POST("/", tt.handler)
				a.putSession("key", `{"n": 0}`)
				tt.fault(a)
				if got := a.browser().post("/", withCookie("key")); got.StatusCode != tt.status {
					t.Errorf("status %d, want %d: %q", got.StatusCode, tt.status, got.body)
				}
			})
		}
	}
}

// TestErrorHandlerActsOnTheSession has error handlers, the Config's and Echo's, do something about a session that cannot
// be saved, in all surroundings. Their response bears its cookie.
func TestErrorHandlerActsOnTheSession(t *testing.T) {
	t.Parallel()
	aboutResponses(t)
	acts := map[string]func(echo.Context) error{
		"ends it": echofirestore.Destroy,
		"begins anew": func(c echo.Context) error {
			if err := echofirestore.Destroy(c); err != nil {
				return err
			}
			setOne(c)
			return echofirestore.Save(c)
		},
	}
	for _, around := range surroundings {
		for name, handler := range map[string]echo.HandlerFunc{
			"save":           set("n", make(chan int)),
			"save, no body":  func(c echo.Context) error { session(c).Values["n"] = make(chan int); return nil },
			"save, returned": func(c echo.Context) error { session(c).Values["n"] = make(chan int); return echofirestore.Save(c) },
			"save, another error returned": func(c echo.Context) error {
				session(c).Values["n"] = make(chan int)
				return echo.ErrBadRequest
			},
		} {
			for act, do := range acts {
				for _, whose := range []string{"Config's", "Echo's"} {
					if !around.tries(around.name + "/" + name + "/" + act + "/" + whose) {
						continue
					}
					t.Run(around.name+"/"+name+"/"+act+"/"+whose, func(t *testing.T) {
						t.Parallel()
						answer := func(_ error, c echo.Context) {
							if c.Response().Committed {
								return
							}
							if err := do(c); err != nil {
								t.Error(err)
							}
							_ = c.Redirect(http.StatusSeeOther, "/login")
						}
						a := newBareApp(t, func(cfg *echofirestore.Config) {
							if whose == "Config's" {
								cfg.ErrorHandler = func(c echo.Context, err error) error { answer(err, c); return nil }
							}
						})
						if whose == "Echo's" {
							a.HTTPErrorHandler = answer
						}
						a.Use(around.outside...)
						a.Use(a.store.Middleware())
						a.Use(around.inside...)
						a.POST("/", handler)
						a.putSession("key", `{"n": 0}`)
						got := a.browser().post("/", withCookie("key"))
						cookie, docs := got.cookie("__session"), a.documents()
						switch {
						case got.StatusCode != http.StatusSeeOther || cookie == nil:
							t.Errorf("status %d, cookie %v, documents %v", got.StatusCode, cookie, docs)
						case act == "ends it" && (cookie.MaxAge >= 0 || len(docs) > 0):
							t.Errorf("cookie %v, documents %v", cookie, docs)
						case act == "begins anew" && (cookie.Value == "key" || len(docs) != 1 || docs[cookie.Value] == nil):
							t.Errorf("cookie %v, documents %v", cookie, docs)
						}
					})
				}
			}
		}
	}
}
