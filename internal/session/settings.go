package session

import (
	"log/slog"
	"net/http"
	"time"

	"cloud.google.com/go/firestore"
)

// Settings say how a [Store] keeps sessions. They are a valid firesession.Config whose defaults are filled in; what the
// fields mean stands there.
type Settings struct {
	Client     *firestore.Client
	Collection string
	KeyFactory func() string

	CookieName      string
	Path, Domain    string
	MaxAge          int
	Secure          bool
	DisableHTTPOnly bool
	SameSite        http.SameSite
	Partitioned     bool

	Encoder func(Payload) (string, error)
	Decoder func(string) (Payload, error)

	Lifetime, TouchAfter time.Duration
	UserKey              string

	SigningKeys [][]byte
	HashKeys    bool
	AEAD        AEAD

	Timeout time.Duration
	Logger  *slog.Logger
	Now     func() time.Time
}

// Payload is what the data field of a session's document holds, encoded.
type Payload struct {
	Created int64 // seconds since 1970
	Values  map[string]any
}
