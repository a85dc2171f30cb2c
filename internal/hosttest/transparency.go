package hosttest

import (
	"errors"
	"flag"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/echofirestore/echofirestore/internal/emulator"
)

var transparencyFlag = flag.Bool("transparency", false, "compare all combinations in tests of transparency, and not each response once in all surroundings")

// ErrTeapot is an error that the applications of [RunTransparency] answer themselves, with status 418.
var ErrTeapot = errors.New("teapot")

// RunTransparency compares responses with sessions, that handlers leave alone, read, change or begin, with the responses
// without: what the client gets and when, and what handlers see. But for the cookie, and what keeps caches from storing it,
// they must be the same. It does so with net/http's ways to respond, and with those of the host's own, in all of the host's
// surroundings, over HTTP/1.0, HTTP/1.1 and HTTP/2. It prints how many it has compared.
func RunTransparency(t *testing.T, host Host, own ...Response) {
	t.Helper()
	emulator.Avoid(t, "it is about responses, for which Firestore in memory will do")
	compared := new(atomic.Int64)
	t.Cleanup(func() { t.Logf("%d responses compared", compared.Load()) })
	all := slices.Concat(responses, own)
	for i, around := range slices.Concat([]Surrounding{{Name: "bare", Serve: host.Serve}}, host.Surroundings) {
		if around.Remote {
			continue
		}
		t.Run(host.Name+"/"+around.Name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t, around.Serve, allFeatures&^(host.Lacks|around.Lacks))
			for j, response := range all {
				compared.Add(s.compare(response, i, j))
			}
			if !s.cookies {
				t.Error("no response had a session's cookie")
			}
		})
	}
}

var (
	protocols = []string{http10, http11, http2}
	usages    = []string{"untouched", "read", "changed", "begun"}
)

// compare compares a response with and without sessions: in every way when nothing is around it, and else in one way, which
// is another one for each surrounding i and response j. It returns how many it has compared.
func (s *scene) compare(response Response, i, j int) (compared int64) {
	for k, protocol := range protocols {
		if !s.canPlay(response, protocol) {
			continue
		}
		var without []string
		for l, usage := range usages {
			if i > 0 && !*transparencyFlag && (i+j)%(len(protocols)*len(usages)) != k*len(usages)+l {
				continue
			}
			if without == nil {
				without = s.send(s.without, protocol, response)
			}
			s.use(usage)
			with := s.send(s.with, protocol, response)
			compared++
			s.cookies = s.cookies || slices.ContainsFunc(with, isSessionCookie)
			if diff := cmp.Diff(transparently(without, usage), transparently(with, usage)); diff != "" {
				s.t.Errorf("%s/%s/%s (-without +with):\n%s", response.Name, protocol, usage, diff)
			}
		}
	}
	return compared
}

func isSessionCookie(line string) bool { return strings.HasPrefix(line, "Set-Cookie: __session=") }

// transparently returns the lines of a response that must be there with a session as well as without.
func transparently(lines []string, usage string) []string {
	var kept []string
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		switch {
		case usage == "untouched":
		case name == "Vary":
			fields := slices.DeleteFunc(strings.Split(value, ", "), func(f string) bool { return f == "Cookie" })
			if line = name + ": " + strings.Join(fields, ", "); len(fields) == 0 {
				continue
			}
		case usage == "read":
		case name == "Cache-Control", isSessionCookie(line):
			continue
		}
		kept = append(kept, line)
	}
	return kept
}

// answerTeapot is the error handler of applications.
func answerTeapot(w http.ResponseWriter, _ *http.Request, _ Sessions, err error) bool {
	if !errors.Is(err, ErrTeapot) {
		return false
	}
	w.WriteHeader(http.StatusTeapot)
	say(w, "application's")
	return true
}
