package echofirestore_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"cloud.google.com/go/firestore"
	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"github.com/google/go-cmp/cmp"
	"github.com/gorilla/sessions"
	"github.com/labstack/echo/v4"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
)

// lostCodes are the codes after which a commit may have been applied.
var lostCodes = []codes.Code{codes.Unavailable, codes.Internal, codes.Unknown, codes.DeadlineExceeded}

// TestUpdateCountsOnce has Update's commit applied and its answer lost, in every way: after UNAVAILABLE the client repeats
// it. Others write to the session before that is found out.
func TestUpdateCountsOnce(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name      string
		meanwhile func(*testing.T, *app)
		want      map[string]any
	}{
		{
			name:      "nobody else",
			meanwhile: func(*testing.T, *app) {},
			want:      map[string]any{"user": "alice", "n": 1},
		},
		{
			name: "others count",
			meanwhile: func(_ *testing.T, a *app) {
				for range 30 {
					a.elsewhere().post("/count", withCookie("key"))
				}
			},
			want: map[string]any{"user": "alice", "n": 31},
		},
		{
			name: "another instance counts",
			meanwhile: func(_ *testing.T, a *app) {
				e := a.another()
				for range 30 {
					a.ask(e, "/count", "key")
				}
			},
			want: map[string]any{"user": "alice", "n": 31},
		},
		{
			name: "many instances count",
			meanwhile: func(_ *testing.T, a *app) {
				for range 30 {
					a.ask(a.another(), "/count", "key")
				}
			},
			want: map[string]any{"user": "alice", "n": 31},
		},
		{
			name: "others set a value",
			meanwhile: func(_ *testing.T, a *app) {
				a.elsewhere().post("/set", withCookie("key"))
			},
			want: map[string]any{"user": "alice", "n": 1, "k": 1},
		},
		{
			name: "another program annotates the document",
			meanwhile: func(t *testing.T, a *app) {
				if _, err := a.collection().Doc("key").Update(t.Context(), []firestore.Update{{Path: "note", Value: 1}}); err != nil {
					t.Error(err)
				}
			},
			want: map[string]any{"user": "alice", "n": 1},
		},
	} {
		for _, code := range lostCodes {
			t.Run(tt.name+"/"+code.String(), func(t *testing.T) {
				t.Parallel()
				a := newApp(t)
				a.put("key", map[string]any{"data": payload(a.clock.Now()), "max_age": nil})
				a.POST("/count", countOne)
				a.POST("/set", set("k", 1))
				a.firestore.Inject(firestoretest.Fault{
					Method: "Commit", After: true, Err: status.Error(code, "lost"),
					Do: func() { tt.meanwhile(t, a) },
				})
				if got := a.browser().post("/count", withCookie("key")); got.StatusCode != http.StatusOK {
					t.Errorf("status %d: %s", got.StatusCode, got.body)
				}
				if diff := cmp.Diff(tt.want, a.values("key")); diff != "" {
					t.Errorf("values (-want +got):\n%s", diff)
				}
			})
		}
	}
}

// TestUpdateAfterMerge has Update follow a save that was merged with that of another request.
func TestUpdateAfterMerge(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	a.put("key", map[string]any{"data": payload(a.clock.Now()), "max_age": nil})
	a.POST("/count", countOne)
	a.POST("/", func(c echo.Context) error {
		session(c).Values["mine"] = 1
		a.browser().post("/count", withCookie("key"))
		return errors.Join(echofirestore.Save(c), echofirestore.Update(c, countUp))
	})
	a.browser().post("/", withCookie("key"))
	if diff := cmp.Diff(map[string]any{"user": "alice", "mine": 1, "n": 2}, a.values("key")); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
}

// TestUpdateFails has handlers go on after an Update that could not be saved: nothing of it must be saved later.
func TestUpdateFails(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	a.put("key", map[string]any{"data": payload(a.clock.Now()), "max_age": nil})
	a.POST("/count", countOne)
	a.POST("/", func(c echo.Context) error {
		session(c).Values["mine"] = 1
		a.firestore.Inject(firestoretest.Fault{Method: "Commit", Err: status.Error(codes.PermissionDenied, "no")})
		if err := echofirestore.Update(c, countUp); status.Code(errors.Unwrap(err)) != codes.PermissionDenied {
			t.Errorf("error %v", err)
		}
		a.browser().post("/count", withCookie("key"))
		a.browser().post("/count", withCookie("key"))
		return nil
	})
	if got := a.browser().post("/", withCookie("key")); got.StatusCode != http.StatusOK {
		t.Errorf("status %d", got.StatusCode)
	}
	if diff := cmp.Diff(map[string]any{"user": "alice", "mine": 1, "n": 2}, a.values("key")); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
}

// TestUpdateThatFailsRenewsNothing: an empty ID asks for a new key, as with other gorilla stores. In an Update that fails, it is
// undone with the rest; one that the handler has asked for before is not.
func TestUpdateThatFailsRenewsNothing(t *testing.T) {
	t.Parallel()
	errNo := errors.New("no")
	for _, tt := range []struct {
		name    string
		before  func(echo.Context) error
		renewed bool
	}{
		{"nothing before", func(echo.Context) error { return nil }, false},
		{"Renew before", echofirestore.Renew, true},
		{"an empty ID before", func(c echo.Context) error { session(c).ID = ""; return nil }, true},
	} {
		for _, refused := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, refused by Firestore %t", tt.name, refused), func(t *testing.T) {
				t.Parallel()
				a := newApp(t)
				a.put("key", map[string]any{"data": payload(a.clock.Now()), "max_age": nil})
				a.POST("/", func(c echo.Context) error {
					if err := tt.before(c); err != nil {
						return err
					}
					if refused {
						a.firestore.Inject(firestoretest.Fault{Method: "Commit", Err: status.Error(codes.PermissionDenied, "no")})
					}
					err := echofirestore.Update(c, func(sess *sessions.Session) error {
						sess.ID = ""
						if refused {
							return nil
						}
						return errNo
					})
					if err == nil {
						t.Error("the Update succeeds")
					}
					session(c).Values["n"] = 1
					return nil
				})
				got := a.browser().post("/", withCookie("key"))
				key := got.cookie("__session").Value
				if (key != "key") != tt.renewed {
					t.Errorf("the key is %q", key)
				}
				if diff := cmp.Diff(map[string]any{"user": "alice", "n": 1}, a.values(key)); diff != "" {
					t.Errorf("values (-want +got):\n%s", diff)
				}
			})
		}
	}
}

// TestNoCookieOfAGoneSessionAfterAPanic saves a session, which another request then ends, and has an Update find that out before the handler
// panics. Whatever recovers from that outside of the middleware must not find the cookie in the header.
func TestNoCookieOfAGoneSessionAfterAPanic(t *testing.T) {
	t.Parallel()
	a := newBareApp(t)
	var header http.Header
	a.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if c.Path() == "/" {
				header = c.Response().Header()
				defer func() { _ = recover() }()
			}
			return next(c)
		}
	}, a.middleware())
	a.put("key", map[string]any{"data": payload(a.clock.Now()), "max_age": nil})
	a.POST("/logout", echofirestore.Destroy)
	a.POST("/", func(c echo.Context) error {
		if err := echofirestore.Update(c, countUp); err != nil {
			t.Error(err)
		}
		a.elsewhere().post("/logout", withCookie("key"))
		if err := echofirestore.Update(c, countUp); !errors.Is(err, echofirestore.ErrGone) {
			t.Errorf("error %v", err)
		}
		panic("trouble")
	})
	a.browser().post("/", withCookie("key"))
	if cookie := header.Get("Set-Cookie"); cookie != "" {
		t.Errorf("Set-Cookie: %s", cookie)
	}
}

// TestNoCookieAfterErrorResponse has a handler go on after the error response has begun: no new session can reach the
// client any more.
func TestNoCookieAfterErrorResponse(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	a.POST("/", func(c echo.Context) error {
		session(c).Values["n"] = 1
		a.firestore.Inject(firestoretest.Fault{Method: "Commit", Err: status.Error(codes.PermissionDenied, "no")})
		if err := c.NoContent(http.StatusOK); err != nil {
			return err
		}
		if err := echofirestore.Update(c, countUp); !errors.Is(err, echofirestore.ErrCommitted) {
			t.Errorf("error %v", err)
		}
		return nil
	})
	if got := a.browser().post("/"); got.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("status %d", got.StatusCode)
	}
	if docs := a.documents(); len(docs) != 0 {
		t.Errorf("documents %v", docs)
	}
}

// TestUpdate looks at what else Update promises.
func TestUpdate(t *testing.T) {
	t.Parallel()
	errNo := errors.New("no")
	for _, tt := range []struct {
		name     string
		document string // "": none
		other    string // what another request saves during the first run
		fail     bool   // in the last run
		runs     int
		want     map[string]any
	}{
		{
			name: "new session",
			runs: 1, want: map[string]any{"n": 1, "before": 1},
		},
		{
			name:     "undisturbed",
			document: `{"n": 4}`,
			runs:     1, want: map[string]any{"n": 5, "before": 1},
		},
		{
			name:     "runs again on what another request saved",
			document: `{"n": 4}`, other: `{"n": 7, "o": 1}`,
			runs: 2, want: map[string]any{"n": 8, "o": 1, "before": 1},
		},
		{
			name:     "an error undoes its changes and keeps those before",
			document: `{"n": 4}`,
			fail:     true,
			runs:     1, want: map[string]any{"n": 4, "before": 1},
		},
		{
			name:     "an error in the second run",
			document: `{"n": 4}`, other: `{"n": 7, "o": 1}`,
			fail: true,
			runs: 2, want: map[string]any{"n": 7, "o": 1, "before": 1},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t, func(cfg *echofirestore.Config) { cfg.KeyFactory = func() string { return "key" } })
			var request []func(*http.Request)
			if tt.document != "" {
				a.put("key", map[string]any{"data": `{"created": 1, "session": ` + tt.document + `}`, "max_age": nil})
				request = append(request, withCookie("key"))
			}
			runs := 0
			a.POST("/", func(c echo.Context) error {
				session(c).Values["before"] = 1
				err := echofirestore.Update(c, func(sess *sessions.Session) error {
					runs++
					n, _ := sess.Values["n"].(int)
					sess.Values["n"] = n + 1
					if runs == 1 && tt.other != "" {
						a.put("key", map[string]any{"data": `{"created": 1, "session": ` + tt.other + `}`, "max_age": nil})
					}
					if tt.fail && runs == tt.runs {
						return errNo
					}
					return nil
				})
				if errors.Is(err, errNo) != tt.fail || !tt.fail && err != nil {
					t.Errorf("error %v", err)
				}
				return nil
			})
			if got := a.browser().post("/", request...); got.StatusCode != http.StatusOK {
				t.Errorf("status %d", got.StatusCode)
			}
			if runs != tt.runs {
				t.Errorf("%d runs, want %d", runs, tt.runs)
			}
			if diff := cmp.Diff(tt.want, a.values("key")); diff != "" {
				t.Errorf("values (-want +got):\n%s", diff)
			}
		})
	}
}

// TestUpdateOfAGoneSession runs Updates of a session after the request was told that another one has ended it. Their functions see
// what it held, and that is stored no more.
func TestUpdateOfAGoneSession(t *testing.T) {
	t.Parallel()
	for name, fn := range map[string]func(*sessions.Session) error{
		"changes it":      countUp,
		"changes nothing": func(*sessions.Session) error { return nil },
		"refuses":         func(*sessions.Session) error { return errors.New("used") },
		"ends it":         func(sess *sessions.Session) error { sess.Options.MaxAge = -1; return nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t)
			a.put("key", map[string]any{"data": `{"created": 1, "session": {"n": 1}}`, "max_age": nil})
			a.POST("/logout", echofirestore.Destroy)
			a.POST("/", func(c echo.Context) error {
				session(c)
				a.elsewhere().post("/logout", withCookie("key"))
				for _, f := range []func(*sessions.Session) error{countUp, fn} {
					if err := echofirestore.Update(c, f); !errors.Is(err, echofirestore.ErrGone) {
						t.Errorf("error %v, want ErrGone", err)
					}
				}
				return c.NoContent(http.StatusOK)
			})
			if got := a.browser().post("/", withCookie("key")); got.StatusCode != http.StatusOK {
				t.Errorf("status %d", got.StatusCode)
			}
		})
	}
}

// TestErrorsOfUpdateComeBackAsTheyAre makes sure that Echo sees the status of an error that an Update returned.
func TestErrorsOfUpdateComeBackAsTheyAre(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	a.POST("/", func(c echo.Context) error {
		return echofirestore.Update(c, func(*sessions.Session) error { return echo.NewHTTPError(http.StatusTeapot) })
	})
	if got := a.browser().post("/"); got.StatusCode != http.StatusTeapot {
		t.Errorf("status %d", got.StatusCode)
	}
}

// TestTokenIsUsedOnce has one request use a token while another one is about to.
func TestTokenIsUsedOnce(t *testing.T) {
	t.Parallel()
	errUsed := echo.NewHTTPError(http.StatusConflict, "used")
	remove := func(sess *sessions.Session) { delete(sess.Values, "token") }
	for _, tt := range []struct {
		name   string
		values string
		use    func(*sessions.Session)
		want   error // of the one that comes second
	}{
		{name: "one value of two", values: `{"token": "x", "n": 1}`, use: remove, want: errUsed},
		{name: "the only value", values: `{"token": "x"}`, use: remove, want: errUsed},
		{
			name: "the session ends with it", values: `{"token": "x", "n": 1}`,
			use: func(sess *sessions.Session) { sess.Options.MaxAge = -1 }, want: echofirestore.ErrGone,
		},
		{
			name: "the session is emptied with it", values: `{"token": "x", "n": 1}`,
			use: func(sess *sessions.Session) { sess.Values = nil }, want: errUsed,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t)
			a.putSession("key", tt.values)
			use := func(c echo.Context, meanwhile func()) error {
				return echofirestore.Update(c, func(sess *sessions.Session) error {
					if sess.Values["token"] != "x" {
						return errUsed
					}
					tt.use(sess)
					meanwhile()
					return nil
				})
			}
			a.POST("/first", func(c echo.Context) error { return use(c, func() {}) })
			a.POST("/second", func(c echo.Context) error {
				err := use(c, func() {
					if got := a.browser().post("/first", withCookie("key")); got.StatusCode != http.StatusOK {
						t.Errorf("first: status %d: %s", got.StatusCode, got.body)
					}
				})
				if !errors.Is(err, tt.want) {
					t.Errorf("second: error %v, want %v", err, tt.want)
				}
				return err
			})
			if got := a.browser().post("/second", withCookie("key")); got.StatusCode != http.StatusConflict || got.cookie("__session") != nil {
				t.Errorf("second: status %d, cookie %v", got.StatusCode, got.cookie("__session"))
			}
		})
	}
}

// TestUpdateMayTakeLong runs a function for longer than Config.Timeout, which is for the calls to Firestore.
func TestUpdateMayTakeLong(t *testing.T) {
	t.Parallel()
	const timeout = 100 * time.Millisecond
	a := newApp(t, func(cfg *echofirestore.Config) { cfg.Timeout = timeout })
	a.putSession("key", `{"n": 0}`)
	a.POST("/", func(c echo.Context) error {
		return echofirestore.Update(c, func(sess *sessions.Session) error {
			ctx, cancel := context.WithTimeout(t.Context(), timeout)
			defer cancel()
			<-ctx.Done()
			sess.Values["n"] = 1
			return nil
		})
	})
	if got := a.browser().post("/", withCookie("key")); got.StatusCode != http.StatusOK {
		t.Errorf("status %d: %s", got.StatusCode, got.body)
	}
	if got := a.values("key")["n"]; got != 1 {
		t.Errorf("n = %v, want 1", got)
	}
}

// TestUpdateThatArrivesLate has the first commit of an Update arrive when the Update has given up on it and is at its
// second attempt, which must not count again.
func TestUpdateThatArrivesLate(t *testing.T) {
	t.Parallel()
	server, direct := firestoretest.Start(t)
	ref := direct.Collection(echofirestore.DefaultCollection).Doc("key")
	if _, err := ref.Create(t.Context(), map[string]any{"data": `{"created": 1, "session": {"n": 4}}`, "max_age": nil}); err != nil {
		t.Fatal(err)
	}
	commits := 0
	var first *pb.CommitRequest
	intercept := func(ctx context.Context, method string, req, resp any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		commit, ok := req.(*pb.CommitRequest)
		if !ok {
			return invoke(ctx, method, req, resp, conn, opts...)
		}
		switch commits++; commits {
		case 1:
			first = commit
			return status.Error(codes.Unavailable, "on its way")
		case 2: // the client's repetition
			return status.Error(codes.Aborted, "contention")
		case 3:
			if err := invoke(ctx, method, first, new(pb.CommitResponse), conn, opts...); err != nil {
				t.Errorf("the first commit: %v", err)
			}
		}
		return invoke(ctx, method, req, resp, conn, opts...)
	}
	conn, err := grpc.NewClient("passthrough:///"+server.Addr(),
		grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithUnaryInterceptor(intercept))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	client, err := firestore.NewClient(t.Context(), server.Project(), option.WithGRPCConn(conn))
	if err != nil {
		t.Fatal(err)
	}
	a := newApp(t, func(cfg *echofirestore.Config) { cfg.Client = client })
	a.POST("/", countOne)
	if got := a.browser().post("/", withCookie("key")); got.StatusCode != http.StatusOK {
		t.Errorf("status %d: %s", got.StatusCode, got.body)
	}
	snap, err := ref.Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	payload, err := echofirestore.DecodeJSON(snap.Data()["data"].(string))
	if err != nil || payload.Values["n"] != 5 {
		t.Errorf("values %v, error %v, want 5", payload.Values, err)
	}
}
