package main

import (
	"net/http"
	"testing"
	"time"

	"github.com/echofirestore/echofirestore"
)

// TestVisitorsWithoutCookies leave no document that stays for long. That of a browser does from the second visit on.
func TestVisitorsWithoutCookies(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	endsWithin := func(least, most time.Duration) {
		t.Helper()
		if ends := time.Until(b.onlyDocument()["expire"].(time.Time)); ends < least || ends > most {
			t.Errorf("the session ends in %v", ends)
		}
	}
	b.get("/").wants(t, http.StatusOK, "<strong>1</strong> <span>time</span>", "cost <strong>1 write</strong>")
	endsWithin(0, trial)
	second := b.get("/").wants(t, http.StatusOK, "<strong>2</strong> <span>times</span>", "cost <strong>1 read, 1 write</strong>")
	endsWithin(lifetime-trial, lifetime)
	if cookie := second.session(); cookie == nil || cookie.MaxAge != 0 {
		t.Errorf("session cookie is %v", cookie)
	}
	b.clock.advance(2 * trial)
	b.get("/").wants(t, http.StatusOK, "<strong>3</strong> <span>times</span>")
}

func TestTrialsEnd(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	b.get("/")
	b.clock.advance(trial + time.Minute)
	b.get("/").wants(t, http.StatusOK, "<strong>1</strong> <span>time</span>", sessionEnded)
}

func TestHeadStoresNothing(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	ada := signedIn(b, firefoxOnLinux, "Ada")
	ada.submit("/note", "note", "tea")
	before := b.firestore.Ops()
	for _, path := range []string{"/", pathSessions, pathDocument, pathBurst, pathLate} {
		for name, visitor := range map[string]*browser{"without a cookie": newBrowserOf(b), "with one": ada} {
			r := visitor.request(http.MethodHead, path, http.NoBody).wants(t, http.StatusOK)
			if len(r.Cookies()) > 0 || r.Header.Get("Content-Type") != "text/html; charset=UTF-8" || r.Header.Get("Cache-Control") != personal {
				t.Errorf("HEAD %s %s has headers %v", path, name, r.Header)
			}
		}
	}
	newBrowserOf(b).request(http.MethodHead, "/nowhere", http.NoBody).wants(t, http.StatusNotFound)
	if cost := b.firestore.Ops().Sub(before).String(); cost != "nothing" {
		t.Errorf("it cost %s", cost)
	}
	ada.get("/").wants(t, http.StatusOK, "Your note is saved.")
	for _, cookie := range ada.cookies() {
		if cookie.Name == echofirestore.DefaultCookieName && cookie.Value == "" {
			t.Error("the cookie is gone")
		}
	}
}
