package echofirestore

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
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
	if err := validateID(cfg.withDefaults().Collection); err != nil {
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
	if err := (&http.Cookie{Name: filled.CookieName}).Valid(); err != nil {
		m.add("CookieName", "%q is no cookie name: letters, digits, '-' and '_' always are", cfg.CookieName)
	}
	if (named("__Secure-") || named("__Http-")) && !cfg.Secure {
		m.add("Secure", "must be true for the CookieName %q", cfg.CookieName)
	}
	if named("__Host-") && (!cfg.Secure || filled.Path != "/" || cfg.Domain != "") {
		m.add("CookieName", `%q requires Secure: true, the Path "/" and no Domain`, cfg.CookieName)
	}
	if (named("__Http-") || named("__Host-Http-")) && cfg.DisableHTTPOnly {
		m.add("DisableHTTPOnly", "must be false for the CookieName %q", cfg.CookieName)
	}
	if !strings.HasPrefix(filled.Path, "/") || (&http.Cookie{Name: "n", Path: filled.Path}).Valid() != nil {
		m.add("Path", `%q is no cookie path: it must begin with "/" and contain no ';'`, cfg.Path)
	}
	if (&http.Cookie{Name: "n", Domain: cfg.Domain}).Valid() != nil {
		m.add("Domain", "%q is no cookie domain, such as example.com", cfg.Domain)
	}
	if cfg.SameSite < 0 || cfg.SameSite > http.SameSiteNoneMode {
		m.add("SameSite", "is %d: it must be one of net/http's SameSite modes", cfg.SameSite)
	}
	if cfg.SameSite == http.SameSiteNoneMode && !cfg.Secure {
		m.add("SameSite", "is http.SameSiteNoneMode, which browsers accept only with Secure: true")
	}
}

func (cfg Config) validateTimes(m *mistakes) {
	if cfg.MaxAge < 0 || cfg.MaxAge > maxMaxAge {
		m.add("MaxAge", "is %d: it must be from 0 to %d seconds", cfg.MaxAge, maxMaxAge)
	}
	for _, duration := range []struct {
		field string
		value time.Duration
	}{{"Lifetime", cfg.Lifetime}, {"TouchAfter", cfg.TouchAfter}, {"Timeout", cfg.Timeout}} {
		if duration.value < 0 {
			m.add(duration.field, "is %v: it must not be negative", duration.value)
		}
	}
	if cfg.MaxAge > 0 && cfg.TouchAfter >= time.Duration(cfg.MaxAge)*time.Second {
		m.add("TouchAfter", "is %v: it must be less than the MaxAge of %d s", cfg.TouchAfter, cfg.MaxAge)
	}
}

func (cfg Config) validateKeys(m *mistakes) {
	for i, key := range cfg.SigningKeys {
		field := fmt.Sprintf("SigningKeys[%d]", i)
		switch n := len(key); {
		case i%2 == 0 && n < minHashKeyBytes:
			m.add(field, "has %d bytes: a hash key must have at least %d", n, minHashKeyBytes)
		case i%2 == 0 && slices.ContainsFunc(cfg.SigningKeys[:i], func(k []byte) bool { return bytes.Equal(k, key) }):
			m.add(field, "is there before: each pair must have a hash key of its own")
		case i%2 == 1 && n != 0 && n != 16 && n != 24 && n != 32:
			m.add(field, "has %d bytes: a block key must have 16, 24 or 32, or be nil", n)
		case i%2 == 1 && bytes.Equal(key, cfg.SigningKeys[i-1]):
			m.add(field, "is the hash key of its pair: the block key must be another one")
		}
	}
}
