package python

import (
	"testing"
	"time"

	"github.com/echofirestore/echofirestore"
)

// TestRaces has requests overtake one another: while one is under way, having read the session and not yet saved it,
// others come and go.
func TestRaces(t *testing.T) {
	t.Parallel()
	signIn := func(on side) step {
		return step{on: on, get: "/sign-in?user=alice", want: `200 {"user":"alice"}, cookie for 3600 s, 1 write`}
	}
	try(t, echofirestore.Config{MaxAge: 3600}, []behaviour{
		{"Go's change survives in Go what Python changed meanwhile", []step{
			signIn(inGo),
			{on: inGo, get: "/set?a=1", meanwhile: []step{
				{on: inPython, get: "/set?b=2", want: `200 {"b":"2","user":"alice"}, cookie for 3600 s, 1 read, 1 write`},
			}, want: `200 {"a":"1","user":"alice"}, cookie for 3600 s, 2 reads, 1 write`},
			{on: inPython, get: "/", want: `200 {"a":"1","b":"2","user":"alice"}, 1 read`},
		}},
		{"Python overwrites what Go changed meanwhile", []step{
			signIn(inGo),
			{on: inPython, get: "/set?a=1", meanwhile: []step{
				{on: inGo, get: "/set?b=2", want: `200 {"b":"2","user":"alice"}, cookie for 3600 s, 1 read, 1 write`},
			}, want: `200 {"a":"1","user":"alice"}, cookie for 3600 s, 1 read, 1 write`},
			{on: inGo, get: "/", want: `200 {"a":"1","user":"alice"}, 1 read`},
		}},
		{"Go's Update counts what Python counted meanwhile", []step{
			{on: inPython, get: "/count", want: `200 {"n":1}, cookie for 3600 s, 1 write`},
			{on: inGo, get: "/count", meanwhile: []step{
				{on: inPython, get: "/count", want: `200 {"n":2}, cookie for 3600 s, 1 read, 1 write`},
			}, want: `200 {"n":3}, cookie for 3600 s, 2 reads, 1 write`},
			{on: inPython, get: "/", want: `200 {"n":3}, 1 read`},
		}},
		{"Python miscounts when Go counted meanwhile", []step{
			{on: inPython, get: "/count", want: `200 {"n":1}, cookie for 3600 s, 1 write`},
			{on: inPython, get: "/count", meanwhile: []step{
				{on: inGo, get: "/count", want: `200 {"n":2}, cookie for 3600 s, 1 read, 1 write`},
			}, want: `200 {"n":2}, cookie for 3600 s, 1 read, 1 write`},
			{on: inGo, get: "/", want: `200 {"n":2}, 1 read`},
		}},
		{"Go's slow save does not bring back what Python signed out", []step{
			signIn(inGo),
			{on: inGo, get: "/set?a=1", meanwhile: []step{
				{on: inPython, get: "/sign-out", want: `200 {}, cookie deleted, 1 read, 1 delete`},
			}, want: `200 {"a":"1","user":"alice"}, 2 reads`},
			{on: inFirestore, want: `nothing`},
			{on: inPython, get: "/", want: `200 {}`},
		}},
		{"Python's slow save does not bring back what Go signed out; 0.1.1 does", []step{
			signIn(inGo),
			{on: inPython, get: "/set?a=1", meanwhile: []step{
				{on: inGo, get: "/sign-out", want: `200 {}, cookie deleted, 1 delete`},
			}, want: `200 {"a":"1","user":"alice"}, cookie deleted, 1 read`, legacy: `200 {"a":"1","user":"alice"}, cookie for 3600 s, 1 read, 1 write`},
			{on: inFirestore, want: `nothing`, legacy: `{"a":"1","user":"alice"} expire=3600s`},
			{on: inGo, get: "/", want: `200 {}`, legacy: `200 {"a":"1","user":"alice"}, 1 read`},
		}},
		{"Go's slow save leaves the cookie of a sign-in meanwhile alone", []step{
			signIn(inPython),
			{on: inGo, get: "/set?a=1", meanwhile: []step{
				{on: inPython, get: "/sign-out", want: `200 {}, cookie deleted, 1 read, 1 delete`},
				{on: inPython, get: "/sign-in?user=bob", want: `200 {"user":"bob"}, cookie for 3600 s, 1 write`},
			}, want: `200 {"a":"1","user":"alice"}, 2 reads`},
			{on: inGo, get: "/", want: `200 {"user":"bob"}, 1 read`},
		}},
		{"Python's slow save deletes the cookie of a sign-in meanwhile", []step{
			signIn(inGo),
			{on: inPython, get: "/set?a=1", meanwhile: []step{
				{on: inGo, get: "/sign-in?user=bob", want: `200 {"user":"bob"}, cookie for 3600 s, 1 read, 1 write, 1 delete`},
			}, want: `200 {"a":"1","user":"alice"}, cookie deleted, 1 read`, legacy: `200 {"a":"1","user":"alice"}, cookie for 3600 s, 1 read, 1 write`},
			{on: inFirestore, want: `{"user":"bob"} expire=3600s max_age=3600 started`, legacy: `{"a":"1","user":"alice"} expire=3600s and {"user":"bob"} expire=3600s max_age=3600 started`},
			{on: inGo, get: "/", want: `200 {}`, legacy: `200 {"a":"1","user":"alice"}, 1 read`},
		}},
		{"signing out ends what the other changed meanwhile", []step{
			signIn(here),
			{on: here, get: "/sign-out", meanwhile: []step{
				{on: there, get: "/set?a=1", want: `200 {"a":"1","user":"alice"}, cookie for 3600 s, 1 read, 1 write`},
			}, want: `200 {}, cookie deleted, 1 delete`, python: `200 {}, cookie deleted, 1 read, 1 delete`},
			{on: inFirestore, want: `nothing`},
			{on: there, get: "/", want: `200 {}`},
		}},
		{"what was expired when it was read, and is not any more, stays; 0.1.1 deletes it", []step{
			signIn(inGo),
			{on: inFirestore, later: 2 * time.Hour},
			{on: inPython, get: "/", meanwhile: []step{
				{on: inFirestore, later: -2 * time.Hour},
			}, want: `200 {}, 1 read`, legacy: `200 {}, 1 read, 1 delete`},
			{on: inGo, get: "/", want: `200 {"user":"alice"}, 1 read`, legacy: `200 {}, 1 read`},
		}},
		{"what was expired when Go read it, and is not any more, is found", []step{
			signIn(inPython),
			{on: inFirestore, later: 2 * time.Hour},
			{on: inGo, get: "/", meanwhile: []step{
				{on: inFirestore, later: -2 * time.Hour},
			}, want: `200 {"user":"alice"}, 2 reads`},
			{on: inPython, get: "/", want: `200 {"user":"alice"}, 1 read`},
		}},
		{"both sign out at once", []step{
			signIn(here),
			{on: here, get: "/sign-out", meanwhile: []step{
				{on: there, get: "/sign-out", want: `200 {}, cookie deleted, 1 delete`, python: `200 {}, cookie deleted, 1 read, 1 delete`},
			}, want: `200 {}, cookie deleted, 1 delete`, python: `200 {}, cookie deleted, 1 read, 1 delete`},
			{on: inFirestore, want: `nothing`},
		}},
	})
}
