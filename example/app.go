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
	// keepFor is how long a session lives after the last visit if one asks to be kept signed in.
	keepFor = 30 * 24 * time.Hour

	// lifetime ends every session: browsers that restore their tabs may keep a session cookie for ever.
	lifetime = 90 * 24 * time.Hour

	maxBody = "64K"
)

// config is what the application is made from.
type config struct {
	Client  *firestore.Client
	Place   string        // where sessions are kept, for the page to tell
	Timeout time.Duration // for Firestore to answer
	Logger  *slog.Logger
}

// app holds what its handlers share.
type app struct {
	place string
	pages pages
}

// newApp returns the application as an http.Handler.
func newApp(cfg config) (*echo.Echo, error) {
	sessions, err := echofirestore.Config{
		Client:   cfg.Client,
		Lifetime: lifetime,
		Timeout:  cfg.Timeout,
		Logger:   cfg.Logger,
	}.ToMiddleware()
	if err != nil {
		return nil, err
	}
	pages, err := parsePages()
	if err != nil {
		return nil, err
	}
	a := &app{place: cfg.Place, pages: pages}

	e := echo.New()
	e.HTTPErrorHandler = a.showError
	e.Use(
		metered,
		middleware.RequestID(),
		logRequests(cfg.Logger),
		recoverPanics(cfg.Logger),
		secureHeaders(),
		middleware.BodyLimit(maxBody),
		sessions,
	)
	e.Match([]string{http.MethodGet, http.MethodHead}, "/", a.home, csrf())
	e.POST("/note", a.saveNote, parseForm, csrf())
	e.POST("/sign-in", a.signIn, parseForm, csrf())
	e.POST("/sign-out", a.signOut, parseForm, csrf())
	for _, file := range assets {
		e.Match([]string{http.MethodGet, http.MethodHead}, "/"+file.name, file.serve)
	}
	return e, nil
}
