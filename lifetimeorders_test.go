package echofirestore_test

import (
	"errors"
	"fmt"
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
	if end := s.began.Add(s.cfg.Lifetime); s.cfg.Lifetime > 0 && (limit.IsZero() || end.Before(limit)) {
		limit = end
	}
	return limit
}

// use lets a request come, and then do what path says. It reports whether that gives the session another end, which the
// client must hear of.
func (s *span) use(now time.Time, path string) bool {
	if s.alive && !s.expires.IsZero() && !now.Before(s.expires) {
		s.alive = false
	}
	_, age, sets := strings.Cut(path, "/age/")
	switch path {
	case "/":
		gain := s.cfg.TouchAfter
		if half := time.Duration(s.maxAge) * time.Second / 2; half > 0 {
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
	paths := []string{"/", "/", "/", "/change", "/change", "/renew", "/age/0", "/age/30", "/age/600"}
	pauses := []time.Duration{0, time.Second, 9 * time.Second, 29 * time.Second, 30 * time.Second, 59 * time.Second, time.Minute, 5 * time.Minute}
	for _, maxAge := range []int{0, 60, 600} {
		for _, lifetime := range []time.Duration{0, 90 * time.Second, 20 * time.Minute} {
			for _, touchAfter := range []time.Duration{0, time.Second, 50 * time.Second} {
				t.Run(fmt.Sprintf("MaxAge %d, Lifetime %v, TouchAfter %v", maxAge, lifetime, touchAfter), func(t *testing.T) {
					t.Parallel()
					a := newApp(t, func(cfg *echofirestore.Config) {
						cfg.MaxAge, cfg.Lifetime, cfg.TouchAfter = maxAge, lifetime, touchAfter
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
					rng := rand.New(rand.NewPCG(1, uint64(maxAge))) //nolint:gosec // repeatable
					now := time.Unix(begun, 0)
					want := span{cfg: &a.config}
					var key string
					var history []string
					b := a.browser()
					for range testsize.N(40, 150) {
						now = now.Add(pauses[rng.IntN(len(pauses))])
						path := paths[rng.IntN(len(paths))]
						a.clock.Set(now)
						history = append(history, fmt.Sprintf("%d s: %s", now.Unix()-begun, path))
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
						left := 0
						if want.maxAge > 0 {
							left = int(want.expires.Sub(now).Seconds())
						}
						if cookie.MaxAge != left {
							t.Fatalf("cookie for %d s, want %d, after %v", cookie.MaxAge, left, history)
						}
					}
				})
			}
		}
	}
}
