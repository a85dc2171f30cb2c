package model

import (
	"net/http"
	"slices"

	"github.com/echofirestore/echofirestore/firesession"
)

// A cookie is what a client has of a session.
type cookie struct {
	value string // "" for none
	key   string
	since int // the tick at which the last change that the client was told of was stored
}

// newCookie returns the cookie that has a value.
func (h *history) newCookie(value string, since int) cookie {
	r := &http.Request{Header: http.Header{"Cookie": {firesession.DefaultCookieName + "=" + value}}}
	c := cookie{value: value, key: value, since: since}
	if sent, _ := h.scheme.Sent(r, firesession.DefaultCookieName); len(sent) > 0 {
		c.key = sent[0].Key
	}
	return c
}

// ofKey returns a cookie for a key, that names no version.
func (h *history) ofKey(key string) cookie {
	if cred, err := h.scheme.Of(firesession.DefaultCookieName, key); err == nil {
		return cookie{value: cred.Cookie, key: key}
	}
	return cookie{value: key, key: key}
}

func (h *history) anyCookie() bool {
	return slices.ContainsFunc(h.browsers, func(c cookie) bool { return c.value != "" })
}

// take has the client of v take the cookie that the response sets, nil for none. From then on, it must see what v has told it
// that it has stored.
func (h *history) take(v *visit, set *http.Cookie) {
	since := 0
	if v.acked() {
		since = v.storedSince()
	}
	c := &h.browsers[v.browser]
	h.answered = v.browser
	switch {
	case set != nil && set.MaxAge < 0:
		*c = cookie{}
	case set != nil:
		*c = h.newCookie(set.Value, since)
		if c.key == v.key {
			c.since = max(since, v.cookie.since)
		}
		h.issues = append(h.issues, *c)
	case c.key == v.key:
		c.since = max(since, c.since)
	}
}

// storedSince returns the tick at which the last change was stored that v tells its client of, 0 if there is none.
func (v *visit) storedSince() int {
	until := v.finished
	if v.late != nil {
		until = v.begunAt // the cookie has left by then
	}
	since := 0
	for _, past := range v.h.ledger.past {
		for _, s := range past {
			if s.exists && s.tick <= until && s.tick > since && v.hasChanged(s) {
				since = s.tick
			}
		}
	}
	return since
}

// hasChanged reports whether s is the first state of a document that has a change which v has stored.
func (v *visit) hasChanged(s *state) bool {
	return slices.ContainsFunc(v.h.ledger.changes[s], func(change any) bool {
		switch change := change.(type) {
		case *write:
			return change.v == v && change.ack() != 0
		case *addition:
			return change.v == v && change.acked != 0
		default:
			return false
		}
	})
}

// idOf returns the ID of the document of a cookie that a response sets.
func (h *history) idOf(set *http.Cookie) string { return h.id(h.newCookie(set.Value, 0).key) }
