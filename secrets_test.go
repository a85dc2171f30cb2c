package echofirestore_test

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/sessions"
	"github.com/labstack/echo/v4"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/prototext"

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

// quoting is how servers and clients write a name into a message.
var quoting = map[string]func(name string) string{
	"plain":          func(name string) string { return name },
	"quoted":         strconv.Quote,
	"quoted, ASCII":  strconv.QuoteToASCII,
	"in a URL":       url.PathEscape,
	"in a query":     url.QueryEscape,
	"in a URL twice": func(name string) string { return url.QueryEscape(url.PathEscape(name)) },
	"all escaped": func(name string) string {
		var escaped strings.Builder
		for _, b := range []byte(name) {
			fmt.Fprintf(&escaped, "%%%02x", b)
		}
		return escaped.String()
	},
	"octal": func(name string) string {
		var escaped strings.Builder
		for _, b := range []byte(name) {
			fmt.Fprintf(&escaped, `\%03o`, b)
		}
		return strconv.Quote(escaped.String())
	},
	"JSON": func(name string) string {
		var escaped strings.Builder
		for _, r := range name {
			fmt.Fprintf(&escaped, `\u%04X`, r)
		}
		return escaped.String()
	},
}

// TestDocumentNamesStaySecret has Firestore quote the names of a call's documents in its error, as it does, and looks for
// them in what the caller and the log are told, anywhere in the chain of errors: the ID of a document may be the key of a
// session.
func TestDocumentNamesStaySecret(t *testing.T) {
	t.Parallel()
	const oldKey, newKey = "the.old-key!%41", "the$new&key%42"
	save := func(c echo.Context, _ *echofirestore.Store, sess *sessions.Session) error {
		return sess.Save(c.Request(), c.Response())
	}
	change := func(c echo.Context, s *echofirestore.Store, sess *sessions.Session) error {
		sess.Values["n"] = 1
		return save(c, s, sess)
	}
	for _, tt := range []struct {
		name    string
		method  string
		new     bool   // there is no session yet
		session string // its name, if it is not the usual one
		handler func(echo.Context, *echofirestore.Store, *sessions.Session) error
		ids     []string // that the call is about
	}{
		{name: "load", method: "BatchGetDocuments", handler: save, ids: []string{oldKey}},
		{name: "create", method: "Commit", new: true, handler: change, ids: []string{newKey}},
		{name: "change", method: "Commit", handler: change, ids: []string{oldKey}},
		{name: "touch", method: "Commit", handler: save, ids: []string{oldKey}},
		{name: "load another", method: "BatchGetDocuments", session: "prefs", handler: save, ids: []string{"~prefs:" + oldKey, oldKey}},
		{name: "create another", method: "Commit", session: "prefs", new: true, handler: change, ids: []string{"~prefs:" + newKey}},
		{name: "change another", method: "Commit", session: "prefs", handler: change, ids: []string{"~prefs:" + oldKey}},
		{name: "renew", method: "Commit", ids: []string{oldKey, newKey}, handler: func(c echo.Context, s *echofirestore.Store, sess *sessions.Session) error {
			return errors.Join(echofirestore.Renew(c), save(c, s, sess))
		}},
		{name: "destroy", method: "Commit", ids: []string{oldKey}, handler: func(c echo.Context, _ *echofirestore.Store, _ *sessions.Session) error {
			return echofirestore.Destroy(c)
		}},
		{name: "list", method: "RunQuery", ids: []string{oldKey}, handler: func(c echo.Context, s *echofirestore.Store, _ *sessions.Session) error {
			_, err := s.Sessions(c.Request().Context(), "alice")
			return err
		}},
		{name: "revoke one", method: "Commit", ids: []string{oldKey}, handler: func(c echo.Context, s *echofirestore.Store, sess *sessions.Session) error {
			return s.Revoke(c.Request().Context(), "alice", s.SessionID(sess))
		}},
		{name: "revoke a user's", method: "Commit", ids: []string{oldKey}, handler: func(c echo.Context, s *echofirestore.Store, _ *sessions.Session) error {
			_, err := s.RevokeUser(c.Request().Context(), "alice")
			return err
		}},
		{name: "revoke all", method: "Commit", ids: []string{oldKey}, handler: func(c echo.Context, s *echofirestore.Store, _ *sessions.Session) error {
			_, err := s.RevokeAll(c.Request().Context())
			return err
		}},
	} {
		for form, quote := range quoting {
			t.Run(tt.name+"/"+form, func(t *testing.T) {
				t.Parallel()
				a := newUserApp(t, func(cfg *echofirestore.Config) {
					cfg.TouchAfter, cfg.KeyFactory = time.Minute, func() string { return newKey }
				})
				name, id := cmp.Or(tt.session, "__session"), oldKey
				if tt.session != "" {
					id = "~" + name + ":" + oldKey
				}
				now := a.clock.Now()
				a.put(id, map[string]any{"data": payload(now), "max_age": 3600, "expire": now.Add(30 * time.Minute), "user": "alice"})
				var told error
				a.POST("/", func(c echo.Context) error {
					sess, err := a.store.Get(c.Request(), name)
					if told = err; err == nil {
						told = tt.handler(c, a.store, sess)
					}
					return told
				})
				message, resource := "no permission for", ""
				for _, id := range tt.ids {
					resource = a.collection().Doc(id).Path
					message += " " + quote(resource) + " alias " + quote("echo_sessions/"+id)
				}
				refusal, err := status.New(codes.PermissionDenied, message).WithDetails(&errdetails.ResourceInfo{ResourceName: resource})
				if err != nil {
					t.Fatal(err)
				}
				a.firestore.Inject(firestoretest.Fault{Method: tt.method, Times: -1, Err: refusal.Err()})
				got := a.browser().post("/", func(r *http.Request) {
					if !tt.new {
						r.Header.Set("Cookie", name+"="+oldKey)
					}
				})
				all := fmt.Sprint(got.body, a.log, strings.Join(everything(told), "\n"))
				if tt.name != "touch" && status.Code(told) != codes.PermissionDenied || !strings.Contains(all, "no permission for ") {
					t.Errorf("error %v", told)
				}
				for _, key := range []string{oldKey, newKey} {
					for _, quote := range quoting {
						if strings.Contains(all, strings.Trim(quote(key), `"`)) {
							t.Errorf("%s is told: %s", key, all)
						}
					}
				}
			})
		}
	}
}

// everything returns what an error says, and all those in its chain.
func everything(err error) []string {
	if err == nil {
		return nil
	}
	texts := []string{err.Error(), fmt.Sprintf("%+v %#v", err, err)}
	if s, ok := err.(interface{ GRPCStatus() *status.Status }); ok {
		texts = append(texts, prototext.Format(s.GRPCStatus().Proto()))
	}
	switch err := err.(type) { //nolint:errorlint // the chain is walked
	case interface{ Unwrap() error }:
		texts = append(texts, everything(err.Unwrap())...)
	case interface{ Unwrap() []error }:
		for _, err := range err.Unwrap() {
			texts = append(texts, everything(err)...)
		}
	}
	return texts
}

// TestOddKeysStaySecret sets a value under a key that is no string: it may be a secret as well.
func TestOddKeysStaySecret(t *testing.T) {
	t.Parallel()
	for name, key := range map[string]any{"struct": struct{ PIN string }{secret}, "a string's kind": blabber(secret)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t)
			var told error
			a.POST("/", func(c echo.Context) error {
				session(c).Values[key] = 1
				told = echofirestore.Save(c)
				return told
			})
			got := a.browser().post("/")
			if all := fmt.Sprint(got.body, a.log, everything(told)); got.StatusCode != http.StatusInternalServerError || strings.Contains(all, secret) {
				t.Errorf("status %d: %s", got.StatusCode, all)
			}
		})
	}
}
