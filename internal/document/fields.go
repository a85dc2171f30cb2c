package document

import (
	"maps"
	"slices"
	"strings"

	"cloud.google.com/go/firestore"
)

// The fields of a session's document. Those that are not here belong to others, and saving leaves them alone.
const (
	FieldData    = "data"    // string: the encoded Payload
	fieldMaxAge  = "max_age" // integer seconds, or null for a browser session
	FieldExpire  = "expire"  // timestamp, where there is a limit
	FieldUser    = "user"    // string, with Config.UserKey
	fieldStarted = "started" // timestamp, with Config.Lifetime or on a renewed session; else the create time counts
	fieldWrite   = "write"   // string, the IDs of the last Updates: see Document.Wrote
	fieldHashed  = "hashed"  // true where the ID is a hash, and so not a key
)

// Create completes a new document, which is to have an ID. It fails if the document would be too large.
func (l *Layout) Create(doc *Document, id string) error {
	doc.ID = id
	fields, err := l.ownFields(doc)
	if err != nil {
		return err
	}
	if l.Lifetime > 0 {
		fields[fieldStarted] = doc.Started // the create time is by another clock, and lost with a restored backup
	}
	doc.Fields = fields
	return l.checkSize(doc)
}

// Replace completes the document that follows prev under an ID. It returns what stores it in the place of prev if both have
// the same ID; otherwise, its Fields are for a new document. Fields of others stay.
//
// Of the IDs of Updates that prev has, the document keeps those in keep; it adds writeID unless that is empty. If it is too
// large with them, it drops those of earlier Updates: if the answer of such an Update is lost, it cannot find out its
// outcome. Replace fails if the document would still be too large.
func (l *Layout) Replace(prev, doc *Document, id string, keep []string, writeID string) ([]firestore.Update, error) {
	doc.ID, doc.WriteID = id, writeID
	own, err := l.ownFields(doc)
	if err != nil {
		return nil, err
	}
	for _, ids := range [][]string{keep, nil} {
		doc.Writes = ids
		if writeID != "" {
			doc.Writes = appendWrite(ids, writeID)
		}
		if delete(own, fieldWrite); len(doc.Writes) > 0 {
			own[fieldWrite] = strings.Join(doc.Writes, " ")
		}
		doc.Fields = l.merged(prev.Fields, own)
		if id != prev.ID {
			doc.Fields[fieldStarted] = doc.Started
		}
		if err = l.checkSize(doc); err == nil {
			return l.updates(prev, own), nil
		}
	}
	return nil, err
}

// Extension returns what stores the expiry of a document that Extend has returned.
func (doc *Document) Extension() []firestore.Update {
	return []firestore.Update{{Path: FieldExpire, Value: doc.Fields[FieldExpire]}}
}

// ownFields returns the library's fields of a document. Their encryption depends on its ID.
func (l *Layout) ownFields(doc *Document) (map[string]any, error) {
	data, err := l.encrypt(doc.ID, doc.Data)
	if err != nil {
		return nil, err
	}
	fields := map[string]any{FieldData: data, fieldMaxAge: nil}
	if doc.MaxAge > 0 {
		fields[fieldMaxAge] = int64(doc.MaxAge)
	}
	if !doc.Expire.IsZero() {
		fields[FieldExpire] = l.storedExpire(doc)
	}
	if doc.User != "" {
		fields[FieldUser] = doc.User
	}
	if l.HashKeys {
		fields[fieldHashed] = true
	}
	return fields, nil
}

// merged returns the fields of a document once the library's own are stored in it.
func (l *Layout) merged(fields, own map[string]any) map[string]any {
	merged := maps.Clone(fields)
	if merged == nil {
		merged = make(map[string]any)
	}
	for _, name := range l.optional() {
		delete(merged, name)
	}
	maps.Copy(merged, own)
	return merged
}

// updates returns what stores the library's own fields in the place of prev.
func (l *Layout) updates(prev *Document, own map[string]any) []firestore.Update {
	var updates []firestore.Update
	for _, name := range append([]string{FieldData, fieldMaxAge}, l.optional()...) {
		value, has := own[name]
		if _, had := prev.Fields[name]; !has && (!had && name == fieldWrite) {
			continue
		}
		if !has {
			value = firestore.Delete
		}
		updates = append(updates, firestore.Update{Path: name, Value: value})
	}
	return updates
}

// optional returns the names of those fields that a document loses if it is saved without them.
func (l *Layout) optional() []string {
	if l.UserKey == "" {
		return []string{FieldExpire, fieldWrite} // another program's user stays
	}
	return []string{FieldExpire, fieldWrite, FieldUser}
}

// maxWriteBytes bounds the field write.
const maxWriteBytes = 2 << 10

// appendWrite returns the IDs with another one. If there are too many, it drops the oldest.
func appendWrite(ids []string, id string) []string {
	ids = append(slices.Clip(ids), id)
	for len(strings.Join(ids, " ")) > maxWriteBytes {
		ids = ids[1:]
	}
	return ids
}
