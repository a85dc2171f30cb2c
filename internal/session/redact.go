package session

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// redacted stands in the place of a document's ID.
const redacted = "[session]"

// redact returns a message of Firestore without the IDs of session documents: those that are given, however they are
// escaped, and any other that stands in a path.
func redact(message, collection string, ids []string) string {
	known := slices.Clone(ids)
	for _, id := range ids {
		known = append(known, unescape(id))
		if _, key, named := strings.Cut(id, ":"); named && id[0] == '~' {
			known = append(known, key, unescape(key))
		}
	}
	known = slices.DeleteFunc(known, func(id string) bool { return id == "" })
	slices.SortFunc(known, func(a, b string) int { return len(b) - len(a) }) // one may begin with another
	pairs := make([]string, 0, 2*len(known))
	for _, id := range known {
		pairs = append(pairs, id, redacted)
	}
	replacer := strings.NewReplacer(pairs...)

	message = replacer.Replace(message)
	for range 3 { // an escaped message may be quoted in another one
		plain := unescape(message)
		if plain == message {
			break
		}
		message = replacer.Replace(plain)
	}
	path := regexp.MustCompile(regexp.QuoteMeta(collection) + `/[^\s"'<>(),;]+`)
	return strings.ToValidUTF8(path.ReplaceAllLiteralString(message, collection+"/"+redacted), "\uFFFD")
}

// unescape undoes what URLs, JSON, Go and the text format of protocol buffers do to bytes that are special to them.
func unescape(s string) string {
	if !strings.ContainsAny(s, `%\`) {
		return s
	}
	var plain strings.Builder
	for s != "" {
		if len(s) > 2 && s[0] == '%' {
			if b, err := strconv.ParseUint(s[1:3], 16, 8); err == nil {
				plain.WriteByte(byte(b))
				s = s[3:]
				continue
			}
		}
		r, multibyte, rest, err := strconv.UnquoteChar(s, quoteIn(s))
		switch {
		case s[0] != '\\' || err != nil:
			plain.WriteByte(s[0])
			rest = s[1:]
		case multibyte:
			plain.WriteRune(r)
		default:
			plain.WriteByte(byte(r))
		}
		s = rest
	}
	return plain.String()
}

// quoteIn returns the quotation mark that s begins with, escaped, or else 0.
func quoteIn(s string) byte {
	if len(s) > 1 && (s[1] == '\'' || s[1] == '"') {
		return s[1]
	}
	return 0
}
