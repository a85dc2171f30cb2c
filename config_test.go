package echofirestore_test

import (
	"bytes"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/firestore"
	"github.com/google/go-cmp/cmp"
	"github.com/gorilla/sessions"
	"github.com/labstack/echo/v4"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
)

func TestConfigValid(t *testing.T) {
	t.Parallel()
	client := firestoretest.NewClient(t)
	tests := map[string]echofirestore.Config{
		"only a client":                   {},
		"collection in Japanese":          {Collection: "セッション"},
		"collection with odd characters":  {Collection: "a b.c~d:e"},
		"collection of dots":              {Collection: "..."},
		"collection of 1500 bytes":        {Collection: strings.Repeat("c", 1500)},
		"collection with two underscores": {Collection: "__x"},
		"cookie name of any token":        {CookieName: "a!#$%&'*+-.^_`|~9"},
		"__Host-":                         {CookieName: "__Host-s", Secure: true},
		"__Host- and its path":            {CookieName: "__Host-s", Secure: true, Path: "/"},
		"__Secure-":                       {CookieName: "__Secure-s", Secure: true, Path: "/app", Domain: "example.com"},
		"path":                            {Path: "/app/"},
		"domain":                          {Domain: "example.com"},
		"domain with a dot":               {Domain: ".example.com"},
		"domain that is an address":       {Domain: "192.0.2.1"},
		"MaxAge of a second":              {MaxAge: 1},
		"MaxAge of 68 years":              {MaxAge: math.MaxInt32},
		"SameSite default mode":           {SameSite: http.SameSiteDefaultMode},
		"SameSite lax":                    {SameSite: http.SameSiteLaxMode},
		"SameSite strict":                 {SameSite: http.SameSiteStrictMode},
		"SameSite none, secure":           {SameSite: http.SameSiteNoneMode, Secure: true},
		"encoder and decoder":             {Encoder: echofirestore.EncodeGob, Decoder: echofirestore.DecodeGob},
		"durations":                       {Lifetime: time.Second, TouchAfter: time.Second, Timeout: time.Millisecond},
		"TouchAfter below MaxAge":         {MaxAge: 60, TouchAfter: time.Minute - 1},
		"IdleTimeout":                     {IdleTimeout: time.Second},
		"IdleTimeout far above MaxAge":    {MaxAge: 1, IdleTimeout: time.Hour},
		"TouchAfter below IdleTimeout":    {IdleTimeout: time.Minute, TouchAfter: time.Minute - 1},
		"Lifetime below MaxAge":           {MaxAge: 60, Lifetime: time.Second},
		"__Http-":                         {CookieName: "__Http-s", Secure: true, Path: "/app"},
		"__Host-Http-":                    {CookieName: "__Host-Http-s", Secure: true},
		"signing":                         {SigningKeys: [][]byte{hashKey}},
		"signing and encrypting cookies":  {SigningKeys: [][]byte{newHashKey, newBlockKey, hashKey, nil}},
		"block key of 24 bytes":           {SigningKeys: [][]byte{hashKey, blockKey[:24]}},
		"an old pair without a block key": {SigningKeys: [][]byte{newHashKey, newBlockKey, hashKey, nil}},
		"a cache":                         {CacheFor: time.Millisecond, SigningKeys: [][]byte{hashKey}},
		"a large cache":                   {CacheFor: 5 * time.Minute, CacheBytes: 1 << 30, SigningKeys: [][]byte{hashKey}},
		"a small cache below MaxAge":      {CacheFor: time.Minute - 1, CacheBytes: 1 << 20, MaxAge: 60, IdleTimeout: time.Minute, SigningKeys: [][]byte{hashKey}},
		"the size of a cache without one": {CacheBytes: 1 << 20},
		"partitioned":                     {Partitioned: true, Secure: true},
		"partitioned, for other sites":    {Partitioned: true, Secure: true, SameSite: http.SameSiteNoneMode},
		"hashed keys":                     {HashKeys: true},
		"the rest": {
			DisableHTTPOnly: true, UserKey: "user", Logger: slog.New(slog.DiscardHandler), Now: time.Now,
			KeyFactory: func() string { return "k" }, Skipper: func(echo.Context) bool { return false },
			ErrorHandler: func(_ echo.Context, err error) error { return err },
		},
	}
	for name, cfg := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg.Client = client
			if store, err := echofirestore.NewStore(cfg); err != nil || store == nil {
				t.Errorf("NewStore: %v", err)
			}
			if mw, err := cfg.ToMiddleware(); err != nil || mw == nil {
				t.Errorf("ToMiddleware: %v", err)
			}
		})
	}
}

// TestConfigInvalid holds every mistake, with the field that the error must name and what it must say.
func TestConfigInvalid(t *testing.T) {
	t.Parallel()
	client := firestoretest.NewClient(t)
	noClient := new(firestore.Client)
	tests := []struct {
		name   string
		config echofirestore.Config
		field  string
		want   []string // in the error: what was wrong, and what would be right
	}{
		{name: "no client", config: echofirestore.Config{Client: noClient}, field: "Client", want: []string{"firestore.NewClient"}},

		{name: "collection with a slash", config: echofirestore.Config{Collection: "a/b"}, field: "Collection", want: []string{`"a/b"`, "slash"}},
		{name: "collection called .", config: echofirestore.Config{Collection: "."}, field: "Collection", want: []string{`"."`, "'..'"}},
		{name: "collection called ..", config: echofirestore.Config{Collection: ".."}, field: "Collection", want: []string{`".."`, "'.'"}},
		{name: "reserved collection", config: echofirestore.Config{Collection: "__sessions__"}, field: "Collection", want: []string{"__sessions__", "'__…__'"}},
		{name: "collection of 1501 bytes", config: echofirestore.Config{Collection: strings.Repeat("c", 1501)}, field: "Collection", want: []string{"1500 bytes"}},
		{name: "collection that is no UTF-8", config: echofirestore.Config{Collection: "\xff"}, field: "Collection", want: []string{"UTF-8"}},

		{name: "cookie name with a space", config: echofirestore.Config{CookieName: "a b"}, field: "CookieName", want: []string{`"a b"`, "letters, digits"}},
		{name: "cookie name with =", config: echofirestore.Config{CookieName: "a=b"}, field: "CookieName", want: []string{`"a=b"`}},
		{name: "cookie name with ;", config: echofirestore.Config{CookieName: "a;b"}, field: "CookieName", want: []string{`"a;b"`}},
		{name: "cookie name with a colon", config: echofirestore.Config{CookieName: "a:b"}, field: "CookieName", want: []string{`"a:b"`}},
		{name: "cookie name in Japanese", config: echofirestore.Config{CookieName: "鍵"}, field: "CookieName", want: []string{"letters, digits"}},
		{name: "cookie name with a line break", config: echofirestore.Config{CookieName: "a\r\nb"}, field: "CookieName", want: []string{`"a\r\nb"`}},

		{name: "__Secure- without Secure", config: echofirestore.Config{CookieName: "__Secure-s"}, field: "Secure", want: []string{"true", "__Secure-s"}},
		{name: "__secure- in lower case", config: echofirestore.Config{CookieName: "__secure-s"}, field: "Secure", want: []string{"true"}},
		{name: "__Host- without Secure", config: echofirestore.Config{CookieName: "__Host-s"}, field: "CookieName", want: []string{"__Host-s", "Secure: true"}},
		{name: "__Host- with a path", config: echofirestore.Config{CookieName: "__Host-s", Secure: true, Path: "/app"}, field: "CookieName", want: []string{`Path "/"`}},
		{name: "__Host- with a domain", config: echofirestore.Config{CookieName: "__Host-s", Secure: true, Domain: "example.com"}, field: "CookieName", want: []string{"no Domain"}},
		{name: "__HOST- in upper case", config: echofirestore.Config{CookieName: "__HOST-s", Secure: true, Domain: "example.com"}, field: "CookieName", want: []string{"no Domain"}},

		{name: "__Http- without Secure", config: echofirestore.Config{CookieName: "__Http-s"}, field: "Secure", want: []string{"true", "__Http-s"}},
		{name: "__Http- for JavaScript", config: echofirestore.Config{CookieName: "__Http-s", Secure: true, DisableHTTPOnly: true}, field: "DisableHTTPOnly", want: []string{"false", "__Http-s"}},
		{name: "__Host-Http- for JavaScript", config: echofirestore.Config{CookieName: "__Host-Http-s", Secure: true, DisableHTTPOnly: true}, field: "DisableHTTPOnly", want: []string{"false"}},
		{name: "__Host-Http- with a domain", config: echofirestore.Config{CookieName: "__Host-Http-s", Secure: true, Domain: "example.com"}, field: "CookieName", want: []string{"no Domain"}},

		{name: "short hash key", config: echofirestore.Config{SigningKeys: [][]byte{hashKey[:31]}}, field: "SigningKeys[0]", want: []string{"31 bytes", "at least 32"}},
		{name: "no hash key", config: echofirestore.Config{SigningKeys: [][]byte{nil, blockKey}}, field: "SigningKeys[0]", want: []string{"0 bytes", "at least 32"}},
		{name: "block key of no AES", config: echofirestore.Config{SigningKeys: [][]byte{hashKey, blockKey[:20]}}, field: "SigningKeys[1]", want: []string{"20 bytes", "16, 24 or 32", "nil"}},
		{name: "short hash key of an old pair", config: echofirestore.Config{SigningKeys: [][]byte{hashKey, nil, []byte("secret")}}, field: "SigningKeys[2]", want: []string{"6 bytes"}},
		{name: "hash key of two pairs", config: echofirestore.Config{SigningKeys: [][]byte{hashKey, blockKey, hashKey, nil}}, field: "SigningKeys[2]", want: []string{"a hash key of its own"}},
		{name: "hash key as block key", config: echofirestore.Config{SigningKeys: [][]byte{hashKey, hashKey}}, field: "SigningKeys[1]", want: []string{"another one"}},

		{name: "relative path", config: echofirestore.Config{Path: "app"}, field: "Path", want: []string{`"app"`, `begin with "/"`}},
		{name: "path with ;", config: echofirestore.Config{Path: "/a;b"}, field: "Path", want: []string{`"/a;b"`, "no ';'"}},
		{name: "path with a line break", config: echofirestore.Config{Path: "/a\nb"}, field: "Path", want: []string{`"/a\nb"`}},
		{name: "domain with a scheme", config: echofirestore.Config{Domain: "https://example.com"}, field: "Domain", want: []string{`"https://example.com"`, "such as example.com"}},
		{name: "domain with a space", config: echofirestore.Config{Domain: "example .com"}, field: "Domain", want: []string{`"example .com"`}},

		{name: "negative MaxAge", config: echofirestore.Config{MaxAge: -1}, field: "MaxAge", want: []string{"is -1", "from 0 to 2147483647 seconds"}},
		{name: "MaxAge too long", config: echofirestore.Config{MaxAge: math.MaxInt32 + 1}, field: "MaxAge", want: []string{"is 2147483648", "from 0 to 2147483647 seconds"}},
		{name: "MaxAge given as a Duration", config: echofirestore.Config{MaxAge: int(time.Hour)}, field: "MaxAge", want: []string{"seconds"}},

		{name: "SameSite none without Secure", config: echofirestore.Config{SameSite: http.SameSiteNoneMode}, field: "SameSite", want: []string{"SameSiteNoneMode", "Secure: true"}},
		{name: "SameSite unknown", config: echofirestore.Config{SameSite: 5}, field: "SameSite", want: []string{"is 5", "net/http"}},
		{name: "SameSite negative", config: echofirestore.Config{SameSite: -1}, field: "SameSite", want: []string{"is -1"}},

		{name: "encoder without decoder", config: echofirestore.Config{Encoder: echofirestore.EncodeGob}, field: "Encoder", want: []string{"Config.Decoder", "together"}},
		{name: "decoder without encoder", config: echofirestore.Config{Decoder: echofirestore.DecodeGob}, field: "Encoder", want: []string{"Config.Decoder", "together"}},

		{name: "negative Lifetime", config: echofirestore.Config{Lifetime: -time.Second}, field: "Lifetime", want: []string{"is -1s", "negative"}},
		{name: "negative TouchAfter", config: echofirestore.Config{TouchAfter: -1}, field: "TouchAfter", want: []string{"is -1ns", "negative"}},
		{name: "negative Timeout", config: echofirestore.Config{Timeout: -time.Minute}, field: "Timeout", want: []string{"is -1m0s", "negative"}},
		{name: "TouchAfter of MaxAge", config: echofirestore.Config{MaxAge: 60, TouchAfter: time.Minute}, field: "TouchAfter", want: []string{"is 1m0s", "less than the MaxAge of 60 s"}},
		{name: "negative IdleTimeout", config: echofirestore.Config{IdleTimeout: -1}, field: "IdleTimeout", want: []string{"is -1ns", "negative"}},
		{name: "TouchAfter of IdleTimeout", config: echofirestore.Config{IdleTimeout: time.Minute, TouchAfter: time.Minute}, field: "TouchAfter", want: []string{"is 1m0s", "less than the IdleTimeout of 1m0s"}},
		{name: "TouchAfter above MaxAge", config: echofirestore.Config{MaxAge: 60, TouchAfter: time.Hour}, field: "TouchAfter", want: []string{"is 1h0m0s", "60 s"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			switch tt.config.Client {
			case nil:
				tt.config.Client = client
			case noClient:
				tt.config.Client = nil
			}
			store, err := echofirestore.NewStore(tt.config)
			if err == nil {
				t.Fatal("no error")
			}
			if store != nil {
				t.Error("a store beside the error")
			}
			for _, want := range append(tt.want, "echofirestore: Config."+tt.field+" ") {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %.300q does not say %q", err, want)
				}
			}
			if n := len(causes(err)); n != 1 {
				t.Errorf("%d errors for one mistake:\n%v", n, err)
			}

			mw, mwErr := tt.config.ToMiddleware()
			if mwErr == nil || mwErr.Error() != err.Error() || mw != nil {
				t.Errorf("ToMiddleware: %v; NewStore: %v", mwErr, err)
			}
			defer func() {
				if p, ok := recover().(error); !ok || p.Error() != err.Error() {
					t.Errorf("Middleware panics with %v; NewStore: %v", p, err)
				}
			}()
			echofirestore.Middleware(tt.config)
		})
	}
}

// TestConfigErrors compares whole errors. A mistake is reported once, without what follows from it.
func TestConfigErrors(t *testing.T) {
	t.Parallel()
	client := firestoretest.NewClient(t)
	const day = 24 * time.Hour
	unsigned := ": cookies would be unsigned; give it a hash key, or leave it nil if they are to be"
	short, signing := hashKey[:16], [][]byte{hashKey}
	for _, tt := range []struct {
		name   string
		config echofirestore.Config
		want   string // without "echofirestore: Config." at the beginning of each line
	}{
		{"Lifetime in seconds", echofirestore.Config{Lifetime: 86400}, "Lifetime is 86.4µs: did you mean 86400 * time.Second?"},
		{"Lifetime of a month in seconds", echofirestore.Config{Lifetime: 30 * 86400}, "Lifetime is 2.592ms: did you mean 2592000 * time.Second?"},
		{"Lifetime of a year in seconds", echofirestore.Config{Lifetime: 365 * 86400}, "Lifetime is 31.536ms: did you mean 31536000 * time.Second?"},
		{"Lifetime of a second in seconds", echofirestore.Config{Lifetime: 1}, "Lifetime is 1ns: did you mean 1 * time.Second?"},
		{"Lifetime of half a second", echofirestore.Config{Lifetime: 500 * time.Millisecond}, "Lifetime is 500ms: it must be at least 1s"},
		{"Lifetime just too short", echofirestore.Config{Lifetime: time.Second - 1}, "Lifetime is 999.999999ms: did you mean 999999999 * time.Second?"},
		{"TouchAfter in seconds", echofirestore.Config{TouchAfter: 60}, "TouchAfter is 60ns: did you mean 60 * time.Second?"},
		{"TouchAfter in seconds, beside a MaxAge", echofirestore.Config{MaxAge: 3600, TouchAfter: 600}, "TouchAfter is 600ns: did you mean 600 * time.Second?"},
		{"IdleTimeout in seconds", echofirestore.Config{IdleTimeout: 900}, "IdleTimeout is 900ns: did you mean 900 * time.Second?"},
		{"IdleTimeout in seconds, beside a TouchAfter", echofirestore.Config{IdleTimeout: 900, TouchAfter: time.Minute}, "IdleTimeout is 900ns: did you mean 900 * time.Second?"},
		{"TouchAfter too short", echofirestore.Config{TouchAfter: 10 * time.Millisecond}, "TouchAfter is 10ms: it must be at least 1s"},
		{"Timeout in seconds", echofirestore.Config{Timeout: 5}, "Timeout is 5ns: did you mean 5 * time.Second?"},
		{"Timeout too short", echofirestore.Config{Timeout: 500 * time.Microsecond}, "Timeout is 500µs: it must be at least 1ms"},
		{"all in seconds", echofirestore.Config{Lifetime: 86400, TouchAfter: 60, Timeout: 5}, "Lifetime is 86.4µs: did you mean 86400 * time.Second?\n" +
			"TouchAfter is 60ns: did you mean 60 * time.Second?\nTimeout is 5ns: did you mean 5 * time.Second?"},
		{"negative TouchAfter, beside a MaxAge", echofirestore.Config{MaxAge: 60, TouchAfter: -time.Hour}, "TouchAfter is -1h0m0s: it must not be negative"},

		{"MaxAge as a Duration", echofirestore.Config{MaxAge: int(day)}, "MaxAge is 86400000000000: it must be from 0 to 2147483647 seconds; did you mean 86400?"},
		{"MaxAge as a Duration, and TouchAfter", echofirestore.Config{MaxAge: int(day), TouchAfter: time.Minute}, "MaxAge is 86400000000000: it must be from 0 to 2147483647 seconds; did you mean 86400?"},
		{"MaxAge as a Duration that overflows, and TouchAfter", echofirestore.Config{MaxAge: int(400 * day), TouchAfter: time.Hour}, "MaxAge is 34560000000000000: it must be from 0 to 2147483647 seconds; did you mean 34560000?"},
		{"MaxAge too large", echofirestore.Config{MaxAge: math.MaxInt, TouchAfter: time.Hour}, "MaxAge is 9223372036854775807: it must be from 0 to 2147483647 seconds"},
		{"negative MaxAge, and TouchAfter", echofirestore.Config{MaxAge: -1, TouchAfter: time.Hour}, "MaxAge is -1: it must be from 0 to 2147483647 seconds"},
		{"TouchAfter of MaxAge", echofirestore.Config{MaxAge: 3600, TouchAfter: time.Hour}, "TouchAfter is 1h0m0s: it must be less than the MaxAge of 3600 s"},

		{"CacheFor in seconds", echofirestore.Config{CacheFor: 10, SigningKeys: signing}, "CacheFor is 10ns: did you mean 10 * time.Second?"},
		{"CacheFor too short", echofirestore.Config{CacheFor: 10 * time.Microsecond, SigningKeys: signing}, "CacheFor is 10µs: it must be at least 1ms"},
		{"negative CacheFor", echofirestore.Config{CacheFor: -time.Second}, "CacheFor is -1s: it must not be negative"},
		{"CacheFor too long", echofirestore.Config{CacheFor: 5*time.Minute + 1, SigningKeys: signing}, "CacheFor is 5m0.000000001s: it must be at most 5m0s"},
		{"CacheFor of MaxAge", echofirestore.Config{CacheFor: time.Minute, MaxAge: 60, SigningKeys: signing}, "CacheFor is 1m0s: it must be less than the MaxAge of 60 s"},
		{"CacheFor of IdleTimeout", echofirestore.Config{CacheFor: time.Minute, IdleTimeout: time.Minute, SigningKeys: signing}, "CacheFor is 1m0s: it must be less than the IdleTimeout of 1m0s"},
		{"CacheFor without SigningKeys", echofirestore.Config{CacheFor: time.Minute}, "SigningKeys are missing: Config.CacheFor requires them, because the cookie then names a version, which nobody may make up"},
		{"CacheFor with empty SigningKeys", echofirestore.Config{CacheFor: time.Minute, SigningKeys: [][]byte{}}, "SigningKeys is an empty list" + unsigned},
		{"CacheBytes in MiB", echofirestore.Config{CacheFor: time.Minute, CacheBytes: 64, SigningKeys: signing}, "CacheBytes is 64 bytes: it must be at least 1048576; did you mean 64 << 20?"},
		{"CacheBytes too few", echofirestore.Config{CacheFor: time.Minute, CacheBytes: 1<<20 - 1, SigningKeys: signing}, "CacheBytes is 1048575 bytes: it must be at least 1048576"},
		{"negative CacheBytes", echofirestore.Config{CacheBytes: -1}, "CacheBytes is -1: it must not be negative"},

		{"no keys in the list", echofirestore.Config{SigningKeys: [][]byte{}}, "SigningKeys is an empty list" + unsigned},
		{"an empty key", echofirestore.Config{SigningKeys: [][]byte{nil}}, "SigningKeys holds only empty keys" + unsigned},
		{"two empty keys", echofirestore.Config{SigningKeys: [][]byte{nil, nil}}, "SigningKeys holds only empty keys" + unsigned},
		{"keys of unset variables", echofirestore.Config{SigningKeys: [][]byte{[]byte(""), {}, nil, []byte("")}}, "SigningKeys holds only empty keys" + unsigned},
		{"an empty hash key", echofirestore.Config{SigningKeys: [][]byte{nil, blockKey}}, "SigningKeys[0] has 0 bytes: a hash key must have at least 32"},
		{"an empty old pair", echofirestore.Config{SigningKeys: [][]byte{hashKey, blockKey, nil, nil}}, "SigningKeys[2] has 0 bytes: a hash key must have at least 32"},
		{"one short key as both", echofirestore.Config{SigningKeys: [][]byte{short, short}}, "SigningKeys[0] has 16 bytes: a hash key must have at least 32"},
		{"one key as both", echofirestore.Config{SigningKeys: [][]byte{hashKey, hashKey}}, "SigningKeys[1] is the hash key of its pair: the block key must be another one"},
		{"one pair twice", echofirestore.Config{SigningKeys: [][]byte{hashKey, blockKey, hashKey, blockKey}}, "SigningKeys[2] is a duplicate: each pair must have a hash key of its own"},
		{"one key four times", echofirestore.Config{SigningKeys: [][]byte{hashKey, nil, hashKey, hashKey}}, "SigningKeys[2] is a duplicate: each pair must have a hash key of its own"},

		{"cookie name", echofirestore.Config{CookieName: "my session"}, `CookieName "my session" is not a valid cookie name: use letters, digits, '-' and '_'`},
		{"path", echofirestore.Config{Path: "app"}, `Path "app" is not a valid cookie path: it must begin with "/" and contain no ';'`},
		{"domain", echofirestore.Config{Domain: "a b"}, `Domain "a b" is not a valid cookie domain, such as example.com`},
		{"__Host- and a bad path", echofirestore.Config{CookieName: "__Host-s", Secure: true, Path: "app"}, `Path "app" is not a valid cookie path: it must begin with "/" and contain no ';'`},
		{"__Host- and a bad domain", echofirestore.Config{CookieName: "__Host-s", Secure: true, Domain: "a b"}, `Domain "a b" is not a valid cookie domain, such as example.com`},
		{"partitioned, not secure", echofirestore.Config{Partitioned: true}, "Partitioned is true, which browsers accept only with Secure: true"},
		{"partitioned for other sites, not secure", echofirestore.Config{Partitioned: true, SameSite: http.SameSiteNoneMode}, "SameSite is http.SameSiteNoneMode, which browsers accept only with Secure: true"},
		{"__Host- for other sites, not secure", echofirestore.Config{CookieName: "__Host-s", Partitioned: true, SameSite: http.SameSiteNoneMode}, `CookieName "__Host-s" requires Secure: true, the Path "/" and no Domain`},
		{"__Secure- for other sites, not secure", echofirestore.Config{CookieName: "__Secure-s", SameSite: http.SameSiteNoneMode}, `Secure must be true for the CookieName "__Secure-s"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.config.Client = client
			_, err := echofirestore.NewStore(tt.config)
			if err == nil {
				t.Fatal("no error")
			}
			if got := strings.ReplaceAll("\n"+err.Error(), "\nechofirestore: Config.", "\n")[1:]; got != tt.want {
				t.Errorf("error\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

func causes(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	return []error{err}
}

func TestConfigTellsAllMistakes(t *testing.T) {
	t.Parallel()
	_, err := echofirestore.NewStore(echofirestore.Config{
		Collection: "a/b", CookieName: "a b", Path: "x", Domain: "a b", MaxAge: -1, SameSite: http.SameSiteNoneMode,
		Encoder: echofirestore.EncodeGob, Lifetime: -1, TouchAfter: -1, Timeout: -1,
	})
	if err == nil {
		t.Fatal("no error")
	}
	fields := []string{"Client", "Collection", "CookieName", "Path", "Domain", "MaxAge", "SameSite", "Encoder", "Lifetime", "TouchAfter", "Timeout"}
	for _, field := range fields {
		if n := strings.Count(err.Error(), "echofirestore: Config."+field+" "); n != 1 {
			t.Errorf("Config.%s is named %d times in\n%v", field, n, err)
		}
	}
	if n := len(causes(err)); n != len(fields) {
		t.Errorf("%d errors, want %d:\n%v", n, len(fields), err)
	}
}

// TestConfigDefaults shows the defaults where users meet them: in the options of a session and in the cookie.
func TestConfigDefaults(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*echofirestore.Config)
		want   sessions.Options
		cookie string // but for its value
	}{
		{
			name:   "defaults",
			change: func(*echofirestore.Config) {},
			want:   sessions.Options{Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode},
			cookie: "__session=; Path=/; HttpOnly; SameSite=Lax",
		},
		{
			name: "all set",
			change: func(cfg *echofirestore.Config) {
				cfg.CookieName, cfg.Path, cfg.Domain = "sid", "/app", "example.com"
				cfg.Secure, cfg.DisableHTTPOnly, cfg.SameSite, cfg.Partitioned = true, true, http.SameSiteNoneMode, true
			},
			want:   sessions.Options{Path: "/app", Domain: "example.com", Secure: true, SameSite: http.SameSiteNoneMode, Partitioned: true},
			cookie: "sid=; Path=/app; Domain=example.com; Secure; SameSite=None; Partitioned",
		},
		{
			name:   "SameSite left out",
			change: func(cfg *echofirestore.Config) { cfg.SameSite = http.SameSiteDefaultMode },
			want:   sessions.Options{Path: "/", HttpOnly: true, SameSite: http.SameSiteDefaultMode},
			cookie: "__session=; Path=/; HttpOnly",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server, client := firestoretest.Start(t)
			cfg := echofirestore.Config{Client: client}
			tt.change(&cfg)
			e := echo.New()
			e.Use(echofirestore.Middleware(cfg))
			e.GET("/", func(c echo.Context) error {
				sess := session(c)
				if diff := cmp.Diff(tt.want, *sess.Options); diff != "" {
					t.Errorf("options (-want +got):\n%s", diff)
				}
				sess.Values["n"] = 1
				return nil
			})
			rec := httptest.NewRecorder()
			e.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/", http.NoBody))
			name, rest, _ := strings.Cut(rec.Header().Get("Set-Cookie"), "=")
			key, attributes, _ := strings.Cut(rest, ";")
			if got := name + "=;" + attributes; got != tt.cookie {
				t.Errorf("cookie %q, want %q", got, tt.cookie)
			}
			if len(key) != 43 {
				t.Errorf("key %q has not 43 characters", key)
			}
			snap, err := client.Collection("echo_sessions").Doc(key).Get(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(map[string]any{"data": snap.Data()["data"], "max_age": nil}, snap.Data()); diff != "" {
				t.Errorf("document (-want +got):\n%s", diff)
			}
			if text, _ := snap.Data()["data"].(string); !strings.HasSuffix(text, `,"session":{"n":1}}`) {
				t.Errorf("data %q", text)
			}
			if got := server.Ops().Writes; got != 1 {
				t.Errorf("%d writes", got)
			}
		})
	}
}

func TestConfigDefaultLogger(t *testing.T) { //nolint:paralleltest // it replaces the program's logger
	var log bytes.Buffer
	previous := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	defer slog.SetDefault(previous)

	client := firestoretest.NewClient(t)
	if _, err := client.Collection("echo_sessions").Doc("k").Set(t.Context(), map[string]any{"data": "secret"}); err != nil {
		t.Fatal(err)
	}
	store, err := echofirestore.NewStore(echofirestore.Config{Client: client})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
	r.Header.Set("Cookie", "__session=k")
	if _, err := store.Get(r, "__session"); err != nil {
		t.Fatal(err)
	}
	if got := log.String(); !strings.Contains(got, "malformed") || strings.Contains(got, "secret") {
		t.Errorf("log: %q", got)
	}
}

// TestConfigIsCopied changes a Config, and the Options of a session, after they were used.
func TestConfigIsCopied(t *testing.T) {
	t.Parallel()
	cfg := echofirestore.Config{Client: firestoretest.NewClient(t), MaxAge: 60}
	store, err := echofirestore.NewStore(cfg)
	if err != nil {
		t.Fatal(err)
	}
	open := func(name string) (*sessions.Session, error) {
		return store.Get(httptest.NewRequest(http.MethodGet, "/", http.NoBody), name)
	}
	first, err := open("__session")
	if err != nil {
		t.Fatal(err)
	}
	cfg.MaxAge, cfg.CookieName, cfg.Path, cfg.Collection = 5, "other", "/other", "other"
	first.Options.Path, first.Options.MaxAge = "/first", 7

	second, err := open("__session")
	if err != nil {
		t.Fatal(err)
	}
	want := sessions.Options{Path: "/", MaxAge: 60, HttpOnly: true, SameSite: http.SameSiteLaxMode}
	if diff := cmp.Diff(want, *second.Options); diff != "" {
		t.Errorf("options (-want +got):\n%s", diff)
	}
}

func TestSkipper(t *testing.T) {
	t.Parallel()
	server, client := firestoretest.Start(t)
	e := echo.New()
	e.Use(echofirestore.Middleware(echofirestore.Config{
		Client:  client,
		Skipper: func(c echo.Context) bool { return c.Path() == "/health" },
	}))
	handler := func(c echo.Context) error {
		if _, err := echofirestore.Get(c); errors.Is(err, echofirestore.ErrNoMiddleware) {
			return c.String(http.StatusOK, "none")
		} else if err != nil {
			return err
		}
		return c.String(http.StatusOK, "session")
	}
	e.GET("/health", handler)
	e.GET("/", handler)
	for path, want := range map[string]string{"/health": "none", "/": "session"} {
		rec := httptest.NewRecorder()
		e.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, path, http.NoBody))
		if got := rec.Body.String(); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	if calls := server.Calls(); len(calls) > 0 {
		t.Errorf("calls %v", calls)
	}
}
