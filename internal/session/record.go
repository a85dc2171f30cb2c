package session

import (
	"net/http"
	"runtime"
	"sync"
	"time"
	"weak"

	"github.com/gorilla/sessions"

	"github.com/echofirestore/echofirestore/internal/credential"
	"github.com/echofirestore/echofirestore/internal/document"
)

// A record is what the store knows about a session that it returned: what the next save is compared with, and the
// preconditions of that save.
type record struct {
	store   *Store
	name    string
	options sessions.Options // as handed out
	lack    credential.Lack  // why the client has no key, if it has none
	managed bool             // an exchange sends its cookie

	// Whoever loads, changes or saves the session holds the token. It may be held as long as calls to Firestore, and the function
	// of an Update, take. It is acquired before the turn of the session's document.
	// Callbacks of the application run under it, except the Logger and the ErrorHandler.
	token token

	// mu guards the following fields. It is held briefly, and no other lock is acquired under it. The fields of the first
	// group are changed only by the holder of the token, who may therefore read them without mu.
	mu          sync.Mutex
	state       state
	cause       error              // of the states unreadable and ending
	key         string             // the client's, as long as a document of it may exist
	keyState    keyState           // of key
	version     time.Time          // of the document that the cookie with key was made for; zero if it does not say
	others      []credential.Sent  // those in further cookies of the name, in their order
	missing     bool               // the client has sent keys, but no document of them was found
	doc         *document.Document // what is stored, or if the session has vanished, was; nil if nothing is known to be
	confirmed   bool               // doc was stored after the request had asked for the session; false if it may be an old copy
	values      map[string]any     // what the session held when it was read or last saved, as decoded; never changed
	maxAge      int                // and its Options.MaxAge
	updating    bool               // the function of an Update is running
	touchFailed bool               // extending the session is not tried again

	sealed bool         // the response has begun: no cookie can be sent
	cookie *http.Cookie // the one that the response sets; nil for none
}

// A token is a lock whose acquisition can time out.
type token chan struct{}

func newToken() token { return make(token, 1) }

// take acquires the token. It fails if another goroutine holds it for longer than timeout.
func (t token) take(timeout time.Duration) error {
	select {
	case t <- struct{}{}:
		return nil
	default:
	}
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case t <- struct{}{}:
		return nil
	case <-timer.C:
		return conflict()
	}
}

func (t token) release() { <-t }

// exclusively runs f with the session's token.
func (rec *record) exclusively(f func() error) error {
	if err := rec.token.take(rec.store.cfg.Timeout); err != nil {
		return err
	}
	defer rec.token.release()
	return f()
}

// set changes the record by f.
func (rec *record) set(f func()) {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	f()
}

// cutKey returns the first of the keys, an empty one if there is none, and the others.
func cutKey(keys []credential.Sent) (credential.Sent, []credential.Sent) {
	if len(keys) == 0 {
		return credential.Sent{}, nil
	}
	return keys[0], keys[1:]
}

// repair restores fields of the session that a handler may have set to nil.
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

// saved notes that doc is what is stored of the session now, under cred, and that the session holds values. The cookie
// is for the response, if it can still be sent.
func (rec *record) saved(
	sess *sessions.Session, cred credential.Credential, doc *document.Document, values map[string]any, cookie *http.Cookie,
) {
	rec.set(func() {
		switch {
		case cred.Key != rec.key:
			rec.keyState = issued
		case rec.keyState == renewing: // the KeyFactory has returned the same key
			rec.keyState = sent
		}
		rec.state, rec.key, sess.ID = stored, cred.Key, cred.Key
		rec.doc, rec.confirmed, rec.values, rec.maxAge = doc, true, values, sess.Options.MaxAge
		if !rec.sealed {
			rec.cookie = cookie
		}
	})
}

// ended notes that the session is over, and that it holds values. The cookie deletes the client's.
func (rec *record) ended(sess *sessions.Session, values map[string]any, cookie *http.Cookie) {
	rec.set(func() {
		rec.state, rec.cause = absent, nil
		rec.key, rec.keyState, sess.ID = "", sent, ""
		rec.doc, rec.values = nil, values
		rec.cookie = cookie
	})
}

// unended notes that the handler has ended the session, and why its document could not be deleted.
func (rec *record) unended(cause error) { rec.set(func() { rec.state, rec.cause = ending, cause }) }

// vanish notes that another request has ended the session.
func (rec *record) vanish() { rec.set(func() { rec.state = vanished }) }

// reported notes that a change of the session was dropped because the session is gone, and that somebody knows.
func (rec *record) reported() {
	rec.set(func() {
		if rec.state == vanished {
			rec.state = dropped
		}
	})
}

// moveOn notes what another request has made of the session's document.
func (rec *record) moveOn(doc *document.Document) { rec.set(func() { rec.doc = doc }) }

// confirm notes what was just read of the session's document.
func (rec *record) confirm(doc *document.Document) {
	rec.set(func() { rec.doc, rec.confirmed = doc, true })
}

// storedValues returns the values that are known to be stored, nil for none.
func (rec *record) storedValues() map[string]any {
	if rec.doc == nil {
		return nil
	}
	return rec.doc.Values
}

// known returns the session's state, and the cause of those that have one.
func (rec *record) known() (state, error) {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	return rec.state, rec.cause
}

// current returns what is known to be stored of the session, nil for nothing.
func (rec *record) current() *document.Document {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	if rec.state != stored {
		return nil
	}
	return rec.doc
}

// isUpdating reports whether the function of an Update is running.
func (rec *record) isUpdating() bool {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	return rec.updating
}

// unreadFor returns why the session could not be read, nil if it could.
func (rec *record) unreadFor() error {
	if state, cause := rec.known(); state == unreadable {
		return cause
	}
	return nil
}

// is reports whether the session is in one of some states.
func (rec *record) is(states ...state) bool {
	state, _ := rec.known()
	return state.in(states...)
}

// seal notes whether it is too late for a cookie.
func (rec *record) seal(sealed bool) { rec.set(func() { rec.sealed = sealed }) }

func (rec *record) isSealed() bool {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	return rec.sealed
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

// records finds the record of a session, for as long as the program holds the session. Its key is the session itself,
// because that is all that Save gets: middleware may replace the request, and gorilla's registry sets the store of a session
// to the one that was last asked for it. All stores share it, because a session may be passed to another store that keeps
// the same sessions.
var records sync.Map // of weak.Pointer[sessions.Session] to *record, which must not refer to the session

func addRecord(sess *sessions.Session, rec *record) {
	key := weak.Make(sess)
	records.Store(key, rec)
	runtime.AddCleanup(sess, func(key weak.Pointer[sessions.Session]) { records.Delete(key) }, key)
}

// recordOf returns the record of a session that s, or a store that keeps the same sessions, has returned. It is nil for any
// other session.
func (s *Store) recordOf(sess *sessions.Session) *record {
	if rec, ok := records.Load(weak.Make(sess)); ok && rec.(*record).store.keepsSame(s) {
		return rec.(*record)
	}
	return nil
}
