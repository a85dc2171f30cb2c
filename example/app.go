package main

import (
	"log/slog"
	"net/http"
	"time"

	"cloud.google.com/go/firestore"
	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"github.com/echofirestore/echofirestore"
)

const (
	// keepFor is how long a session lives after the last visit of a user who has asked to stay signed in.
	keepFor = 30 * 24 * time.Hour

	// lifetime ends every session: browsers that restore their tabs may keep a session cookie forever.
	lifetime = 90 * 24 * time.Hour

	// touchAfter is how often, at most, a page that changes nothing costs a write that extends the session.
	touchAfter = time.Hour

	maxBody = "64K"
)

// config is what the application is made from.
type config struct {
	Client  *firestore.Client
	Place   string        // where sessions are kept, as pages show it
	Timeout time.Duration // for Firestore to answer
	Logger  *slog.Logger
	Now     func() time.Time
}

// app holds what its handlers share.
type app struct {
	store *echofirestore.Store
	place string
	pages pages
	now   func() time.Time
}

// newApp returns the application as an http.Handler.
func newApp(cfg config) (*echo.Echo, error) {
	store, err := echofirestore.NewStore(echofirestore.Config{
		Client:     cfg.Client,
		Lifetime:   lifetime,
		TouchAfter: touchAfter,
		UserKey:    keyName,
		HashKeys:   true,
		Timeout:    cfg.Timeout,
		Logger:     cfg.Logger,
		Now:        cfg.Now,
	})
	if err != nil {
		return nil, err
	}
	pages, err := parsePages()
	if err != nil {
		return nil, err
	}
	a := &app{store: store, place: cfg.Place, pages: pages, now: cfg.Now}

	e := echo.New()
	e.HTTPErrorHandler = a.showError
	e.Use(
		metered,
		identifyRequests(),
		logRequests(cfg.Logger),
		recoverPanics(cfg.Logger),
		secureHeaders(),
		middleware.BodyLimit(maxBody),
		store.Middleware(),
	)
	get := []string{http.MethodGet, http.MethodHead}
	e.Match(get, "/", a.home, csrf())
	e.POST("/note", a.saveNote, parseForm, csrf())
	e.POST("/sign-in", a.signIn, parseForm, csrf())
	e.POST("/sign-out", a.signOut, parseForm, csrf())
	e.Match(get, pathSessions, a.forUser(a.listSessions), csrf())
	e.POST("/sessions/end", a.forUser(a.endSession), parseForm, csrf())
	e.POST("/sessions/end-others", a.forUser(a.endOthers), parseForm, csrf())
	for _, file := range assets {
		e.Match(get, "/"+file.name, file.serve)
	}
	return e, nil
}
