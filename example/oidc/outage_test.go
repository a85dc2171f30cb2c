package main

import (
	"net/http"
	"testing"

	"github.com/echofirestore/echofirestore/firestoretest"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// TestFirestoreFails has Firestore fail at each step. The pages say what to do, and that helps.
func TestFirestoreFails(t *testing.T) {
	t.Parallel()
	down := firestoretest.Fault{Method: "Commit", Err: status.Error(codes.PermissionDenied, "not today")}
	lost := firestoretest.Fault{Method: "Commit", Err: status.Error(codes.Internal, "the answer is lost"), After: true}

	t.Run("when a sign-in begins", func(t *testing.T) {
		t.Parallel()
		b := newSite(t).newBrowser(t)
		b.site.firestore.Inject(down)
		b.get("/sign-in").wants(t, http.StatusServiceUnavailable, "try again in a few seconds")
		b.signIn("ada")
	})
	for _, method := range []string{"BatchGetDocuments", "Commit"} {
		t.Run("when the callback takes the sign-in, "+method, func(t *testing.T) {
			t.Parallel()
			b := newSite(t).newBrowser(t)
			callback := b.authenticate(b.begin("/private"), "ada")
			fault := down
			fault.Method = method
			b.site.firestore.Inject(fault)
			failed := b.get(callback).wants(t, http.StatusServiceUnavailable, "Please reload this page in a few seconds.")
			if failed.Header.Get("Retry-After") == "" || failed.Header.Get("Set-Cookie") != "" {
				t.Errorf("headers of the page: %v", failed.Header)
			}
			b.get("/").wants(t, http.StatusOK, "Hello, stranger.")
			b.get(callback).wants(t, http.StatusSeeOther, "").costs(t, "1 read, 2 writes, 1 delete")
			b.get("/").wants(t, http.StatusOK, "Hello, Ada Example.")
		})
	}
	t.Run("when the callback saves the user", func(t *testing.T) {
		t.Parallel()
		b := newSite(t).newBrowser(t)
		callback := b.authenticate(b.begin("/private?tab=1"), "ada")
		second := down
		second.Skip = 1
		b.site.firestore.Inject(second)
		b.get(callback).wants(t, http.StatusServiceUnavailable, `<a href="/sign-in?return=%2Fprivate%3Ftab%3D1">Sign in again</a>`)
		b.get("/").wants(t, http.StatusOK, "Hello, stranger.")
		b.get(callback).wants(t, http.StatusBadRequest, "can’t be completed")
		begun := b.get("/sign-in?return=%2Fprivate%3Ftab%3D1").costs(t, "1 read, 1 write").redirect(t)
		page := b.get(b.authenticate(begun, "ada")).redirect(t)
		if page.RequestURI() != "/private?tab=1" {
			t.Errorf("signed in, but sent to %s", page)
		}
	})
	for skip, what := range []string{"taking the sign-in", "saving the user"} {
		t.Run("when it was done, and the answer is lost, "+what, func(t *testing.T) {
			t.Parallel()
			b := newSite(t).newBrowser(t)
			callback := b.authenticate(b.begin("/"), "ada")
			fault := lost
			fault.Skip = skip
			b.site.firestore.Inject(fault)
			b.get(callback).wants(t, http.StatusSeeOther, "")
			b.get("/").wants(t, http.StatusOK, "Hello, Ada Example.")
		})
	}
	t.Run("at the sign-out", func(t *testing.T) {
		t.Parallel()
		b := newSite(t).newBrowser(t)
		b.signIn("ada")
		b.get("/")
		fault := down
		fault.Times = -1 // the middleware tries it once more
		up := b.site.firestore.Inject(fault)
		b.post("/sign-out").wants(t, http.StatusServiceUnavailable, "sign out again in a few seconds")
		up()
		b.get("/").wants(t, http.StatusOK, "Hello, Ada Example.")
		b.post("/sign-out").wants(t, http.StatusSeeOther, "").costs(t, "1 delete")
	})
}
