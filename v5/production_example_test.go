package echofirestore_test

import (
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/labstack/echo/v5"

	"github.com/echofirestore/echofirestore/v5"
)

// Every field, as for Firebase Hosting in front of Cloud Run.
func ExampleConfig_production() {
	client, stop := openFirestore() // firestore.NewClient(ctx, firestore.DetectProjectID)
	defer stop()
	secrets := struct {
		hash, block []byte
		aead        echofirestore.AEAD
	}{
		hash:  []byte("32 or 64 random bytes, from a secret manager, like all of these."),
		block: []byte("16, 24 or 32 random bytes at all"),
		aead:  newGCM([]byte("as many random ones: 16, 24 / 32")), // or a Tink keyset
	}

	store, err := echofirestore.NewStore(echofirestore.Config{
		Client:     client,
		Collection: "echo_sessions", // the name in firestore.indexes.json and firestore.rules
		Skipper:    func(c *echo.Context) bool { return c.Path() == "/healthz" },

		// The cookie.
		CookieName:      "__session", // the only one that Firebase Hosting forwards; elsewhere "__Host-session"
		Path:            "/",
		Domain:          "", // this host alone
		Secure:          true,
		DisableHTTPOnly: false,
		SameSite:        http.SameSiteLaxMode,
		Partitioned:     false,                                 // this site is not embedded in others
		SigningKeys:     [][]byte{secrets.hash, secrets.block}, // in front of them the new pair, to rotate
		KeyFactory:      nil,                                   // 256 random bits

		// What is stored.
		HashKeys: true,
		AEAD:     secrets.aead,
		Encoder:  nil, // JSON
		Decoder:  nil,
		UserKey:  "user", // for "your devices" and "sign out everywhere"

		// How long it lives.
		MaxAge:      0,               // the cookie: until the browser closes
		IdleTimeout: time.Hour,       // without a request that uses it
		TouchAfter:  5 * time.Minute, // requests that only read extend it, for at most one write in 5 minutes
		Lifetime:    24 * time.Hour,  // whatever happens

		// What it costs.
		CacheFor:   0, // every request sees at once that its session was revoked, in every process
		CacheBytes: 0,

		// When something fails.
		Timeout:        5 * time.Second,
		ErrorHandler:   nil, // 503, 500 or 409 through Echo's HTTPErrorHandler
		Logger:         slog.New(slog.NewJSONHandler(os.Stderr, nil)),
		TracerProvider: nil, // that of otel.SetTracerProvider, if the program calls it
		MeterProvider:  nil, // likewise
		Now:            nil,
	})
	if err != nil {
		log.Fatal(err)
	}

	e := echo.New()
	e.Use(store.Middleware())
	e.GET("/healthz", func(c *echo.Context) error {
		_, err := echofirestore.Get(c)
		return c.String(http.StatusOK, fmt.Sprint(err))
	})
	browse(e, "GET /healthz")
	// Output:
	// GET /healthz: 200 echofirestore: no session in this request: is the middleware installed with e.Use, and not skipped?
}
