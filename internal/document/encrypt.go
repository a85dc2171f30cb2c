package document

import (
	"encoding/base64"
	"fmt"
)

// AEAD is firesession.AEAD.
type AEAD interface {
	Encrypt(plaintext, associatedData []byte) ([]byte, error)
	Decrypt(ciphertext, associatedData []byte) ([]byte, error)
}

// encrypt returns what the data field of the document with an ID is to hold for data.
func (l *Layout) encrypt(id, data string) (string, error) {
	if l.AEAD == nil {
		return data, nil
	}
	ciphertext, err := l.AEAD.Encrypt([]byte(data), l.associatedData(id))
	if err != nil {
		return "", fmt.Errorf("echofirestore: encrypt session: %w", err)
	}
	return base64.StdEncoding.EncodeToString(ciphertext), nil
}

// decrypt is the inverse of encrypt.
func (l *Layout) decrypt(id, data string) (string, error) {
	if l.AEAD == nil {
		return data, nil
	}
	ciphertext, err := base64.StdEncoding.DecodeString(data)
	if err != nil {
		return "", err
	}
	plaintext, err := l.AEAD.Decrypt(ciphertext, l.associatedData(id))
	return string(plaintext), err
}

// associatedData binds a ciphertext to its document: copied to another one, or to another collection, it does not
// decrypt. The project is no part of it, so that a backup can be restored elsewhere.
func (l *Layout) associatedData(id string) []byte { return []byte(l.Collection + "/" + id) }
