package main

import (
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
	"golang.org/x/time/rate"
)

// An experiment is a form that costs more than others. How many are carried out is limited for the whole program, because
// visitors can't be told apart: anybody can come with another session, and behind a proxy with another address.
const (
	experimentsAtOnce = 10          // after a while without any
	experimentEvery   = time.Second // on average
)

// A limiter implements [middleware.RateLimiterStore], by the application's clock.
type limiter struct {
	*rate.Limiter
	now func() time.Time
}

// Allow implements [middleware.RateLimiterStore].
func (l limiter) Allow(string) (bool, error) { return l.AllowN(l.now(), 1), nil }

// limitExperiments returns the middleware that all experiments share.
func limitExperiments(now func() time.Time) echo.MiddlewareFunc {
	return middleware.RateLimiterWithConfig(middleware.RateLimiterConfig{
		IdentifierExtractor: func(echo.Context) (string, error) { return "everybody", nil },
		Store:               limiter{rate.NewLimiter(rate.Every(experimentEvery), experimentsAtOnce), now},
	})
}
