package main

import (
	"fmt"
	"time"
)

// A moment is a point in time as pages show it.
type moment struct {
	Relative string // "5 minutes ago", "in 30 days"
	Exact    string // "24 Nov 2026, 23:45 UTC"
	Datetime string // for programs: the value of HTML's attribute of that name
}

func momentOf(t, now time.Time) moment {
	t = t.UTC()
	return moment{
		Relative: relative(t.Sub(now)),
		Exact:    t.Format("2 Jan 2006, 15:04 UTC"),
		Datetime: t.Format(time.RFC3339),
	}
}

var units = []struct {
	length time.Duration
	name   string
}{
	{24 * time.Hour, "day"},
	{time.Hour, "hour"},
	{time.Minute, "minute"},
}

// relative returns roughly how far away a moment is, in the past or in the future, in the largest unit that fits.
func relative(away time.Duration) string {
	away = away.Round(time.Minute)
	for _, unit := range units {
		if away.Abs() < unit.length {
			continue
		}
		n := int(away.Abs().Round(unit.length) / unit.length)
		span := fmt.Sprintf("%d %s", n, plural(n, unit.name))
		if away < 0 {
			return span + " ago"
		}
		return "in " + span
	}
	return "just now"
}

func plural(n int, noun string) string {
	if n == 1 {
		return noun
	}
	return noun + "s"
}
