package session

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"cloud.google.com/go/firestore"

	"github.com/echofirestore/echofirestore/internal/merge"
)

// MaxMaxAge is the longest MaxAge, 68 years in seconds: beyond any session, and within what an int, a time.Duration and
// a Firestore timestamp can hold.
const MaxMaxAge = math.MaxInt32

// The fields of a session's document. Those that are not here belong to others, and saving leaves them alone.
const (
	fieldData    = "data"    // string: the encoded Payload
	fieldMaxAge  = "max_age" // integer seconds, or null for a browser session
	fieldExpire  = "expire"  // timestamp, where there is a limit
	fieldUser    = "user"    // string, with Config.UserKey
	fieldStarted = "started" // timestamp, with Config.Lifetime or on a renewed session; else the create time counts
	fieldWriteID = "write"   // string, of the last Updates: see document.wrote
	fieldHashed  = "hashed"  // true where the ID is a hash, and so no key: see Store.find
)

// A document is a session as Firestore holds it.
type document struct {
	ref        *firestore.DocumentRef
	data       string         // as the Encoder made it, and not encrypted
	values     map[string]any // data, decoded; never changed
	maxAge     int            // seconds; 0 is a browser session
	expire     time.Time      // zero if there is no limit; that which follows from other fields, if it is not stored
	user       string
	started    time.Time
	fields     map[string]any // all that are stored, those of others among them
	writeID    string         // of the Update that is to write it
	writes     []string       // the IDs of the latest Updates
	updateTime time.Time      // the version: the precondition of the next save
}

// A malformedError says what is wrong with a document, in words that quote nothing of it.
type malformedError struct {
	reason     string
	updateTime time.Time // of the document, to find it by
}

func (e *malformedError) Error() string {
	return "echofirestore: malformed session document: " + e.reason
}

// errExpired says that a document's session is over, though the document is still there.
var errExpired = errors.New("echofirestore: session expired")

// parse reads a snapshot. Its errors are errExpired and *malformedError; of a malformed document it also returns what
// can be read.
func (s *Store) parse(snap *firestore.DocumentSnapshot) (*document, error) {
	fields := snap.Data()
	doc := &document{ref: snap.Ref, fields: fields, started: snap.CreateTime, updateTime: snap.UpdateTime}
	malformed := func(reason string) (*document, error) {
		return doc, &malformedError{reason: reason, updateTime: snap.UpdateTime}
	}
	if started, ok := fields[fieldStarted].(time.Time); ok {
		doc.started = started
	}
	doc.expire, _ = fields[fieldExpire].(time.Time)
	doc.expire = s.withinLifetime(doc.expire, doc.started)
	now := s.cfg.Now()
	if doc.expiredAt(now) {
		return nil, errExpired
	}

	var ok bool
	if doc.data, ok = fields[fieldData].(string); !ok {
		return malformed("data is not a string")
	}
	var err error
	if doc.data, err = s.decrypt(snap.Ref, doc.data); err != nil {
		return malformed("data does not decrypt")
	}
	payload, err := s.cfg.Decoder(doc.data)
	if err != nil {
		return malformed("data does not decode")
	}
	doc.values = payload.Values
	maxAge, limited := int64(s.cfg.MaxAge), s.cfg.MaxAge > 0
	if stored, ok := fields[fieldMaxAge]; ok {
		if maxAge, limited = stored.(int64); !limited && stored != nil {
			return malformed("max_age is neither an integer nor null")
		}
	}
	doc.maxAge = int(min(max(maxAge, 0), MaxMaxAge))
	// Documents of aiohttp-session-firestore 0.1.1 may have a max age and no expire: they die that long after created.
	if _, stored := fields[fieldExpire].(time.Time); limited && !stored {
		doc.expire = s.withinLifetime(time.Unix(payload.Created+int64(doc.maxAge), 0).UTC(), doc.started)
		if doc.expiredAt(now) {
			return nil, errExpired
		}
	}
	doc.user, _ = fields[fieldUser].(string)
	if writes, ok := fields[fieldWriteID].(string); ok {
		doc.writes = strings.Fields(writes)
	}
	return doc, nil
}

func (doc *document) expiredAt(now time.Time) bool {
	return !doc.expire.IsZero() && !now.Before(doc.expire)
}

// hashed reports whether the document's ID is the hash of a key.
func (doc *document) hashed() bool { return doc.fields[fieldHashed] == true }

// next returns the document that holds values from now on, for maxAge seconds. The document that it follows is nil for
// a new session.
func (s *Store) next(prev *document, values map[string]any, maxAge int) (*document, error) {
	if maxAge > MaxMaxAge {
		return nil, rejected(fmt.Errorf("echofirestore: Options.MaxAge is %d: it must be at most %d seconds", maxAge, MaxMaxAge))
	}
	now := s.cfg.Now()
	doc := &document{maxAge: maxAge, started: now}
	if prev != nil {
		doc.ref, doc.fields, doc.started = prev.ref, prev.fields, prev.started
	}
	doc.expire = s.expiry(now, doc)

	var err error
	if doc.data, err = s.cfg.Encoder(Payload{Created: now.Unix(), Values: values}); err != nil {
		return nil, rejected(err)
	}
	payload, err := s.cfg.Decoder(doc.data)
	if err != nil {
		return nil, rejected(fmt.Errorf("echofirestore: Config.Decoder refuses what Config.Encoder wrote: %w", err))
	}
	doc.values = payload.Values
	if doc.user, err = s.userIn(doc.values); err != nil {
		return nil, err
	}
	return doc, nil
}

// copyValues returns the values of a document for a handler to change.
func (s *Store) copyValues(doc *document) (map[string]any, error) {
	if copied, ok := merge.Clone(doc.values); ok {
		return copied.(map[string]any), nil
	}
	payload, err := s.cfg.Decoder(doc.data)
	if err != nil {
		return nil, rejected(err)
	}
	return payload.Values, nil
}

// wrote reports whether stored is the result of writing doc. For a request that sets values, it does not matter if another
// request wrote the same values, or if it sets them again after others have written. For an Update it does: two requests
// that each count from 4 must make 6. So an Update has an ID, which stays in the document as long as it may be looked up.
func (doc *document) wrote(stored *document) bool {
	if doc.writeID != "" {
		return slices.Contains(stored.writes, doc.writeID)
	}
	return doc.data == stored.data && doc.maxAge == stored.maxAge && doc.user == stored.user &&
		doc.expire.Equal(stored.expire)
}

// expiry returns when a session that is saved now ends: zero if never. Firestore keeps microseconds.
func (s *Store) expiry(now time.Time, doc *document) time.Time {
	var expire time.Time
	if doc.maxAge > 0 {
		expire = now.Add(time.Duration(doc.maxAge) * time.Second)
	}
	return s.withinLifetime(expire, doc.started).Truncate(time.Microsecond).UTC()
}

// withinLifetime returns expire, or if that is earlier, the end of the Lifetime of a session that began at started.
func (s *Store) withinLifetime(expire, started time.Time) time.Time {
	if s.cfg.Lifetime > 0 {
		if end := started.Add(s.cfg.Lifetime); expire.IsZero() || end.Before(expire) {
			return end
		}
	}
	return expire
}

// newFields returns the fields of a document to be created. The encryption depends on its ref.
func (s *Store) newFields(doc *document) (map[string]any, error) {
	data, err := s.encrypt(doc.ref, doc.data)
	if err != nil {
		return nil, err
	}
	fields := map[string]any{fieldData: data, fieldMaxAge: nil}
	if doc.maxAge > 0 {
		fields[fieldMaxAge] = doc.maxAge
	}
	if !doc.expire.IsZero() {
		fields[fieldExpire] = doc.expire
	}
	if doc.user != "" {
		fields[fieldUser] = doc.user
	}
	if s.cfg.HashKeys {
		fields[fieldHashed] = true
	}
	return fields, nil
}

// updatedFields returns the fields that prev has once those of a new document are stored in it: the fields of others
// stay.
func (s *Store) updatedFields(prev *document, fields map[string]any) map[string]any {
	updated := maps.Clone(prev.fields)
	if updated == nil {
		updated = make(map[string]any)
	}
	delete(updated, fieldExpire)
	delete(updated, fieldWriteID)
	if s.cfg.UserKey != "" {
		delete(updated, fieldUser)
	}
	maps.Copy(updated, fields)
	return updated
}

// updates returns what stores the fields of a new document in the place of prev, leaving those of others alone.
func (s *Store) updates(prev *document, fields map[string]any) []firestore.Update {
	names := []string{fieldData, fieldMaxAge, fieldExpire}
	if s.cfg.UserKey != "" {
		names = append(names, fieldUser)
	}
	_, had := prev.fields[fieldWriteID]
	if _, has := fields[fieldWriteID]; had || has {
		names = append(names, fieldWriteID)
	}
	updates := make([]firestore.Update, len(names))
	for i, name := range names {
		updates[i] = firestore.Update{Path: name, Value: firestore.Delete}
		if value, ok := fields[name]; ok {
			updates[i].Value = value
		}
	}
	return updates
}
