package document

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/firestore"
)

var noon = time.Date(2100, 1, 1, 12, 0, 0, 0, time.UTC)

// encode and decode are a codec: the library's own is tested where it stands.
func encode(p Payload) (string, error) {
	text, err := json.Marshal(p)
	return string(text), err
}

func decode(text string) (Payload, error) {
	var p Payload
	err := json.Unmarshal([]byte(text), &p)
	return p, err
}

func layout(change func(*Layout)) *Layout {
	l := &Layout{Collection: "sessions", Encoder: encode, Decoder: decode}
	if change != nil {
		change(l)
	}
	return l
}

func TestParse(t *testing.T) {
	t.Parallel()
	began := noon.Add(-time.Hour)
	data := `{"Created": ` + "4102484400" + `, "Values": {"n": "1"}}` // an hour before noon
	limited := layout(func(l *Layout) { l.MaxAge = 7200 })
	tests := []struct {
		name      string
		layout    *Layout
		fields    map[string]any
		expire    time.Time
		maxAge    int
		malformed string
		expired   bool
	}{
		{name: "a browser session", fields: map[string]any{"data": data, "max_age": nil}},
		{name: "a browser session, with a MaxAge", layout: limited, fields: map[string]any{"data": data, "max_age": nil}},
		{
			name:   "one that expires",
			fields: map[string]any{"data": data, "max_age": int64(60), "expire": noon.Add(time.Second)},
			expire: noon.Add(time.Second), maxAge: 60,
		},
		{name: "expired", fields: map[string]any{"data": data, "max_age": int64(60), "expire": noon}, expired: true},
		{name: "expired, and malformed", fields: map[string]any{"expire": noon}, expired: true},
		{
			name:   "a max age, and no expire",
			fields: map[string]any{"data": data, "max_age": int64(3601)}, expire: noon.Add(time.Second), maxAge: 3601,
		},
		{name: "a max age that is over, and no expire", fields: map[string]any{"data": data, "max_age": int64(3600)}, expired: true},
		{name: "no max age: the Config's", layout: limited, fields: map[string]any{"data": data}, expire: began.Add(2 * time.Hour), maxAge: 7200},
		{name: "neither has one", fields: map[string]any{"data": data}},
		{
			name: "beyond its Lifetime", layout: layout(func(l *Layout) { l.Lifetime = time.Hour }),
			fields: map[string]any{"data": data, "max_age": nil}, expired: true,
		},
		{
			name: "its Lifetime ends before it expires", layout: layout(func(l *Layout) { l.Lifetime = 2 * time.Hour }),
			fields: map[string]any{"data": data, "max_age": int64(60), "expire": noon.Add(3 * time.Hour)},
			expire: noon.Add(time.Hour), maxAge: 60,
		},
		{
			name: "its Lifetime counts from started", layout: layout(func(l *Layout) { l.Lifetime = time.Hour }),
			fields: map[string]any{"data": data, "max_age": nil, "started": noon.Add(-time.Minute)},
			expire: noon.Add(59 * time.Minute),
		},
		{name: "a negative max age", fields: map[string]any{"data": data, "max_age": int64(-1), "expire": noon.Add(1)}, expire: noon.Add(1)},
		{
			name:   "a max age beyond all limits",
			fields: map[string]any{"data": data, "max_age": int64(1) << 40, "expire": noon.Add(1)}, expire: noon.Add(1), maxAge: MaxMaxAge,
		},
		{name: "no data", fields: map[string]any{"max_age": nil}, malformed: "data is not a string"},
		{name: "data of another type", fields: map[string]any{"data": int64(1)}, malformed: "data is not a string"},
		{name: "data that does not decode", fields: map[string]any{"data": "x"}, malformed: "data does not decode"},
		{name: "a max age of another type", fields: map[string]any{"data": data, "max_age": 1.5}, malformed: "max_age is neither"},
		{
			name: "data that is not encrypted", layout: layout(func(l *Layout) { l.AEAD = xor{} }),
			fields: map[string]any{"data": data}, malformed: "data does not decrypt",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := tt.layout
			if l == nil {
				l = layout(nil)
			}
			doc, err := l.Parse(Stored{ID: "a", Fields: tt.fields, Created: began, Updated: noon}, noon)
			bad, malformed := errors.AsType[*MalformedError](err)
			switch {
			case tt.expired:
				if !errors.Is(err, ErrExpired) {
					t.Errorf("%v, want %v", err, ErrExpired)
				}
			case tt.malformed != "":
				if !malformed || !strings.Contains(bad.Reason, tt.malformed) || !bad.Updated.Equal(noon) {
					t.Errorf("%v, want %q", err, tt.malformed)
				}
			case err != nil:
				t.Error(err)
			case !doc.Expire.Equal(tt.expire) || doc.MaxAge != tt.maxAge || !reflect.DeepEqual(doc.Values, map[string]any{"n": "1"}):
				t.Errorf("%+v, want the expiry %v and the max age %d", doc, tt.expire, tt.maxAge)
			}
		})
	}
}

// TestNext lets a document follow another, and reads what would be stored.
func TestNext(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		layout *Layout
		prev   *Document
		maxAge int
		want   map[string]any // but data
		failed string
	}{
		{name: "new", maxAge: 60, want: map[string]any{"max_age": int64(60), "expire": noon.Add(time.Minute)}},
		{name: "new, for as long as the browser runs", want: map[string]any{"max_age": nil}},
		{
			name: "new, with a Lifetime", layout: layout(func(l *Layout) { l.Lifetime = time.Hour }),
			want: map[string]any{"max_age": nil, "expire": noon.Add(time.Hour), "started": noon},
		},
		{
			name: "new, with a hashed key and a user", layout: layout(func(l *Layout) { l.HashKeys, l.UserKey = true, "n" }),
			want: map[string]any{"max_age": nil, "hashed": true, "user": "1"},
		},
		{
			name:   "the fields of others stay",
			prev:   &Document{ID: "a", Fields: map[string]any{"theirs": "x", "user": "theirs", "data": "old", "max_age": nil}},
			maxAge: 60, want: map[string]any{"max_age": int64(60), "expire": noon.Add(time.Minute), "theirs": "x", "user": "theirs"},
		},
		{
			name: "there is no user any more", layout: layout(func(l *Layout) { l.UserKey = "user" }),
			prev: &Document{ID: "a", Fields: map[string]any{"user": "ada"}}, want: map[string]any{"max_age": nil},
		},
		{
			name: "there is no limit any more", prev: &Document{ID: "a", Fields: map[string]any{"expire": noon, "max_age": int64(60)}},
			want: map[string]any{"max_age": nil},
		},
		{
			name: "renewed", prev: &Document{ID: "old", Started: noon.Add(-time.Hour), Fields: map[string]any{"theirs": "x"}},
			want: map[string]any{"max_age": nil, "theirs": "x", "started": noon.Add(-time.Hour)},
		},
		{
			name: "renewed within its Lifetime", layout: layout(func(l *Layout) { l.Lifetime = 2 * time.Hour }),
			prev: &Document{ID: "old", Started: noon.Add(-time.Hour)}, maxAge: 7200,
			want: map[string]any{"max_age": int64(7200), "expire": noon.Add(time.Hour), "started": noon.Add(-time.Hour)},
		},
		{name: "too long a max age", maxAge: MaxMaxAge + 1, failed: "at most 2147483647 seconds"},
		{
			name:   "an encoder that fails",
			layout: layout(func(l *Layout) { l.Encoder = func(Payload) (string, error) { return "", errors.New("no") } }), failed: "no",
		},
		{
			name:   "a decoder that refuses what the encoder wrote",
			layout: layout(func(l *Layout) { l.Decoder = func(string) (Payload, error) { return Payload{}, errors.New("no") } }),
			failed: "Config.Decoder refuses what Config.Encoder wrote: no",
		},
		{
			name:   "a cipher that fails",
			layout: layout(func(l *Layout) { l.AEAD = xor{err: errors.New("no")} }), failed: "encrypt session: no",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := tt.layout
			if l == nil {
				l = layout(nil)
			}
			doc, err := l.Next(tt.prev, map[string]any{"n": "1"}, tt.maxAge, noon)
			if err == nil {
				if tt.prev == nil {
					err = l.Create(doc, "a")
				} else {
					_, err = l.Replace(tt.prev, doc, "a", nil, "")
				}
			}
			if tt.failed != "" {
				if err == nil || !strings.Contains(err.Error(), tt.failed) {
					t.Errorf("%v, want %q", err, tt.failed)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got := maps.Clone(doc.Fields)
			if data := got["data"]; data != doc.Data {
				t.Errorf("data is %v, want %v", data, doc.Data)
			}
			delete(got, "data")
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("fields %v, want %v", got, tt.want)
			}
		})
	}
}

// TestReplaceStoresWhatItSays applies the updates that Replace returns to the document that they are for.
func TestReplaceStoresWhatItSays(t *testing.T) {
	t.Parallel()
	before := []map[string]any{
		{},
		{"data": "old", "max_age": int64(60), "expire": noon, "theirs": "x"},
		{"data": "old", "user": "ada", "write": "a b", "hashed": true, "started": noon},
	}
	for _, userKey := range []string{"", "n", "none"} {
		for _, maxAge := range []int{0, 60} {
			for _, writeID := range []string{"", "c"} {
				for _, fields := range before {
					l := layout(func(l *Layout) { l.UserKey = userKey })
					prev := &Document{ID: "a", Fields: fields}
					doc, err := l.Next(prev, map[string]any{"n": "1"}, maxAge, noon)
					if err != nil {
						t.Fatal(err)
					}
					updates, err := l.Replace(prev, doc, "a", strings.Fields("b"), writeID)
					if err != nil {
						t.Fatal(err)
					}
					got := maps.Clone(fields)
					for _, u := range updates {
						if got[u.Path] = u.Value; u.Value == firestore.Delete {
							delete(got, u.Path)
						}
					}
					if !reflect.DeepEqual(got, doc.Fields) {
						t.Errorf("UserKey %q, %v: the updates make %v, the document is %v", userKey, fields, got, doc.Fields)
					}
				}
			}
		}
	}
}

func TestWrote(t *testing.T) {
	t.Parallel()
	saved := &Document{Data: "x", MaxAge: 60, User: "ada", Expire: noon}
	change := func(f func(*Document)) *Document {
		doc := *saved
		f(&doc)
		return &doc
	}
	tests := []struct {
		name        string
		doc, stored *Document
		want        bool
	}{
		{"the same", saved, change(func(*Document) {}), true},
		{"the same at another update time", saved, change(func(d *Document) { d.Version = noon }), true},
		{"other values", saved, change(func(d *Document) { d.Data = "y" }), false},
		{"another max age", saved, change(func(d *Document) { d.MaxAge = 61 }), false},
		{"another user", saved, change(func(d *Document) { d.User = "" }), false},
		{"another expiry", saved, change(func(d *Document) { d.Expire = noon.Add(1) }), false},
		{"an Update, of the same values", change(func(d *Document) { d.WriteID = "b" }), change(func(d *Document) { d.Writes = []string{"a"} }), false},
		{"an Update, before another", change(func(d *Document) { d.WriteID = "a" }), change(func(d *Document) { d.Data, d.Writes = "y", []string{"a", "b"} }), true},
	}
	for _, tt := range tests {
		if got := tt.doc.Wrote(tt.stored); got != tt.want {
			t.Errorf("%s: %t, want %t", tt.name, got, tt.want)
		}
	}
}

func TestDue(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name       string
		touchAfter time.Duration
		maxAge     int
		age        time.Duration // since its last save
		lifetime   time.Duration // that is left, 0 for none
		want       bool
	}{
		{"off", 0, 3600, 30 * time.Minute, 0, false},
		{"not yet", time.Minute, 3600, time.Minute - time.Microsecond, 0, false},
		{"due", time.Minute, 3600, time.Minute, 0, true},
		{"a browser session", time.Minute, 0, time.Hour, 0, false},
		{"a short max age: at half of it", time.Minute, 10, 5 * time.Second, 0, true},
		{"a short max age: before half of it", time.Minute, 10, 5*time.Second - time.Microsecond, 0, false},
		{"its Lifetime leaves nothing to gain", time.Minute, 3600, 10 * time.Minute, 50 * time.Minute, false},
		{"its Lifetime leaves enough to gain", time.Minute, 3600, 10 * time.Minute, 51 * time.Minute, true},
	}
	for _, tt := range tests {
		l := layout(func(l *Layout) { l.TouchAfter = tt.touchAfter })
		doc := &Document{MaxAge: tt.maxAge, Started: noon.Add(-24 * time.Hour)}
		if tt.lifetime > 0 {
			l.Lifetime = 24*time.Hour + tt.lifetime
		}
		doc.Expire = l.expiry(doc, noon.Add(-tt.age))
		if got := l.Due(doc, noon); got != tt.want {
			t.Errorf("%s: %t, want %t", tt.name, got, tt.want)
		}
		extended := l.Extend(doc, noon)
		if want := l.expiry(doc, noon); !extended.Expire.Equal(want) || doc.Expire.Equal(want) && tt.want {
			t.Errorf("%s: extended from %v to %v, want %v", tt.name, doc.Expire, extended.Expire, want)
		}
	}
}

// TestIdleTimeout reads documents that this library and others have saved, at times around their ends.
func TestIdleTimeout(t *testing.T) {
	t.Parallel()
	const hour = 3600
	l := layout(func(l *Layout) { l.IdleTimeout = 10 * time.Minute })
	at := noon.Add
	fields := func(maxAge any, expire time.Time) map[string]any {
		data, err := encode(Payload{Created: noon.Unix()})
		if err != nil {
			t.Fatal(err)
		}
		f := map[string]any{"data": data, "max_age": maxAge}
		if !expire.IsZero() {
			f["expire"] = expire
		}
		return f
	}
	extended := func(maxAge int, used time.Duration) map[string]any {
		doc := l.Extend(&Document{Created: noon.Unix(), MaxAge: maxAge}, at(used))
		f := fields(int64(maxAge), l.storedExpire(doc))
		if maxAge == 0 {
			f["max_age"] = nil
		}
		return f
	}
	tests := []struct {
		name   string
		fields map[string]any
		ends   time.Duration // after the values were changed
	}{
		{"a browser session, by Python", fields(nil, time.Time{}), 10 * time.Minute},
		{"an hour, by Python", fields(int64(hour), at(time.Hour)), 10 * time.Minute},
		{"an hour, by Python, which rounds down when the values were changed", fields(int64(hour), at(time.Hour+time.Second-1)), 10 * time.Minute},
		{"an hour, by Python 0.1.1 without expire", fields(int64(hour), time.Time{}), 10 * time.Minute},
		{"5 minutes, by Python", fields(int64(300), at(5*time.Minute)), 5 * time.Minute},
		{"a browser session", extended(0, 0), 10 * time.Minute},
		{"an hour", extended(hour, 0), 10 * time.Minute},
		{"5 minutes", extended(300, 0), 5 * time.Minute},
		{"a browser session, used", extended(0, 9*time.Minute), 19 * time.Minute},
		{"an hour, used", extended(hour, 9*time.Minute), 19 * time.Minute},
		{"an hour, used until its max age after the last change", extended(hour, 50*time.Minute), 60 * time.Minute},
		{"an hour, used a second longer", extended(hour, 50*time.Minute+time.Second), 60*time.Minute + time.Second},
		{"an hour, used for longer", extended(hour, 51*time.Minute), 61 * time.Minute},
		{"5 minutes, used", extended(300, 4*time.Minute), 9 * time.Minute},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for now := -time.Minute; now < 70*time.Minute; now += time.Second {
				if tt.ends > 10*time.Minute && now < tt.ends-10*time.Minute {
					continue // it was not used yet
				}
				_, err := l.Parse(Stored{ID: "a", Fields: tt.fields, Created: noon}, at(now))
				if over := now >= tt.ends; errors.Is(err, ErrExpired) != over || !over && err != nil {
					t.Fatalf("after %v: %v, want it to end after %v", now, err, tt.ends)
				}
			}
		})
	}
}

// TestIdleTimeoutNearTheEndOfALifetime reads sessions that are near the end of their Lifetime. One that was last saved without an
// IdleTimeout expires only then, which does not mean that it is in use.
func TestIdleTimeoutNearTheEndOfALifetime(t *testing.T) {
	t.Parallel()
	before := layout(func(l *Layout) { l.Lifetime = time.Hour })
	l := layout(func(l *Layout) { l.Lifetime, l.IdleTimeout = time.Hour, 10*time.Minute })
	for _, tt := range []struct {
		name string
		by   *Layout
		used time.Duration
		ends time.Duration
	}{
		{"not used since", before, 0, 10 * time.Minute},
		{"saved near the end", before, 55 * time.Minute, time.Hour},
		{"extended near the end", l, 55 * time.Minute, time.Hour},
		{"extended as long before the end as it lasts", l, 50 * time.Minute, time.Hour},
		{"extended earlier", l, 49 * time.Minute, 59 * time.Minute},
	} {
		used := noon.Add(tt.used)
		doc, err := tt.by.Next(&Document{Started: noon}, map[string]any{"n": "1"}, 0, used)
		if err != nil {
			t.Fatal(err)
		}
		if tt.by == l { // its values were last changed at the beginning
			doc.Created = noon.Unix()
			if doc.Data, err = encode(Payload{Created: doc.Created}); err != nil {
				t.Fatal(err)
			}
		}
		fields := map[string]any{"data": doc.Data, "max_age": nil, "started": noon, "expire": tt.by.storedExpire(doc)}
		for now := tt.used; now < 70*time.Minute; now += time.Second {
			got, err := l.Parse(Stored{ID: "a", Fields: fields, Created: noon}, noon.Add(now))
			if over := now >= tt.ends; errors.Is(err, ErrExpired) != over || !over && err != nil {
				t.Fatalf("%s: after %v: %v, want it to end after %v", tt.name, now, err, tt.ends)
			} else if err == nil && !got.Expire.Equal(noon.Add(tt.ends)) {
				t.Fatalf("%s: it expires at %v", tt.name, got.Expire)
			}
		}
	}
}

// TestIdleTimeoutsOfClocks: the clock of the instance that has extended a session may be fast.
func TestIdleTimeoutsOfClocks(t *testing.T) {
	t.Parallel()
	l := layout(func(l *Layout) { l.IdleTimeout = 10 * time.Minute })
	data, err := encode(Payload{Created: noon.Add(-time.Hour).Unix()})
	if err != nil {
		t.Fatal(err)
	}
	for _, fast := range []time.Duration{0, time.Second, time.Minute} {
		stored := Stored{ID: "a", Fields: map[string]any{"data": data, "max_age": nil, "expire": noon.Add(10*time.Minute + fast)}}
		if _, err := l.Parse(stored, noon); err != nil {
			t.Errorf("fast by %v: %v", fast, err)
		}
	}
	// Beyond what clocks differ by, it was saved under other limits, and only the last change counts.
	l = layout(func(l *Layout) { l.IdleTimeout = 30 * time.Minute })
	stored := Stored{ID: "a", Fields: map[string]any{"data": data, "max_age": nil, "expire": noon.Add(32 * time.Minute)}}
	if _, err := l.Parse(stored, noon); !errors.Is(err, ErrExpired) {
		t.Errorf("fast by two minutes: %v, want %v", err, ErrExpired)
	}
}

func TestCookieExpiry(t *testing.T) {
	t.Parallel()
	doc := &Document{MaxAge: 3600, Started: noon, Expire: noon.Add(time.Minute)}
	for _, tt := range []struct {
		name   string
		layout *Layout
		want   time.Duration
	}{
		{"as the document", layout(nil), time.Minute},
		{"an IdleTimeout does not count", layout(func(l *Layout) { l.IdleTimeout = time.Minute }), time.Hour},
		{"a Lifetime does", layout(func(l *Layout) { l.IdleTimeout, l.Lifetime = time.Minute, 30*time.Minute }), 30 * time.Minute},
	} {
		if got := tt.layout.CookieExpiry(doc, noon).Sub(noon); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

// TestAppendWrite adds an ID to as many as fit: the oldest go.
func TestAppendWrite(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 50, 500} {
		var ids []string
		for i := range n {
			ids = append(ids, "store."+strings.Repeat("i", i%20))
		}
		before := slices.Clone(ids)
		got := appendWrite(ids, "added")
		size := len(strings.Join(got, " "))
		all := slices.Concat(ids, []string{"added"})
		switch {
		case !slices.Equal(ids, before):
			t.Errorf("%d IDs: those of the document that was read have changed", n)
		case size > maxWriteBytes || !slices.Equal(got, all[len(all)-len(got):]):
			t.Errorf("%d IDs: %d bytes, %v", n, size, got)
		case len(got) < len(all) && maxWriteBytes-size > len(all[len(all)-len(got)-1]):
			t.Errorf("%d IDs: %d bytes of room are left", n, maxWriteBytes-size)
		}
	}
}

// TestSize: IDs of Updates go before a session is too large, and the limit is exact.
func TestSize(t *testing.T) {
	t.Parallel()
	l := layout(func(l *Layout) { l.Encoder = func(p Payload) (string, error) { return p.Values["n"].(string), nil } })
	l.Decoder = func(text string) (Payload, error) { return Payload{Values: map[string]any{"n": text}}, nil }
	// 16 + "sessions/a" + 1, 32; "data" + 1, "max_age" + 1, null, and a byte that ends the text: 16+10+1+32+5+8+1+1.
	const overhead = 74
	for _, tt := range []struct {
		name  string
		bytes int
		keep  []string
		kept  int
		fails bool
	}{
		{name: "as large as it may be", bytes: maxBytes - overhead},
		{name: "a byte more", bytes: maxBytes - overhead + 1, fails: true},
		{name: "with an ID that fits", bytes: maxBytes - overhead - 8, keep: []string{"a"}, kept: 1},
		{name: "with an ID that does not", bytes: maxBytes - overhead - 7, keep: []string{"a"}},
	} {
		values := map[string]any{"n": strings.Repeat("x", tt.bytes)}
		prev := &Document{ID: "a"}
		doc, err := l.Next(prev, values, 0, noon)
		if err != nil {
			t.Fatal(err)
		}
		_, err = l.Replace(prev, doc, "a", tt.keep, "")
		if errors.Is(err, ErrTooLarge) != tt.fails || (err == nil) == tt.fails || len(doc.Writes) != tt.kept {
			t.Errorf("%s: %v, %d IDs", tt.name, err, len(doc.Writes))
		}
		if tt.fails && !strings.Contains(err.Error(), "1048577 bytes of at most 1048576") {
			t.Errorf("%s: %q does not name both sizes", tt.name, err)
		}
		if err = l.Create(doc, "a"); (err != nil) != tt.fails {
			t.Errorf("%s, created: %v", tt.name, err)
		}
	}
}

func TestEncryptionIsBoundToTheDocument(t *testing.T) {
	t.Parallel()
	l := layout(func(l *Layout) { l.AEAD = xor{} })
	text, err := l.encrypt("a", "secret")
	if err != nil {
		t.Fatal(err)
	}
	if raw, err := base64.StdEncoding.DecodeString(text); err != nil || strings.Contains(string(raw), "secret") {
		t.Errorf("%q, %v", raw, err)
	}
	if got, err := l.decrypt("a", text); got != "secret" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := l.decrypt("b", text); err == nil {
		t.Error("it decrypts in another document")
	}
	elsewhere := layout(func(l *Layout) { l.AEAD, l.Collection = xor{}, "others" })
	if _, err := elsewhere.decrypt("a", text); err == nil {
		t.Error("it decrypts in another collection")
	}
}

// xor is an AEAD that hides nothing from anybody, but notices other associated data.
type xor struct{ err error }

func (c xor) Encrypt(plaintext, associatedData []byte) ([]byte, error) {
	return flip(append(append(slices.Clone(associatedData), 0), plaintext...)), c.err
}

func (c xor) Decrypt(ciphertext, associatedData []byte) ([]byte, error) {
	data, text, _ := strings.Cut(string(flip(ciphertext)), "\x00")
	if data != string(associatedData) {
		return nil, errors.New("wrong associated data")
	}
	return []byte(text), c.err
}

func flip(b []byte) []byte {
	flipped := slices.Clone(b)
	for i := range flipped {
		flipped[i] ^= 0x55
	}
	return flipped
}
