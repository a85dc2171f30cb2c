package document

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// MaxMaxAge is the longest MaxAge, 68 years in seconds: beyond any session, and within what an int, a time.Duration and
// a Firestore timestamp can hold.
const MaxMaxAge = math.MaxInt32

// A Layout says how sessions are stored. Its fields are those of firesession.Config, with defaults filled in.
type Layout struct {
	Collection  string
	Encoder     func(Payload) (string, error)
	Decoder     func(string) (Payload, error)
	MaxAge      int
	Lifetime    time.Duration
	IdleTimeout time.Duration
	TouchAfter  time.Duration
	UserKey     string
	HashKeys    bool
	AEAD        AEAD
}

// Payload is what the data field of a document holds, encoded.
type Payload struct {
	Created int64 // seconds since 1970
	Values  map[string]any
}

// A Document is a session as Firestore holds it.
type Document struct {
	ID      string
	Data    string         // as the Encoder made it, and not encrypted
	Values  map[string]any // Data, decoded; never changed
	Created int64          // seconds since 1970: when the values were last changed
	MaxAge  int            // seconds; 0 is a browser session
	Expire  time.Time      // zero if there is no limit; that which follows from other fields, if it is not stored
	User    string
	Started time.Time
	Fields  map[string]any // all that are stored, those of others among them
	WriteID string         // of the Update that is to write it
	Writes  []string       // the IDs of the latest Updates
	Version time.Time      // its update time: the precondition of the next save
}

// Stored is a document as Firestore returns it.
type Stored struct {
	ID               string
	Fields           map[string]any
	Created, Updated time.Time
}

// Stored returns a document that was written as Firestore returns it.
func (doc *Document) Stored() *Stored {
	return &Stored{ID: doc.ID, Fields: doc.Fields, Created: doc.Started, Updated: doc.Version}
}

// A MalformedError says what is wrong with a document, in words that quote nothing of it.
type MalformedError struct {
	Reason  string
	Updated time.Time // of the document, to find it by
}

func (e *MalformedError) Error() string {
	return "echofirestore: malformed session document: " + e.Reason
}

// ErrExpired says that a document's session is over, though the document is still there.
var ErrExpired = errors.New("echofirestore: session expired")

// Parse reads a stored document. Its errors are ErrExpired and *MalformedError; of a malformed document it also returns what
// can be read.
func (l *Layout) Parse(stored Stored, now time.Time) (*Document, error) {
	doc := &Document{ID: stored.ID, Fields: stored.Fields, Started: stored.Created, Version: stored.Updated}
	malformed := func(reason string) (*Document, error) {
		return doc, &MalformedError{Reason: reason, Updated: stored.Updated}
	}
	if started, ok := doc.Fields[fieldStarted].(time.Time); ok {
		doc.Started = started
	}
	expire, expires := doc.Fields[FieldExpire].(time.Time)
	doc.Expire = earliest(expire, l.end(doc))
	if doc.ExpiredAt(now) {
		return nil, ErrExpired
	}

	var ok bool
	if doc.Data, ok = doc.Fields[FieldData].(string); !ok {
		return malformed("data is not a string")
	}
	var err error
	if doc.Data, err = l.decrypt(doc.ID, doc.Data); err != nil {
		return malformed("data does not decrypt")
	}
	payload, err := l.Decoder(doc.Data)
	if err != nil {
		return malformed("data does not decode")
	}
	doc.Created, doc.Values = payload.Created, payload.Values
	maxAge, limited := int64(l.MaxAge), l.MaxAge > 0
	if stored, ok := doc.Fields[fieldMaxAge]; ok {
		if maxAge, limited = stored.(int64); !limited && stored != nil {
			return malformed("max_age is neither an integer nor null")
		}
	}
	doc.MaxAge = int(min(max(maxAge, 0), MaxMaxAge))
	// Documents of aiohttp-session-firestore 0.1.1 may have a max age and no expire: they die that long after created.
	if limited && !expires {
		expire = createdEnd(doc)
	}
	if doc.Expire = earliest(l.readExpire(doc, expire, now), l.end(doc)); doc.ExpiredAt(now) {
		return nil, ErrExpired
	}
	doc.User, _ = doc.Fields[FieldUser].(string)
	if writes, ok := doc.Fields[fieldWrite].(string); ok {
		doc.Writes = strings.Fields(writes)
	}
	return doc, nil
}

// Hashed reports whether the document's ID is the hash of a key.
func (doc *Document) Hashed() bool { return doc.Fields[fieldHashed] == true }

// Next returns the document that holds values from now on, for maxAge seconds. The document that it follows is nil for
// a new session. Create or Replace completes it.
func (l *Layout) Next(prev *Document, values map[string]any, maxAge int, now time.Time) (*Document, error) {
	if maxAge > MaxMaxAge {
		return nil, fmt.Errorf("echofirestore: Options.MaxAge is %d: it must be at most %d seconds", maxAge, MaxMaxAge)
	}
	doc := &Document{Created: now.Unix(), MaxAge: maxAge, Started: now}
	if prev != nil {
		doc.Started = prev.Started
	}
	doc.Expire = l.expiry(doc, now)

	var err error
	if doc.Data, err = l.Encoder(Payload{Created: doc.Created, Values: values}); err != nil {
		return nil, err
	}
	payload, err := l.Decoder(doc.Data)
	if err != nil {
		return nil, fmt.Errorf("echofirestore: Config.Decoder refuses what Config.Encoder wrote: %w", err)
	}
	doc.Values = payload.Values
	if doc.User, err = l.user(doc.Values); err != nil {
		return nil, err
	}
	return doc, nil
}

// Wrote reports whether stored is the result of writing doc. For a request that sets values, it does not matter if another
// request wrote the same values, or if it sets them again after others have written. For an Update it does: two requests
// that each count from 4 must make 6. So an Update has an ID, which stays in the document as long as it may be looked up.
func (doc *Document) Wrote(stored *Document) bool {
	if doc.WriteID != "" {
		return slices.Contains(stored.Writes, doc.WriteID)
	}
	return doc.Data == stored.Data && doc.MaxAge == stored.MaxAge && doc.User == stored.User &&
		doc.Expire.Equal(stored.Expire)
}
