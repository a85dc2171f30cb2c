package document

import "time"

// ExpiredAt reports whether the session is over.
func (doc *Document) ExpiredAt(now time.Time) bool {
	return !doc.Expire.IsZero() && !now.Before(doc.Expire)
}

// expiry returns when a session that is saved now ends: zero if never. Firestore keeps microseconds.
func (l *Layout) expiry(doc *Document, now time.Time) time.Time {
	var expire time.Time
	if doc.MaxAge > 0 {
		expire = now.Add(seconds(doc.MaxAge))
	}
	return l.withinLifetime(expire, doc.Started).Truncate(time.Microsecond).UTC()
}

// withinLifetime returns expire, or if that is earlier, the end of the Lifetime of a session that began at started.
func (l *Layout) withinLifetime(expire, started time.Time) time.Time {
	if l.Lifetime > 0 {
		if end := started.Add(l.Lifetime); expire.IsZero() || end.Before(expire) {
			return end
		}
	}
	return expire
}

// Due reports whether a session that is used now, and not changed, is to be extended.
func (l *Layout) Due(doc *Document, now time.Time) bool {
	if l.TouchAfter == 0 {
		return false
	}
	gain := l.TouchAfter
	if half := seconds(doc.MaxAge) / 2; half > 0 {
		gain = min(gain, half) // a session with a short max age of its own must not end while it is used
	}
	return l.expiry(doc, now).Sub(doc.Expire) >= gain
}

// Extend returns the document with the expiry of a session that is used now.
func (l *Layout) Extend(prev *Document, now time.Time) *Document {
	doc := *prev
	doc.Expire = l.expiry(prev, now)
	return &doc
}

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }
