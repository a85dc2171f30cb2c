package session

import (
	"net/http"
	"strings"
	"time"

	"github.com/gorilla/sessions"

	"github.com/echofirestore/echofirestore/internal/document"
)

// newCookie returns the cookie that bears value for the max age of the session in doc; if it has none, for as long as the
// browser runs.
func (s *Store) newCookie(name, value string, opts *sessions.Options, doc *document.Document) *http.Cookie {
	cookie := bareCookie(name, opts)
	cookie.Value = value
	if doc.MaxAge > 0 {
		now := s.cfg.Now()
		cookie.Expires = s.layout.CookieExpiry(doc, now)
		// Rounded up, for a Max-Age of 0 would delete the cookie.
		cookie.MaxAge = max(1, int((cookie.Expires.Sub(now)+time.Second-1)/time.Second))
	}
	return cookie
}

// expiredCookie returns the cookie that makes the browser forget the session's one.
func expiredCookie(name string, opts *sessions.Options) *http.Cookie {
	cookie := bareCookie(name, opts)
	cookie.MaxAge = -1
	cookie.Expires = time.Unix(1, 0)
	return cookie
}

func bareCookie(name string, opts *sessions.Options) *http.Cookie {
	return &http.Cookie{
		Name:        name,
		Path:        opts.Path,
		Domain:      opts.Domain,
		Secure:      opts.Secure,
		HttpOnly:    opts.HttpOnly,
		Partitioned: opts.Partitioned,
		SameSite:    opts.SameSite,
	}
}

// setCookie puts cookie into the response, behind all others and in the place of a line that sets the same one.
func setCookie(h http.Header, cookie *http.Cookie) {
	line := cookie.String()
	same := cookieIDOf(line)
	h["Set-Cookie"] = append(withoutLines(h["Set-Cookie"], func(l string) bool { return cookieIDOf(l) == same }), line)
}

// unsetCookie takes the line with which setCookie has set cookie out of the response.
func unsetCookie(h http.Header, cookie *http.Cookie) {
	line := cookie.String()
	lines := withoutLines(h["Set-Cookie"], func(l string) bool { return l == line })
	if h["Set-Cookie"] = lines; len(lines) == 0 {
		delete(h, "Set-Cookie")
	}
}

// withoutLines returns a copy of lines without some of them: a copy of the header may share the lines.
func withoutLines(lines []string, drop func(string) bool) []string {
	kept := make([]string, 0, len(lines)+1)
	for _, line := range lines {
		if !drop(line) {
			kept = append(kept, line)
		}
	}
	return kept
}

// A cookieID is what a browser tells cookies of one host apart by.
type cookieID struct {
	name        string
	domain      string // "" for the host alone
	path        string // "" for the default, which depends on the address that the browser has asked for
	partitioned bool
}

// cookieIDOf reads a Set-Cookie line as browsers do (RFC 6265bis, section 5.6), whoever has written it. A line without a
// path is another cookie than one with a path: its path is known to the browser alone, for a proxy may have changed the
// address. If they are the same after all, the one that is set last counts, which is the session's.
func cookieIDOf(line string) cookieID {
	pair, attributes, _ := strings.Cut(line, ";")
	name, _, named := strings.Cut(pair, "=")
	if !named {
		return cookieID{} // its text is a value
	}
	id := cookieID{name: strings.Trim(name, " \t")}
	for attribute := range strings.SplitSeq(attributes, ";") {
		key, value, _ := strings.Cut(attribute, "=")
		value = strings.Trim(value, " \t")
		switch strings.ToLower(strings.Trim(key, " \t")) { // the last of a kind counts
		case "domain":
			id.domain = strings.ToLower(strings.TrimPrefix(value, "."))
		case "path":
			if !strings.HasPrefix(value, "/") {
				value = ""
			}
			id.path = value
		case "partitioned":
			id.partitioned = true
		}
	}
	return id
}
