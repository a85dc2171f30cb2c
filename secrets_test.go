package echofirestore_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
)

// secret is what no error and no log may show.
const secret = "hunter2"

// blabber quotes itself in its errors.
type blabber string

func (b blabber) MarshalJSON() ([]byte, error) {
	return nil, fmt.Errorf("cannot marshal %q", string(b))
}

// blabberText does so where it marshals as text.
type blabberText string

func (b blabberText) MarshalText() ([]byte, error) {
	return nil, fmt.Errorf("cannot marshal %q", string(b))
}

// blabberKey does so where it is a key.
type blabberKey struct{ s string }

func (b blabberKey) MarshalText() ([]byte, error) { return nil, fmt.Errorf("cannot marshal %q", b.s) }

// TestValuesStaySecret stores values that cannot be encoded, and looks for them in errors, log and response.
func TestValuesStaySecret(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]any{
		"json.Number":             json.Number(secret),
		"json.Number, deep":       map[string]any{"pins": []any{json.Number(secret)}},
		"json.Number in a struct": struct{ PIN json.Number }{secret},
		"map by MarshalText":      struct{ M map[blabberKey]int }{map[blabberKey]int{{secret}: 1}},
		"json.RawMessage":         json.RawMessage(secret),
		"MarshalJSON":             blabber(secret),
		"MarshalJSON in a struct": struct{ PIN blabber }{secret},
		"MarshalText":             blabberText(secret),
		"MarshalText, deep":       []any{blabberText(secret)},
		"not UTF-8":               secret + "\xff",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t)
			a.POST("/save", func(c echo.Context) error {
				session(c).Values["pin"] = value
				err := echofirestore.Save(c)
				if err == nil || strings.Contains(err.Error(), secret) {
					t.Errorf("error %v", err)
				}
				return err
			})
			a.POST("/", set("pin", value))
			for _, path := range []string{"/save", "/"} {
				got := a.browser().post(path)
				if got.StatusCode != http.StatusInternalServerError || strings.Contains(got.body, secret) {
					t.Errorf("%s: status %d: %s", path, got.StatusCode, got.body)
				}
			}
			if log := a.log.String(); log == "" || strings.Contains(log, secret) {
				t.Errorf("log %s", log)
			}
		})
	}
}

// TestDocumentNamesStaySecret has Firestore quote the names of a call's documents in its error, as it does, and looks for
// them in what the caller and the log are told: the ID of a document may be the key of a session.
func TestDocumentNamesStaySecret(t *testing.T) {
	t.Parallel()
	const oldID, newID = "the-old-key", "the-new-key"
	save := func(c echo.Context, _ *echofirestore.Store) error { _ = session(c); return echofirestore.Save(c) }
	change := func(c echo.Context, s *echofirestore.Store) error { session(c).Values["n"] = 1; return save(c, s) }
	renew := func(c echo.Context, s *echofirestore.Store) error {
		return errors.Join(echofirestore.Renew(c), save(c, s))
	}
	destroy := func(c echo.Context, _ *echofirestore.Store) error { return echofirestore.Destroy(c) }
	for _, tt := range []struct {
		name    string
		method  string
		cookie  string
		handler func(echo.Context, *echofirestore.Store) error
		ids     []string // that the call is about
	}{
		{name: "load", method: "BatchGetDocuments", cookie: oldID, handler: save, ids: []string{oldID}},
		{name: "create", method: "Commit", handler: change, ids: []string{newID}},
		{name: "change", method: "Commit", cookie: oldID, handler: change, ids: []string{oldID}},
		{name: "touch", method: "Commit", cookie: oldID, handler: save, ids: []string{oldID}},
		{name: "renew", method: "Commit", cookie: oldID, handler: renew, ids: []string{oldID, newID}},
		{name: "destroy", method: "Commit", cookie: oldID, handler: destroy, ids: []string{oldID}},
		{name: "revoke one", method: "Commit", cookie: oldID, ids: []string{oldID}, handler: func(c echo.Context, s *echofirestore.Store) error {
			return s.Revoke(c.Request().Context(), "alice", s.SessionID(session(c)))
		}},
		{name: "revoke a user's", method: "Commit", ids: []string{oldID}, handler: func(c echo.Context, s *echofirestore.Store) error {
			_, err := s.RevokeUser(c.Request().Context(), "alice")
			return err
		}},
		{name: "revoke all", method: "Commit", ids: []string{oldID}, handler: func(c echo.Context, s *echofirestore.Store) error {
			_, err := s.RevokeAll(c.Request().Context())
			return err
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := newUserApp(t, func(cfg *echofirestore.Config) {
				cfg.TouchAfter, cfg.KeyFactory = time.Minute, func() string { return newID }
			})
			now := a.clock.Now()
			a.put(oldID, map[string]any{"data": payload(now), "max_age": 3600, "expire": now.Add(30 * time.Minute), "user": "alice"})
			var told error
			a.POST("/", func(c echo.Context) error {
				told = tt.handler(c, a.store)
				return told
			})
			quoting := "no permission for echo_sessions/" + strings.Join(tt.ids, " or echo_sessions/")
			a.firestore.Inject(firestoretest.Fault{Method: tt.method, Times: -1, Err: status.Error(codes.PermissionDenied, quoting)})
			got := a.browser().post("/", withCookie(tt.cookie))
			all := fmt.Sprint(told, got.body, a.log)
			if want := strings.Join(slices.Repeat([]string{"echo_sessions/[session]"}, len(tt.ids)), " or "); !strings.Contains(all, want) {
				t.Errorf("%q is not told: %s", want, all)
			}
			for _, id := range tt.ids {
				if strings.Contains(all, id) {
					t.Errorf("%s is told: %s", id, all)
				}
			}
		})
	}
}
