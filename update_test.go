package echofirestore_test

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/firestore"
	"github.com/google/go-cmp/cmp"
	"github.com/gorilla/sessions"
	"github.com/labstack/echo/v4"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
)

// countUp is what a handler has Update do.
func countUp(sess *sessions.Session) error {
	n, _ := sess.Values["n"].(int)
	sess.Values["n"] = n + 1
	return nil
}

func countOne(c echo.Context) error { return echofirestore.Update(c, countUp) }

// TestUpdateCountsOnce has Update's commit applied and answered as unavailable, so that the client repeats it, and
// others write to the session before that.
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
					a.browser().post("/count", withCookie("key"))
				}
			},
			want: map[string]any{"user": "alice", "n": 31},
		},
		{
			name: "others set a value",
			meanwhile: func(_ *testing.T, a *app) {
				a.browser().post("/set", withCookie("key"))
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
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t)
			a.put("key", map[string]any{"data": payload(a.clock.Now()), "max_age": nil})
			a.POST("/count", countOne)
			a.POST("/set", set("k", 1))
			a.firestore.Inject(firestoretest.Fault{
				Method: "Commit", After: true, Err: status.Error(codes.Unavailable, "went away"),
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

// TestUpdateForgetsOldWrites sees to it that a document does not remember every Update that there ever was.
func TestUpdateForgetsOldWrites(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	recent := strconv.FormatInt(time.Now().Add(-5*time.Second).Unix(), 36) + ".ABCDEFG"
	a.put("key", map[string]any{"data": payload(a.clock.Now()), "max_age": nil, "write": "OLD 100000.ABCDEFG " + recent})
	a.POST("/", countOne)
	a.browser().post("/", withCookie("key"))
	if got := strings.Fields(a.documents()["key"]["write"].(string)); len(got) != 2 || got[0] != recent {
		t.Errorf("write IDs %q", got)
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
