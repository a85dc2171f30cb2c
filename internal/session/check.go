package session

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/echofirestore/echofirestore/internal/credential"
	"github.com/echofirestore/echofirestore/internal/document"
	"github.com/echofirestore/echofirestore/internal/telemetry"
)

// Check is firesession.Store.Check.
func (s *Store) Check(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	ctx, op := s.begin(ctx, telemetry.Check)
	defer func() { endCheck(op, err) }()
	_, err = s.firestore.read(ctx, "check", credential.NoSessionID)
	return err
}

// RoundTrip writes a document that is no session, reads it back, and deletes it. That costs a write, a read and a delete.
// If the process dies meanwhile, the document stays for an hour, as an expired session does.
func (s *Store) RoundTrip(ctx context.Context) (err error) {
	ctx, op := s.begin(ctx, telemetry.Check)
	defer func() { endCheck(op, err) }()
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	doc := &document.Document{
		ID:     credential.NoSessionID + "-" + rand.Text(),
		Fields: map[string]any{document.FieldExpire: s.cfg.Now().Add(time.Hour)},
	}
	if err := s.firestore.create(ctx, "check by a write", doc); err != nil {
		return err
	}
	found, err := s.firestore.read(ctx, "check", doc.ID)
	if err == nil && found == nil {
		err = fmt.Errorf("echofirestore: check: %s does not have a document that was just written", s.firestore.database)
	}
	ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), s.cfg.Timeout)
	defer cancel()
	if deleted := s.firestore.delete(ctx, "check by a delete", doc.ID); err == nil {
		err = deleted
	}
	return err
}
