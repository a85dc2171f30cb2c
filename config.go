package echofirestore

import (
	"log/slog"
	"net/http"
	"time"

	"cloud.google.com/go/firestore"
	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"github.com/echofirestore/echofirestore/firesession"
	"github.com/echofirestore/echofirestore/internal/session"
)

// Defaults of Config.
const (
	DefaultCollection = firesession.DefaultCollection
	DefaultCookieName = firesession.DefaultCookieName
	DefaultTimeout    = firesession.DefaultTimeout
)

// Config says how sessions are kept. Client is required, all else may be left at its zero value.
type Config struct {
	// Skipper exempts requests from the middleware: handlers that it skips have no session.
	// Optional. Default value: no request is skipped.
	Skipper middleware.Skipper

	// Client is the connection to Firestore. It stays the caller's: it is never closed here.
	// Required.
	Client *firestore.Client

	// Collection is the ID of the collection that holds the sessions, one document each. It must be for sessions alone:
	// unless there are SigningKeys or HashKeys, a client can name any document of it by a made-up cookie, and Destroy
	// deletes without reading. Stores with different CookieNames must have different Collections; see CookieName.
	// Optional. Default value "echo_sessions".
	Collection string

	// KeyFactory makes the keys of new sessions. A key is a credential, so it must be unpredictable, with 128 bits of
	// entropy at the least. It must be a Firestore document ID (1 to 1500 bytes of UTF-8, no slash, not ".", ".." or
	// "__…__"), fit into a cookie, and not begin with "~"; any other key fails the save before anything is written.
	// The first key of less than 16 characters, which is hardly unpredictable, is reported to the Logger.
	// It is called by requests concurrently.
	// Optional. Default value: 32 bytes of crypto/rand in base64url, 43 characters.
	KeyFactory func() string

	// CookieName is the name of the cookie and of the session that Get returns. Firebase Hosting forwards no cookie to
	// a backend but "__session". Elsewhere a prefix makes browsers refuse the cookie unless it is safe, and so must the
	// Config be: with "__Secure-" it requires Secure, with "__Host-" also the Path "/" and no Domain (RFC 6265bis, section
	// 4.1.3), and with "__Http-" or "__Host-Http-" moreover HttpOnly (draft-ietf-httpbis-layered-cookies).
	//
	// Stores with different CookieNames belong in two Collections: a key does not say which cookie it was issued for, so
	// in one Collection each store opens the sessions of the other, such as those of "admin" with a key of "__session".
	// Only with HashKeys, which puts the name into the document's ID, or with SigningKeys, which sign the name, do they not.
	// Optional. Default value "__session".
	CookieName string

	// Path and Domain limit the requests that a browser sends the cookie with, as in net/http.Cookie. A cookie of another
	// Path or Domain is another cookie: after a change, browsers send the old one as well until it expires, and often first.
	// Up to three cookies of the name are looked at until one has a living session, for one read each.
	// Optional. Default value of Path "/", of Domain none: just the host that set it.
	Path, Domain string

	// MaxAge is how long a session lives after its last save, in seconds. A handler may set another one for its
	// session in Options.MaxAge. A session keeps the max age that is stored with it: a lowered MaxAge is for new sessions.
	// Optional. Default value 0: the cookie lives as long as the browser runs, and the document has no expiry.
	MaxAge int

	// Secure confines the cookie to HTTPS.
	// Optional. Default value false: the cookie is Secure whenever the request itself came by HTTPS, as Echo's
	// Context.Scheme tells, so that a demo on http://localhost works too.
	Secure bool

	// DisableHTTPOnly lets JavaScript read the cookie, and with it anyone who can inject a script.
	// Optional. Default value false.
	DisableHTTPOnly bool

	// Partitioned gives browsers a cookie of its own for each site that embeds this one (CHIPS). It requires Secure. A
	// partitioned cookie is another one than an unpartitioned one of the same name: switching it on or off leaves the
	// old one in browsers until it expires. A session's Options.Partitioned holds for this response only, as its Path does.
	// Optional. Default value false.
	Partitioned bool

	// SameSite says whether requests from other sites carry the cookie. http.SameSiteNoneMode requires Secure;
	// http.SameSiteDefaultMode leaves the attribute out.
	// Optional. Default value http.SameSiteLaxMode.
	SameSite http.SameSite

	// Encoder and Decoder turn a session into the text of its document's data field, and back. A text that Decoder
	// returns an error for counts as malformed: its session is new and empty, its document stays. Both are called by
	// requests concurrently. They must be given together.
	// Optional. Default values EncodeJSON and DecodeJSON, which share documents with Python.
	Encoder func(Payload) (string, error)
	Decoder func(string) (Payload, error)

	// Lifetime is how long a session lives since it began, however active it is.
	// Optional. Default value 0: as long as it is saved within MaxAge.
	Lifetime time.Duration

	// TouchAfter extends the life of sessions that are read but not changed: their expiry is pushed to a MaxAge from
	// now whenever that gains TouchAfter or more, or half of a shorter Options.MaxAge, which costs one write. If MaxAge
	// is above 0, TouchAfter must be less.
	// Optional. Default value 0: only changes extend a session.
	TouchAfter time.Duration

	// UserKey names the session value that identifies the user, such as "user_id". It is copied, as text of at most 1499
	// bytes, into the document's indexed field user, so that Store.Sessions and Store.RevokeUser find the sessions of one
	// user. A session that was stored before gets the field at its next change.
	// Optional. Default value "": no such field is written.
	UserKey string

	// SigningKeys authenticate the cookie, so that a forged one is recognized without asking Firestore: pairs of a hash
	// key (HMAC-SHA256; at least 32 random bytes, 32 or 64 are best) and a block key (AES; 16, 24 or 32 random bytes),
	// with which the cookie is encrypted as well, or nil. The last block key may be left out. The first pair signs, all
	// of them verify: to rotate, put a new pair in front ({newHash, nil, oldHash, nil}), and drop the old one when the
	// sessions of its time are over. A cookie moves to the first pair when its session is next saved. These are the key
	// pairs of github.com/gorilla/securecookie; they are copied.
	// Optional. Default value: cookies hold the bare key. Beginning to sign, or ceasing to, ends the sessions there are.
	SigningKeys [][]byte

	// HashKeys stores each session under the SHA-256 of "name:key", in base64url, name being that of its cookie. Who reads the database, a backup, or the
	// names of documents in a log or a trace, then finds nothing that opens a session. It is recommended unless Python
	// shares the sessions, which cannot find such documents. All instances must agree on it.
	// Optional. Default value false: the document's ID is the key. Beginning to hash, or ceasing to, ends the sessions
	// there are.
	HashKeys bool

	// AEAD encrypts the sessions' data between Encoder and Decoder, and binds it to its document: copied to another one,
	// it is malformed. An AEAD of Tink is one, with rotation of keys. It must work without the network, since any error
	// of Decrypt makes the session malformed.
	// Optional. Default value: data is stored as Encoder makes it. Beginning to encrypt ends the sessions there are.
	AEAD AEAD

	// Timeout bounds the Firestore work of one load or one commit, retries included.
	// Optional. Default value 10 s.
	Timeout time.Duration

	// ErrorHandler answers a request whose session could not be loaded or saved. It may write the response, or return
	// an error for Echo's HTTPErrorHandler; err can be told apart with errors.Is and this package's errors. The
	// headers that the handler had set are gone by then, as is what it wrote.
	// Optional. Default value: an echo.HTTPError whose Internal is err, with status 503 if Firestore could not be
	// reached in time, 500 if the session cannot be stored at all, and 409 if a handler returned ErrGone.
	ErrorHandler func(c echo.Context, err error) error

	// Logger hears of what no caller is told. It never gets keys or values.
	// Optional. Default value slog.Default().
	Logger *slog.Logger

	// Now is the clock. It is for tests of what an application does when sessions expire.
	// Optional. Default value time.Now.
	Now func() time.Time
}

// ToMiddleware returns the middleware, or an error that says what is wrong with the Config.
func (cfg Config) ToMiddleware() (echo.MiddlewareFunc, error) {
	store, err := NewStore(cfg)
	if err != nil {
		return nil, err
	}
	return store.Middleware(), nil
}

// core returns what of cfg has nothing to do with Echo.
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
		TouchAfter:      cfg.TouchAfter,
		UserKey:         cfg.UserKey,
		SigningKeys:     cfg.SigningKeys,
		HashKeys:        cfg.HashKeys,
		AEAD:            cfg.AEAD,
		Timeout:         cfg.Timeout,
		Logger:          cfg.Logger,
		Now:             cfg.Now,
	}
}

// toHTTPError is the default Config.ErrorHandler.
func toHTTPError(_ echo.Context, err error) error {
	return echo.NewHTTPError(session.HTTPStatus(err)).SetInternal(err)
}
