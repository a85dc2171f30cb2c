// Package document describes the documents that hold sessions: their fields, how long they are valid, how they are encrypted, and
// how large they may be. It calls neither Firestore nor a clock.
package document
