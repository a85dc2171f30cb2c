package hosttest

import (
	"net/http"

	"github.com/gorilla/sessions"
)

// beginnings are what looks like the beginning of a response and is none. What is set after it is saved, and a new session
// gets its cookie. Whether what was set before is saved at once depends on the writer that refuses.
func beginnings() []row {
	var rows []row
	for _, b := range []struct {
		name         string
		needs, lacks Feature
		attempt      http.HandlerFunc
		want         string
	}{
		{name: "Early Hints", needs: Hints, want: "103; ", attempt: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Link", "</style.css>; rel=preload")
			w.WriteHeader(http.StatusEarlyHints)
			w.Header().Del("Link")
		}},
		{name: "Processing and Early Hints", needs: Hints, want: "102; 103; ", attempt: func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusProcessing)
			beneath(w).WriteHeader(http.StatusEarlyHints)
		}},
		{name: "a refused Hijack", lacks: Hijack, attempt: func(w http.ResponseWriter, _ *http.Request) {
			_, _, _ = http.NewResponseController(w).Hijack()
		}},
		{name: "a refused Flush", lacks: Flush, attempt: func(w http.ResponseWriter, _ *http.Request) {
			_ = http.NewResponseController(beneath(w)).Flush()
		}},
	} {
		attempt := func(c *call) (string, error) {
			b.attempt(c.w, c.r)
			return "ok", nil
		}
		rows = append(rows,
			row{name: b.name + ", then a new session", needs: AutoSave | b.needs, lacks: b.lacks, show: uncounted, steps: []step{
				{use: inOrder(attempt, setOne), want: b.want + `200 ok; issued; {"n":1}`},
			}},
			row{name: "a new session, read, " + b.name + ", and values", needs: AutoSave | b.needs, lacks: b.lacks, show: uncounted, steps: []step{
				{use: inOrder(readN, attempt, setOne), want: b.want + `200 ok; issued; {"n":1}`},
			}},
			row{name: b.name + " between reading and changing", needs: AutoSave | b.needs, lacks: b.lacks, show: uncounted, stored: `{"n":0}`, steps: []step{
				{use: inOrder(readN, attempt, setOne), want: b.want + `200 ok; issued; {"n":1}`},
			}},
			row{name: "a new session, " + b.name + ", and more values", needs: AutoSave | b.needs, lacks: b.lacks, show: uncounted, steps: []step{
				{use: inOrder(set("m", 1), attempt, setOne), want: b.want + `200 ok; issued; {"m":1,"n":1}`},
			}},
			row{name: b.name + " between changes", needs: AutoSave | b.needs, lacks: b.lacks, show: uncounted, stored: `{"n":0}`, steps: []step{
				{use: inOrder(set("m", 1), attempt, setOne), want: b.want + `200 ok; issued; {"m":1,"n":1}`},
			}},
		)
	}
	for _, h := range []struct {
		name string
		hook use
		want string
	}{
		{"a hook reads the session", readN, "200 ok; varies; X-Hook: yes; 1 read"},
		{"a hook changes the session", setOne, `200 ok; issued; X-Hook: yes; 1 read, 1 write; {"n":1}`},
		{"a hook changes and saves the session", inOrder(setOne, save), `200 ok; issued; X-Hook: yes; 1 read, 1 write; {"n":1}`},
		{"a hook renews the session", renew, "200 ok; issued; X-Hook: yes; 1 read, 1 write, 1 delete"},
		{"a hook ends the session", inOrder(readN, destroy), "200 ok; deleted; X-Hook: yes; 1 read, 1 delete; nothing stored"},
	} {
		rows = append(rows, row{name: h.name, needs: AutoSave | Hooks, stored: `{"n":0}`, steps: []step{
			{use: inHook(inOrder(h.hook, setHeader("X-Hook", "yes"))), want: h.want},
		}})
	}
	return append(rows,
		row{name: "a hook begins a session", needs: AutoSave | Hooks, steps: []step{
			{use: inHook(setOne), want: `200 ok; issued; 1 write; {"n":1}`},
		}},
		row{name: "a hook makes the response public", needs: AutoSave | Hooks, stored: `{"n":0}`, steps: []step{
			{
				use:  inOrder(setOne, inHook(setHeader("Cache-Control", "public, max-age=600"))),
				want: `200 ok; issued; 1 read, 1 write; {"n":1}; WARN cache headers of a response that sets a session cookie replaced by private, no-store`,
			},
		}},
		row{name: "a session that was saved is changed until the response begins", needs: AutoSave, stored: `{"n":0}`, steps: []step{
			{use: inOrder(set("m", 1), save, change(func(sess *sessions.Session) { delete(sess.Values, "m") }), setOne), want: `200 ok; issued; 1 read, 2 writes; {"n":1}`},
		}},
	)
}

// setHeader sets a header of the response.
func setHeader(name, value string) use {
	return func(c *call) (string, error) {
		c.w.Header().Set(name, value)
		return "ok", nil
	}
}

// within returns the writer that the framework's own writes to.
func within(w http.ResponseWriter) http.ResponseWriter {
	if _, hooked := w.(interface{ Before(fn func()) }); hooked {
		return w.(interface{ Unwrap() http.ResponseWriter }).Unwrap()
	}
	return w
}

// beneath returns the writer beneath all of the framework's own, which may take hints for the response.
func beneath(w http.ResponseWriter) http.ResponseWriter {
	innermost := w
	for {
		wrapper, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return innermost
		}
		_, hooked := w.(interface{ Before(fn func()) })
		if w = wrapper.Unwrap(); hooked {
			innermost = w
		}
	}
}
