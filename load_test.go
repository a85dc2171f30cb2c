package echofirestore_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/firestore"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
	"github.com/echofirestore/echofirestore/internal/testclock"
)

// TestLoad puts documents into Firestore and looks at the sessions that a handler gets for them.
func TestLoad(t *testing.T) {
	t.Parallel()
	now := testclock.New().Now()
	alice := map[string]any{"user": "alice"}
	old := func(maxAge int) seen { return seen{ID: "key", MaxAge: maxAge, Values: alice} }
	fresh := seen{IsNew: true, MaxAge: 3600, Values: map[string]any{}}

	type test struct {
		name     string
		document map[string]any
		advance  time.Duration
		lifetime time.Duration
		want     seen
		deleted  bool
	}
	tests := []test{
		{
			name:     "complete document",
			document: map[string]any{"data": payload(now), "max_age": 60, "expire": now.Add(time.Minute)},
			want:     old(60),
		},
		{
			name:     "browser session",
			document: map[string]any{"data": payload(now), "max_age": nil},
			advance:  10 * 365 * 24 * time.Hour,
			want:     old(0),
		},
		{
			name:     "fields of others are ignored",
			document: map[string]any{"data": payload(now), "max_age": nil, "note": "mine"},
			want:     old(0),
		},
		{
			name:     "a microsecond before expire",
			document: map[string]any{"data": payload(now), "max_age": 60, "expire": now.Add(time.Microsecond)},
			want:     old(60),
		},
		{
			name:     "expire is now",
			document: map[string]any{"data": payload(now), "max_age": 60, "expire": now},
			want:     fresh,
			deleted:  true,
		},
		{
			name:     "expire is past, in another time zone",
			document: map[string]any{"data": payload(now), "max_age": 60, "expire": now.Add(-time.Second).In(time.FixedZone("east", 9*60*60))},
			want:     fresh,
			deleted:  true,
		},
		{
			name:     "expired and malformed",
			document: map[string]any{"data": "NOT JSON", "expire": now.Add(-time.Hour)},
			want:     fresh,
			deleted:  true,
		},
		{
			name:     "expire outlives max_age after created",
			document: map[string]any{"data": payload(now.Add(-time.Hour)), "max_age": 60, "expire": now.Add(time.Second)},
			want:     old(60),
		},
		{
			name:     "expire is no timestamp",
			document: map[string]any{"data": payload(now), "max_age": nil, "expire": "tomorrow"},
			want:     old(0),
		},
		{
			name:     "legacy document, within the default max age",
			document: map[string]any{"data": payload(now)},
			advance:  59 * time.Minute,
			want:     old(3600),
		},
		{
			name:     "legacy document, past the default max age",
			document: map[string]any{"data": payload(now)},
			advance:  61 * time.Minute,
			want:     fresh,
			deleted:  true,
		},
		{
			name:     "max_age without expire, over",
			document: map[string]any{"data": payload(now), "max_age": 60},
			advance:  time.Minute,
			want:     fresh,
			deleted:  true,
		},
		{
			name:     "Lifetime not over",
			document: map[string]any{"data": payload(now), "max_age": nil, "started": now.Add(-59 * time.Minute)},
			lifetime: time.Hour,
			want:     old(0),
		},
		{
			name:     "Lifetime over, whatever expire says",
			document: map[string]any{"data": payload(now), "max_age": 60, "expire": now.Add(time.Hour), "started": now.Add(-time.Hour)},
			lifetime: time.Hour,
			want:     fresh,
			deleted:  true,
		},
		{
			name:     "Lifetime over since the document was created",
			document: map[string]any{"data": payload(now), "max_age": nil},
			advance:  2 * time.Hour, // for the server's clock is ahead of a test that had to wait for others
			lifetime: time.Hour,
			want:     fresh,
			deleted:  true,
		},
		{name: "no data", document: map[string]any{"other": "value"}, want: fresh},
		{name: "data is no string", document: map[string]any{"data": 7}, want: fresh},
		{name: "data is bytes", document: map[string]any{"data": []byte(payload(now))}, want: fresh},
		{name: "data is not JSON", document: map[string]any{"data": "NOT-VALID-JSON!!!"}, want: fresh},
		{name: "data is cut off", document: map[string]any{"data": payload(now)[:20]}, want: fresh},
		{name: "data goes on", document: map[string]any{"data": payload(now) + "{}"}, want: fresh},
		{name: "max_age is a double", document: map[string]any{"data": payload(now), "max_age": 60.0}, want: fresh},
		{name: "max_age is a string", document: map[string]any{"data": payload(now), "max_age": "60"}, want: fresh},
		{name: "max_age is a boolean", document: map[string]any{"data": payload(now), "max_age": true}, want: fresh},
	}
	for _, bad := range []string{
		`null`, `false`, `1`, `"text"`, `[]`, `[1]`, `{}`,
		`{"session": {"user": "alice"}}`,
		`{"created": 1}`,
		`{"created": null, "session": {}}`,
		`{"created": true, "session": {}}`,
		`{"created": "yesterday", "session": {}}`,
		`{"created": 1.5, "session": {}}`,
		`{"created": 1, "session": null}`,
		`{"created": 1, "session": 1}`,
		`{"created": 1, "session": "text"}`,
		`{"created": 1, "session": [["user", "alice"]]}`,
	} {
		tests = append(tests, test{name: "data is " + bad, document: map[string]any{"data": bad}, want: fresh})
	}

	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t, func(cfg *echofirestore.Config) { cfg.Lifetime = tt.lifetime })
			a.clock.Set(now)
			a.GET("/", see)
			a.put("key", tt.document)
			a.clock.Advance(tt.advance)
			reply := a.browser().get("/", withCookie("key"))
			var got seen
			if err := json.Unmarshal([]byte(reply.body), &got); err != nil {
				t.Fatalf("%s: %v", reply.body, err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("session (-want +got):\n%s", diff)
			}
			if _, there := a.documents()["key"]; there == tt.deleted {
				t.Errorf("document there: %v, want %v", there, !tt.deleted)
			}
			if c := reply.cookie("__session"); c != nil {
				t.Errorf("reading set the cookie %v", c)
			}
			for _, secret := range []string{"key", "alice", "NOT-VALID"} {
				if strings.Contains(a.log.String(), secret) {
					t.Errorf("the log tells %q: %s", secret, a.log)
				}
			}
		})
	}
}

// TestExpiredIsDeletedAsRead changes an expired document between its read and its deletion.
func TestExpiredIsDeletedAsRead(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name      string
		meanwhile func(*testing.T, *firestore.DocumentRef, time.Time)
		survives  bool
	}{
		{name: "nothing", meanwhile: func(*testing.T, *firestore.DocumentRef, time.Time) {}},
		{
			name: "refresh",
			meanwhile: func(t *testing.T, ref *firestore.DocumentRef, now time.Time) {
				if _, err := ref.Update(t.Context(), []firestore.Update{{Path: "expire", Value: now.Add(time.Hour)}}); err != nil {
					t.Error(err)
				}
			},
			survives: true,
		},
		{
			name: "delete",
			meanwhile: func(t *testing.T, ref *firestore.DocumentRef, _ time.Time) {
				if _, err := ref.Delete(t.Context()); err != nil {
					t.Error(err)
				}
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t)
			a.GET("/", see)
			ref := a.put("key", map[string]any{"data": payload(a.clock.Now()), "max_age": 60, "expire": a.clock.Now()})
			a.firestore.Inject(firestoretest.Fault{Method: "Commit", Do: func() { tt.meanwhile(t, ref, a.clock.Now()) }})
			alive := fmt.Sprintf(`"isNew":%v`, !tt.survives)
			if got := a.browser().get("/", withCookie("key")); got.StatusCode != http.StatusOK || !strings.Contains(got.body, alive) {
				t.Errorf("status %d, body %s, want %s", got.StatusCode, got.body, alive)
			}
			if _, there := a.documents()["key"]; there != tt.survives {
				t.Errorf("document there: %v, want %v", there, tt.survives)
			}
		})
	}
}

func TestExpiredThatCannotBeDeletedIsAnError(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	a.GET("/", see)
	a.put("key", map[string]any{"data": payload(a.clock.Now()), "max_age": 60, "expire": a.clock.Now()})
	a.firestore.Inject(firestoretest.Fault{Method: "Commit", Err: status.Error(codes.PermissionDenied, "no")})
	if got := a.browser().get("/", withCookie("key")); got.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("status %d, want 503", got.StatusCode)
	}
}

// TestInvalidCookie sends cookies that no session can have: Firestore must not hear of them.
func TestInvalidCookie(t *testing.T) {
	t.Parallel()
	for _, p := range protections[:2] { // none, and the one that hashes keys
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t, p.configure(t))
			a.GET("/", see)
			a.POST("/out", echofirestore.Destroy)
			b := a.browser()
			for name, cookie := range map[string]string{
				"empty":              "",
				"slash":              "a/b",
				"slashes":            "a/b/c",
				"dot":                ".",
				"dots":               "..",
				"reserved":           "__reserved__",
				"too long":           strings.Repeat("x", 1501),
				"too long in UTF-8":  strings.Repeat("é", 751),
				"not UTF-8":          "\xff\xfe",
				"lone surrogate":     "\xed\xa0\x80",
				"key of other names": "~prefs:key",
			} {
				t.Run(name, func(t *testing.T) {
					got := b.get("/", withCookie(cookie))
					if got.StatusCode != http.StatusOK || !strings.Contains(got.body, `"id":"","isNew":true`) {
						t.Errorf("status %d, body %s", got.StatusCode, got.body)
					}
					if got := b.post("/out", withCookie(cookie)); got.StatusCode != http.StatusOK {
						t.Errorf("ended: status %d, body %s", got.StatusCode, got.body)
					}
				})
			}
			if calls := a.firestore.Calls(); len(calls) != 0 {
				t.Errorf("Firestore was called: %v", calls)
			}
		})
	}
}

// TestKeysOfAllOrigins loads sessions under keys that this package would not issue itself.
func TestKeysOfAllOrigins(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	a.GET("/", see)
	for _, key := range []string{
		"kX5pJ0rT3mVwYz8QbN2c",                        // Firestore's auto IDs
		"wJ3mA4pQzK7rT1xV9nB5cD2eF6gH8iL0wJ3mA4pQzK7", // secrets.token_urlsafe(32)
		"2f1e0d3c4b5a69788796a5b4c3d2e1f0",            // uuid4().hex
		strings.Repeat("k", 1500),
		"sess:1~x", "_", "...",
	} {
		a.put(key, map[string]any{"data": payload(a.clock.Now()), "max_age": nil})
		if got := a.browser().get("/", withCookie(key)); !strings.Contains(got.body, `"user":"alice"`) {
			t.Errorf("key %.50q: status %d, body %s", key, got.StatusCode, got.body)
		}
	}
}
