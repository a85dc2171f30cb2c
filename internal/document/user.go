package document

import (
	"fmt"
	"strconv"
	"unicode/utf8"
)

// maxUserBytes is how long a string may be for Firestore to find it: with a byte at its end, as much as it indexes of a
// value, see https://firebase.google.com/docs/firestore/quotas.
const maxUserBytes = 1499

// user returns the text of the value that identifies the user, "" if there is none.
func (l *Layout) user(values map[string]any) (string, error) {
	if l.UserKey == "" || values[l.UserKey] == nil {
		return "", nil
	}
	user := fmt.Sprint(values[l.UserKey])
	if f, ok := values[l.UserKey].(float64); ok {
		user = strconv.FormatFloat(f, 'f', -1, 64) // where fmt has an exponent
	}
	if len(user) > maxUserBytes || !utf8.ValidString(user) {
		return "", fmt.Errorf("echofirestore: the session value %q (Config.UserKey) must be valid UTF-8 of "+
			"at most %d bytes as text, for sessions to be found by it", l.UserKey, maxUserBytes)
	}
	return user, nil
}
