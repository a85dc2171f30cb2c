package session

import (
	"net/http"
	"strings"
)

// forbidSharedCaching keeps a response that sets a cookie out of caches that would hand the cookie to others, unless the
// response already does: with Cache-Control, and by removing fields that speak to some caches alone and are heeded before
// it. It reports whether the response asked a shared cache to store it.
func forbidSharedCaching(h http.Header) (overridden bool) {
	var control []string
	for name, values := range h {
		switch {
		case strings.EqualFold(name, "Cache-Control"):
			control = append(control, values...)
		case isTargeted(name) && !forbidsTarget(name, values):
			delete(h, name)
			overridden = true
		}
	}
	ds := parseDirectives(control)
	if ds.forbidStoring() || ds.isPrivate() {
		return overridden
	}
	for name := range h {
		if strings.EqualFold(name, "Cache-Control") {
			delete(h, name)
		}
	}
	h.Set("Cache-Control", "private, no-store")
	return overridden || ds.has("public") || ds.has("s-maxage")
}

// isTargeted reports whether a field speaks to some caches alone: those of RFC 9213, and older ones of vendors.
func isTargeted(field string) bool {
	switch field = strings.ToLower(field); field {
	case "surrogate-control", "edge-control", "x-accel-expires":
		return true
	default:
		return strings.HasSuffix(field, "-cache-control")
	}
}

// forbidsTarget reports whether a targeted field forbids the caches that it speaks to to store the response.
func forbidsTarget(field string, values []string) bool {
	switch field = strings.ToLower(field); field {
	case "x-accel-expires": // of nginx: seconds, or an absolute time with an @
		return len(values) == 1 && strings.TrimSpace(values[0]) == "0"
	case "surrogate-control", "edge-control": // they know no private
		return parseDirectives(values).forbidStoring()
	default:
		ds := parseDirectives(values)
		return ds.forbidStoring() || ds.isPrivate()
	}
}

// varyByCookie tells caches that the response depends on the request's cookies.
func varyByCookie(h http.Header) {
	for _, line := range h.Values("Vary") {
		for field := range strings.SplitSeq(line, ",") {
			if field = strings.TrimSpace(field); field == "*" || strings.EqualFold(field, "Cookie") {
				return
			}
		}
	}
	h.Add("Vary", "Cookie")
}

// directives are those of a field, by their names in lower case: true for one that has no argument wherever it stands.
// They are nil if the field is malformed, for caches differ in what they make of that.
type directives map[string]bool

// parseDirectives reads the lines of a Cache-Control field (RFC 9111, section 5.2). The fields of RFC 9213 are structured
// ones; what of those is not in this grammar too counts as malformed, and is nothing that forbids storing.
func parseDirectives(lines []string) directives {
	ds := make(directives)
	for _, line := range lines {
		if !ds.parse(line) {
			return nil
		}
	}
	return ds
}

// parse adds the directives of a line. It reports false if the line is malformed.
func (ds directives) parse(line string) bool {
	for {
		if line = strings.TrimLeft(line, " \t,"); line == "" { // elements of a list may be empty
			return true
		}
		var name, argument string
		if name, line = cutToken(line); name == "" {
			return false
		}
		bare := true
		if rest, found := strings.CutPrefix(line, "="); found {
			if argument, line = cutArgument(rest); argument == "" {
				return false
			}
			bare = false
		}
		if line = strings.TrimLeft(line, " \t"); line != "" && line[0] != ',' {
			return false
		}
		name = strings.ToLower(name)
		before, repeated := ds[name]
		ds[name] = bare && (before || !repeated)
	}
}

func (ds directives) has(name string) bool { _, ok := ds[name]; return ok }

// forbidStoring reports whether no cache may store the response. Caches that know must-understand ignore the no-store
// beside it.
func (ds directives) forbidStoring() bool { return ds["no-store"] && !ds.has("must-understand") }

// isPrivate reports whether no shared cache may store the response. With an argument, private is for some fields only.
func (ds directives) isPrivate() bool { return ds["private"] }

// cutArgument cuts a token or a quoted string from the beginning of text: "" if there is none.
func cutArgument(text string) (argument, rest string) {
	if !strings.HasPrefix(text, `"`) {
		return cutToken(text)
	}
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return text[:i+1], text[i+1:]
		}
	}
	return "", text
}

// cutToken cuts a token (RFC 9110, section 5.6.2) from the beginning of text: "" if there is none.
func cutToken(text string) (token, rest string) {
	n := 0
	for n < len(text) && isTokenByte(text[n]) {
		n++
	}
	return text[:n], text[n:]
}

func isTokenByte(b byte) bool {
	return 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9' || strings.IndexByte("!#$%&'*+-.^_`|~", b) >= 0
}
