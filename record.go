package echofirestore

import (
	"net/http"
	"runtime"
	"sync"
	"weak"

	"github.com/gorilla/sessions"
)

// A record is what the store knows of a session that it handed out: what the next save is compared with, and the
// conditions it is under.
type record struct {
	store   *Store
	name    string
	options sessions.Options // as handed out
	managed bool             // an exchange sends its cookie

	malformed []*malformedError // why documents are ignored
	unread    error             // why the document could not be read, which is logged
	over      bool              // the client has a key, but no document of it was found

	mu       sync.Mutex
	key      string         // the client's, as long as a document of it may exist
	others   []string       // and those in further cookies of the name, in their order
	doc      *document      // what is stored; nil if nothing is known to be
	values   map[string]any // what the session held when it was read or last saved, as decoded; never changed
	maxAge   int            // and its Options.MaxAge
	err      error          // why the document could not be read
	ending   error          // why the session could not be ended, and was to be
	renewing bool           // the next save takes a new key
	fresh    bool           // the key was issued for this response: nobody knows it yet
	gone     bool           // another request has ended the session
	sealed   bool           // the response has begun: no cookie can be sent
	cookie   *http.Cookie   // the one that the response sets; nil for none
}

// setKeys notes the keys that the client has.
func (rec *record) setKeys(keys []string) {
	rec.others = keys
	rec.nextKey()
}

// nextKey goes on to the next of the client's keys.
func (rec *record) nextKey() {
	rec.key = ""
	if len(rec.others) > 0 {
		rec.key, rec.others = rec.others[0], rec.others[1:]
	}
}

// repair gives back what the session cannot do without.
func (rec *record) repair(sess *sessions.Session) {
	if sess.Options == nil {
		opts := rec.options
		opts.MaxAge = rec.maxAge
		sess.Options = &opts
	}
	if sess.Values == nil {
		sess.Values = make(map[any]any)
	}
}

// stored notes that doc is what is stored of the session now, under cred, and that the session holds values.
func (rec *record) stored(sess *sessions.Session, cred credential, doc *document, values map[string]any) {
	rec.fresh = rec.fresh || cred.key != rec.key
	rec.key, sess.ID = cred.key, cred.key
	rec.doc, rec.values, rec.maxAge, rec.renewing = doc, values, sess.Options.MaxAge, false
}

// failures returns why the session could not be read, and why it could not be ended.
func (rec *record) failures() (unread, unended error) {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	return rec.err, rec.ending
}

func (rec *record) isGone() bool {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	return rec.gone
}

// seal notes whether it is too late for a cookie.
func (rec *record) seal(sealed bool) {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	rec.sealed = sealed
}

// pendingCookie returns the cookie that the response is to set, nil for none.
func (rec *record) pendingCookie() *http.Cookie {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	return rec.cookie
}

// dropCookie forgets the cookie, and returns it.
func (rec *record) dropCookie() *http.Cookie {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	cookie := rec.cookie
	rec.cookie = nil
	return cookie
}

// records finds the record of a session, for as long as the program holds the session. It is keyed by the session
// itself since that is all that Save gets: requests are replaced on their way through middleware, and gorilla's
// registry points a session at whatever store it was asked for last. It is one for all stores, for a session may be
// asked about at another store that keeps the same ones.
var records sync.Map // of weak.Pointer[sessions.Session] to *record, which must not refer to the session

func addRecord(sess *sessions.Session, rec *record) {
	key := weak.Make(sess)
	records.Store(key, rec)
	runtime.AddCleanup(sess, func(key weak.Pointer[sessions.Session]) { records.Delete(key) }, key)
}

// recordOf returns the record of a session that s, or a store that keeps the same sessions, has handed out: nil for any
// other.
func (s *Store) recordOf(sess *sessions.Session) *record {
	if rec, ok := records.Load(weak.Make(sess)); ok && rec.(*record).store.keepsSame(s) {
		return rec.(*record)
	}
	return nil
}
