package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"cloud.google.com/go/firestore"
	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/echofirestore/echofirestore"
	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
	"golang.org/x/oauth2"
)

const (
	// signedInFor is how long a session lives after its last change once somebody has signed in.
	signedInFor = 8 * time.Hour

	// lifetime ends every session, however active it is.
	lifetime = 24 * time.Hour

	// patience is how long Firestore, or the provider, may take to answer.
	patience = 5 * time.Second

	pathCallback = "/callback"
	csrfField    = "csrf" // of forms, and of Echo's context
)

// config is what the application is made from.
type config struct {
	Client  *firestore.Client
	BaseURL string // of this application, as browsers see it, without a slash at the end

	// The provider, and what it calls this application.
	Issuer, ClientID, ClientSecret string

	Logger *slog.Logger
	Now    func() time.Time
}

// app holds what its handlers share.
type app struct {
	store     *echofirestore.Store
	oauth     oauth2.Config
	verifier  *oidc.IDTokenVerifier
	http      *http.Client // for requests to the provider
	signedOut string       // where browsers go after a sign-out
	log       *slog.Logger
	now       func() time.Time
}

// newApp returns the application as an http.Handler. It asks the provider for its addresses.
func newApp(ctx context.Context, cfg config) (*echo.Echo, error) {
	a := &app{http: &http.Client{Timeout: patience}, log: cfg.Logger, now: cfg.Now}
	provider, err := oidc.NewProvider(oidc.ClientContext(ctx, a.http), cfg.Issuer)
	if err != nil {
		return nil, fmt.Errorf("ask the provider for its configuration: %w", err)
	}
	a.oauth = oauth2.Config{
		ClientID:     cfg.ClientID,
		ClientSecret: cfg.ClientSecret,
		Endpoint:     provider.Endpoint(),
		RedirectURL:  cfg.BaseURL + pathCallback,
		Scopes:       []string{oidc.ScopeOpenID, "profile"},
	}
	a.verifier = provider.Verifier(&oidc.Config{ClientID: cfg.ClientID, Now: cfg.Now})
	policy := contentPolicy
	if a.signedOut, err = signOutURL(provider, cfg); err != nil {
		return nil, err
	}
	if end, _ := url.Parse(a.signedOut); end.IsAbs() {
		// To browsers, a redirect that answers a form is still the form's.
		policy += " " + end.Scheme + "://" + end.Host
	}

	secure := strings.HasPrefix(cfg.BaseURL, "https://")
	a.store, err = echofirestore.NewStore(echofirestore.Config{
		Client: cfg.Client,
		// Without a user, a session has only sign-ins that were begun, and lives no longer than they.
		MaxAge:   int(signInWithin.Seconds()),
		Lifetime: lifetime,
		// The provider sends the browser back with a GET of the whole page: this is what Lax cookies come along with, from
		// other sites, too. Strict ones stay behind, and the callback would find no session. A provider that answers by a
		// POST (response_mode=form_post) would need SameSite=None.
		SameSite: http.SameSiteLaxMode,
		Secure:   secure,
		HashKeys: true,
		UserKey:  keyUser,
		Timeout:  patience,
		Logger:   cfg.Logger,
		Now:      cfg.Now,
	})
	if err != nil {
		return nil, err
	}

	e := echo.New()
	e.HTTPErrorHandler = a.showError
	e.Use(middleware.Recover(), headers(policy, secure), middleware.BodyLimit("64K"))
	e.Use(a.store.Middleware(), csrf(secure)) //nolint:contextcheck // its requests bring contexts of their own
	e.GET("/", a.home)
	e.GET("/private", a.private)
	e.GET("/sign-in", a.signIn)
	e.GET(pathCallback, a.callback)
	e.POST("/sign-out", a.signOut)
	return e, nil
}

// contentPolicy allows what the pages consist of: forms to this site. The origin to which a sign-out leads follows.
const contentPolicy = "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"

func headers(policy string, secure bool) echo.MiddlewareFunc {
	hsts := 0
	if secure {
		hsts = 31536000
	}
	set := middleware.SecureWithConfig(middleware.SecureConfig{
		ContentTypeNosniff:    "nosniff",
		ContentSecurityPolicy: policy,
		ReferrerPolicy:        "same-origin", // the callback's address contains a code
		HSTSMaxAge:            hsts,
	})
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return set(func(c echo.Context) error {
			c.Response().Header().Set(echo.HeaderCacheControl, "private, no-store") // pages and redirects are personal
			return next(c)
		})
	}
}

// csrf refuses forms from other sites. Behind Firebase Hosting, see ../security.go.
func csrf(secure bool) echo.MiddlewareFunc {
	return middleware.CSRFWithConfig(middleware.CSRFConfig{
		TokenLookup:    "form:" + csrfField,
		ContextKey:     csrfField,
		CookiePath:     "/",
		CookieHTTPOnly: true,
		CookieSecure:   secure,
		CookieSameSite: http.SameSiteLaxMode,
		ErrorHandler: func(err error, _ echo.Context) error {
			return echo.NewHTTPError(http.StatusForbidden).SetInternal(err) // 403 also if the token is missing
		},
	})
}
