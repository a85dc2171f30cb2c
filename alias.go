package echofirestore

import (
	"errors"

	"github.com/echofirestore/echofirestore/firesession"
)

// Payload is the content of the data field of a session's document, before it is encoded: see [firesession.Payload].
type Payload = firesession.Payload

// SessionInfo describes a session to its user: see [firesession.SessionInfo].
type SessionInfo = firesession.SessionInfo

// AEAD is authenticated encryption with associated data: see [firesession.AEAD].
type AEAD = firesession.AEAD

// EncodeJSON is the default Config.Encoder: {"created":1700000000,"session":{…}}, read by aiohttp-session-firestore.
//
// Values may be strings, booleans, nil, numbers, slices, maps with string keys and everything else that encoding/json
// marshals, at any depth. A float64 stays a float64 even if it has no fraction (3.0). A time.Time becomes an integer,
// milliseconds since 1970; a *firestore.DocumentRef its path, a *latlng.LatLng {"latitude":…,"longitude":…}, and a []byte
// base64. A struct, and any type with a MarshalJSON of its own, is written as encoding/json writes it, so a time.Time
// inside a struct is text. NaN, infinities, invalid UTF-8, channels, functions, maps with other keys and nesting of more
// than 500 levels are errors that name the key. For strings that hold bytes, such as the compressed ones of goth, use
// [EncodeGob].
func EncodeJSON(p Payload) (string, error) { return firesession.EncodeJSON(p) }

// DecodeJSON is the default Config.Decoder, the inverse of [EncodeJSON].
//
// An integer comes back as int (as int64 where int has 32 bits and it needs more, as [encoding/json.Number] beyond 64
// bits), a number with a fraction or an exponent as float64 (beyond its range as json.Number), an object as map[string]any
// and an array as []any. It is an error if text is not one JSON object, created is not an integer, or session is not an
// object.
func DecodeJSON(text string) (Payload, error) { return firesession.DecodeJSON(text) }

// EncodeGob is a Config.Encoder for sessions that only Go programs read: values keep their Go types. Types other than Go's
// own, time.Time, []any and map[string]any must be registered with [encoding/gob.Register]. A value of an unregistered type
// is an error that names the key, and so is a nil pointer or a map that contains itself. Use it together with [DecodeGob].
func EncodeGob(p Payload) (string, error) { return firesession.EncodeGob(p) }

// DecodeGob is the Config.Decoder for [EncodeGob].
func DecodeGob(text string) (Payload, error) { return firesession.DecodeGob(text) }

// Value returns the session value stored under key as a T, and whether there is one.
//
// A value that was stored in an earlier request has been through the codec. [EncodeJSON] keeps the data but not the Go
// type: a struct comes back as map[string]any, a time.Time as an int of milliseconds, a []string as []any, an int64 as int.
// Value turns each of these back into a T, if that loses nothing. It reports false if the key has no value, or a value that
// cannot become a T. A struct is read as encoding/json reads it, and unknown keys are ignored.
//
// Value also reads the values of a [SessionInfo]: Value[string](info.Values, "device").
func Value[T any, S Values](from S, key string) (value T, ok bool) {
	return firesession.Value[T](from, key)
}

// Values is what [Value] reads from: a session, or the values of a [SessionInfo].
type Values = firesession.Values

// A ListOption is an option of Store.Sessions: see [firesession.ListOption].
type ListOption = firesession.ListOption

// AtMost makes Store.Sessions read at most n documents: see [firesession.AtMost].
func AtMost(n int) ListOption { return firesession.AtMost(n) }

var (
	// ErrGone means that the session has ended: another request has destroyed, revoked or renewed
	// it, or it has expired. Nothing was stored, because that would undo a logout.
	ErrGone = firesession.ErrGone

	// ErrConflict means that other requests kept changing the session while it was being saved, or
	// that Firestore aborted every attempt because of contention. In the second case, status.Code
	// of the error is codes.Aborted.
	ErrConflict = firesession.ErrConflict

	// ErrTooLarge means that the session does not fit into a Firestore document. No call was made.
	ErrTooLarge = firesession.ErrTooLarge

	// ErrCommitted means that a new session was saved after the response had begun, when its cookie
	// could no longer be sent. Nothing was stored.
	ErrCommitted = firesession.ErrCommitted

	// ErrNoMiddleware means that a handler asked for its session in a request that did not pass the
	// middleware.
	ErrNoMiddleware = errors.New("echofirestore: no session in this request: is the middleware installed with e.Use, and not skipped?")
)
