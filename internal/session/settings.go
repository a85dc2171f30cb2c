package session

import (
	"log/slog"
	"net/http"
	"time"

	"cloud.google.com/go/firestore"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/echofirestore/echofirestore/internal/document"
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

	Encoder func(document.Payload) (string, error)
	Decoder func(string) (document.Payload, error)

	Lifetime, IdleTimeout, TouchAfter time.Duration
	UserKey                           string

	SigningKeys [][]byte
	HashKeys    bool
	AEAD        document.AEAD

	CacheFor   time.Duration
	CacheBytes int

	Timeout time.Duration
	Logger  *slog.Logger

	TracerProvider trace.TracerProvider
	MeterProvider  metric.MeterProvider

	Now func() time.Time
}

// layout returns what concerns the documents.
func (cfg Settings) layout() document.Layout {
	return document.Layout{
		Collection:  cfg.Collection,
		Encoder:     cfg.Encoder,
		Decoder:     cfg.Decoder,
		MaxAge:      cfg.MaxAge,
		Lifetime:    cfg.Lifetime,
		IdleTimeout: cfg.IdleTimeout,
		TouchAfter:  cfg.TouchAfter,
		UserKey:     cfg.UserKey,
		HashKeys:    cfg.HashKeys,
		AEAD:        cfg.AEAD,
	}
}
