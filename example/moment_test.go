package main

import (
	"testing"
	"time"
)

func TestMoments(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, time.November, 24, 23, 45, 0, 0, time.UTC)
	const day = 24 * time.Hour
	for away, want := range map[time.Duration]string{
		0:                                "just now",
		-29 * time.Second:                "just now",
		time.Second:                      "just now", // by another clock
		-31 * time.Second:                "1 minute ago",
		-2 * time.Minute:                 "2 minutes ago",
		-59*time.Minute - 29*time.Second: "59 minutes ago",
		-59*time.Minute - 31*time.Second: "1 hour ago",
		-89 * time.Minute:                "1 hour ago",
		-91 * time.Minute:                "2 hours ago",
		-day + time.Minute:               "24 hours ago",
		-2*day + time.Hour:               "2 days ago",
		-400 * day:                       "400 days ago",
		time.Hour:                        "in 1 hour",
		30*day - time.Hour:               "in 30 days",
		89*day + 11*time.Hour:            "in 89 days",
	} {
		if got := momentOf(now.Add(away), now).Relative; got != want {
			t.Errorf("%v from now is %q, want %q", away, got, want)
		}
	}
	abroad := time.FixedZone("abroad", 2*60*60)
	want := moment{Relative: "just now", Exact: "24 Nov 2026, 23:45 UTC", Datetime: "2026-11-24T23:45:00Z"}
	if got := momentOf(now.In(abroad), now); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
