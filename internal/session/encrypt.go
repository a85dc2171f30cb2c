package session

import (
	"encoding/base64"
	"fmt"

	"cloud.google.com/go/firestore"
)

// AEAD is firesession.AEAD.
type AEAD interface {
	Encrypt(plaintext, associatedData []byte) ([]byte, error)
	Decrypt(ciphertext, associatedData []byte) ([]byte, error)
}

// encrypt returns what the data field of the document at ref is to hold for data.
func (s *Store) encrypt(ref *firestore.DocumentRef, data string) (string, error) {
	if s.cfg.AEAD == nil {
		return data, nil
	}
	ciphertext, err := s.cfg.AEAD.Encrypt([]byte(data), associatedData(ref))
	if err != nil {
		return "", rejected(fmt.Errorf("echofirestore: encrypt session: %w", err))
	}
	return base64.StdEncoding.EncodeToString(ciphertext), nil
}

// decrypt is the inverse of encrypt.
func (s *Store) decrypt(ref *firestore.DocumentRef, data string) (string, error) {
	if s.cfg.AEAD == nil {
		return data, nil
	}
	ciphertext, err := base64.StdEncoding.DecodeString(data)
	if err != nil {
		return "", err
	}
	plaintext, err := s.cfg.AEAD.Decrypt(ciphertext, associatedData(ref))
	return string(plaintext), err
}

// associatedData binds a ciphertext to its document: copied to another one, or to another collection, it does not
// decrypt. The project is no part of it, so that a backup can be restored elsewhere.
func associatedData(ref *firestore.DocumentRef) []byte {
	return []byte(ref.Parent.ID + "/" + ref.ID)
}
