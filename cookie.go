package echofirestore

import (
	"iter"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gorilla/sessions"
)

// newCookie returns the cookie that bears value for as long as the session in doc lives; if that has no max age, for as
// long as the browser runs.
func (s *Store) newCookie(name, value string, opts *sessions.Options, doc *document) *http.Cookie {
	cookie := bareCookie(name, opts)
	cookie.Value = value
	if doc.maxAge > 0 {
		// Rounded up, for a Max-Age of 0 would delete the cookie.
		left := doc.expire.Sub(s.cfg.Now()) + time.Second - 1
		cookie.MaxAge = max(1, int(left/time.Second))
		cookie.Expires = doc.expire
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

// setCookie puts cookie into the response in place of one by the same name.
func setCookie(h http.Header, cookie *http.Cookie) {
	unsetCookie(h, cookie.Name)
	h["Set-Cookie"] = append(h["Set-Cookie"], cookie.String())
}

// unsetCookie takes the cookie called name out of the response.
func unsetCookie(h http.Header, name string) {
	lines := slices.DeleteFunc(h["Set-Cookie"], func(line string) bool { return strings.HasPrefix(line, name+"=") })
	if h["Set-Cookie"] = lines; len(lines) == 0 {
		delete(h, "Set-Cookie")
	}
}

// forbidSharedCaching keeps a response that sets a cookie out of caches that would hand the cookie to others, unless
// the response already does. It reports whether it overrode a header that asked for the opposite.
func forbidSharedCaching(h http.Header) (overridden bool) {
	for directive, argument := range directives(h.Values("Cache-Control")) {
		switch {
		case directive == "no-store", directive == "private" && argument == "": // else it is for some fields only
			return false
		case directive == "public", directive == "s-maxage":
			overridden = true
		}
	}
	h.Set("Cache-Control", "private, no-store")
	return overridden
}

// varyByCookie tells caches that the response depends on the request's cookies.
func varyByCookie(h http.Header) {
	for field := range directives(h.Values("Vary")) {
		if field == "cookie" || field == "*" {
			return
		}
	}
	h.Add("Vary", "Cookie")
}

// directives yields the names in comma-separated header lines, in lower case, and their arguments.
func directives(lines []string) iter.Seq2[string, string] {
	return func(yield func(name, argument string) bool) {
		for _, line := range lines {
			for part := range strings.SplitSeq(line, ",") {
				name, argument, _ := strings.Cut(part, "=")
				if !yield(strings.ToLower(strings.TrimSpace(name)), argument) {
					return
				}
			}
		}
	}
}
