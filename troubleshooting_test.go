package echofirestore_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/internal/testsize"
)

// A mistake is a section of docs/troubleshooting.md.
type mistake struct {
	title string
	when  string                           // it is seen
	make  func(t *testing.T) (sees string) // makes it, and returns what the page shows
}

// When a mistake is seen.
const (
	atStart   = "at the start"
	atRequest = "at the first request"
	atNext    = "at the next request"
	atTimeout = "after `Timeout`, 10 s"
	atCall    = "at the call"
	late      = "in the database"
)

// TestTroubleshooting makes each mistake of the page, and compares what there is to see, and when, with what the page says.
// With -v, it prints the mistakes, what is seen, and after what time.
func TestTroubleshooting(t *testing.T) { //nolint:paralleltest // a mistake is in the environment
	aboutResponses(t)
	page := readSections(t, filepath.Join("docs", "troubleshooting.md"))
	for _, tt := range mistakes {
		shown, ok := page[tt.title]
		if !ok {
			t.Errorf("the page has no section %q", tt.title)
		}
		delete(page, tt.title)
		t.Run(tt.title, func(t *testing.T) {
			start := time.Now()
			sees := withoutChance(tt.make(t))
			took := time.Since(start)
			t.Logf("%s, %v:\n%s", tt.when, took.Round(time.Millisecond), sees)
			if shown.block != sees || shown.when != tt.when {
				t.Errorf("the page shows %s:\n%s", shown.when, shown.block)
			}
			// A call is not repeated if the pause before it would end too late, and the pauses are random.
			if waits := tt.when == atTimeout; waits && took < patience/4 || !waits && took >= patience {
				t.Errorf("seen after %v", took)
			}
		})
	}
	for title := range page {
		t.Errorf("nothing makes the mistake %q", title)
	}
}

// patience is the Timeout of those who wait for it. The page shows that of the default.
var patience = time.Duration(testsize.N(500, 10_000)) * time.Millisecond

// withoutChance returns a message with what differs from run to run replaced by what the page shows.
func withoutChance(message string) string {
	for pattern, shown := range map[string]string{
		`(?m)^time=\S+ `:                "",
		`127\.0\.0\.1:\d+`:              "127.0.0.1:8200",
		`within (5\d\dms|1\d(\.\d+)?s)`: "within 10s",
		`failed for [\d.]+m?s`:          "failed for 9.5s",
		`project firestoretest`:         "project my-project",
		`(?m) +$`:                       "",
	} {
		message = regexp.MustCompile(pattern).ReplaceAllString(message, shown)
	}
	return strings.TrimSpace(message)
}

// A section is what the page says of a mistake.
type section struct{ when, block string }

// readSections returns the sections of a page, by title.
func readSections(t *testing.T, file string) map[string]section {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	seen := regexp.MustCompile("(?s)^\nSeen ([^\n]+):\n\n```text\n(.*?)\n```\n")
	sections := make(map[string]section)
	for _, part := range strings.Split(string(text), "\n### ")[1:] {
		title, rest, _ := strings.Cut(part, "\n")
		match := seen.FindStringSubmatch(rest)
		if match == nil {
			t.Errorf("%q does not say what is seen, and when", title)
			continue
		}
		sections[title] = section{match[1], match[2]}
	}
	return sections
}

// visits is the handler of the README.
func visits(c echo.Context) error {
	sess, err := echofirestore.Get(c)
	if err != nil {
		return err
	}
	n, _ := sess.Values["visits"].(int)
	sess.Values["visits"] = n + 1
	return c.String(http.StatusOK, fmt.Sprint(n+1))
}

// invalid returns a mistake in the Config.
func invalid(change func(*echofirestore.Config)) func(*testing.T) string {
	return func(t *testing.T) (sees string) {
		cfg := newBareApp(t).config
		change(&cfg)
		defer func() { sees = fmt.Sprint("panic: ", recover()) }()
		echofirestore.Middleware(cfg)
		return ""
	}
}

// handled returns a mistake that a handler makes.
func handled(handler echo.HandlerFunc, configure ...func(*echofirestore.Config)) func(*testing.T) string {
	return func(t *testing.T) string {
		a := newBareApp(t, configure...)
		return a.sees(handler, a.store.Middleware())
	}
}

// sees serves a request with the key of a session, and returns what there is to see of it: the response, the error or the
// panic of the handler as middleware outside gets it, and the log.
func (a *app) sees(handler echo.HandlerFunc, within ...echo.MiddlewareFunc) string {
	a.t.Helper()
	var told error
	outside := func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			defer func() {
				if p := recover(); p != nil {
					told = fmt.Errorf("panic: %v", p)
					c.Error(told)
				}
			}()
			told = next(c)
			return told
		}
	}
	a.Use(append([]echo.MiddlewareFunc{outside}, within...)...)
	a.GET("/", handler)
	got := a.browser().get("/", withCookie("key"))
	sees := fmt.Sprintf("HTTP %d %s\n%s", got.StatusCode, strings.TrimSpace(got.body), a.log)
	if answered := new(echo.HTTPError); errors.As(told, &answered) && answered.Internal != nil {
		told = answered.Internal
	}
	if told != nil && a.log.String() == "" {
		sees += told.Error()
	}
	return sees
}

// visited returns the number of visits as a browser sees it in three requests.
func visited(b *browser, paths ...string) string {
	b.t.Helper()
	var sees strings.Builder
	for _, path := range paths {
		fmt.Fprintf(&sees, "GET %s: %s\n", path, b.get(path).body)
	}
	return sees.String()
}
