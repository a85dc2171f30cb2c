package echofirestore

import (
	"log/slog"
	"net/http"
	"time"

	"cloud.google.com/go/firestore"
	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/echofirestore/echofirestore/firesession"
	"github.com/echofirestore/echofirestore/internal/session"
)

// Defaults of Config.
const (
	DefaultCollection = firesession.DefaultCollection
	DefaultCookieName = firesession.DefaultCookieName
	DefaultTimeout    = firesession.DefaultTimeout
	DefaultCacheBytes = firesession.DefaultCacheBytes
)

// Config configures a Store. Only Client is required. The zero value of every other field stands for its default. The
// fields are in groups: what is stored, the cookie, how long a session lives, protection, cost, and operation.
type Config struct {
	// Skipper reports whether a request skips the middleware. Its handlers then have no session.
	// Optional. Default value: no request is skipped.
	Skipper middleware.Skipper

	// Client is the connection to Firestore. The Store never closes it.
	// Required.
	Client *firestore.Client

	// What is stored.

	// Collection is the ID of the collection that holds the sessions, one document each. Keep
	// nothing else in it: without SigningKeys or HashKeys, a made-up cookie can name any of its
	// documents, and Destroy deletes without reading. Stores with different CookieNames need
	// different Collections; see CookieName.
	// Optional. Default value "echo_sessions".
	Collection string

	// Encoder and Decoder turn a session into the text of its document's data field, and back. If
	// Decoder returns an error, the document is malformed: it stays, and the client gets a new,
	// empty session. Requests call both concurrently. Set both or neither.
	// Optional. Default values EncodeJSON and DecodeJSON, whose documents Python can share.
	Encoder func(Payload) (string, error)
	Decoder func(string) (Payload, error)

	// UserKey names the session value that identifies the user, such as "user_id". The value is
	// copied, as text of at most 1499 bytes, into the document's indexed field user, where
	// Store.Sessions and Store.RevokeUser look for the sessions of a user. A session that was
	// stored before gets the field at its next change.
	// Optional. Default value "": no such field is written.
	UserKey string

	// The cookie.

	// CookieName is the name of the cookie, and of the session that Get returns. Firebase Hosting
	// forwards only the cookie "__session" to a backend. Elsewhere, a prefix makes browsers refuse
	// an unsafe cookie. The Config must then match: "__Secure-" requires Secure; "__Host-" also
	// requires the Path "/" and no Domain (RFC 6265bis, section 4.1.3); "__Http-" requires Secure
	// and HttpOnly; "__Host-Http-" requires all of these (draft-ietf-httpbis-layered-cookies).
	//
	// Stores with different CookieNames need different Collections: a plain key does not say which
	// cookie it was issued for, so in one Collection each Store opens the sessions of the other. A
	// key of "__session" would open a session of "admin". HashKeys, which hashes the name into the
	// document's ID, and SigningKeys, which sign the name, prevent this.
	// Optional. Default value "__session".
	CookieName string

	// Path and Domain limit the requests that carry the cookie, as in net/http.Cookie. A cookie
	// with another Path or Domain is a different cookie: after a change, browsers also send the old
	// one until it expires, and often send it first. Up to three cookies of the name are tried, for
	// one read each, until one has a living session.
	// Optional. Default value of Path "/", of Domain none: only the host that set the cookie.
	Path, Domain string

	// Secure restricts the cookie to HTTPS.
	// Optional. Default value false: the cookie is Secure if the request came over HTTPS, as
	// reported by Echo's Context.Scheme, so that a demo on http://localhost works. Echo believes
	// the X-Forwarded-Proto of proxies with private addresses. For other proxies, set Echo's
	// SchemeExtractor, or Secure.
	Secure bool

	// DisableHTTPOnly lets JavaScript read the cookie, and with it anyone who can inject a script.
	// Optional. Default value false.
	DisableHTTPOnly bool

	// SameSite says whether requests from other sites carry the cookie. http.SameSiteNoneMode
	// requires Secure; http.SameSiteDefaultMode omits the attribute.
	// Optional. Default value http.SameSiteLaxMode.
	SameSite http.SameSite

	// Partitioned gives browsers a separate cookie for each site that embeds this one (CHIPS). It
	// requires Secure. A partitioned cookie and an unpartitioned one of the same name are different
	// cookies: switching this on or off leaves the old one in browsers until it expires. A
	// session's Options.Partitioned applies to this response only, as Options.Path does.
	// Optional. Default value false.
	Partitioned bool

	// How long a session lives.

	// MaxAge is how long a session lives after its last save, in seconds. A handler can change it
	// for its session in Options.MaxAge. A session keeps the max age that is stored with it: a
	// lower MaxAge applies to new sessions only.
	// Optional. Default value 0: the cookie lives until the browser closes, and the document has no
	// expiry.
	MaxAge int

	// IdleTimeout ends a session that has not been used for this long, even if its cookie lives on.
	// It is a limit for sessions that last until the browser closes. Using a session without
	// changing it then counts as a save, for MaxAge as well. The expiry moves at most once per
	// TouchAfter, so a session may end up to a TouchAfter early. A document that was last saved
	// without this limit, by Python or before the field was set, ends an IdleTimeout after its last
	// change, even if it has been read since. So setting it, or shortening it, may sign users out
	// once.
	// Optional. Default value 0: no such limit.
	IdleTimeout time.Duration

	// Lifetime is how long a session lives after it began, however active it is.
	// Optional. Default value 0: no limit but MaxAge.
	Lifetime time.Duration

	// TouchAfter extends sessions that are read but not changed. A request moves the expiry to a
	// MaxAge or an IdleTimeout from now, for one write, whenever that gains at least TouchAfter, or
	// half of an Options.MaxAge or IdleTimeout that is shorter. It must be less than MaxAge and
	// IdleTimeout, if they are above 0.
	// Optional. Default value a tenth of IdleTimeout; without one 0: only changes extend a session.
	TouchAfter time.Duration

	// Protection.

	// KeyFactory makes the keys of new sessions. A key is a credential: it must be unpredictable,
	// with at least 128 bits of entropy. It must also be a Firestore document ID (1 to 1500 bytes
	// of UTF-8, no slash or NUL, not ".", ".." or "__…__"), fit into a cookie, and not begin with "~".
	// With any other key, a save fails before anything is written. The Logger gets a warning about
	// the first key of fewer than 16 characters. Requests call KeyFactory concurrently.
	// Optional. Default value: 32 bytes of crypto/rand in base64url, 43 characters.
	KeyFactory func() string

	// SigningKeys authenticate the cookie, so that a forged one is rejected without asking
	// Firestore. They are pairs of a hash key (HMAC-SHA256; at least 32 random bytes, 32 or 64 are
	// best) and a block key (AES; 16, 24 or 32 random bytes), which also encrypts the cookie, or
	// nil. The last block key may be omitted. The first pair signs, and all pairs verify. To
	// rotate, put a new pair in front ({newHash, nil, oldHash, nil}), and remove the old one when
	// all sessions of its time have ended: a cookie moves to the first pair when its session is
	// next saved. These are the key pairs of github.com/gorilla/securecookie. NewStore copies them.
	// Optional. Default value: cookies hold the bare key. Switching signing on or off ends all
	// present sessions.
	SigningKeys [][]byte

	// HashKeys names each document by the SHA-256 of "name:key" in base64url, where name is that of
	// the session's cookie. Then nothing in the database, in a backup, or among the document names
	// in a log or a trace opens a session. It is recommended unless Python shares the sessions,
	// because Python cannot find such documents. All instances must use the same setting.
	// Optional. Default value false: the key is the document's ID. Switching hashing on or off ends
	// all present sessions.
	HashKeys bool

	// AEAD encrypts the sessions' data between Encoder and Decoder, and binds it to its document: a
	// copy in another document is malformed. A Tink AEAD works, and lets you rotate keys. It must
	// work without the network, because any error of Decrypt makes the session malformed.
	// Optional. Default value: data is stored as Encoder returns it. Switching encryption on or off
	// ends all present sessions.
	AEAD AEAD

	// Cost.

	// CacheFor is how long this Store keeps a session in memory after it has read or written it, at
	// most 5 minutes. A request whose session is in memory costs no read. It requires SigningKeys,
	// and must be less than MaxAge and IdleTimeout, if they are above 0. A process should have only
	// one Store with a cache.
	//
	// For up to CacheFor, this Store may not see what other processes change, end or revoke. But a
	// client that waits for each response before its next request sees its own changes in every
	// process, because its cookie names the version that it has seen. Saves never overwrite what
	// they have not seen, except under the same key, and Update decides on what is stored. A
	// handler that must know calls Refresh.
	//
	// Versions of this library without CacheFor reject cookies that name a version: deploy the new
	// version first, and set CacheFor second.
	// Optional. Default value 0: every request that asks for its session reads it.
	CacheFor time.Duration

	// CacheBytes limits the memory for CacheFor, in bytes, approximately. The sessions that have
	// not been used for the longest time are dropped first. It must be at least 1 MiB, the size of
	// the largest session.
	// Optional. Default value 32 MiB.
	CacheBytes int

	// Operation.

	// Timeout limits the time that one load or one commit may take, including retries.
	// Optional. Default value 10 s.
	Timeout time.Duration

	// ErrorHandler answers a request whose session could not be loaded or saved. It may write the
	// response, or return an error for Echo's HTTPErrorHandler. Use errors.Is and this package's
	// errors to tell errors apart. By then, the headers and the body that the handler set are gone.
	// If ErrorHandler does neither, the default answers.
	// Optional. Default value: an echo.HTTPError whose Internal is err, with status 503 if
	// Firestore could not be reached in time, 500 if the session cannot be stored at all, and 409
	// if a handler returned ErrGone.
	ErrorHandler func(c echo.Context, err error) error

	// Logger receives problems that no caller can be told about. No message contains a session key
	// or a value.
	// Optional. Default value slog.Default().
	Logger *slog.Logger

	// TracerProvider and MeterProvider are OpenTelemetry's: for spans of loads and saves, and for
	// counters of what they cost and how they end. docs/operations.md lists them all. They never
	// receive keys, the IDs of documents, or values.
	// Optional. Default values otel.GetTracerProvider() and otel.GetMeterProvider(), which do
	// nothing until the program sets others.
	TracerProvider trace.TracerProvider
	MeterProvider  metric.MeterProvider

	// Now returns the current time. Tests set it to let sessions expire.
	// Optional. Default value time.Now.
	Now func() time.Time
}

// ToMiddleware returns the middleware, or an error that describes what is wrong with the Config.
func (cfg Config) ToMiddleware() (echo.MiddlewareFunc, error) {
	store, err := NewStore(cfg)
	if err != nil {
		return nil, err
	}
	return store.Middleware(), nil
}

// core returns the part of cfg that does not depend on Echo.
func (cfg Config) core() firesession.Config {
	return firesession.Config{
		Client:          cfg.Client,
		Collection:      cfg.Collection,
		KeyFactory:      cfg.KeyFactory,
		CookieName:      cfg.CookieName,
		Path:            cfg.Path,
		Domain:          cfg.Domain,
		MaxAge:          cfg.MaxAge,
		Secure:          cfg.Secure,
		DisableHTTPOnly: cfg.DisableHTTPOnly,
		SameSite:        cfg.SameSite,
		Partitioned:     cfg.Partitioned,
		Encoder:         cfg.Encoder,
		Decoder:         cfg.Decoder,
		Lifetime:        cfg.Lifetime,
		IdleTimeout:     cfg.IdleTimeout,
		TouchAfter:      cfg.TouchAfter,
		UserKey:         cfg.UserKey,
		SigningKeys:     cfg.SigningKeys,
		HashKeys:        cfg.HashKeys,
		AEAD:            cfg.AEAD,
		CacheFor:        cfg.CacheFor,
		CacheBytes:      cfg.CacheBytes,
		Timeout:         cfg.Timeout,
		Logger:          cfg.Logger,
		TracerProvider:  cfg.TracerProvider,
		MeterProvider:   cfg.MeterProvider,
		Now:             cfg.Now,
	}
}

// toHTTPError is the default Config.ErrorHandler.
func toHTTPError(_ echo.Context, err error) error {
	return echo.NewHTTPError(session.HTTPStatus(err)).SetInternal(err)
}
