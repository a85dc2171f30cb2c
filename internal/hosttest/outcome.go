package hosttest

import (
	"encoding/json"
	"fmt"
	"hash/crc32"
	"maps"
	"net/http"
	"slices"
	"strings"

	"cloud.google.com/go/firestore"

	"github.com/echofirestore/echofirestore/firestoretest"
)

// facts are what an outcome says.
type facts int

const (
	cookies   facts = 1 << iota // Set-Cookie as it is, KEY standing for a key
	headers                     // Cache-Control and Vary as they are
	uncounted                   // no cost
	unlogged                    // nothing that was logged
)

// An outcome is what is seen of a request.
type outcome struct {
	tr    *trial
	hints []string // informational responses
	resp  *http.Response
	body  string
	err   error
	cost  firestoretest.Ops
	state string // what is stored now, if that has changed
	log   []string
}

// String returns the facts, such as
//
//	200 ok; issued; 1 read, 1 write; {"n":2}
//
// # Of the session's headers it says
//
// Of an error response of the framework it says whether headers of the handler's are with it (error) or not (replaced). Of the
// session's headers it says
//
//   - issued: a cookie with a key, Vary: Cookie and Cache-Control: private, no-store;
//   - deleted: the same, and the cookie is deleted;
//   - varies: Vary: Cookie.
func (o *outcome) String() string {
	var parts []string
	parts = append(parts, o.hints...)
	if o.resp == nil {
		parts = append(parts, "broken connection")
	} else {
		parts = append(parts, o.response()...)
		parts = append(parts, o.headers()...)
	}
	if cost := o.cost.String(); cost != "nothing" && o.tr.row.show&uncounted == 0 {
		parts = append(parts, cost)
	}
	if o.state != "" {
		parts = append(parts, o.state)
	}
	if o.tr.row.show&unlogged == 0 {
		parts = append(parts, o.log...)
	}
	return strings.Join(parts, "; ")
}

// response returns what there is to say about the status and the body, and whether they are the handler's.
func (o *outcome) response() []string {
	text := strings.TrimSpace(fmt.Sprintf("%d %s", o.resp.StatusCode, abbreviated(o.body)))
	whose := []string{}
	if o.resp.Header.Get(outsideHeader) == "" {
		whose = append(whose, "headers of outside gone")
	}
	handlers := o.resp.Header.Get(handlerHeader) != ""
	switch {
	case o.err != nil:
		return append(whose, text+", and then a broken connection")
	case o.body != "" && o.body == o.tr.column.errorBody(o.resp.StatusCode) && handlers:
		text = fmt.Sprintf("%d error", o.resp.StatusCode)
	case o.body != "" && o.body == o.tr.column.errorBody(o.resp.StatusCode):
		text = fmt.Sprintf("%d replaced", o.resp.StatusCode)
	case !handlers:
		whose = append(whose, "handler's headers gone")
	}
	return append([]string{text}, whose...)
}

// abbreviated returns a body in a few words.
func abbreviated(body string) string {
	if len(body) < 100 {
		return strings.TrimSpace(body)
	}
	return fmt.Sprintf("%d bytes with the CRC %x", len(body), crc32.ChecksumIEEE([]byte(body)))
}

const (
	outsideHeader = "X-Outside" // set before the host gets a request
	handlerHeader = "X-Handler" // set by handlers
)

// framing are headers that say how the response is sent, and are not compared.
var framing = []string{"Content-Type", "Content-Length", "Date", "X-Content-Type-Options", "Connection"}

// headers returns what there is to say about the headers.
func (o *outcome) headers() []string {
	h := o.resp.Header.Clone()
	for _, name := range slices.Concat(framing, []string{outsideHeader, handlerHeader}, o.tr.column.adds) {
		if name == "Vary" {
			h[name] = slices.DeleteFunc(h[name], func(v string) bool { return v != "Cookie" })
			continue
		}
		h.Del(name)
	}
	var parts []string
	if o.tr.row.show&cookies != 0 {
		parts = append(parts, o.cookieLines()...)
		h.Del("Set-Cookie")
	}
	switch {
	case o.tr.row.show&headers != 0:
	case o.tr.row.show&cookies != 0:
		h.Del("Vary")
		h.Del("Cache-Control")
	default:
		if fate := o.fate(h); fate != "" {
			parts = append(parts, fate)
			h.Del("Set-Cookie")
			h.Del("Vary")
			h.Del("Cache-Control")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(h)) {
		for _, value := range h[name] {
			parts = append(parts, name+": "+value)
		}
	}
	return parts
}

// fate says in a word what the headers do to the session's cookie, or nothing if there is more to say.
func (o *outcome) fate(h http.Header) string {
	if !slices.Equal(h["Vary"], []string{"Cookie"}) {
		return ""
	}
	if h["Set-Cookie"] == nil && h["Cache-Control"] == nil {
		return "varies"
	}
	set := o.resp.Cookies()
	switch {
	case h.Get("Cache-Control") != "private, no-store" || len(set) != 1 || set[0].Name != o.tr.cookieName():
		return ""
	case set[0].MaxAge < 0 && set[0].Value == "":
		return "deleted"
	case set[0].MaxAge != maxAge || set[0].Value == "":
		return ""
	case o.tr.keysAreIDs() && !slices.Contains(o.tr.ids, set[0].Value):
		return "issued without a document"
	default:
		return "issued"
	}
}

// keysAreIDs reports whether a cookie is the ID of its document.
func (tr *trial) keysAreIDs() bool { return tr.config.SigningKeys == nil && !tr.config.HashKeys }

// cookieLines returns the lines of Set-Cookie, sorted, in words that are the same every time.
func (o *outcome) cookieLines() []string {
	var lines []string
	for _, cookie := range o.resp.Cookies() {
		line := cookie.Raw
		if len(cookie.Value) > 20 {
			line = strings.Replace(line, cookie.Value, "KEY", 1)
		}
		fields := slices.DeleteFunc(strings.Split(line, "; "), func(f string) bool {
			return strings.HasPrefix(f, "Expires=") // says what Max-Age says
		})
		lines = append(lines, strings.Join(fields, ", "))
	}
	slices.Sort(lines)
	return lines
}

// refs returns the documents of the row.
func (tr *trial) refs() []*firestore.DocumentRef {
	refs, err := tr.client.Collection(tr.config.Collection).DocumentRefs(tr.Context()).GetAll()
	if err != nil {
		tr.Fatal(err)
	}
	return refs
}

// documents returns what is stored, and notes the IDs.
func (tr *trial) documents() string {
	snaps, err := tr.client.Collection(tr.config.Collection).Documents(tr.Context()).GetAll()
	if err != nil {
		tr.Fatal(err)
	}
	var all []string
	tr.ids = nil
	for _, snap := range snaps {
		tr.ids = append(tr.ids, snap.Ref.ID)
		text := "something"
		var payload struct{ Session map[string]any }
		if data, ok := snap.Data()["data"].(string); ok && json.Unmarshal([]byte(data), &payload) == nil {
			b, err := json.Marshal(payload.Session)
			if err != nil {
				tr.Fatal(err)
			}
			text = string(b)
		}
		if name, _, other := strings.Cut(snap.Ref.ID, ":"); other {
			text = strings.TrimPrefix(name, "~") + text
		}
		all = append(all, text)
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}
