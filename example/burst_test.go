package main

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/echofirestore/echofirestore/firestoretest"
)

var billOfBurst = regexp.MustCompile(`At once</dt><dd><strong>10 reads, (\d+) writes?</strong>`)

func TestChangesAtOnceAreAllKept(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	b.get("/")
	b.submit("/note", "note", "oat milk")
	b.get("/")
	b.get(pathBurst).wants(t, http.StatusOK, "You have not tried it yet", "cost <strong>1 read</strong>")
	repair := b.firestore.Inject(firestoretest.Fault{Method: "Commit", Times: -1, Delay: 50 * time.Millisecond})
	before := b.firestore.Ops()
	b.submit(pathBurst).redirectsTo(t, pathBurst)
	cost := b.firestore.Ops().Sub(before)
	repair()
	page := b.get(pathBurst).wants(t, http.StatusOK, "<strong>10</strong> saved, <strong>0</strong> lost",
		"One by one</dt><dd><strong>10 reads, 10 writes</strong>", "cost <strong>1 read</strong>")
	bill := billOfBurst.FindStringSubmatch(page.body)
	if bill == nil {
		t.Fatalf("there is no bill:\n%s", page.body)
	}
	writes, err := strconv.Atoi(bill[1])
	requireNoError(t, err)
	if want := (firestoretest.Ops{Reads: 11, Writes: writes + 1}); cost != want || writes > 3 {
		t.Errorf("the page tells of %d writes, and all of it cost %v", writes, cost)
	}
	b.get("/").wants(t, http.StatusOK, "oat milk", "<strong>3</strong> <span>times</span>")
	if data := fmt.Sprint(b.onlyDocument()["data"]); strings.Contains(data, "change ") {
		t.Errorf("rubbish stays: %s", data)
	}
}

func TestBurstsOfOneSessionDontMeet(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	b.get("/")
	b.get("/")
	var bursts sync.WaitGroup
	for range 3 {
		bursts.Go(func() { b.submit(pathBurst).redirectsTo(t, pathBurst) })
	}
	bursts.Wait()
	b.get(pathBurst).wants(t, http.StatusOK, "<strong>10</strong> saved, <strong>0</strong> lost")
}

// TestExperimentsNeedASession also expects that an experiment begins no session but that of the message.
func TestExperimentsNeedASession(t *testing.T) {
	t.Parallel()
	for _, path := range []string{pathBurst, pathLate} {
		for name, cookie := range map[string]string{
			"no cookie":               "",
			"a key without a session": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
			"what can't be a key":     "user/17",
		} {
			t.Run(path+" with "+name, func(t *testing.T) {
				t.Parallel()
				b := newBrowser(t)
				b.setSession(cookie)
				b.post(path, "", sameOrigin).redirectsHome(t)
				b.onlyDocument()
				b.get("/").wants(t, http.StatusOK, noSession, "<strong>1</strong> <span>time</span>")
				b.post(path, "", sameOrigin).redirectsTo(t, path)
			})
		}
	}
}

func TestExperimentsAreLimited(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	now := time.Now()
	b.clock.stop(now)
	b.get("/")
	for i := range experimentsAtOnce {
		b.submit([]string{pathBurst, pathLate}[i%2])
		b.get("/")
	}
	for _, path := range []string{pathBurst, pathLate} {
		page := newBrowserOf(b).post(path, "", sameOrigin).wants(t, http.StatusTooManyRequests, "That’s too often", "cost <strong>nothing</strong>")
		if page.Header.Get("Retry-After") == "" {
			t.Errorf("headers are %v", page.Header)
		}
	}
	b.clock.stop(now.Add(experimentEvery))
	b.submit(pathBurst).redirectsTo(t, pathBurst)
	b.submit(pathBurst).wants(t, http.StatusTooManyRequests)
}

func TestForeignExperimentsAreRefused(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	b.get("/")
	for _, path := range []string{pathBurst, pathLate} {
		b.post(path, url.Values{csrfField: {"guessed"}}.Encode()).wants(t, http.StatusForbidden, "cost <strong>nothing</strong>")
		b.post(path, "", [2]string{"Sec-Fetch-Site", "cross-site"}).wants(t, http.StatusForbidden, "cost <strong>nothing</strong>")
	}
	b.get("/").wants(t, http.StatusOK, "<strong>2</strong> <span>times</span>")
}

func TestExperimentsDuringAnOutage(t *testing.T) {
	t.Parallel()
	for _, path := range []string{pathBurst, pathLate} {
		for _, method := range []string{"BatchGetDocuments", "Commit"} {
			t.Run(path+" without "+method, func(t *testing.T) {
				t.Parallel()
				b := newBrowser(t)
				b.get("/")
				b.submit("/note", "note", "oat milk")
				b.get("/")
				repair := b.firestore.Inject(firestoretest.Fault{Method: method, Times: -1, Err: status.Error(codes.PermissionDenied, "secret")})
				b.submit(path).wants(t, http.StatusServiceUnavailable, "We can’t reach our database").lacks(t, "secret").lacks(t, "/sign-out")
				repair()
				b.get("/").wants(t, http.StatusOK, "oat milk", "<strong>3</strong> <span>times</span>")
				b.submit(path).redirectsTo(t, path)
			})
		}
	}
}

var sameOrigin = [2]string{"Sec-Fetch-Site", "same-origin"}
