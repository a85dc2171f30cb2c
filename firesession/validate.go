package firesession

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/echofirestore/echofirestore/internal/credential"
	"github.com/echofirestore/echofirestore/internal/document"
)

// minHashKeyBytes is the least that a hash key may have: the output of SHA-256, see RFC 2104, section 3.
const minHashKeyBytes = 32

// mistakes collects what is wrong with a Config.
type mistakes []error

// add notes that a field "echofirestore: Config.Field is …".
func (m *mistakes) add(field, format string, args ...any) {
	*m = append(*m, fmt.Errorf("echofirestore: Config.%s "+format, append([]any{field}, args...)...))
}

// validate says all that is wrong with a Config as the caller gave it.
func (cfg Config) validate() error {
	var m mistakes
	if cfg.Client == nil {
		m.add("Client", "is missing: give it the *firestore.Client of firestore.NewClient")
	}
	if err := credential.ValidateID(cfg.withDefaults().Collection); err != nil {
		m.add("Collection", "%q %w", cfg.Collection, err)
	}
	cfg.validateCookie(&m)
	cfg.validateTimes(&m)
	if (cfg.Encoder == nil) != (cfg.Decoder == nil) {
		m.add("Encoder", "and Config.Decoder must be given together or not at all")
	}
	cfg.validateKeys(&m)
	return errors.Join(m...)
}

func (cfg Config) validateCookie(m *mistakes) {
	filled := cfg.withDefaults()
	named := func(prefix string) bool {
		return len(filled.CookieName) >= len(prefix) && strings.EqualFold(filled.CookieName[:len(prefix)], prefix)
	}
	validPath := strings.HasPrefix(filled.Path, "/") && (&http.Cookie{Name: "n", Path: filled.Path}).Valid() == nil
	validDomain := (&http.Cookie{Name: "n", Domain: cfg.Domain}).Valid() == nil

	if (&http.Cookie{Name: filled.CookieName}).Valid() != nil {
		m.add("CookieName", "%q is not a valid cookie name: use letters, digits, '-' and '_'", cfg.CookieName)
	}
	if !validPath {
		m.add("Path", `%q is not a valid cookie path: it must begin with "/" and contain no ';'`, cfg.Path)
	}
	if !validDomain {
		m.add("Domain", "%q is not a valid cookie domain, such as example.com", cfg.Domain)
	}
	if cfg.SameSite < 0 || cfg.SameSite > http.SameSiteNoneMode {
		m.add("SameSite", "is %d: it must be one of net/http's SameSite modes", cfg.SameSite)
	}
	if (named("__Http-") || named("__Host-Http-")) && cfg.DisableHTTPOnly {
		m.add("DisableHTTPOnly", "must be false for the CookieName %q", cfg.CookieName)
	}
	if named("__Host-") && (!cfg.Secure || validPath && filled.Path != "/" || validDomain && cfg.Domain != "") {
		m.add("CookieName", `%q requires Secure: true, the Path "/" and no Domain`, cfg.CookieName)
	}
	switch { // of what a missing Secure breaks, the first is reported
	case cfg.Secure, named("__Host-"):
	case named("__Secure-"), named("__Http-"):
		m.add("Secure", "must be true for the CookieName %q", cfg.CookieName)
	case cfg.SameSite == http.SameSiteNoneMode:
		m.add("SameSite", "is http.SameSiteNoneMode, which browsers accept only with Secure: true")
	case cfg.Partitioned:
		m.add("Partitioned", "is true, which browsers accept only with Secure: true")
	}
}

func (cfg Config) validateTimes(m *mistakes) {
	validMaxAge := 0 <= cfg.MaxAge && cfg.MaxAge <= document.MaxMaxAge
	switch {
	case validMaxAge:
	case cfg.MaxAge > 0 && cfg.MaxAge%int(time.Second) == 0:
		m.add("MaxAge", "is %d: it must be from 0 to %d seconds; did you mean %d?", cfg.MaxAge, document.MaxMaxAge, cfg.MaxAge/int(time.Second))
	default:
		m.add("MaxAge", "is %d: it must be from 0 to %d seconds", cfg.MaxAge, document.MaxMaxAge)
	}
	for _, duration := range []struct {
		field        string
		value, least time.Duration
	}{
		{"Lifetime", cfg.Lifetime, time.Second},
		{"IdleTimeout", cfg.IdleTimeout, time.Second},
		{"TouchAfter", cfg.TouchAfter, time.Second},
		{"CacheFor", cfg.CacheFor, time.Millisecond},
		{"Timeout", cfg.Timeout, time.Millisecond},
	} {
		validateDuration(m, duration.field, duration.value, duration.least)
	}
	switch maxAge := time.Duration(cfg.MaxAge) * time.Second; {
	case validMaxAge && cfg.MaxAge > 0 && cfg.TouchAfter >= maxAge:
		m.add("TouchAfter", "is %v: it must be less than the MaxAge of %d s", cfg.TouchAfter, cfg.MaxAge)
	case cfg.IdleTimeout >= time.Second && cfg.TouchAfter >= cfg.IdleTimeout:
		m.add("TouchAfter", "is %v: it must be less than the IdleTimeout of %v", cfg.TouchAfter, cfg.IdleTimeout)
	}
	cfg.validateCache(m)
}

const (
	maxCacheFor   = 5 * time.Minute
	minCacheBytes = 1 << 20 // a session has at most as much
)

func (cfg Config) validateCache(m *mistakes) {
	switch maxAge := time.Duration(cfg.MaxAge) * time.Second; {
	case cfg.CacheFor < time.Millisecond: // no cache, or a mistake that was reported
	case cfg.CacheFor > maxCacheFor:
		m.add("CacheFor", "is %v: it must be at most %v", cfg.CacheFor, maxCacheFor)
	case 0 < cfg.MaxAge && cfg.MaxAge <= document.MaxMaxAge && cfg.CacheFor >= maxAge:
		m.add("CacheFor", "is %v: it must be less than the MaxAge of %d s", cfg.CacheFor, cfg.MaxAge)
	case cfg.IdleTimeout >= time.Second && cfg.CacheFor >= cfg.IdleTimeout:
		m.add("CacheFor", "is %v: it must be less than the IdleTimeout of %v", cfg.CacheFor, cfg.IdleTimeout)
	}
	if cfg.CacheFor > 0 && cfg.SigningKeys == nil {
		m.add("SigningKeys", "are missing: Config.CacheFor requires them, because the cookie then names a version, which nobody may make up")
	}
	switch {
	case cfg.CacheBytes < 0:
		m.add("CacheBytes", "is %d: it must not be negative", cfg.CacheBytes)
	case 0 < cfg.CacheBytes && cfg.CacheBytes < 1<<15: // a number of MiB
		m.add("CacheBytes", "is %d bytes: it must be at least %d; did you mean %d << 20?", cfg.CacheBytes, minCacheBytes, cfg.CacheBytes)
	case 0 < cfg.CacheBytes && cfg.CacheBytes < minCacheBytes:
		m.add("CacheBytes", "is %d bytes: it must be at least %d", cfg.CacheBytes, minCacheBytes)
	}
}

// validateDuration says what is wrong with a duration that may be left out. A number of seconds without a unit is one of
// nanoseconds; a small duration that was meant has a unit.
func validateDuration(m *mistakes, field string, value, least time.Duration) {
	switch {
	case value < 0:
		m.add(field, "is %v: it must not be negative", value)
	case value == 0 || value >= least:
	case value%(least/1000) == 0:
		m.add(field, "is %v: it must be at least %v", value, least)
	default:
		m.add(field, "is %v: did you mean %d * time.Second?", value, int64(value))
	}
}

func (cfg Config) validateKeys(m *mistakes) {
	if cfg.SigningKeys == nil {
		return
	}
	if !slices.ContainsFunc(cfg.SigningKeys, func(key []byte) bool { return len(key) > 0 }) {
		what := "holds only empty keys"
		if len(cfg.SigningKeys) == 0 {
			what = "is an empty list"
		}
		m.add("SigningKeys", "%s: cookies would be unsigned; give it a hash key, or leave it nil if they are to be", what)
		return
	}
	for i := 0; i < len(cfg.SigningKeys); i += 2 {
		validatePair(m, cfg.SigningKeys, i)
	}
}

// validatePair says what is wrong with the hash key at i, and with the block key behind it.
func validatePair(m *mistakes, keys [][]byte, i int) {
	hashKey, valid := keys[i], false
	field := fmt.Sprintf("SigningKeys[%d]", i)
	switch {
	case len(hashKey) < minHashKeyBytes:
		m.add(field, "has %d bytes: a hash key must have at least %d", len(hashKey), minHashKeyBytes)
	case slices.ContainsFunc(keys[:i], func(key []byte) bool { return bytes.Equal(key, hashKey) }):
		m.add(field, "is a duplicate: each pair must have a hash key of its own")
	default:
		valid = true
	}
	if i++; i == len(keys) {
		return
	}
	field = fmt.Sprintf("SigningKeys[%d]", i)
	switch n := len(keys[i]); {
	case n != 0 && n != 16 && n != 24 && n != 32:
		m.add(field, "has %d bytes: a block key must have 16, 24 or 32, or be nil", n)
	case valid && bytes.Equal(keys[i], hashKey):
		m.add(field, "is the hash key of its pair: the block key must be another one")
	}
}
