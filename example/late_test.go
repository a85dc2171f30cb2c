package main

import (
	"net/http"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/echofirestore/echofirestore/firestoretest"
)

func TestLateSavesAreRefused(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	ada := signedIn(b, firefoxOnLinux, "Ada")
	ada.submit("/note", "note", "oat milk")
	ada.get("/")
	ada.get(pathLate).wants(t, http.StatusOK, "A request reads your session, and takes its time.", "Signed in as <strong>Ada</strong>", "cost <strong>1 read</strong>")
	old := ada.cookies()[0]
	before := b.firestore.Ops()
	after := ada.submit(pathLate).redirectsTo(t, pathLate).session()
	if after == nil || after.Value == old.Value {
		t.Errorf("session cookie is %v", after)
	}
	if cost := b.firestore.Ops().Sub(before).String(); cost != "3 reads, 1 write, 1 delete" {
		t.Errorf("it cost %s", cost)
	}
	page := ada.get(pathLate).wants(t, http.StatusOK, "could not bring it back", "<strong>3</strong> times", "<code>ErrGone</code>", "status <strong>409</strong>", "Nothing came back.").
		lacks(t, "Ada").lacks(t, sessionEnded)
	var costs []string
	for rest := page.body; strings.Contains(rest, `class="cost">`); {
		var cost string
		_, rest, _ = strings.Cut(rest, `class="cost">`)
		cost, rest, _ = strings.Cut(rest, "<")
		costs = append(costs, cost)
	}
	if got := strings.Join(costs, ", then "); got != "1 read, then 1 delete, then 1 read, then 1 read" {
		t.Errorf("the steps cost %s", got)
	}
	b.onlyDocument()
	ada.get("/").wants(t, http.StatusOK, "Hello, stranger.", "<strong>1</strong> <span>time</span>").lacks(t, "saved too late")

	thief := newBrowserOf(b)
	thief.setSession(old.Value)
	thief.get("/").wants(t, http.StatusOK, "Hello, stranger.", sessionEnded)
}

// TestSessionsThatCantBeEnded expects that the slow request then leaves the session as it is.
func TestSessionsThatCantBeEnded(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	b.get("/")
	b.submit("/note", "note", "oat milk")
	b.get("/")
	b.firestore.Inject(firestoretest.Fault{Method: "Commit", Err: status.Error(codes.PermissionDenied, "not today")})
	b.submit(pathLate).wants(t, http.StatusServiceUnavailable, "We can’t reach our database")
	b.get("/").wants(t, http.StatusOK, "oat milk").lacks(t, "saved too late")
}
