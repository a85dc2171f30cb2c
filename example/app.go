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
	echo     *echo.Echo
	store    *echofirestore.Store
	client   *firestore.Client // for what the store has no function for: to look at a document
	timeout  time.Duration
	logger   *slog.Logger
	place    string
	pages    pages
	now      func() time.Time
	bursting chan struct{} // holds a value while a burst is under way
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
	e := echo.New()
	a := &app{
		echo:     e,
		store:    store,
		client:   cfg.Client,
		timeout:  cfg.Timeout,
		logger:   cfg.Logger,
		place:    cfg.Place,
		pages:    pages,
		now:      cfg.Now,
		bursting: make(chan struct{}, 1),
	}
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
	page := func(path string, show echo.HandlerFunc) {
		e.GET(path, show, csrf())
		e.HEAD(path, head)
	}
	page("/", a.home)
	page(pathSessions, a.forUser(a.listSessions))
	page(pathDocument, a.showDocument)
	page(pathBurst, a.showBurst)
	page(pathLate, a.showLate)

	form := func(path string, answer echo.HandlerFunc, inner ...echo.MiddlewareFunc) {
		e.POST(path, answer, append([]echo.MiddlewareFunc{parseForm, csrf()}, inner...)...)
	}
	limited := limitExperiments(cfg.Now)
	form("/note", a.saveNote)
	form("/sign-in", a.signIn)
	form("/sign-out", a.signOut)
	form("/sessions/end", a.forUser(a.endSession))
	form("/sessions/end-others", a.forUser(a.endOthers))
	form(pathBurst, a.makeBurst, limited)
	form(pathLate, a.saveLate, limited)

	for _, file := range assets {
		e.Match([]string{http.MethodGet, http.MethodHead}, "/"+file.name, file.serve)
	}
	return e, nil
}
