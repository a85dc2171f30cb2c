package document

import (
	"maps"
	"time"
)

// ExpiredAt reports whether the session is over.
func (doc *Document) ExpiredAt(now time.Time) bool {
	return !doc.Expire.IsZero() && !now.Before(doc.Expire)
}

// expiry returns when a session that is used now ends: zero if never. Firestore keeps microseconds.
func (l *Layout) expiry(doc *Document, now time.Time) time.Time {
	var idle time.Time
	if l.IdleTimeout > 0 {
		idle = now.Add(l.IdleTimeout)
	}
	expire := earliest(idle, maxAgeEnd(doc, now), l.end(doc)).Truncate(time.Microsecond).UTC()
	if l.isThatOfMaxAge(doc, expire) {
		return createdEnd(doc)
	}
	return expire
}

// A save without an IdleTimeout stores created + max age, or the end of the Lifetime. An expiry that is the same although the
// IdleTimeout counts is stored a microsecond earlier, so that the two can be told apart.
const idleMark = time.Microsecond

// storedExpire returns what the field expire is to hold.
func (l *Layout) storedExpire(doc *Document) time.Time {
	if l.isThatOfMaxAge(doc, doc.Expire) || l.isThatOfLifetime(doc, doc.Expire) {
		return doc.Expire.Add(-idleMark)
	}
	return doc.Expire
}

// readExpire returns the expiry of a document whose field expire holds stored, the zero time for none. If the document was
// saved without this IdleTimeout, by Python or before the Config had it, only its payload says when it was last used.
func (l *Layout) readExpire(doc *Document, stored, now time.Time) time.Time {
	if l.IdleTimeout == 0 {
		return stored
	}
	skew := min(l.IdleTimeout/10, time.Minute) // by which the clocks of two instances may differ
	switch {
	case stored.IsZero(), stored.After(now.Add(l.IdleTimeout + skew)), l.isThatOfMaxAge(doc, stored), l.isThatOfLifetime(doc, stored):
		return earliest(stored, time.Unix(doc.Created, 0).Add(l.IdleTimeout).UTC())
	case l.isThatOfMaxAge(doc, stored.Add(idleMark)):
		return createdEnd(doc)
	case l.isThatOfLifetime(doc, stored.Add(idleMark)):
		return stored.Add(idleMark)
	default:
		return stored
	}
}

// isThatOfMaxAge reports whether an expiry may be that of a save without an IdleTimeout: the max age after the time that the
// payload has in whole seconds.
func (l *Layout) isThatOfMaxAge(doc *Document, expire time.Time) bool {
	late := expire.Sub(createdEnd(doc))
	return l.IdleTimeout > 0 && seconds(doc.MaxAge) > l.IdleTimeout && 0 <= late && late < time.Second
}

// isThatOfLifetime reports whether an expiry may be that of a save without an IdleTimeout: the end of the Lifetime.
func (l *Layout) isThatOfLifetime(doc *Document, expire time.Time) bool {
	return l.IdleTimeout > 0 && l.Lifetime > 0 && expire.Equal(l.end(doc).Truncate(time.Microsecond))
}

// createdEnd returns the time that is the max age after the payload's.
func createdEnd(doc *Document) time.Time {
	return time.Unix(doc.Created, 0).Add(seconds(doc.MaxAge)).UTC()
}

// CookieExpiry returns when the cookie of a session that is used now expires, if the session has a max age. An IdleTimeout
// does not count: it is measured here, not in the browser.
func (l *Layout) CookieExpiry(doc *Document, now time.Time) time.Time {
	if l.IdleTimeout == 0 {
		return doc.Expire
	}
	return earliest(maxAgeEnd(doc, now), l.end(doc)).Truncate(time.Microsecond).UTC()
}

// maxAgeEnd returns when a session that is used now reaches its max age, zero if it has none.
func maxAgeEnd(doc *Document, now time.Time) time.Time {
	if doc.MaxAge == 0 {
		return time.Time{}
	}
	return now.Add(seconds(doc.MaxAge))
}

// end returns the end of a session's Lifetime, zero if there is none.
func (l *Layout) end(doc *Document) time.Time {
	if l.Lifetime == 0 {
		return time.Time{}
	}
	return doc.Started.Add(l.Lifetime)
}

// earliest returns the earliest of some times that are not zero, and zero if all are.
func earliest(times ...time.Time) time.Time {
	var first time.Time
	for _, t := range times {
		if !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	return first
}

// Due reports whether a session that is used now, and not changed, is to be extended.
func (l *Layout) Due(doc *Document, now time.Time) bool {
	if l.TouchAfter == 0 {
		return false
	}
	gain := l.TouchAfter
	for _, limit := range []time.Duration{seconds(doc.MaxAge), l.IdleTimeout} {
		if limit > 0 {
			gain = min(gain, limit/2) // a session with a short limit must not end while it is used
		}
	}
	return l.expiry(doc, now).Sub(doc.Expire) >= gain
}

// Extend returns the document with the expiry of a session that is used now.
func (l *Layout) Extend(prev *Document, now time.Time) *Document {
	doc := *prev
	doc.Expire = l.expiry(prev, now)
	doc.Fields = make(map[string]any, len(prev.Fields)+1)
	maps.Copy(doc.Fields, prev.Fields)
	doc.Fields[FieldExpire] = l.storedExpire(&doc)
	return &doc
}

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }
