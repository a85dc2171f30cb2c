package echofirestore_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/gorilla/sessions"
	"github.com/labstack/echo/v4"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
)

// FuzzCookie sends any cookies at all through the middleware. Whatever they are, the handler gets a new and empty session,
// and Firestore is asked for at most three documents of each name, which it would all take for IDs.
func FuzzCookie(f *testing.F) {
	for _, value := range []string{
		"", "abc", "nVHYgkJbqUcpd6VLN8ui6mUAmCu1zSLs9HnC2Q5Cr4w", "a/b", ".", "..", "...", "__", "___", "____", "__x__", "__x", "~prefs:x", "~",
		"日本語", "\xff\xfe", "a b", `"quoted"`, `"half`, "a;b", "a,b", "a=b", "%2F", "%", "a\\b", "a\x00b", "a\r\nb", "x; __session=a/b",
		`"."`, `"__x__"`, strings.Repeat("k", 1500), strings.Repeat("k", 1501), strings.Repeat("k", 10000),
	} {
		f.Add(value, value+"2", "a")
		f.Add("", value, value)
	}
	server, client := firestoretest.Start(f)
	store, err := echofirestore.NewStore(echofirestore.Config{Client: client})
	if err != nil {
		f.Fatal(err)
	}
	names := []string{echofirestore.DefaultCookieName, "other"}
	e := echo.New()
	e.Use(store.Middleware())
	e.GET("/", func(c echo.Context) error {
		for _, name := range names {
			sess, err := store.Get(c.Request(), name)
			if err != nil {
				return err
			}
			if !sess.IsNew || sess.ID != "" || len(sess.Values) > 0 {
				return c.String(http.StatusTeapot, "a client's key was adopted")
			}
		}
		return nil
	})
	reserved := regexp.MustCompile(`(?s)^__.*__$`)
	ordinary := regexp.MustCompile(`^[0-9A-Za-z]{1,43}$`)
	refused := func(id string) bool {
		return id == "" || id == "." || id == ".." || strings.Contains(id, "/") || reserved.MatchString(id) ||
			len(id) > 1500 || !utf8.ValidString(id)
	}
	f.Fuzz(func(t *testing.T, first, second, third string) {
		req := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
		for _, name := range names {
			for _, value := range []string{first, second, third} {
				req.Header.Add("Cookie", name+"="+value)
			}
		}
		var askable, ordinaries int
		for _, name := range names {
			possible, certain := make(map[string]bool), make(map[string]bool)
			for _, cookie := range req.CookiesNamed(name) {
				if !refused(cookie.Value) {
					possible[cookie.Value] = true
				}
				if ordinary.MatchString(cookie.Value) {
					certain[cookie.Value] = true
				}
			}
			askable += min(len(possible), 3)
			ordinaries += min(len(certain), 3)
		}
		rec := httptest.NewRecorder()
		server.ResetOps()
		e.ServeHTTP(rec, req)
		if rec.Code != http.StatusOK {
			t.Errorf("status %d: %s", rec.Code, rec.Body)
		}
		if cookies := rec.Header()["Set-Cookie"]; cookies != nil {
			t.Errorf("answered with %q", cookies)
		}
		calls := server.Calls()
		gets := calls["BatchGetDocuments"]
		if gets > askable || len(calls) > min(gets, 1) {
			t.Errorf("calls %v, and there are %d possible IDs", calls, askable)
		}
		if gets < ordinaries {
			t.Errorf("%d reads, and there are %d ordinary keys", gets, ordinaries)
		}
	})
}

// FuzzSignedCookie sends any cookies at all to a store that signs its own, and behind them one that it has signed: Firestore
// is asked for that alone.
func FuzzSignedCookie(f *testing.F) {
	server, client := firestoretest.Start(f)
	store, err := echofirestore.NewStore(echofirestore.Config{Client: client, SigningKeys: [][]byte{hashKey, blockKey, newHashKey, nil}})
	if err != nil {
		f.Fatal(err)
	}
	for _, value := range []string{
		"", "abc", "nVHYgkJbqUcpd6VLN8ui6mUAmCu1zSLs9HnC2Q5Cr4w", "MTcwMDAwMDAwMHxZV0pqfA==", strings.Repeat("A", 5000),
		sign("__session", "abc", hashKey, 1700000000), sign("__session", "abc", []byte("guess"), 1700000000), sign("prefs", "abc", newHashKey, 1),
	} {
		f.Add(value, value)
		f.Add("", value+"2")
	}
	if _, err := client.Collection(echofirestore.DefaultCollection).Doc("signed").Set(f.Context(), map[string]any{
		"data": `{"created": 1, "session": {"user": "alice"}}`, "max_age": nil,
	}); err != nil {
		f.Fatal(err)
	}
	mine := sign("__session", "signed", newHashKey, 1700000000)
	f.Fuzz(func(t *testing.T, first, second string) {
		req := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
		req.Header.Add("Cookie", "__session="+first)
		req.Header.Add("Cookie", "__session="+second)
		server.ResetOps()
		sess, err := store.New(req, "__session")
		if err != nil || !sess.IsNew || sess.ID != "" || len(sess.Values) > 0 {
			t.Errorf("session %+v, error %v", sess, err)
		}
		if calls := server.Calls(); len(calls) > 0 {
			t.Errorf("calls %v", calls)
		}
		req.Header.Add("Cookie", "__session="+mine)
		if sess, err := store.New(req, "__session"); err != nil || sess.ID != "signed" {
			t.Errorf("session %+v, error %v", sess, err)
		}
		if calls := server.Calls(); calls["BatchGetDocuments"] != 1 || len(calls) != 1 {
			t.Errorf("calls %v", calls)
		}
	})
}

// FuzzDocument stores any document at all under a session's key. It is a session, or counts as none; whichever it is, it
// can be read, changed and saved, and what is saved can be read again.
func FuzzDocument(f *testing.F) {
	for _, data := range []string{
		"", "{}", "null", `{"created":1,"session":{}}`, `{"created":1,"session":{"n":1}}`, `{"created":1.5,"session":{}}`,
		`{"created":1,"session":{"n":[[[[{"a":null}]]]],"é":"\ud83d\ude00"}}`, `{"created":1,"session":[]}`, `{"created":1e400,"session":{}}`,
		`{"created":1,"created":2,"session":{"a":1,"a":2}}`, "{\"created\":1,\"session\":{\"\xff\":1}}",
	} {
		for kind := range uint8(7) {
			f.Add(data, kind, int64(60), int64(4102444800), "alice", "1.abc 2.def")
		}
	}
	now := time.Unix(1800000000, 0)
	_, client := firestoretest.Start(f)
	store, err := echofirestore.NewStore(echofirestore.Config{
		Client: client, UserKey: "user", TouchAfter: time.Second, Lifetime: 1 << 62, Now: func() time.Time { return now },
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		f.Fatal(err)
	}
	collection := client.Collection(echofirestore.DefaultCollection)
	f.Fuzz(func(t *testing.T, data string, kind uint8, maxAge, expire int64, user, write string) {
		for _, text := range []string{data, user, write} {
			if !utf8.ValidString(text) {
				return // Firestore holds no such text
			}
		}
		const latest = 253402300799 // the year 9999
		fields := map[string]any{"data": data, "max_age": maxAge, "user": user, "write": write}
		fields["expire"] = time.Unix(max(-62135596800, min(expire, latest)), 0)
		switch kind % 7 {
		case 1:
			fields["max_age"] = nil
		case 2:
			fields["max_age"] = float64(maxAge)
		case 3:
			delete(fields, "max_age")
			fields["expire"] = "never"
		case 4:
			fields["data"] = []byte(data)
		case 5:
			delete(fields, "expire")
		case 6:
			fields["user"], fields["write"], fields["started"] = []any{user}, maxAge, fields["expire"]
		}
		ref := collection.NewDoc()
		if _, err := ref.Set(t.Context(), fields); err != nil {
			return // Firestore holds no such document
		}
		open := func(key string) *sessions.Session {
			req := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
			req.AddCookie(&http.Cookie{Name: "__session", Value: key})
			sess, err := store.New(req, "__session")
			if err != nil {
				t.Fatalf("%v: %v", fields, err)
			}
			return sess
		}
		sess := open(ref.ID)
		if sess.IsNew != (sess.ID == "") || sess.IsNew && len(sess.Values) > 0 {
			t.Errorf("%v: session %+v", fields, sess)
		}
		sess.Values["n"] = "changed"
		sess.Options.MaxAge = 0
		rec := httptest.NewRecorder()
		if err := store.Save(httptest.NewRequest(http.MethodGet, "/", http.NoBody), rec, sess); err != nil {
			t.Fatalf("%v: %v", fields, err)
		}
		again := open(sess.ID)
		if again.IsNew || again.Values["n"] != "changed" || len(again.Values) != len(sess.Values) {
			t.Errorf("%v: saved %v, read %v", fields, sess.Values, again.Values)
		}
	})
}
