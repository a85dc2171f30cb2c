package echofirestore_test

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/internal/testsize"
)

// A span is what a session should live, as its documentation has it.
type span struct {
	cfg     *echofirestore.Config
	alive   bool
	began   time.Time
	expires time.Time // zero: never
	maxAge  int
}

func (s *span) limit(now time.Time) time.Time {
	var limit time.Time
	if s.maxAge > 0 {
		limit = now.Add(time.Duration(s.maxAge) * time.Second)
	}
	if idle := now.Add(s.cfg.IdleTimeout); s.cfg.IdleTimeout > 0 && (limit.IsZero() || idle.Before(limit)) {
		limit = idle
	}
	return s.withinLifetime(limit)
}

func (s *span) withinLifetime(limit time.Time) time.Time {
	if end := s.began.Add(s.cfg.Lifetime); s.cfg.Lifetime > 0 && (limit.IsZero() || end.Before(limit)) {
		return end
	}
	return limit
}

// cookieLeft returns for how many seconds the cookie is to live that a response sets now, 0 for until the browser closes.
func (s *span) cookieLeft(now time.Time) int {
	if s.maxAge == 0 {
		return 0
	}
	limit := s.expires
	if s.cfg.IdleTimeout > 0 {
		limit = s.withinLifetime(now.Add(time.Duration(s.maxAge) * time.Second))
	}
	return int(limit.Sub(now).Seconds())
}

// python lets Python save the session with a max age, unless it finds the session over: it looks at the stored expiry alone.
func (s *span) python(a *app, key string, maxAge int) bool {
	doc, found := a.documents()[key]
	if expire, ok := doc["expire"].(time.Time); !found || ok && !s.now(a).Before(expire) {
		return false
	}
	fields := map[string]any{"data": payload(s.now(a)), "max_age": nil}
	delete(doc, "expire")
	if maxAge > 0 {
		fields["max_age"], fields["expire"] = maxAge, s.now(a).Add(time.Duration(maxAge)*time.Second)
	}
	maps.Copy(doc, fields)
	a.put(key, doc)
	s.alive, s.maxAge = true, maxAge
	s.expires = s.limit(s.now(a))
	return true
}

func (s *span) now(a *app) time.Time { return a.clock.Now() }

// use lets a request come, and then do what path says. It reports whether that gives the session another end, which the
// client must hear of.
func (s *span) use(now time.Time, path string) bool {
	if s.alive && !s.expires.IsZero() && !now.Before(s.expires) {
		s.alive = false
	}
	_, age, sets := strings.Cut(path, "/age/")
	switch path {
	case "/":
		gain := cmp.Or(s.cfg.TouchAfter, s.cfg.IdleTimeout/10)
		if half := time.Duration(s.maxAge) * time.Second / 2; half > 0 {
			gain = min(gain, half)
		}
		if half := s.cfg.IdleTimeout / 2; half > 0 {
			gain = min(gain, half)
		}
		if !s.alive || gain == 0 || s.limit(now).Sub(s.expires) < gain {
			return false
		}
	case "/renew":
		if !s.alive {
			return false
		}
	default: // saved
		if !s.alive {
			*s = span{cfg: s.cfg, alive: true, began: now, maxAge: s.cfg.MaxAge}
		}
		if sets {
			s.maxAge, _ = strconv.Atoi(age)
		}
	}
	s.expires = s.limit(now)
	return true
}

// TestLifetimesInEveryOrder has sessions read, changed, renewed and given other max ages in random orders, over any time
// between, under all kinds of limits: each must live exactly as long as these say.
func TestLifetimesInEveryOrder(t *testing.T) {
	t.Parallel()
	const begun = 4102444800 // in 2100, for no time must come from Firestore's clock
	paths := []string{"/", "/", "/", "/change", "/change", "/renew", "/age/0", "/age/30", "/age/600", "python"}
	pauses := []time.Duration{0, time.Second, 9 * time.Second, 29 * time.Second, 30 * time.Second, 59 * time.Second, time.Minute, 5 * time.Minute}
	for _, limits := range everyLimit() {
		t.Run(fmt.Sprintf("MaxAge %d, Lifetime %v, IdleTimeout %v, TouchAfter %v", limits.MaxAge, limits.Lifetime, limits.IdleTimeout, limits.TouchAfter), func(t *testing.T) {
			t.Parallel()
			a := newApp(t, func(cfg *echofirestore.Config) {
				cfg.MaxAge, cfg.Lifetime, cfg.IdleTimeout, cfg.TouchAfter = limits.MaxAge, limits.Lifetime, limits.IdleTimeout, limits.TouchAfter
			})
			a.GET("/", see)
			n := 0
			change := func(c echo.Context) error {
				n++
				return set("n", n)(c)
			}
			a.GET("/change", change)
			a.GET("/renew", echofirestore.Renew)
			a.GET("/age/:age", func(c echo.Context) error {
				var err error
				session(c).Options.MaxAge, err = strconv.Atoi(c.Param("age"))
				return errors.Join(err, change(c))
			})
			rng := rand.New(rand.NewPCG(1, uint64(limits.MaxAge))) //nolint:gosec // repeatable
			now := time.Unix(begun, 0)
			want := span{cfg: &a.config}
			var key string
			var history []string
			b := a.browser()
			for range testsize.N(20, 150) {
				now = now.Add(pauses[rng.IntN(len(pauses))])
				path := paths[rng.IntN(len(paths))]
				a.clock.Set(now)
				history = append(history, fmt.Sprintf("%d s: %s", now.Unix()-begun, path))
				if path == "python" {
					want.python(a, key, []int{0, 60, 600}[rng.IntN(3)])
					continue
				}
				was := want.alive && (want.expires.IsZero() || now.Before(want.expires))
				told := want.use(now, path)
				got := b.get(path, withCookie(key))
				if got.StatusCode != http.StatusOK {
					t.Fatalf("status %d after %v", got.StatusCode, history)
				}
				if alive := strings.Contains(got.body, `"isNew":false`); path == "/" && alive != was {
					t.Fatalf("alive: %v, want %v, after %v", alive, was, history)
				}
				cookie := got.cookie("__session")
				if (cookie != nil) != told {
					t.Fatalf("cookie %v after %v", cookie, history)
				}
				if cookie == nil {
					continue
				}
				key = cookie.Value
				left := want.cookieLeft(now)
				if cookie.MaxAge != left {
					t.Fatalf("cookie for %d s, want %d, after %v", cookie.MaxAge, left, history)
				}
			}
		})
	}
}

// everyLimit returns Configs with all combinations of limits that are valid.
func everyLimit() []echofirestore.Config {
	var all []echofirestore.Config
	for _, maxAge := range []int{0, 60, 600} {
		for _, lifetime := range []time.Duration{0, 90 * time.Second, 20 * time.Minute} {
			for _, idle := range []time.Duration{0, 30 * time.Second, 2 * time.Minute} {
				for _, touchAfter := range []time.Duration{0, time.Second, 50 * time.Second} {
					if idle == 0 || touchAfter < idle {
						all = append(all, echofirestore.Config{MaxAge: maxAge, Lifetime: lifetime, IdleTimeout: idle, TouchAfter: touchAfter})
					}
				}
			}
		}
	}
	return all
}
