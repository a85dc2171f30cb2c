package main

import (
	"crypto/rand"
	"errors"
	"net/url"
	"slices"
	"time"

	"github.com/echofirestore/echofirestore"
	"github.com/gorilla/sessions"
	"github.com/labstack/echo/v4"
	"golang.org/x/oauth2"
)

const (
	// signInWithin is how long the provider may take to send a user back.
	signInWithin = 30 * time.Minute

	// maxPending is how many sign-ins one browser may have begun at once, such as one in each tab. The oldest make room.
	maxPending = 5

	// longestReturn is the longest address, in bytes, to which a sign-in leads back.
	longestReturn = 512

	keyPending = "pending" // []pendingSignIn, oldest first
)

// A pendingSignIn has been begun by this browser. It is kept in the session, so no other browser can complete it.
type pendingSignIn struct {
	State    string // names it in the callback's address
	Nonce    string // comes back in the ID token, which so belongs to this sign-in
	Verifier string // PKCE: the provider gives tokens for the code only to whoever knows it
	Return   string // the page to show afterwards, as [localURL] returned it
	Began    time.Time
}

// errNotPending reports that the session has no sign-in of the given state.
var errNotPending = errors.New("no such sign-in was begun here, or it is too old, or it was completed before")

// beginSignIn stores a new pending sign-in. Update keeps those that other tabs begin at the same time.
func beginSignIn(c echo.Context, now time.Time, returnTo string) (pendingSignIn, error) {
	begun := pendingSignIn{
		State:    rand.Text(),
		Nonce:    rand.Text(),
		Verifier: oauth2.GenerateVerifier(),
		Return:   localURL(returnTo),
		Began:    now,
	}
	err := echofirestore.Update(c, func(sess *sessions.Session) error {
		all := append(pendingIn(sess, now), begun)
		sess.Values[keyPending] = all[max(0, len(all)-maxPending):]
		return nil
	})
	return begun, err
}

// takeSignIn removes the pending sign-in of the given state from the session and returns it. However often, and by however
// many requests at once, it is called with one state: it succeeds once. Otherwise, it returns errNotPending.
func takeSignIn(c echo.Context, now time.Time, state string) (pendingSignIn, error) {
	var taken pendingSignIn
	err := echofirestore.Update(c, func(sess *sessions.Session) error {
		all := pendingIn(sess, now)
		i := slices.IndexFunc(all, func(p pendingSignIn) bool { return p.State == state })
		if i < 0 {
			return errNotPending
		}
		taken = all[i]
		sess.Values[keyPending] = slices.Delete(all, i, i+1)
		return nil
	})
	return taken, err
}

// pendingIn returns a session's pending sign-ins without those that are too old.
func pendingIn(sess *sessions.Session, now time.Time) []pendingSignIn {
	all, _ := echofirestore.Value[[]pendingSignIn](sess, keyPending)
	return slices.DeleteFunc(all, func(p pendingSignIn) bool { return now.Sub(p.Began) >= signInWithin })
}

// localURL returns the path and query of an address on this site. For any other it returns "/", so that nobody can make a
// link that leads elsewhere by way of the sign-in.
func localURL(s string) string {
	u, err := url.Parse(s)
	if err != nil || len(s) > longestReturn || u.Scheme != "" || u.Host != "" || u.Opaque != "" || u.User != nil {
		return "/"
	}
	local := (&url.URL{Path: u.Path, RawPath: u.RawPath, RawQuery: u.RawQuery}).String()
	if len(local) < 2 || local[0] != '/' || local[1] == '/' || local[1] == '\\' {
		return "/"
	}
	return local
}
